//! The check of one opaque token: what its issuer says of it, held against the configuration.

use super::{Further, OpaqueFault, OpaqueTokens, UserToken, Verdict, Vouched};
use crate::engine::identity::audience::path_below;
use crate::engine::identity::jwt::is_user_id;
use crate::engine::identity::ties::Ties;
use crate::engine::identity::{AuthFailure, KEY_PREFIX, Principal, ProofCache, Provider, Proving};
use crate::engine::oauth::SecretKind;

impl OpaqueTokens {
    /// Proves who `token` was issued to, from the cache where it was proven before, else by the verdict of its issuer. A good proof
    /// is kept until the issuer is to be asked again; a bad one is not, whoever asks the issuer keeps it.
    ///
    /// Errors: [`AuthFailure::Opaque`] in each of its variants, `Unasked` where there is no verdict yet;
    /// [`AuthFailure::NotAnApiKey`] where it looks like a key of the gateway's, and must not be shown to anybody.
    pub(in crate::engine::identity) fn check(
        &self,
        token: &[u8],
        further: Further,
        proving: &Proving<'_>,
    ) -> Result<Principal, AuthFailure> {
        if is_like_ours(token) {
            return Err(AuthFailure::NotAnApiKey);
        }
        let digest = ProofCache::digest(Provider::OAuth, token);
        let known = proving.cache;
        if let Some(principal) = known.and_then(|cache| cache.find(&digest, proving.now_secs)) {
            return meant(principal, proving);
        }
        let principal = self.judge(further, proving).map_err(AuthFailure::Opaque)?;
        if let Some(cache) = known {
            cache.keep(digest, &principal, None);
        }
        meant(principal, proving)
    }

    /// The principal that a token of `user` with `scopes` would prove: nothing was proven. `None` where `user` can be no user.
    pub(in crate::engine::identity) fn explain_as(
        &self,
        user: &str,
        scopes: &[&str],
        further: Further,
    ) -> Option<Principal> {
        is_user_id(user).then(|| {
            self.users.principal(UserToken {
                realm: &self.realm,
                user,
                map: &self.scopes,
                held: self.scopes.held(scopes.iter().copied()),
                further,
                ties: Ties::default(),
            })
        })
    }

    /// Whom the verdict on a token proves.
    fn judge(&self, further: Further, proving: &Proving<'_>) -> Result<Principal, OpaqueFault> {
        match proving.verdict {
            // Somebody else is asked: no address that fails all the time may make the gateway do that.
            None if proving.suspicion.is_some_and(|known| known.is_suspect()) => {
                Err(OpaqueFault::Untried)
            }
            None => Err(OpaqueFault::Unasked),
            Some(Verdict::Unavailable) => Err(OpaqueFault::Unavailable),
            Some(Verdict::Inactive) => Err(OpaqueFault::Inactive),
            Some(Verdict::Active(vouched)) => self.prove(vouched, further, proving.now_secs),
        }
    }

    fn prove(
        &self,
        vouched: &Vouched,
        further: Further,
        now_secs: u64,
    ) -> Result<Principal, OpaqueFault> {
        let ends = vouched.expires_at_secs;
        if ends.is_some_and(|end| now_secs >= end) {
            return Err(OpaqueFault::Expired);
        }
        let resources = self.resources(vouched)?;
        if !is_user_id(&vouched.user) {
            return Err(OpaqueFault::NoUser);
        }
        Ok(self.users.principal(UserToken {
            realm: &self.realm,
            user: &vouched.user,
            map: &self.scopes,
            held: self
                .scopes
                .held(vouched.scopes.iter().map(|scope| &**scope)),
            further,
            ties: Ties {
                expires_at_secs: ends,
                ask_again_at_secs: Some(vouched.ask_again_at_secs),
                resources,
                ..Ties::default()
            },
        }))
    }

    /// Which of the gateway's resources a token is for; `None`: each. Errors: it is for none of them, and was issued to another
    /// client than the gateway's own.
    fn resources(&self, vouched: &Vouched) -> Result<Option<Box<[Box<str>]>>, OpaqueFault> {
        let is_own_client = vouched.client_id.as_deref() == Some(&*self.client_id);
        let mut audiences = vouched.audiences.iter();
        if is_own_client || audiences.any(|audience| self.is_all(audience)) {
            return Ok(None);
        }
        let audiences = vouched.audiences.iter();
        let paths: Box<[Box<str>]> = audiences
            .filter_map(|audience| self.path(audience))
            .map(Into::into)
            .collect();
        match paths.is_empty() {
            true => Err(OpaqueFault::OtherAudience),
            false => Ok(Some(paths)),
        }
    }

    /// Whether `audience` means the whole gateway.
    fn is_all(&self, audience: &str) -> bool {
        *audience == *self.client_id
            || self.audiences.iter().any(|own| **own == *audience)
            || self.path(audience) == Some("")
    }

    fn path<'u>(&self, audience: &'u str) -> Option<&'u str> {
        path_below(self.base.as_ref()?, audience)
    }
}

/// Whether `token` is, but for the case of its first letters, a key or a secret of the gateway's: somebody's mistake, not
/// somebody else's token.
fn is_like_ours(token: &[u8]) -> bool {
    [KEY_PREFIX, SecretKind::FAMILY].iter().any(|prefix| {
        let first = token.get(..prefix.len());
        first.is_some_and(|first| first.eq_ignore_ascii_case(prefix.as_bytes()))
    })
}

/// `principal`, where what is asked for is what its token is for.
fn meant(principal: Principal, proving: &Proving<'_>) -> Result<Principal, AuthFailure> {
    if principal.is_for(proving.resource) {
        Ok(principal)
    } else {
        Err(AuthFailure::Opaque(OpaqueFault::OtherAudience))
    }
}
