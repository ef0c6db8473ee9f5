//! Texts that go out with a client and come back: session ids and `requestState`, sealed so that only this gateway (or a
//! replica with the same key) can make or read one, and only for the caller that it was made for.
//!
//! XChaCha20-Poly1305 with a random 192-bit nonce: nonces may be drawn by any worker and any replica without counting.
//! **Invariant:** what is sealed for one purpose and context opens under no other.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};

const NONCE_BYTES: usize = 24;
const EXPIRY_BYTES: usize = 8;
const TAG_BYTES: usize = 16;

/// What a text is sealed for. Part of what is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An `Mcp-Session-Id`.
    Session,
    /// A `requestState`.
    RequestState,
    /// Tokens of a provider, in the store of OAuth.
    ProviderTokens,
    /// A key that tokens are signed with, in the store of OAuth.
    SigningKey,
    /// By what the store of OAuth knows its secret again.
    StoreMark,
    /// Who logged in last with a browser: a cookie.
    BrowserUser,
}

impl Purpose {
    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Session => b"mcp-guard session 1",
            Self::RequestState => b"mcp-guard requestState 1",
            Self::ProviderTokens => b"mcp-guard provider tokens 1",
            Self::SigningKey => b"mcp-guard signing key 1",
            Self::StoreMark => b"mcp-guard store mark 1",
            Self::BrowserUser => b"mcp-guard browser user 1",
        }
    }
}

/// Why a sealed text is not accepted. Clients are told the same for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// Not of the form that this gateway gives out.
    Malformed,
    /// Altered, of another key, or made for another caller, server or purpose.
    Foreign,
    /// Its time is over.
    Expired,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "sealed text is not of this gateway's form",
            Self::Foreign => "sealed text was altered, or is of another key, caller or server",
            Self::Expired => "sealed text has expired (server.session_ttl)",
        })
    }
}

impl std::error::Error for SealError {}

/// Seals and opens texts under one key. `Debug` shows nothing of it; the key is wiped when it is dropped.
#[derive(Clone)]
pub struct Sealer(XChaCha20Poly1305);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl Sealer {
    /// Shortest secret that makes a key, in bytes.
    pub const SECRET_BYTES_MIN: usize = 32;

    /// A sealer whose key follows from `secret` alone, so that replicas with the same secret read each other's texts.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"mcp-guard seal key 1\0");
        digest.update(secret);
        let mut key = zeroize::Zeroizing::new([0; 32]);
        key.copy_from_slice(&digest.finalize());
        Self(XChaCha20Poly1305::new(&Key::from(*key)))
    }

    /// A sealer with a key that nobody else has. Errors: the system has no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret)?;
        Ok(Self::new(&*secret))
    }

    /// Seals `content` until `expires_at_secs` (Unix time), bound to `purpose` and every part of `context`.
    ///
    /// The text is base64url without padding, 64 characters and four thirds of the content long. Errors: the system has no
    /// random bytes. Cost: a few allocations, one pass over the text.
    pub fn seal(
        &self,
        purpose: Purpose,
        context: &[&[u8]],
        expires_at_secs: u64,
        content: &[u8],
    ) -> Result<String, getrandom::Error> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        // Overwritten on drop: the content may be a key.
        let plain = [&expires_at_secs.to_be_bytes()[..], content].concat();
        let plain = zeroize::Zeroizing::new(plain);
        let payload = Payload {
            msg: &plain,
            aad: &associated(purpose, context),
        };
        // Encryption fails only beyond 256 GiB; what cannot be sealed becomes a text that does not open.
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload);
        let bytes = [&nonce[..], &sealed.unwrap_or_default()].concat();
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens `sealed` for the same `purpose` and `context` at `now_secs`. Errors: see [`SealError`].
    pub fn open(
        &self,
        purpose: Purpose,
        context: &[&[u8]],
        now_secs: u64,
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(sealed)
            .map_err(|_| SealError::Malformed)?;
        if bytes.len() < NONCE_BYTES + EXPIRY_BYTES + TAG_BYTES {
            return Err(SealError::Malformed);
        }
        let (nonce, ciphertext) = bytes
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(SealError::Malformed)?;
        let payload = Payload {
            msg: ciphertext,
            aad: &associated(purpose, context),
        };
        let mut content = self
            .0
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| SealError::Foreign)?;
        let expiry = content
            .first_chunk::<EXPIRY_BYTES>()
            .ok_or(SealError::Malformed)?;
        if now_secs >= u64::from_be_bytes(*expiry) {
            return Err(SealError::Expired);
        }
        content.drain(..EXPIRY_BYTES);
        Ok(content)
    }
}

/// Purpose and context, each part with its length, so that no two contexts read alike.
fn associated(purpose: Purpose, context: &[&[u8]]) -> Vec<u8> {
    let mut associated = purpose.as_bytes().to_vec();
    for part in context {
        associated.extend_from_slice(&(part.len() as u64).to_be_bytes());
        associated.extend_from_slice(part);
    }
    associated
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Purpose, SealError, Sealer};

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    #[test]
    fn what_is_sealed_opens_for_the_same_context_and_key_alone() {
        let sealer = Sealer::new(SECRET);
        let context: [&[u8]; 2] = [b"alice", b"github"];
        let sealed = sealer
            .seal(Purpose::Session, &context, 100, b"abc")
            .unwrap();
        let open = |sealer: &Sealer, purpose, context: &[&[u8]], now| {
            sealer.open(purpose, context, now, sealed.as_bytes())
        };
        let replica = Sealer::new(SECRET);
        assert_eq!(
            open(&replica, Purpose::Session, &context, 99).unwrap(),
            b"abc"
        );
        for (case, purpose, context, now, error) in [
            (
                "expired",
                Purpose::Session,
                &context[..],
                100,
                SealError::Expired,
            ),
            (
                "purpose",
                Purpose::RequestState,
                &context,
                99,
                SealError::Foreign,
            ),
            (
                "caller",
                Purpose::Session,
                &[b"bob", b"github"],
                99,
                SealError::Foreign,
            ),
            (
                "cut anew",
                Purpose::Session,
                &[b"aliceg", b"ithub"],
                99,
                SealError::Foreign,
            ),
        ] {
            assert_eq!(open(&sealer, purpose, context, now), Err(error), "{case}");
        }
        let other = Sealer::random().unwrap();
        assert_eq!(
            open(&other, Purpose::Session, &context, 99),
            Err(SealError::Foreign)
        );
    }

    #[test]
    fn every_altered_character_is_noticed() {
        let sealer = Sealer::new(SECRET);
        let sealed = sealer.seal(Purpose::Session, &[], 100, b"abc").unwrap();
        for index in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            assert!(
                sealer.open(Purpose::Session, &[], 1, &altered).is_err(),
                "{index}"
            );
        }
        for malformed in ["", "A", "====", "not base64!", &sealed[..20]] {
            assert!(
                sealer
                    .open(Purpose::Session, &[], 1, malformed.as_bytes())
                    .is_err(),
                "{malformed}"
            );
        }
    }

    #[test]
    fn a_seal_is_visible_ascii_and_never_twice_the_same() {
        let sealer = Sealer::new(SECRET);
        let one = sealer.seal(Purpose::Session, &[], 100, b"abc").unwrap();
        let two = sealer.seal(Purpose::Session, &[], 100, b"abc").unwrap();
        assert_ne!(one, two);
        assert!(one.bytes().all(|byte| byte.is_ascii_graphic()));
        assert_eq!(one.len(), 68);
    }
}
