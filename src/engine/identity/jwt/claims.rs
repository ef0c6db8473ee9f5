//! The claims of a token (RFC 7519 §4), held against the issuer's configuration.

use std::borrow::Cow;

use super::date::NumericDate;
use super::object::{each_text, is_text, text_at, values};
use super::{JwtIssuer, KeyRing, TokenFault};
use crate::engine::identity::ties::Ties;
use crate::engine::limits::IDENTITY_ID_BYTES_MAX;
use crate::engine::span::Span;

/// What a token claims, each claim of its right type and all of them as the issuer's configuration asks.
#[derive(Debug)]
pub(super) struct Claims<'t> {
    pub(super) user: Cow<'t, str>,
    /// First second at which it holds, leeway included.
    pub(super) not_before_secs: Option<u64>,
    /// Which of the issuer's scopes it has, by place in the map.
    pub(super) held: Box<[bool]>,
    /// What else it hangs on, the end of its time included.
    pub(super) ties: Ties,
}

/// The value of `iss`, before anything is verified: it says whose keys to verify with.
pub(super) fn peek_issuer(json: &str) -> Result<Cow<'_, str>, TokenFault> {
    let [iss] = values(json, ["iss"])?;
    let iss = iss.ok_or(TokenFault::UnknownIssuer)?;
    text_at(json, iss).ok_or(TokenFault::BadClaim)
}

impl<'t> Claims<'t> {
    /// Reads the claims `json` of a token of `issuer` at `now_secs`. Errors: every variant that is about a claim, the first
    /// in the order expiry, beginning, issuer, audience (and grant), user, scopes.
    pub(super) fn read(
        json: &'t str,
        issuer: &JwtIssuer,
        ring: &KeyRing,
        now_secs: u64,
    ) -> Result<Self, TokenFault> {
        let names = [
            "exp",
            "nbf",
            "iat",
            "iss",
            "aud",
            &issuer.user_id_claim,
            &issuer.scopes_claim,
        ];
        let [exp, nbf, iat, iss, aud, user, scopes] = values(json, names)?;
        let expires_at_secs = expiry(json, exp, issuer.leeway_secs)?;
        if now_secs >= expires_at_secs {
            return Err(TokenFault::Expired);
        }
        date(json, iat)?;
        let not_before_secs =
            date(json, nbf)?.map(|nbf| nbf.ceil_secs.saturating_sub(issuer.leeway_secs));
        if not_before_secs.is_some_and(|begin| now_secs < begin) {
            return Err(TokenFault::NotYetValid);
        }
        check_issuer(json, iss, issuer)?;
        let ties = match &issuer.own {
            Some(own) => own.ties(json, ring)?,
            None => check_audience(json, aud, issuer).map(|()| Ties::default())?,
        };
        Ok(Self {
            user: user_id(json, user)?,
            not_before_secs,
            held: held(json, scopes, issuer)?,
            ties: Ties {
                expires_at_secs: Some(expires_at_secs),
                ..ties
            },
        })
    }
}

fn expiry(json: &str, exp: Option<Span>, leeway_secs: u64) -> Result<u64, TokenFault> {
    let exp = exp.and_then(|value| NumericDate::parse(&json[value.range()]));
    let exp = exp.ok_or(TokenFault::NoExpiry)?;
    Ok(exp.floor_secs.saturating_add(leeway_secs))
}

pub(super) fn date(json: &str, value: Option<Span>) -> Result<Option<NumericDate>, TokenFault> {
    let parse = |value: Span| NumericDate::parse(&json[value.range()]).ok_or(TokenFault::BadClaim);
    value.map(parse).transpose()
}

/// The key was chosen by this very claim; it is compared again so that no later reading of it can differ.
fn check_issuer(json: &str, iss: Option<Span>, issuer: &JwtIssuer) -> Result<(), TokenFault> {
    let iss = iss.and_then(|value| text_at(json, value));
    if iss.as_deref() == Some(&*issuer.issuer) {
        Ok(())
    } else {
        Err(TokenFault::UnknownIssuer)
    }
}

fn check_audience(json: &str, aud: Option<Span>, issuer: &JwtIssuer) -> Result<(), TokenFault> {
    let aud = aud.ok_or(TokenFault::WrongAudience)?;
    let mut is_meant = false;
    each_text(json, aud, |audience| {
        is_meant |= issuer.audiences.iter().any(|own| **own == *audience);
    })?;
    if is_meant {
        Ok(())
    } else {
        Err(TokenFault::WrongAudience)
    }
}

fn user_id(json: &str, user: Option<Span>) -> Result<Cow<'_, str>, TokenFault> {
    let user = user.and_then(|value| text_at(json, value));
    user.filter(|user| is_user_id(user))
        .ok_or(TokenFault::NoUser)
}

/// Whether `user` can be an identity: no control characters, and nothing that ends a line or turns the direction of what follows
/// in a record.
pub(in crate::engine::identity) fn is_user_id(user: &str) -> bool {
    let misleads = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    !user.is_empty() && user.len() <= IDENTITY_ID_BYTES_MAX && !user.chars().any(misleads)
}

/// A text is a list with spaces between (RFC 8693 §4.2); the elements of an array are scopes as they are.
fn held(json: &str, scopes: Option<Span>, issuer: &JwtIssuer) -> Result<Box<[bool]>, TokenFault> {
    let mut held = issuer.scopes.none_held();
    let Some(scopes) = scopes else {
        return Ok(held);
    };
    let is_list = is_text(json, scopes);
    each_text(json, scopes, |text| {
        if is_list {
            let each = text.split(' ');
            each.for_each(|scope| issuer.scopes.hold(scope, &mut held));
        } else {
            issuer.scopes.hold(text, &mut held);
        }
    })?;
    Ok(held)
}
