//! Where an HTTP+SSE server wants its messages: the URI of its `endpoint` event, resolved and held to the server's own origin.
//!
//! A server that could name another place would turn the gateway, with the credentials that it injects, on a host of the
//! server's choice (SSRF). The connection is never taken from the URI, only the request target is.
//!
//! Source: 2024-11-05 HTTP with SSE; RFC 3986 §5.2.

use std::fmt;

/// Longest URI, in bytes.
pub const ENDPOINT_BYTES_MAX: usize = 4_096;

/// Port of an `http` URI that names none.
const HTTP_PORT: u16 = 80;

/// The stream's own place, which the URI is relative to.
#[derive(Clone, Copy, Debug)]
pub struct Base<'b> {
    /// Authorities that mean the server: the Host that it is asked by, and its configured `host:port`.
    pub authorities: &'b [&'b str],
    /// Request target of the stream: path and query.
    pub target: &'b str,
}

/// Why a URI is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointError {
    /// It is empty.
    Empty,
    /// It is longer than may be.
    TooLong,
    /// It holds a byte that no request target may hold: white space, control, fragment, backslash or not ASCII.
    BadByte,
    /// It leads to another scheme, host or port.
    ForeignOrigin,
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("endpoint URI is empty"),
            Self::TooLong => write!(f, "endpoint URI is longer than {ENDPOINT_BYTES_MAX} bytes"),
            Self::BadByte => f.write_str("endpoint URI holds a byte that it must not"),
            Self::ForeignOrigin => f.write_str("endpoint URI leads to another origin"),
        }
    }
}

impl std::error::Error for EndpointError {}

/// The request target that `uri` stands for beside `base`.
///
/// Accepted: path-absolute, relative and query-only references, and absolute `http` URIs of one of the base's authorities.
/// `//host` forms and user information are refused even where they lead home. Errors: see [`EndpointError`].
pub fn resolve(base: Base<'_>, uri: &[u8]) -> Result<Box<str>, EndpointError> {
    if uri.is_empty() {
        return Err(EndpointError::Empty);
    }
    if uri.len() > ENDPOINT_BYTES_MAX {
        return Err(EndpointError::TooLong);
    }
    let uri = str::from_utf8(uri).map_err(|_| EndpointError::BadByte)?;
    if !uri.bytes().all(is_target_byte) {
        return Err(EndpointError::BadByte);
    }
    if uri.starts_with("//") {
        return Err(EndpointError::ForeignOrigin);
    }
    match after_scheme(uri) {
        Some(("http", rest)) => of_absolute(base, rest),
        Some(_) => Err(EndpointError::ForeignOrigin),
        None => Ok(of_relative(base.target, uri)),
    }
}

