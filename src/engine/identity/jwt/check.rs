//! The check of one token, from its bytes to a principal.

use std::sync::Arc;

use super::claims::{Claims, is_user_id, peek_issuer};
use super::compact::{Compact, is_jose};
use super::header::Header;
use super::issuer::{JwtIssuer, JwtIssuers, KeySource};
use super::key_set::NoGoodKey;
use super::{KeyMark, KeyRing, KeyState, OwnTokens, TokenFault};
use crate::engine::identity::opaque::{Further, UserToken};
use crate::engine::identity::principal::Proven;
use crate::engine::identity::ties::Ties;
use crate::engine::identity::{AuthFailure, Granted, Principal, ProofCache, Provider, Proving};

impl JwtIssuers {
    /// Whether `token` has the shape of a signed token: three parts with dots between; or of an encrypted one, five. API keys and
    /// opaque tokens may not be tried as one, nor the other way round.
    #[must_use]
    pub fn looks_like(token: &[u8]) -> bool {
        is_jose(token)
    }

    /// Proves who `token` was issued to, from the cache where it was proven before. Good ones are kept there; bad ones never
    /// come near it. One of the gateway's own is good for its resource alone, however it was proven.
    ///
    /// Errors: each variant of [`TokenFault`]. Cost: one SHA-256 and a look-up where it was proven before, allocating
    /// nothing; else two readings of at most 8 KiB and one signature, four where it names no key.
    pub fn check(&self, token: &[u8], proving: &Proving<'_>) -> Result<Principal, AuthFailure> {
        let Some(cache) = proving.cache else {
            return meant(self.prove(token, proving)?.0, proving);
        };
        let digest = ProofCache::digest(Provider::Jwt, token);
        if let Some(principal) = cache.find(&digest, proving.now_secs) {
            return meant(principal, proving);
        }
        let (principal, not_before_secs) = self.prove(token, proving)?;
        cache.keep(digest, &principal, not_before_secs);
        meant(principal, proving)
    }

    /// The principal that a token of `issuer` for `user` with `scopes` would prove, for `explain` alone: nothing was proven.
    /// `None` where there is no such issuer or the name cannot be one of a user.
    #[must_use]
    pub fn explain_as(&self, issuer: &str, user: &str, scopes: &[&str]) -> Option<Principal> {
        let issuer = self.issuer_of(issuer).filter(|_| is_user_id(user))?;
        let held = issuer.scopes.held(scopes.iter().copied());
        Some(issuer.principal(user, held, Ties::default()))
    }

    /// The principal and the first second at which the token holds. Not so much as read where its address is not worth it.
    fn prove(
        &self,
        token: &[u8],
        proving: &Proving<'_>,
    ) -> Result<(Principal, Option<u64>), AuthFailure> {
        if proving.suspicion.is_some_and(|known| !known.may_try()) {
            return Err(AuthFailure::Token(TokenFault::Untried));
        }
        let token = Compact::parse(token).map_err(AuthFailure::Token)?;
        let (header, issuer) = self.read(&token).map_err(AuthFailure::Token)?;
        issuer
            .prove(&token, &header, proving)
            .map_err(|fault| issuer.failure(fault))
    }

    /// Whose `token` says it is, before anything of it is verified.
    fn read(&self, token: &Compact<'_>) -> Result<(Header, &JwtIssuer), TokenFault> {
        let header = Header::read(&token.header)?;
        let issuer = self.issuer_of(&peek_issuer(&token.payload)?);
        Ok((header, issuer.ok_or(TokenFault::UnknownIssuer)?))
    }
}

/// `principal`, where what is asked for is what its token is for. Tokens of others than the gateway are for all of it.
fn meant(principal: Principal, proving: &Proving<'_>) -> Result<Principal, AuthFailure> {
    if principal.is_for(proving.resource) {
        Ok(principal)
    } else {
        Err(AuthFailure::OwnToken(TokenFault::WrongAudience))
    }
}

