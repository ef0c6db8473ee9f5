//! One entry of a tool list: `[server::][prompt:|resource:|method:]GLOB`.
//!
//! The server comes first, then the kind: `github::prompt:review_*`. Text before the first `::` is a server name when it has
//! the shape of one; a URI or a prompt name may therefore hold `::` after its kind (`resource:urn:a::b`), and a tool name
//! may not. Globs are `*`, `?`, `[set]` and `[!set]` against the whole name; everything else, braces included, is literal.
//! Neither `/` nor a leading dot is special to a wildcard.

use std::fmt;

use glob::Pattern;

use super::SubjectKind;
use crate::engine::limits;

/// Which list an entry came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryList {
    /// `allowed_tools` of an identity or of a server.
    Allowed,
    /// `denied_tools` of an identity.
    Denied,
}

impl EntryList {
    /// The configuration key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Allowed => "allowed_tools",
            Self::Denied => "denied_tools",
        }
    }
}

/// An entry that was refused, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryError {
    /// The list that holds it.
    pub list: EntryList,
    /// Its index in that list.
    pub index: usize,
    /// Its text.
    pub entry: String,
    /// What is wrong with it.
    pub reason: EntryFault,
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}[{}] {:?}: {}",
            self.list.key(),
            self.index,
            self.entry,
            self.reason
        )
    }
}

impl std::error::Error for EntryError {}

/// Why an entry is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryFault {
    /// No text, or no name after its server or kind.
    Empty,
    /// Longer than [`limits::ENTRY_BYTES_MAX`].
    TooLong,
    /// More wildcards than [`limits::ENTRY_WILDCARDS_MAX`].
    TooManyWildcards,
    /// More entries in the list than [`limits::ENTRIES_MAX`].
    TooManyEntries,
    /// A control character, or white space at either end.
    Unprintable,
    /// `**`, which other tools read differently.
    DoubleStar,
    /// A `[` without its `]`, or an empty set.
    OpenSet,
    /// A range in a set that holds nothing, such as `z-a`.
    EmptyRange,
    /// `::` after something that cannot be a server name.
    BadServer,
    /// A kind that is nearly one of ours, such as `prompts:` or `Tool:`.
    UnknownKind,
    /// A server name where the list already belongs to one server.
    ServerNotAllowed,
    /// Something other than a tool where only tools are meant.
    NotATool,
}

impl fmt::Display for EntryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, stars, entries) = (
            limits::ENTRY_BYTES_MAX,
            limits::ENTRY_WILDCARDS_MAX,
            limits::ENTRIES_MAX,
        );
        match self {
            Self::Empty => f.write_str("entry names nothing; write a name, a glob, or `*` for everything"),
            Self::TooLong => write!(f, "entry is too long; limit is {bytes} bytes"),
            Self::TooManyWildcards => write!(f, "entry has too many wildcards; limit is {stars}"),
            Self::TooManyEntries => write!(f, "list has too many entries; limit is {entries}"),
            Self::Unprintable => f.write_str("entry has a control character, or white space at an end"),
            Self::DoubleStar => f.write_str("`**` has no meaning here; `*` already matches any text, `/` included"),
            Self::OpenSet => f.write_str("`[` opens a set that is empty or never closed; write `[[]` for the character"),
            Self::EmptyRange => f.write_str("a range in the set runs backwards and holds nothing"),
            Self::BadServer => f.write_str("the text before `::` is no server name; accepted are a-z, 0-9, `_` and `-`"),
            Self::UnknownKind => f.write_str("unknown kind; accepted are `prompt:`, `resource:`, `method:`, and a plain name for a tool"),
            Self::ServerNotAllowed => f.write_str("this list already belongs to one server; leave the server name out"),
            Self::NotATool => f.write_str("only tool names are accepted here"),
        }
    }
}

/// Whether `name` may name a server: 1 to [`limits::SERVER_NAME_BYTES_MAX`] of a-z, 0-9, `_`, `-`.
#[must_use]
pub fn is_server_name(name: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
    };
    !name.is_empty() && name.len() <= limits::SERVER_NAME_BYTES_MAX && name.bytes().all(plain)
}

/// What an entry covers: one kind of thing, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coverage {
    /// A bare `*`: tools, prompts, resources and unknown methods.
    Everything,
    /// Things of one kind.
    Kind(SubjectKind),
}

/// How an entry matches a name.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    /// The name itself.
    Exact(Box<str>),
    /// Any name at all.
    Any,
    /// A pattern over the whole name.
    Glob(Pattern),
}

impl Matcher {
    /// Whether `name` matches. Allocates nothing; at most wildcards × length steps.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *name,
            Self::Any => true,
            Self::Glob(pattern) => pattern.matches(name),
        }
    }
}

/// A parsed entry.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) server: Option<Box<str>>,
    pub(super) coverage: Coverage,
    pub(super) matcher: Matcher,
}

