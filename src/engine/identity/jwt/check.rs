//! The check of one token, from its bytes to a principal.

use std::sync::Arc;

use super::claims::{Claims, is_user_id, peek_issuer};
use super::compact::{Compact, dots};
use super::header::Header;
use super::issuer::{JwtIssuer, JwtIssuers, KeySource};
use super::key_set::NoGoodKey;
use super::{KeyMark, KeyRing, KeyState, TokenFault};
use crate::engine::identity::principal::Proven;
use crate::engine::identity::{AuthFailure, Granted, Principal, ProofCache, Provider, Proving};

impl JwtIssuers {
    /// Whether `token` has the shape of a signed token: three parts with dots between. API keys and opaque tokens may not be
    /// tried as one, nor the other way round.
    #[must_use]
    pub fn looks_like(token: &[u8]) -> bool {
        dots(token).is_some()
    }

    /// Proves who `token` was issued to, from the cache where it was proven before. Good ones are kept there; bad ones never
    /// come near it.
    ///
    /// Errors: each variant of [`TokenFault`]. Cost: one SHA-256 and a look-up where it was proven before, allocating
    /// nothing; else two readings of at most 8 KiB and one signature, four where it names no key.
    pub fn check(&self, token: &[u8], proving: &Proving<'_>) -> Result<Principal, AuthFailure> {
        let Some(cache) = proving.cache else {
            return Ok(self.prove(token, proving).map_err(AuthFailure::Token)?.0);
        };
        let digest = ProofCache::digest(Provider::Jwt, token);
        if let Some(principal) = cache.find(&digest, proving.now_secs) {
            return Ok(principal);
        }
        let (principal, not_before_secs) =
            self.prove(token, proving).map_err(AuthFailure::Token)?;
        cache.keep(digest, &principal, not_before_secs);
        Ok(principal)
    }

    /// The principal that a token of `issuer` for `user` with `scopes` would prove, for `explain` alone: nothing was proven.
    /// `None` where there is no such issuer or the name cannot be one of a user.
    #[must_use]
    pub fn explain_as(&self, issuer: &str, user: &str, scopes: &[&str]) -> Option<Principal> {
        let issuer = self.issuer_of(issuer).filter(|_| is_user_id(user))?;
        let mut held = issuer.scopes.none_held();
        scopes
            .iter()
            .for_each(|scope| issuer.scopes.hold(scope, &mut held));
        Some(issuer.principal(user, held, None, None))
    }

    /// The principal and the first second at which the token holds. Not so much as read where its address is not worth it.
    fn prove(
        &self,
        token: &[u8],
        proving: &Proving<'_>,
    ) -> Result<(Principal, Option<u64>), TokenFault> {
        if proving.suspicion.is_some_and(|known| !known.may_try()) {
            return Err(TokenFault::Untried);
        }
        let token = Compact::parse(token)?;
        let header = Header::read(&token.header)?;
        let issuer = self
            .issuer_of(&peek_issuer(&token.payload)?)
            .ok_or(TokenFault::UnknownIssuer)?;
        issuer.check_header(&header)?;
        let key = issuer.verify(&token, &header, proving.keys)?;
        let claims = Claims::read(&token.payload, issuer, proving.now_secs)?;
        let expires_at_secs = Some(claims.expires_at_secs);
        let principal = issuer.principal(&claims.user, claims.held, expires_at_secs, Some(key));
        Ok((principal, claims.not_before_secs))
    }
}

impl JwtIssuer {
    fn check_header(&self, header: &Header) -> Result<(), TokenFault> {
        if !self.algorithms.contains(&header.algorithm) {
            return Err(TokenFault::Algorithm);
        }
        if self.require_at_jwt && !header.is_at_jwt {
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

    /// Whether the key that vouched for `principal` is still one of its keys.
    pub(in crate::engine::identity) fn stands_by(
        &self,
        principal: &Principal,
        ring: &KeyRing,
    ) -> bool {
        principal.key().is_some_and(|mark| match &self.keys {
            KeySource::Fixed(keys) => keys.has(mark),
            KeySource::Jwks(source) => match ring.state(*source) {
                KeyState::Ready(keys) => keys.has(mark),
                KeyState::Missing => false,
            },
        })
    }

    fn principal(
        &self,
        user: &str,
        held: Box<[bool]>,
        expires_at_secs: Option<u64>,
        key: Option<KeyMark>,
    ) -> Principal {
        Principal::new(Proven {
            provider: Provider::Jwt,
            realm: Some(&self.issuer),
            id: user,
            grants: self.scopes.grants(&self.grants, &held),
            quota: self.quota,
            expires_at_secs,
            key,
            granted: (!held.is_empty()).then(|| Granted {
                map: Arc::clone(&self.scopes),
                held,
            }),
        })
    }
}
