//! Secrets that a browser carries during a login: nobody can guess them, and only their hashes are kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::control::oauth::provider::LoginSecrets;

/// Length of each, in characters: 256 random bits in base64url.
pub(super) const RANDOM_CHARS: usize = 43;

/// 256 random bits in base64url, which is also a PKCE verifier (RFC 7636 §4.1). Errors: the system has no random bytes.
pub(super) fn random() -> Result<Zeroizing<String>, getrandom::Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes)?;
    let mut text = Zeroizing::new(String::with_capacity(RANDOM_CHARS));
    URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
    Ok(text)
}

/// Whether `text` has the form of one of these.
pub(super) fn is_random(text: &[u8]) -> bool {
    let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() == RANDOM_CHARS && text.iter().all(is_base64url)
}

/// What one login at the provider is held against. Errors: the system has no random bytes.
pub(super) fn login_secrets() -> Result<LoginSecrets, getrandom::Error> {
    Ok(LoginSecrets {
        state: random()?,
        verifier: random()?,
        nonce: random()?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{is_random, random};

    #[test]
    fn two_are_never_the_same_and_each_has_the_form() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_ne!(one, other);
        assert!(is_random(one.as_bytes()) && is_random(other.as_bytes()));
        for foreign in [
            "",
            "short",
            &format!("{}=", &one[1..]),
            &format!("{}x", *one),
        ] {
            assert!(!is_random(foreign.as_bytes()), "{foreign}");
        }
    }
}
