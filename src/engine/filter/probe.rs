//! Watching an answer too large to hold for the list that would have to be filtered.
//!
//! A relay holds the first bytes of an answer and asks the probe. A list is then held whole and filtered; anything else
//! streams on with the probe as a tripwire, since a list may still follow. The probe does not validate: it follows strings
//! and brackets, and reads the names of members at two levels, the message's and the result's. What it cannot read there it
//! takes for a list.

use crate::engine::mcp::json::{decoded, find_special};
use crate::engine::mcp::lookalike::{Names, looks_like};
use crate::engine::mcp::methods::ListKind;

use super::lists::{KINDS, ResultName};

/// What a probe has seen so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// Nothing of a result yet.
    Undecided,
    /// A result, or an answer that has none, without a list as yet.
    NotYetList,
    /// A result with a list of this kind.
    List(ListKind),
    /// Bytes that a client might read as a list: to be filtered, which refuses them where they are not JSON.
    Suspicious,
}

impl Probed {
    /// Whether the answer must be held and filtered.
    #[must_use]
    pub const fn must_filter(self) -> bool {
        matches!(self, Self::List(_) | Self::Suspicious)
    }
}

/// The longest name of a member that is read, in bytes. No name that decides is nearly as long.
const NAME_BYTES_MAX: usize = 96;

/// An incremental reader of one message or batch, fed in any pieces. A few words and one name of state.
#[derive(Clone, Debug)]
pub struct ListProbe {
    probed: Probed,
    /// Open objects and arrays.
    depth: usize,
    /// The depth at which members of a message lie: 1, or 2 in a batch. 0 before the first byte.
    message_depth: usize,
    /// Whether the last object opened at `message_depth + 1` is a result.
    in_result: bool,
    /// Whether a string at the current level would be a name. Meaningful at the two levels only.
    expects_name: bool,
    /// The message member whose value comes next is its result.
    is_result_next: bool,
    string: InString,
    name: [u8; NAME_BYTES_MAX],
    name_len: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InString {
    Outside,
    Value { after_backslash: bool },
    Name { after_backslash: bool },
}

impl Default for ListProbe {
    fn default() -> Self {
        Self {
            probed: Probed::Undecided,
            depth: 0,
            message_depth: 0,
            in_result: false,
            expects_name: false,
            is_result_next: false,
            string: InString::Outside,
            name: [0; NAME_BYTES_MAX],
            name_len: 0,
        }
    }
}

impl ListProbe {
    /// A probe before the first byte.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What has been seen.
    #[must_use]
    pub const fn probed(&self) -> Probed {
        self.probed
    }

    /// Takes the next bytes of the answer and tells what has been seen. Once [`Probed::must_filter`] holds it stays.
    pub fn feed(&mut self, bytes: &[u8]) -> Probed {
        let mut at = 0;
        while at < bytes.len() && !self.probed.must_filter() {
            at = match self.string {
                InString::Outside => {
                    self.structure(bytes[at]);
                    at + 1
                }
                InString::Value { after_backslash } => self.value_part(bytes, at, after_backslash),
                InString::Name { after_backslash } => {
                    self.name_part(bytes[at], after_backslash);
                    at + 1
                }
            };
        }
        self.probed
    }

    fn structure(&mut self, byte: u8) {
        match byte {
            b'"' => self.open_string(),
            b'{' | b'[' => self.open(byte),
            b'}' | b']' => self.close(),
            b',' => self.expects_name = self.names_decide(),
            b':' => self.expects_name = false,
            b' ' | b'\t' | b'\r' | b'\n' => {}
            // Numbers and literals, where a value may stand.
            b'0'..=b'9' | b'+' | b'-' | b'.' | b'a'..=b'z' | b'E' if self.depth > 0 => {
                self.is_result_next = false
            }
            _ => self.probed = Probed::Suspicious,
        }
    }

    fn open_string(&mut self) {
        self.string = match self.expects_name {
            true => InString::Name {
                after_backslash: false,
            },
            false => InString::Value {
                after_backslash: false,
            },
        };
        self.is_result_next &= !self.expects_name;
        self.name_len = 0;
        if self.depth == 0 {
            self.probed = Probed::Suspicious;
        }
    }

    fn open(&mut self, byte: u8) {
        if self.message_depth == 0 {
            self.message_depth = if byte == b'{' { 1 } else { 2 };
        } else if self.depth == 0 {
            // A second document.
            self.probed = Probed::Suspicious;
        }
        if self.depth == self.message_depth {
            self.in_result = self.is_result_next && byte == b'{';
            self.is_result_next = false;
        }
        self.depth += 1;
        self.expects_name = byte == b'{' && self.names_decide();
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.expects_name = false;
    }

    /// Whether members at the current level are a message's or a result's.
    fn names_decide(&self) -> bool {
        self.depth == self.message_depth || (self.in_result && self.depth == self.message_depth + 1)
    }

    fn value_part(&mut self, bytes: &[u8], at: usize, after_backslash: bool) -> usize {
        if after_backslash {
            self.string = InString::Value {
                after_backslash: false,
            };
            return at + 1;
        }
        let end = find_special(bytes, at);
        match bytes.get(end) {
            None => return end,
            Some(b'"') => {
                self.string = InString::Outside;
                self.is_result_next = false;
            }
            Some(b'\\') => {
                self.string = InString::Value {
                    after_backslash: true,
                }
            }
            // A raw control character: readers that pass it and readers that stop see different strings.
            Some(_) => self.probed = Probed::Suspicious,
        }
        end + 1
    }

    fn name_part(&mut self, byte: u8, after_backslash: bool) {
        if byte == b'"' && !after_backslash {
            self.string = InString::Outside;
            return self.end_name();
        }
        self.string = InString::Name {
            after_backslash: byte == b'\\' && !after_backslash,
        };
        if let Some(slot) = self.name.get_mut(self.name_len) {
            *slot = byte;
            self.name_len += 1;
        } else if !self.name.iter().all(u8::is_ascii_alphanumeric) {
            // Too long to be read, and perhaps blown up with characters that some reader drops.
            self.probed = Probed::Suspicious;
        }
    }

    fn end_name(&mut self) {
        let at_result = self.depth > self.message_depth;
        let name = self.name;
        match str::from_utf8(&name[..self.name_len]) {
            Ok(raw) if at_result => {
                self.probed = probe_result_name(raw).unwrap_or(Probed::NotYetList)
            }
            Ok(raw) => self.probe_message_name(raw),
            Err(_) => self.probed = Probed::Suspicious,
        }
    }

    fn probe_message_name(&mut self, raw: &str) {
        self.is_result_next = raw == "result";
        let name: String = decoded(raw).collect();
        if !self.is_result_next && looks_like(&name, &["result"]) {
            self.probed = Probed::Suspicious;
        } else if matches!(raw, "result" | "error" | "method") {
            self.probed = Probed::NotYetList;
        }
    }
}

fn probe_result_name(raw: &str) -> Option<Probed> {
    if let Some(kind) = KINDS.into_iter().find(|kind| kind.member() == raw) {
        return Some(Probed::List(kind));
    }
    let name: String = decoded(raw).collect();
    looks_like(&name, ResultName::ALL)
        .then_some(Probed::Suspicious)
        .filter(|_| !matches!(raw, "cacheScope" | "ttlMs"))
}

#[cfg(test)]
mod tests;