/// Visible ASCII without what URI readers take for something else.
fn is_target_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>' | b'^' | b'`')
}

/// Scheme, `http` in lower case, and what follows its colon. A colon in the first segment makes a scheme of whatever precedes
/// it (RFC 3986 §4.2).
fn after_scheme(uri: &str) -> Option<(&str, &str)> {
    let first = uri.find(['/', '?']).unwrap_or(uri.len());
    let (scheme, rest) = uri[..first].split_once(':')?;
    let rest = &uri[first - rest.len()..];
    let scheme = if scheme.eq_ignore_ascii_case("http") {
        "http"
    } else {
        scheme
    };
    Some((scheme, rest))
}

fn of_absolute(base: Base<'_>, rest: &str) -> Result<Box<str>, EndpointError> {
    let rest = rest
        .strip_prefix("//")
        .ok_or(EndpointError::ForeignOrigin)?;
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let is_own = base
        .authorities
        .iter()
        .any(|own| is_same_authority(own, authority));
    if !is_own {
        return Err(EndpointError::ForeignOrigin);
    }
    Ok(match target.as_bytes().first() {
        Some(b'/') => with_normal_path(target),
        _ => format!("/{target}").into(),
    })
}

fn is_same_authority(one: &str, other: &str) -> bool {
    match (host_and_port(one), host_and_port(other)) {
        (Some((host, port)), Some((other_host, other_port))) => {
            host.eq_ignore_ascii_case(other_host) && port == other_port
        }
        _ => false,
    }
}

/// `host[:port]` taken apart; `None` for anything else, user information included.
fn host_and_port(authority: &str) -> Option<(&str, u16)> {
    let end = match authority.starts_with('[') {
        true => authority.find(']')? + 1,
        false => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    let is_host = !host.is_empty() && !host.contains('@');
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => HTTP_PORT,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    is_host.then_some((host, port))
}

fn of_relative(base: &str, reference: &str) -> Box<str> {
    let base_path = base.split('?').next().unwrap_or("/");
    match reference.as_bytes().first() {
        Some(b'/') => with_normal_path(reference),
        Some(b'?') => format!("{base_path}{reference}").into(),
        _ => {
            let folder = base_path
                .rfind('/')
                .map_or("/", |slash| &base_path[..=slash]);
            with_normal_path(&format!("{folder}{reference}"))
        }
    }
}

/// Removes `.` and `..` segments from the path of `target` (RFC 3986 §5.2.4); the result never begins with `//`.
fn with_normal_path(target: &str) -> Box<str> {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut segments: Vec<&str> = Vec::new();
    let mut ends_in_slash = false;
    for segment in path.split('/').skip(1) {
        ends_in_slash = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let slash = if ends_in_slash && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    let path = format!("/{}{slash}", segments.join("/"));
    let path = path.trim_start_matches('/');
    format!("/{path}{query}").into()
}

#[cfg(test)]
mod tests {
    use super::{Base, ENDPOINT_BYTES_MAX, EndpointError, resolve};

    const BASE: Base<'_> = Base {
        authorities: &["Tools.example:8080", "10.0.0.1:8080"],
        target: "/api/sse?x=1",
    };

    #[test]
    fn an_endpoint_of_the_own_origin_becomes_a_target() {
        for (uri, target) in [
            ("/messages/?session_id=1", "/messages/?session_id=1"),
            ("/", "/"),
            ("messages?s=1", "/api/messages?s=1"),
            ("./messages", "/api/messages"),
            ("../messages", "/messages"),
            ("../../../messages", "/messages"),
            ("/a/./b/../c/?next=/../x", "/a/c/?next=/../x"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/..//evil.example/x", "/evil.example/x"),
            ("..//evil.example", "/evil.example"),
            ("?session=1", "/api/sse?session=1"),
            ("/a:b/c", "/a:b/c"),
            ("./a:b", "/api/a:b"),
            ("/x?at=http://evil.example/", "/x?at=http://evil.example/"),
            ("http://tools.example:8080/m?s=1", "/m?s=1"),
            ("HTTP://TOOLS.EXAMPLE:8080/m", "/m"),
            ("http://10.0.0.1:8080/m", "/m"),
            ("http://tools.example:8080", "/"),
            ("http://tools.example:8080?s=1", "/?s=1"),
            ("http://tools.example:8080//m", "/m"),
        ] {
            assert_eq!(
                resolve(BASE, uri.as_bytes()).as_deref(),
                Ok(target),
                "{uri}"
            );
        }
    }

    #[test]
    fn an_endpoint_elsewhere_is_refused() {
        for (uri, error) in [
            ("", EndpointError::Empty),
            ("//tools.example:8080/m", EndpointError::ForeignOrigin),
            ("//evil.example/m", EndpointError::ForeignOrigin),
            ("http://evil.example/m", EndpointError::ForeignOrigin),
            ("http://tools.example/m", EndpointError::ForeignOrigin),
            ("http://tools.example:8081/m", EndpointError::ForeignOrigin),
            (
                "http://tools.example:8080:1/m",
                EndpointError::ForeignOrigin,
            ),
            ("http://tools.example:+8080/m", EndpointError::ForeignOrigin),
            (
                "http://tools.example:8080.evil.example/m",
                EndpointError::ForeignOrigin,
            ),
            (
                "http://u@tools.example:8080/m",
                EndpointError::ForeignOrigin,
            ),
            (
                "http://tools.example:8080@evil.example/m",
                EndpointError::ForeignOrigin,
            ),
            ("http://[tools.example:8080/m", EndpointError::ForeignOrigin),
            ("http:/m", EndpointError::ForeignOrigin),
            ("http:m", EndpointError::ForeignOrigin),
            ("http://", EndpointError::ForeignOrigin),
            ("https://tools.example:8080/m", EndpointError::ForeignOrigin),
            ("file:///etc/passwd", EndpointError::ForeignOrigin),
            ("javascript:x", EndpointError::ForeignOrigin),
            ("a:b", EndpointError::ForeignOrigin),
            ("/m#x", EndpointError::BadByte),
            ("/\\evil.example/m", EndpointError::BadByte),
            ("/m x", EndpointError::BadByte),
            ("/m\r\nX: y", EndpointError::BadByte),
            ("/m\0", EndpointError::BadByte),
            ("/\u{fc}", EndpointError::BadByte),
        ] {
            assert_eq!(resolve(BASE, uri.as_bytes()), Err(error), "{uri}");
        }
        assert_eq!(resolve(BASE, b"/\xff"), Err(EndpointError::BadByte));
    }

    #[test]
    fn the_longest_endpoint_is_taken_and_a_longer_one_is_not() {
        let longest = format!("/{}", "x".repeat(ENDPOINT_BYTES_MAX - 1));
        assert_eq!(resolve(BASE, longest.as_bytes()).as_deref(), Ok(&*longest));
        let longer = format!("{longest}x");
        assert_eq!(
            resolve(BASE, longer.as_bytes()),
            Err(EndpointError::TooLong)
        );
    }

    #[test]
    fn a_port_left_out_is_the_one_of_http() {
        let base = Base {
            authorities: &["[::1]"],
            target: "/",
        };
        for (uri, is_own) in [
            ("http://[::1]:80/m", true),
            ("http://[::1]/m", true),
            ("http://[::1]:8080/m", false),
            ("http://[::1]x/m", false),
        ] {
            assert_eq!(resolve(base, uri.as_bytes()).is_ok(), is_own, "{uri}");
        }
    }
}
