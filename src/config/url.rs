//! The few URL forms of a configuration, taken apart strictly.

use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

use crate::config::model::{FetchUrl, Target, UpstreamTls};

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

    /// Whether it is `https`; `None` where it is neither that nor `http`.
    fn is_secure(&self) -> Option<bool> {
        match self.scheme {
            "https" => Some(true),
            "http" => Some(false),
            _ => None,
        }
    }

    /// The host without the brackets of IPv6.
    fn bare_host(&self) -> &'t str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Path and query, at least `/`.
    fn path(&self) -> String {
        if self.target.starts_with('/') {
            self.target.to_owned()
        } else {
            format!("/{}", self.target)
        }
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

/// `http://` or `https://host[:port][/path][?query]`, or `unix:/socket[:/path]`.
pub(super) fn parse_target(text: &str) -> Option<Target> {
    if let Some(rest) = text.strip_prefix("unix:") {
        return parse_unix(rest);
    }
    let url = Url::parse(text)?;
    let is_secure = url.is_secure()?;
    Some(Target::Http {
        host: url.bare_host().to_owned(),
        port: url.port.unwrap_or(default_port(is_secure)),
        path: url.path(),
        tls: is_secure.then(UpstreamTls::default),
    })
}

/// `https://host[:port][/path][?query]`, or `http://` of a loopback address or `localhost`. What it resolves to is judged when
/// it is fetched; here, that it cannot be read in two ways.
pub(crate) fn parse_fetch(text: &str) -> Option<FetchUrl> {
    let url = Url::parse(text)?;
    let (host, is_secure) = (url.bare_host(), url.is_secure()?);
    let address = host.parse::<IpAddr>().ok();
    let is_loopback = address.map_or(host == "localhost", |address| address.is_loopback());
    let is_sound = (is_secure || is_loopback)
        && (address.is_some() || !is_number_like(host))
        && !address.is_some_and(|address| address.is_unspecified() || address.is_multicast());
    is_sound.then(|| FetchUrl {
        text: text.to_owned(),
        is_secure,
        host: host.to_owned(),
        port: url.port.unwrap_or(default_port(is_secure)),
        target: url.path(),
        ca_path: None,
    })
}

/// The port of `https`, or of `http`.
pub(super) const fn default_port(is_secure: bool) -> u16 {
    if is_secure { 443 } else { 80 }
}

/// Whether the last label of `host` begins with a digit, as in `2130706433`, `0x7f.1` or `127.1`: some resolvers take these
/// for addresses, and no top-level domain looks so.
fn is_number_like(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next();
    last.is_some_and(|label| label.starts_with(|first: char| first.is_ascii_digit()))
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
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{
        PathBuf, Target, UpstreamTls, parse_fetch, parse_origin, parse_public, parse_target,
        split_authority,
    };

    fn http(host: &str, port: u16, path: &str) -> Option<Target> {
        Some(Target::Http {
            host: host.to_owned(),
            port,
            path: path.to_owned(),
            tls: None,
        })
    }

    fn https(host: &str, port: u16, path: &str) -> Option<Target> {
        Some(Target::Http {
            host: host.to_owned(),
            port,
            path: path.to_owned(),
            tls: Some(UpstreamTls::default()),
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
            ("https://example.com/mcp", https("example.com", 443, "/mcp")),
            ("https://[::1]:8443", https("::1", 8443, "/")),
            ("https://user:pass@example.com/", None),
            ("https://example.com:80/", https("example.com", 80, "/")),
            ("ftp://example.com/", None),
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
    fn keys_come_from_https_or_from_this_machine() {
        for (text, expected) in [
            (
                "https://id.example.com/keys",
                Some(("id.example.com", 443, "/keys")),
            ),
            (
                "https://id.example.com:8443",
                Some(("id.example.com", 8443, "/")),
            ),
            (
                "https://id.example.com/a?b=c",
                Some(("id.example.com", 443, "/a?b=c")),
            ),
            ("https://id/keys", Some(("id", 443, "/keys"))),
            ("https://10.0.0.7/keys", Some(("10.0.0.7", 443, "/keys"))),
            ("https://[fd00::7]/keys", Some(("fd00::7", 443, "/keys"))),
            (
                "http://127.0.0.1:8080/keys",
                Some(("127.0.0.1", 8080, "/keys")),
            ),
            ("http://[::1]/keys", Some(("::1", 80, "/keys"))),
            ("http://localhost/keys", Some(("localhost", 80, "/keys"))),
        ] {
            let found = parse_fetch(text).unwrap();
            let parts = (found.host.as_str(), found.port, found.target.as_str());
            assert_eq!(Some(parts), expected, "{text}");
            assert_eq!(found.is_secure, text.starts_with("https"), "{text}");
        }
        for bad in [
            "http://id.example.com/keys",
            "http://10.0.0.7/keys",
            "http://localhost.example.com/keys",
            "http://localhost./keys",
            "http://127.1/keys",
            "http://0/keys",
            "https://2130706433/keys",
            "https://0x7f000001/keys",
            "https://0177.0.0.1/keys",
            "https://127.1/keys",
            "https://1.2.3.4./keys",
            "https://0.0.0.0/keys",
            "https://[::]/keys",
            "https://[ff02::1]/keys",
            "https://user@id.example.com/keys",
            "https://id.example.com/keys#a",
            "https://id.example.com:0/keys",
            "unix:/run/id.sock",
            "file:///etc/keys",
            "ftp://id.example.com/keys",
            "id.example.com/keys",
            "",
        ] {
            assert_eq!(parse_fetch(bad), None, "{bad:?}");
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
