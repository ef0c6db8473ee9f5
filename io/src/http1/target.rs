//! The request target: which form it has and where path, query and authority lie. Source: RFC 9112 §3.2.

use super::authority::is_authority;
use super::grammar::{self, PATH, QUERY};
use super::{ByteSpan, HeadRefusal, Method};

/// A request target whose every byte is allowed where it stands. The path is as received: not decoded, not normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    form: TargetForm,
    whole: ByteSpan,
    authority: Option<ByteSpan>,
    path: ByteSpan,
    query: Option<ByteSpan>,
}

/// The forms that are accepted. Authority form belongs to CONNECT, which is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query`.
    Origin,
    /// `http://authority/path?query`; servers must accept it (RFC 9112 §3.2.2).
    Absolute,
    /// `*`, with OPTIONS only.
    Asterisk,
}

impl Target {
    /// Which form it has.
    #[must_use]
    pub const fn form(self) -> TargetForm {
        self.form
    }

    /// The target as received.
    #[must_use]
    pub fn whole(self, buf: &[u8]) -> &[u8] {
        self.whole.of(buf)
    }

    /// The path: begins with `/`, or is `*`. An absolute form without path has `/` (RFC 9110 §4.2.3).
    #[must_use]
    pub fn path(self, buf: &[u8]) -> &[u8] {
        match self.path.of(buf) {
            [] => b"/",
            path => path,
        }
    }

    /// The query without its `?`, where there is one.
    #[must_use]
    pub fn query(self, buf: &[u8]) -> Option<&[u8]> {
        self.query.map(|query| query.of(buf))
    }

    /// The authority of an absolute form.
    pub(super) const fn authority(self) -> Option<ByteSpan> {
        self.authority
    }
}

/// Splits `text`, which lies within `head`, and refuses every form and byte that a server must not act on.
#[inline]
pub(super) fn parse_target(
    head: &[u8],
    text: &[u8],
    method: Method,
) -> Result<Target, HeadRefusal> {
    match text {
        [b'/', ..] => split(head, text, None, text),
        b"*" if method == Method::Options => asterisk(head, text),
        b"*" => Err(HeadRefusal::AsteriskTarget),
        _ => absolute(head, text),
    }
}

fn asterisk(head: &[u8], text: &[u8]) -> Result<Target, HeadRefusal> {
    let whole = ByteSpan::within(head, text);
    Ok(Target {
        form: TargetForm::Asterisk,
        whole,
        authority: None,
        path: whole,
        query: None,
    })
}

fn absolute(head: &[u8], text: &[u8]) -> Result<Target, HeadRefusal> {
    let Some(rest) = strip_scheme(text) else {
        return Err(HeadRefusal::UnsupportedTargetForm);
    };
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if !is_authority(authority) {
        return Err(HeadRefusal::InvalidHost);
    }
    split(head, text, Some(authority), rest)
}

fn strip_scheme(text: &[u8]) -> Option<&[u8]> {
    [&b"http://"[..], b"https://"].iter().find_map(|scheme| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

#[inline]
fn split(
    head: &[u8],
    whole: &[u8],
    authority: Option<&[u8]>,
    path_and_query: &[u8],
) -> Result<Target, HeadRefusal> {
    let mark = memchr::memchr(b'?', path_and_query).unwrap_or(path_and_query.len());
    let (path, query) = path_and_query.split_at(mark);
    let query = query.get(1..);
    if !grammar::all(path, PATH) || !grammar::all(query.unwrap_or_default(), QUERY) {
        return Err(foreign_byte(path_and_query));
    }
    Ok(Target {
        form: authority.map_or(TargetForm::Origin, |_| TargetForm::Absolute),
        whole: ByteSpan::within(head, whole),
        authority: authority.map(|authority| ByteSpan::within(head, authority)),
        path: ByteSpan::within(head, path),
        query: query.map(|query| ByteSpan::within(head, query)),
    })
}

#[cold]
fn foreign_byte(path_and_query: &[u8]) -> HeadRefusal {
    if path_and_query.contains(&b'#') {
        HeadRefusal::FragmentInTarget
    } else {
        HeadRefusal::InvalidTarget
    }
}
