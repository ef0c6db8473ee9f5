//! A session in records: enough to tell sessions apart, too little to use one.

use sha2::{Digest as _, Sha256};

/// The first 64 bits of the SHA-256 digest of a session id, in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTag([u8; 16]);

impl SessionTag {
    /// The tag of `session_id`.
    #[must_use]
    pub fn of(session_id: &[u8]) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let digest = Sha256::digest(session_id);
        let mut text = [0; 16];
        for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 0xf)];
        }
        Self(text)
    }

    /// As hexadecimal digits.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
