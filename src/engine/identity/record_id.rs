//! Identities that are longer than an audit record has room for.
//!
//! A text that is too long is cut there, and two identities that differ behind the cut would look alike: one issuer's users
//! share a long beginning. So such an identity is written shortened, with a digest of the whole.

use sha2::{Digest as _, Sha256};

use crate::engine::audit::json::write_string;
use crate::engine::limits::AUDIT_TEXT_BYTES_MAX;

/// Bytes of the digest that are written, in two digits each.
const DIGEST_BYTES: usize = 16;

/// Bytes of the identity that stay, the first that leaves enough room counts: characters that records escape take up to six
/// bytes for one.
const KEPT_BYTES: [usize; 3] = [192, 96, 32];

/// What stands between the beginning and the digest. An identity that holds it is shortened however short it is: somebody who
/// chooses their own name would else be recorded as another.
const MARK: &str = "…#";

/// `identity` as records write it, where that is not as it is: its beginning, `…#` and a digest.
pub(super) fn shortened(identity: &str) -> Option<Box<str>> {
    if fits(identity) && !identity.contains(MARK) {
        return None;
    }
    let digest = Sha256::digest(identity.as_bytes());
    let digits: String = digest[..DIGEST_BYTES]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let shorter = KEPT_BYTES.map(|bytes| {
        let kept = &identity[..identity.floor_char_boundary(bytes)];
        format!("{kept}{MARK}{digits}")
    });
    let found = shorter.into_iter().find(|text| fits(text));
    Some(found.unwrap_or_else(|| format!("{MARK}{digits}")).into())
}

/// Whether a record holds all of `text`.
fn fits(text: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if text.len() <= AUDIT_TEXT_BYTES_MAX && text.bytes().all(is_plain) {
        return true;
    }
    let mut encoded = Vec::with_capacity(text.len() + 2);
    write_string(text.as_bytes(), usize::MAX, &mut encoded);
    encoded.len() - 2 <= AUDIT_TEXT_BYTES_MAX
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn what_fits_is_left_alone() {
        for identity in [
            "key:full",
            "jwt:https://issuer.example alice",
            &"x".repeat(AUDIT_TEXT_BYTES_MAX),
            &"é".repeat(AUDIT_TEXT_BYTES_MAX / 2),
        ] {
            assert_eq!(shortened(identity), None, "{identity}");
        }
    }

    #[test]
    fn nobody_can_be_named_as_another_is_recorded() {
        let victim = format!(
            "jwt:https://issuer.example {}",
            "v".repeat(AUDIT_TEXT_BYTES_MAX)
        );
        let recorded = shortened(&victim).unwrap();
        let forged = shortened(&recorded).unwrap();
        assert_ne!(recorded, forged);
        assert!(fits(&forged), "{forged}");
    }

    #[test]
    fn long_identities_that_differ_at_their_end_are_told_apart() {
        for filler in ["x", "é", "\"", "\u{202e}", "😀"] {
            let long = filler.repeat(AUDIT_TEXT_BYTES_MAX);
            let [one, other] =
                ["1", "2"].map(|end| shortened(&format!("jwt:{long}{end}")).unwrap());
            assert_ne!(one, other, "{filler}");
            assert!(fits(&one), "{one}");
            assert!(one.starts_with("jwt:") && one.contains("…#"), "{one}");
        }
    }
}
