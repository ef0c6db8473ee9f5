//! What a request is called at the server: as at the client, until that could be taken for another.
//!
//! A request that was cancelled may be answered all the same, by a server that did not look in time. Were its id used again
//! meanwhile, that answer would go to the later request: a list, say, to one whose answer nobody prunes. So from the first
//! request on that was given up unanswered, every later one goes to the server under a name that this session gives once.

use super::token::Key;

/// What every such name begins with. A client's own id of this form gets one as well.
const PREFIX: &str = "\"mcp-guard-";

/// The names that one session has given.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    /// Whether a response may still come that nobody waits for.
    is_haunted: bool,
    given: u64,
}

impl Aliases {
    /// A request was given up before its response came.
    pub(super) const fn haunt(&mut self) {
        self.is_haunted = true;
    }

    /// The name at the server of the request that its client calls `id`; `None`: the same.
    pub(super) fn name(&mut self, id: &[u8]) -> Option<Box<[u8]>> {
        if !self.is_haunted && !Key::of(id).begins_with(PREFIX) {
            return None;
        }
        self.given += 1;
        Some(format!("{PREFIX}{}\"", self.given).into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::Aliases;

    #[test]
    fn a_name_is_given_once_and_only_where_it_is_needed() {
        let mut aliases = Aliases::default();
        let mut name = |haunts: bool, id: &str| {
            if haunts {
                aliases.haunt();
            }
            let name = aliases.name(id.as_bytes());
            name.map(|name| String::from_utf8_lossy(&name).into_owned())
        };
        assert_eq!(name(false, "1"), None);
        assert_eq!(name(false, "\"a\""), None);
        let first = Some("\"mcp-guard-1\"".to_owned());
        assert_eq!(name(false, "\"mcp-\\u0067uard-9\""), first);
        let second = Some("\"mcp-guard-2\"".to_owned());
        assert_eq!(name(true, "1"), second);
    }
}
