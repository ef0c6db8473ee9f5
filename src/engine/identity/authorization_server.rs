//! Which names are those of authorization servers, where clients can be sent for tokens.

use super::jwt::ScopeMap;

/// An authorization server, and what can be asked of it.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationServer<'a> {
    /// Its issuer identifier.
    pub issuer: &'a str,
    /// Its scopes that mean something here.
    pub scopes: &'a ScopeMap,
}

/// Whether `issuer` names an authorization server: an `https` URL without query and fragment (RFC 8414 §2), or `http` on this
/// machine. Other names only mark whose tokens they are.
pub(super) fn is_authorization_server(issuer: &str) -> bool {
    let Some((scheme, rest)) = issuer.split_once("://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let is_plain = issuer
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"?#\"\\".contains(&byte));
    let is_named = !authority.is_empty() && !authority.contains('@');
    let is_safe = match scheme {
        "https" => true,
        "http" => is_loopback(authority),
        _ => false,
    };
    is_plain && is_named && is_safe
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_authorization_servers_are_told() {
        let rows = [
            ("https://issuer.example", true),
            ("https://issuer.example/tenant/v2.0", true),
            ("http://localhost", true),
            ("http://127.0.0.1:9000/x", true),
            ("http://[::1]:9000", true),
            ("http://issuer.example", false),
            ("http://localhost.example", false),
            ("http://localhost:9000@issuer.example", false),
            ("https://user@issuer.example", false),
            ("https://issuer.example?x", false),
            ("https://issuer.example#x", false),
            ("https://issuer.example/\"", false),
            ("https://", false),
            ("issuer.example", false),
            ("urn:issuer", false),
            ("", false),
        ];
        for (name, is_told) in rows {
            assert_eq!(is_authorization_server(name), is_told, "{name}");
        }
    }
}
