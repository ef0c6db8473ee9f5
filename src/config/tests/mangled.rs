//! Whatever the file holds, loading it ends with an answer.

use super::{as_yaml, load_in};
use crate::config::Fixed;

/// Bytes that mean something to either format.
const TELLING: &[u8] = b"[]{}:,.\"'#\n\r\t -=|>&*!%@`\\0x_";

/// Texts tried in each format.
const ROUNDS: usize = 1_500;

/// Numbers in an order that looks random and is the same each time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// `text` with a few bytes changed, put in or taken out.
fn mangle(text: &str, numbers: &mut Numbers) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        let telling = TELLING[numbers.below(TELLING.len())];
        match numbers.below(4) {
            0 => bytes[at] = telling,
            1 => bytes.insert(at, telling),
            2 => drop(bytes.drain(at..(at + 1 + numbers.below(20)).min(bytes.len() - 1).max(at))),
            _ => bytes.truncate(at.max(1)),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_mangled_file_is_read_or_refused() {
    let toml = include_str!("everything.toml");
    let yaml = as_yaml(toml);
    let block = include_str!("../../../templates/mcp-guard.yaml");
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut read, mut refused) = (0, 0);
    for (name, text) in [("c.toml", toml), ("c.yaml", &yaml), ("c.yaml", block)] {
        for _ in 0..ROUNDS {
            match load_in(Fixed::default(), name, &mangle(text, &mut numbers)) {
                Ok(_) => read += 1,
                Err(found) => {
                    assert!(found.diagnostics.iter().any(|found| found.is_error()));
                    refused += 1;
                }
            }
        }
    }
    assert!(read > 0 && refused > read, "{read} read, {refused} refused");
}
