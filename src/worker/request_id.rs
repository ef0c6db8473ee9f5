//! The gateway's own name for each request, in answers (`x-request-id`), errors and records.

use std::cell::Cell;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Sixteen hexadecimal digits, unique for as long as anybody compares logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestId([u8; 16]);

impl RequestId {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Where one worker's ids come from: a random start and an odd step through all 64-bit numbers, so that ids of workers and
/// of restarts do not collide in practice. They are names, not secrets.
#[derive(Debug)]
pub(super) struct RequestIds(Cell<u64>);

impl RequestIds {
    /// The golden ratio's 64 bits: neighbours differ in every digit, so that truncated logs still tell them apart.
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// Errors: the system has no random bytes.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self(Cell::new(getrandom::u64()?)))
    }

    pub(super) fn next(&self) -> RequestId {
        let value = self.0.get().wrapping_add(Self::STEP);
        self.0.set(value);
        let mut digits = [0; 16];
        for (index, digit) in digits.iter_mut().enumerate() {
            *digit = HEX[(value >> (60 - 4 * index) & 0xf) as usize];
        }
        RequestId(digits)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::collections::HashSet;

    use super::RequestIds;

    #[test]
    fn ids_are_hexadecimal_and_do_not_repeat() {
        let ids = RequestIds::new().unwrap();
        let seen: HashSet<String> = (0..10_000)
            .map(|_| ids.next().as_str().to_owned())
            .collect();
        assert_eq!(seen.len(), 10_000);
        assert!(
            seen.iter()
                .all(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
        );
    }
}
