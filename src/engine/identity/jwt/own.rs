//! Tokens that the gateway signs itself: what their claims mean beside those of any issuer.

use std::sync::Arc;

use super::claims::date;
use super::object::{each_text, text_at, values};
use super::{KeyRing, TokenFault};
use crate::engine::identity::TokenOfGrant;
use crate::engine::identity::audience::path_below;
use crate::engine::identity::opaque::UserRules;
use crate::engine::identity::ties::Ties;
use crate::engine::oauth::GrantId;
use crate::engine::route::PublicBase;
use crate::engine::span::Span;

/// Tokens that the gateway signs itself (`control::oauth`), for users who logged in with a provider.
///
/// Their identities are those of the provider, not of the gateway, and each is for one resource of the gateway, or for all. What
/// the issuer has of `audiences`, `grants` and `quota` means nothing to them: `base` and `users` do.
#[derive(Clone, Debug)]
pub struct OwnTokens {
    /// Who vouched for the user.
    pub realm: Box<str>,
    /// What the resources of the gateway begin with; alone, it is the audience of a token for all of them.
    pub base: PublicBase,
    /// What each user may do.
    pub users: Arc<UserRules>,
    /// Whether clients can ask for them (`[auth.oauth.server] enabled`), so that they are sent there; else people alone get them,
    /// with a browser.
    pub is_offered: bool,
}

impl OwnTokens {
    /// What the claims `json` tie a token to. Errors: `WrongAudience` where `aud` is not one URL of the gateway's;
    /// `BadClaim` where `gid` or `iat` are missing or malformed; `Revoked`.
    pub(super) fn ties(&self, json: &str, ring: &KeyRing) -> Result<Ties, TokenFault> {
        let [aud, gid, iat] = values(json, ["aud", "gid", "iat"])?;
        let aud = aud.ok_or(TokenFault::WrongAudience)?;
        let resources = self.resources(json, aud)?;
        let gid = gid.and_then(|value| text_at(json, value));
        let token = TokenOfGrant {
            grant: gid
                .and_then(|text| grant_id(&text))
                .ok_or(TokenFault::BadClaim)?,
            issued_at_secs: date(json, iat)?.ok_or(TokenFault::BadClaim)?.floor_secs,
        };
        if ring.refuses(token) {
            return Err(TokenFault::Revoked);
        }
        Ok(Ties {
            resources,
            grant: Some(token),
            ..Ties::default()
        })
    }

    /// The one resource that the token is for; `None`: each of the gateway's.
    fn resources(&self, json: &str, aud: Span) -> Result<Option<Box<[Box<str>]>>, TokenFault> {
        let mut paths = Vec::new();
        each_text(json, aud, |url| {
            paths.push(path_below(&self.base, url).map(Box::<str>::from));
        })?;
        match <[_; 1]>::try_from(paths) {
            Ok([Some(path)]) if path.is_empty() => Ok(None),
            Ok([Some(path)]) => Ok(Some([path].into())),
            _ => Err(TokenFault::WrongAudience),
        }
    }
}

/// The grant that `text` names: 32 lower-case hexadecimal digits, as [`GrantId`] is written.
fn grant_id(text: &str) -> Option<GrantId> {
    let number = u128::from_str_radix(text, 16).ok()?;
    let grant = GrantId(number.to_be_bytes());
    (grant.to_string() == text).then_some(grant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_has_one_spelling() {
        let good = "00ff00000000000000000000000000a1";
        assert_eq!(
            grant_id(good).map(|id| id.to_string()).as_deref(),
            Some(good)
        );
        for bad in [
            "",
            "a1",
            "00FF00000000000000000000000000A1",
            "+0ff00000000000000000000000000a1",
            "00ff00000000000000000000000000a1 ",
            "000ff00000000000000000000000000a1",
            "1100ff00000000000000000000000000a1",
        ] {
            assert_eq!(grant_id(bad), None, "{bad}");
        }
    }
}
