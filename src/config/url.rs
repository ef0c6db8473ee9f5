//! The few URL forms of a configuration, taken apart strictly.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use crate::config::model::Target;

/// Longest URL, in bytes.
const URL_BYTES_MAX: usize = 2048;

/// `scheme://host[:port]` and what follows.
pub(super) struct Url<'t> {
    /// In lower case as written; no other case is accepted.
    pub(super) scheme: &'t str,
    /// Name or address; IPv6 keeps its brackets.
    pub(super) host: &'t str,
    /// Port, where one is given.
    pub(super) port: Option<u16>,
    /// From the first `/` or `?` on; may be empty.
    pub(super) target: &'t str,
}

impl<'t> Url<'t> {
    /// Takes `text` apart. User information, fragments, spaces and anything outside printable ASCII are refused.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        if text.len() > URL_BYTES_MAX
            || !text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'#')
        {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = split_authority(authority)?;
        is_scheme(scheme).then_some(Self {
            scheme,
            host,
            port,
            target,
        })
    }
}

/// `host[:port]`, as in a URL or a `Host` header.
pub(super) fn split_authority(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at(end);
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(parse_port(port)?),
        None if rest.is_empty() => None,
        None => return None,
    };
    is_host(host).then_some((host, port))
}

/// `https://host[:port][/path]` without query; the trailing slash goes.
pub(super) fn parse_public(text: &str) -> Option<String> {
    let url = Url::parse(text)?;
    let sound = matches!(url.scheme, "http" | "https") && !url.target.contains('?');
    sound.then(|| text.trim_end_matches('/').to_owned())
}

/// `scheme://host[:port]`, as a browser sends it, in lower case.
pub(super) fn parse_origin(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let url = Url::parse(&lower)?;
    url.target.is_empty().then(|| lower.clone())
}

/// `http://host[:port][/path][?query]` or `unix:/socket[:/path]`.
pub(super) fn parse_target(text: &str) -> Option<Target> {
    if let Some(rest) = text.strip_prefix("unix:") {
        return parse_unix(rest);
    }
    let url = Url::parse(text)?;
    let host = url
        .host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let path = if url.target.starts_with('?') {
        format!("/{}", url.target)
    } else {
        or_root(url.target)
    };
    (url.scheme == "http").then(|| Target::Http {
        host,
        port: url.port.unwrap_or(80),
        path,
        tls: None,
    })
}

fn parse_unix(rest: &str) -> Option<Target> {
    let (socket, path) = rest
        .split_once(":/")
        .map_or((rest, "/".to_owned()), |(socket, path)| {
            (socket, format!("/{path}"))
        });
    let sound = socket.starts_with('/')
        && !socket.ends_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#');
    sound.then(|| Target::Unix {
        socket: PathBuf::from(socket),
        path,
    })
}

fn or_root(target: &str) -> String {
    if target.is_empty() {
        "/".to_owned()
    } else {
        target.to_owned()
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte)
        })
}

fn is_host(text: &str) -> bool {
    if let Some(bare) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return bare.parse::<Ipv6Addr>().is_ok();
    }
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{PathBuf, Target, parse_origin, parse_public, parse_target, split_authority};

    fn http(host: &str, port: u16, path: &str) -> Option<Target> {
        Some(Target::Http {
            host: host.to_owned(),
            port,
            path: path.to_owned(),
            tls: None,
        })
    }

    fn unix(socket: &str, path: &str) -> Option<Target> {
        Some(Target::Unix {
            socket: PathBuf::from(socket),
            path: path.to_owned(),
        })
    }

    #[test]
    fn targets_keep_their_path_verbatim() {
        for (text, expected) in [
            ("http://localhost:8080/mcp", http("localhost", 8080, "/mcp")),
            ("http://localhost", http("localhost", 80, "/")),
            ("http://[::1]:8080/a?b=c", http("::1", 8080, "/a?b=c")),
            ("http://10.0.0.1?x=1", http("10.0.0.1", 80, "/?x=1")),
            ("unix:/run/mcp.sock", unix("/run/mcp.sock", "/")),
            ("unix:/run/mcp.sock:/mcp", unix("/run/mcp.sock", "/mcp")),
            ("https://example.com/mcp", None),
            ("http://user:pass@example.com/", None),
            ("http://example.com:0/", None),
            ("http://example.com:+80/", None),
            ("http://example.com/a b", None),
            ("http://example.com/#a", None),
            ("http:///mcp", None),
            ("http://[::1/mcp", None),
            ("http://ex%61mple.com/", None),
            ("HTTP://example.com/", None),
            ("unix:run/mcp.sock", None),
            ("unix:/run/mcp.sock:/a b", None),
            ("localhost:8080", None),
            ("", None),
        ] {
            assert_eq!(
                format!("{:?}", parse_target(text)),
                format!("{expected:?}"),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_public_url_has_no_query_and_loses_its_slash() {
        assert_eq!(
            parse_public("https://mcp.example.com/"),
            Some("https://mcp.example.com".to_owned())
        );
        assert_eq!(
            parse_public("https://example.com/tools"),
            Some("https://example.com/tools".to_owned())
        );
        for bad in [
            "example.com",
            "ftp://example.com",
            "https://example.com/?a",
            "https://",
            "https://a@b",
        ] {
            assert_eq!(parse_public(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_origin_is_a_scheme_and_an_authority() {
        assert_eq!(
            parse_origin("HTTPS://App.Example.com"),
            Some("https://app.example.com".to_owned())
        );
        assert_eq!(
            parse_origin("vscode-webview://panel"),
            Some("vscode-webview://panel".to_owned())
        );
        for bad in [
            "*",
            "null",
            "https://example.com/",
            "https://*.example.com",
            "example.com",
        ] {
            assert_eq!(parse_origin(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn authorities_split_at_the_port() {
        assert_eq!(
            split_authority("example.com:8443"),
            Some(("example.com", Some(8443)))
        );
        assert_eq!(split_authority("[::1]"), Some(("[::1]", None)));
        for bad in ["", ":80", "a:b", "a:80:90", "[::1]80", "a/b", "::1"] {
            assert_eq!(split_authority(bad), None, "{bad:?}");
        }
    }
}
