//! `server.public_url`, taken apart for the URLs that clients are told.

use super::authority::Authority;
use super::path::normal_path;

/// Where clients find the gateway: scheme and authority, and the path that a proxy in front may have put before ours.
///
/// Both parts can stand in a quoted header value and in JSON as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicBase {
    origin: Box<str>,
    path: Box<str>,
}

impl PublicBase {
    /// Takes `url` apart. `None` where it is not `http` or `https`, a host, and a path in normal form.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let authority_start = url.find("://")? + "://".len();
        let authority = &url[authority_start..];
        let path_start = authority_start + authority.find('/').unwrap_or(authority.len());
        let (origin, path) = url.split_at(path_start);
        Authority::parse(&origin.as_bytes()[authority_start..])?;
        let is_plain =
            path.is_empty() || (normal_path(path.as_bytes()) == Ok(path) && !path.ends_with('/'));
        let is_web = matches!(&origin[..authority_start], "http://" | "https://");
        (is_plain && is_web).then(|| Self {
            origin: origin.into(),
            path: path.into(),
        })
    }

    /// Scheme and authority: `https://gw.example:8443`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What stands before the gateway's own paths: empty, or `/base`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::PublicBase;

    #[test]
    fn a_base_is_an_origin_and_a_plain_path() {
        let rows = [
            ("https://gw.example", Some(("https://gw.example", ""))),
            (
                "http://127.0.0.1:3000/a/b",
                Some(("http://127.0.0.1:3000", "/a/b")),
            ),
            ("https://[::1]:1/a", Some(("https://[::1]:1", "/a"))),
            ("https://gw.example/", None),
            ("https://gw.example/a/", None),
            ("https://gw.example/a?b", None),
            ("https://gw.example/a\"b", None),
            ("https://gw.example/a\\b", None),
            ("https://gw.example/../b", None),
            ("https://gw.example/é", None),
            ("https://user@gw.example", None),
            ("https://gw.example\r\nx", None),
            ("https://", None),
            ("ftp://gw.example", None),
            ("gw.example", None),
            ("", None),
        ];
        for (url, expected) in rows {
            let base = PublicBase::parse(url);
            let parts = base.as_ref().map(|base| (base.origin(), base.path()));
            assert_eq!(parts, expected, "{url}");
        }
    }
}