impl JwtIssuer {
    /// The principal that `token` proves, and the first second at which it does.
    fn prove(
        &self,
        token: &Compact<'_>,
        header: &Header,
        proving: &Proving<'_>,
    ) -> Result<(Principal, Option<u64>), TokenFault> {
        self.check_header(header)?;
        let key = self.verify(token, header, proving.keys)?;
        let claims = Claims::read(&token.payload, self, proving.keys, proving.now_secs)?;
        let ties = Ties {
            key: Some(key),
            ..claims.ties
        };
        let principal = self.principal(&claims.user, claims.held, ties);
        Ok((principal, claims.not_before_secs))
    }

    /// Tokens of the gateway's own are told apart from those of others in metrics and records.
    const fn failure(&self, fault: TokenFault) -> AuthFailure {
        match self.own {
            Some(_) => AuthFailure::OwnToken(fault),
            None => AuthFailure::Token(fault),
        }
    }

    fn check_header(&self, header: &Header) -> Result<(), TokenFault> {
        if !self.algorithms.contains(&header.algorithm) {
            return Err(TokenFault::Algorithm);
        }
        let must_be_at_jwt = self.require_at_jwt || self.own.is_some();
        if must_be_at_jwt && !header.is_at_jwt {
            return Err(TokenFault::WrongType);
        }
        Ok(())
    }

    fn verify(
        &self,
        token: &Compact<'_>,
        header: &Header,
        ring: &KeyRing,
    ) -> Result<KeyMark, TokenFault> {
        match &self.keys {
            // There is one secret, whatever the token calls it.
            KeySource::Fixed(keys) => keys
                .verify(header.algorithm, None, token.signed, &token.signature)
                .map_err(|_| TokenFault::BadSignature),
            KeySource::Jwks(source) => {
                let KeyState::Ready(keys) = ring.state(*source) else {
                    return Err(TokenFault::KeysMissing(*source));
                };
                keys.verify(
                    header.algorithm,
                    header.kid.as_deref(),
                    token.signed,
                    &token.signature,
                )
                .map_err(|fault| match fault {
                    NoGoodKey::Unknown => TokenFault::UnknownKey(*source),
                    NoGoodKey::OtherAlgorithm => TokenFault::Algorithm,
                    NoGoodKey::Unnamed => TokenFault::NoKeyId,
                    NoGoodKey::BadSignature => TokenFault::BadSignature,
                })
            }
        }
    }

    /// Whether the key that vouched for `principal` is still one of its keys, and the grant that it came of still stands.
    pub(in crate::engine::identity) fn stands_by(
        &self,
        principal: &Principal,
        ring: &KeyRing,
    ) -> bool {
        let ties = principal.ties();
        let is_its_key = ties.key.is_some_and(|mark| match &self.keys {
            KeySource::Fixed(keys) => keys.has(mark),
            KeySource::Jwks(source) => match ring.state(*source) {
                KeyState::Ready(keys) => keys.has(mark),
                KeyState::Missing => false,
            },
        });
        is_its_key && !ties.grant.is_some_and(|token| ring.refuses(token))
    }

    fn principal(&self, user: &str, held: Box<[bool]>, ties: Ties) -> Principal {
        match &self.own {
            Some(own) => self.own_principal(own, user, held, ties),
            None => self.foreign_principal(user, held, ties),
        }
    }

    fn own_principal(
        &self,
        own: &OwnTokens,
        user: &str,
        held: Box<[bool]>,
        ties: Ties,
    ) -> Principal {
        own.users.principal(UserToken {
            realm: &own.realm,
            user,
            map: &self.scopes,
            held,
            further: match own.is_offered {
                true => Further::Obtainable,
                false => Further::None,
            },
            ties,
        })
    }

    fn foreign_principal(&self, user: &str, held: Box<[bool]>, ties: Ties) -> Principal {
        Principal::new(Proven {
            provider: Provider::Jwt,
            realm: Some(&self.issuer),
            id: user,
            grants: self.scopes.grants(&self.grants, &held),
            quota: self.quota,
            ties,
            granted: (!held.is_empty()).then(|| Granted {
                map: Arc::clone(&self.scopes),
                held,
                obtainable: None,
            }),
        })
    }
}
