//! URLs that tokens are for, against the gateway's own.

use crate::engine::route::PublicBase;

/// The path below `base` that `url` names: empty where it is `base` itself. `None` where it is nothing of the gateway's.
///
/// Scheme and host are compared without regard to case (RFC 3986 §6.2.2.1), one slash at the end is passed over, and everything else
/// is exact: a port that is the scheme's own and written out is another audience, as are a query and an escape.
pub(super) fn path_below<'u>(base: &PublicBase, url: &'u str) -> Option<&'u str> {
    let (origin, rest) = url.split_at_checked(base.origin().len())?;
    let path = rest.strip_prefix(base.path())?;
    let is_below = path.is_empty() || path.starts_with('/');
    let is_ours = origin.eq_ignore_ascii_case(base.origin()) && is_below;
    is_ours.then(|| path.strip_suffix('/').unwrap_or(path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn an_audience_is_a_path_of_the_gateway_or_nothing() {
        let rows = [
            ("https://gw.example", "https://gw.example", Some("")),
            ("https://gw.example", "https://gw.example/", Some("")),
            ("https://gw.example", "HTTPS://GW.Example", Some("")),
            ("https://gw.example", "https://gw.example/mcp", Some("/mcp")),
            (
                "https://gw.example",
                "https://gw.example/mcp/",
                Some("/mcp"),
            ),
            (
                "https://gw.example",
                "https://gw.example/mcp//",
                Some("/mcp/"),
            ),
            ("https://gw.example", "https://gw.example/MCP", Some("/MCP")),
            (
                "https://gw.example",
                "https://gw.example/mcp?x",
                Some("/mcp?x"),
            ),
            ("https://gw.example", "https://gw.example.evil/mcp", None),
            ("https://gw.example", "https://gw.example@evil/mcp", None),
            ("https://gw.example", "https://gw.example:443/mcp", None),
            ("https://gw.example", "http://gw.example/mcp", None),
            ("https://gw.example", "https://evil/mcp", None),
            ("https://gw.example", " https://gw.example/mcp", None),
            ("https://gw.example", "gw.example", None),
            ("https://gw.example", "", None),
            ("https://gw.example", "https://gw.exampl\u{e9}", None),
            ("https://gw.example/base", "https://gw.example", None),
            (
                "https://gw.example/base",
                "https://gw.example/base",
                Some(""),
            ),
            (
                "https://gw.example/base",
                "https://gw.example/base/mcp",
                Some("/mcp"),
            ),
            (
                "https://gw.example/base",
                "https://gw.example/Base/mcp",
                None,
            ),
            (
                "https://gw.example/base",
                "https://gw.example/basement",
                None,
            ),
            ("https://gw.example/base", "https://gw.example/mcp", None),
            (
                "https://gw.example:8443",
                "https://gw.example:8443/mcp",
                Some("/mcp"),
            ),
        ];
        for (base, url, expected) in rows {
            let base = PublicBase::parse(base).unwrap();
            assert_eq!(path_below(&base, url), expected, "{url}");
        }
    }
}