impl Entry {
    /// Parses `text`. Errors: the first fault found.
    pub(super) fn parse(text: &str) -> Result<Self, EntryFault> {
        refuse_unreadable(text)?;
        let (server, rest) = split_server(text)?;
        let (kind, name) = split_kind(rest)?;
        if name.is_empty() {
            return Err(EntryFault::Empty);
        }
        if kind.is_none() && name.contains("::") {
            return Err(EntryFault::BadServer);
        }
        let coverage = match kind {
            None if name == "*" => Coverage::Everything,
            None => Coverage::Kind(SubjectKind::Tool),
            Some(kind) => Coverage::Kind(kind),
        };
        Ok(Self {
            server: server.map(Into::into),
            coverage,
            matcher: compile_glob(name)?,
        })
    }
}

/// The tool pattern of a `[[rate_limit.tool_limits]]` table: a tool glob, optionally of one server.
#[derive(Clone, Debug)]
pub struct ToolPattern {
    text: Box<str>,
    entry: Entry,
}

impl ToolPattern {
    /// Parses `text`, such as `delete_*` or `github::create_*`. Errors: what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, EntryFault> {
        let entry = Entry::parse(text)?;
        match entry.coverage {
            Coverage::Everything | Coverage::Kind(SubjectKind::Tool) => Ok(Self {
                text: text.into(),
                entry,
            }),
            Coverage::Kind(_) => Err(EntryFault::NotATool),
        }
    }

    /// Whether `tool` of `server` matches.
    #[must_use]
    pub fn matches(&self, server: &str, tool: &str) -> bool {
        self.entry.server.as_deref().is_none_or(|own| own == server)
            && self.entry.matcher.matches(tool)
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn refuse_unreadable(text: &str) -> Result<(), EntryFault> {
    if text.len() > limits::ENTRY_BYTES_MAX {
        return Err(EntryFault::TooLong);
    }
    if text.trim() != text || text.chars().any(char::is_control) {
        return Err(EntryFault::Unprintable);
    }
    Ok(())
}

/// Splits `server::rest`. A kind before the first `::` means that the `::` belongs to the name.
fn split_server(text: &str) -> Result<(Option<&str>, &str), EntryFault> {
    match text.split_once("::") {
        Some((server, rest)) if is_server_name(server) => Ok((Some(server), rest)),
        Some((before, _)) if split_kind(before)?.0.is_none() => Err(EntryFault::BadServer),
        _ => Ok((None, text)),
    }
}

fn split_kind(text: &str) -> Result<(Option<SubjectKind>, &str), EntryFault> {
    let Some((word, name)) = text.split_once(':') else {
        return Ok((None, text));
    };
    match word {
        "prompt" => Ok((Some(SubjectKind::Prompt), name)),
        "resource" => Ok((Some(SubjectKind::Resource), name)),
        "method" => Ok((Some(SubjectKind::Method), name)),
        // In `denied_tools` a kind misspelt would fail open, so near misses are refused rather than read as tool names.
        _ if is_near_kind(word) => Err(EntryFault::UnknownKind),
        _ => Ok((None, text)),
    }
}

fn is_near_kind(word: &str) -> bool {
    let singular = word.trim().to_ascii_lowercase();
    let singular = singular.strip_suffix('s').unwrap_or(&singular);
    [
        "tool",
        "prompt",
        "resource",
        "method",
        "template",
        "resource_template",
        "server",
    ]
    .contains(&singular)
}

fn compile_glob(name: &str) -> Result<Matcher, EntryFault> {
    if name == "*" {
        return Ok(Matcher::Any);
    }
    if !name.contains(['*', '?', '[']) {
        return Ok(Matcher::Exact(name.into()));
    }
    check_glob(name)?;
    Pattern::new(name)
        .map(Matcher::Glob)
        .map_err(|_| EntryFault::OpenSet)
}

/// Refuses what the glob library would read in a way that surprises.
fn check_glob(name: &str) -> Result<(), EntryFault> {
    let chars: Vec<char> = name.chars().collect();
    let mut wildcards = 0;
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '*' if chars.get(at + 1) == Some(&'*') => return Err(EntryFault::DoubleStar),
            '*' => wildcards += 1,
            '[' => at = check_set(&chars, at)?,
            _ => {}
        }
        at += 1;
    }
    if wildcards > limits::ENTRY_WILDCARDS_MAX {
        Err(EntryFault::TooManyWildcards)
    } else {
        Ok(())
    }
}

/// Checks the set that opens at `open` and returns the index of its `]`. A `]` in first place is a member.
fn check_set(chars: &[char], open: usize) -> Result<usize, EntryFault> {
    let first = if chars.get(open + 1) == Some(&'!') {
        open + 2
    } else {
        open + 1
    };
    let close = (first + 1..chars.len())
        .find(|&at| chars[at] == ']')
        .ok_or(EntryFault::OpenSet)?;
    let mut at = first;
    while at < close {
        if at + 2 < close && chars[at + 1] == '-' {
            if chars[at] > chars[at + 2] {
                return Err(EntryFault::EmptyRange);
            }
            at += 2;
        }
        at += 1;
    }
    Ok(close)
}

#[cfg(test)]
#[path = "entry/tests.rs"]
mod tests;
