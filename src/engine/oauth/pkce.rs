//! Proof Key for Code Exchange (RFC 7636), S256 alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::fault::{OAuthCode, OAuthFault};
use super::form::Form;

/// Lengths of a verifier, in characters (RFC 7636 §4.1).
const VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;

/// A code challenge: the SHA-256 of a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge([u8; 32]);

impl Challenge {
    /// The challenge with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The challenge of an authorization request. Errors: there is none, or it is not of the method `S256`, which a client must
    /// name: `plain`, which is meant where none is named, proves nothing to whoever saw the request.
    pub fn of_request(form: &Form<'_>) -> Result<Self, OAuthFault> {
        let refuse = |description| OAuthFault::new(OAuthCode::InvalidRequest, description);
        let text = form
            .value("code_challenge")
            .ok_or(refuse("code_challenge is required"))?;
        if form.value("code_challenge_method") != Some("S256") {
            return Err(refuse("code_challenge_method must be S256"));
        }
        Self::parse(text).ok_or(refuse(
            "code_challenge must be 43 characters of base64url without padding",
        ))
    }

    /// Reads base64url of 32 bytes, without padding. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let written = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (written == bytes.len()).then_some(Self(bytes))
    }

    /// The challenge that `verifier` meets. `None` where it is none: 43 to 128 unreserved characters.
    #[must_use]
    pub fn of_verifier(verifier: &str) -> Option<Self> {
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_verifier =
            VERIFIER_CHARS.contains(&verifier.len()) && verifier.bytes().all(is_unreserved);
        is_verifier.then(|| Self(Sha256::digest(verifier.as_bytes()).into()))
    }

    /// Whether `verifier` is the one that this challenge was made of. Takes as long for a wrong one.
    #[must_use]
    pub fn is_met_by(&self, verifier: &str) -> bool {
        Self::of_verifier(verifier).is_some_and(|met| self.equals(&met))
    }

    /// Whether both are of one verifier. Takes as long where they are not.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// As it is sent.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Challenge, Form};

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn a_challenge_is_met_by_its_verifier_alone() {
        let challenge = Challenge::parse(CHALLENGE).unwrap();
        assert!(challenge.is_met_by(VERIFIER));
        assert_eq!(challenge.to_text(), CHALLENGE);
        let other = VERIFIER.replace('k', "l");
        let long = "a".repeat(129);
        for wrong in [&*other, CHALLENGE, "", &VERIFIER[..42], &long] {
            assert!(!challenge.is_met_by(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_verifier_is_43_to_128_unreserved_characters() {
        for (verifier, expected) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            ("a".repeat(128), true),
            ("a".repeat(129), false),
            ("-._~".repeat(11), true),
            ("a+/=".repeat(11), false),
            ("é".repeat(30), false),
        ] {
            assert_eq!(
                Challenge::of_verifier(&verifier).is_some(),
                expected,
                "{verifier}"
            );
        }
    }

    #[test]
    fn only_s256_by_name_is_taken() {
        let loose = format!("{}N", &CHALLENGE[..42]);
        let padded = format!("{CHALLENGE}%3D");
        let standard = CHALLENGE.replace('-', "%2B");
        let rows = [
            (CHALLENGE, "&code_challenge_method=S256", true),
            (CHALLENGE, "&code_challenge_method=s256", false),
            (CHALLENGE, "&code_challenge_method=plain", false),
            (CHALLENGE, "", false),
            ("", "&code_challenge_method=S256", false),
            (&CHALLENGE[..42], "&code_challenge_method=S256", false),
            (&loose, "&code_challenge_method=S256", false),
            (&padded, "&code_challenge_method=S256", false),
            (&standard, "&code_challenge_method=S256", false),
        ];
        for (challenge, rest, expected) in rows {
            let text = format!("code_challenge={challenge}{rest}");
            let form = Form::parse(text.as_bytes()).unwrap();
            assert_eq!(Challenge::of_request(&form).is_ok(), expected, "{text}");
        }
    }
}
