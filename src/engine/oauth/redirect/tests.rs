//! Addresses that clients of today use, and those with which attackers have their answers sent elsewhere.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{OAUTH_REDIRECT_URI_BYTES_MAX, RedirectFault, RedirectUri};

fn uri(text: &str) -> RedirectUri {
    RedirectUri::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

#[test]
fn addresses_of_real_clients_are_taken_and_shown_by_host_or_scheme() {
    for (text, shown, is_loopback, is_app) in [
        (
            "http://127.0.0.1:3000/callback",
            "127.0.0.1:3000",
            true,
            false,
        ),
        ("http://127.0.0.1/", "127.0.0.1", true, false),
        ("http://127.0.0.1", "127.0.0.1", true, false),
        ("http://[::1]:3000/cb", "[::1]:3000", true, false),
        (
            "http://localhost:8765/oauth/callback?a=b",
            "localhost:8765",
            true,
            false,
        ),
        ("https://localhost:8765/cb", "localhost:8765", false, false),
        (
            "https://claude.ai/api/mcp/auth_callback",
            "claude.ai",
            false,
            false,
        ),
        ("https://vscode.dev/redirect", "vscode.dev", false, false),
        (
            "https://chatgpt.com/connector_platform_oauth_redirect",
            "chatgpt.com",
            false,
            false,
        ),
        (
            "https://xn--bcher-kva.example:8443/cb",
            "xn--bcher-kva.example:8443",
            false,
            false,
        ),
        ("https://192.0.2.1/cb", "192.0.2.1", false, false),
        ("https://[2001:db8::1]/cb", "[2001:db8::1]", false, false),
        (
            "https://app.example/a?next=%2Fb&c=d;e",
            "app.example",
            false,
            false,
        ),
        (
            "cursor://anysphere.cursor-retrieval/oauth/user-x/callback",
            "cursor",
            false,
            true,
        ),
        (
            "vscode://vscode.github-authentication/did-authenticate",
            "vscode",
            false,
            true,
        ),
        (
            "com.example.app:/oauth2redirect",
            "com.example.app",
            false,
            true,
        ),
        (
            "com.raycast://oauth?package_name=x",
            "com.raycast",
            false,
            true,
        ),
        ("goose://callback", "goose", false, true),
    ] {
        let uri = uri(text);
        assert_eq!(uri.as_str(), text);
        assert_eq!(uri.origin_shown(), shown, "{text}");
        assert_eq!(uri.is_loopback(), is_loopback, "{text}");
        assert_eq!(uri.is_app(), is_app, "{text}");
    }
}

#[test]
fn what_could_lead_elsewhere_is_refused() {
    use RedirectFault::{Character, Host, Insecure, Scheme, Target};
    let rows = [
        ("", Scheme),
        ("https", Scheme),
        ("//evil.example/cb", Scheme),
        ("/cb", Scheme),
        ("HTTPS://app.example/cb", Scheme),
        ("Https://app.example/cb", Scheme),
        ("https:/app.example/cb", Host),
        ("https:app.example/cb", Host),
        ("https:///app.example/cb", Host),
        ("https://", Host),
        ("https://?x", Host),
        ("https://good.example@evil.example/cb", Host),
        ("https://good.example:pass@evil.example/cb", Host),
        ("https://@evil.example/cb", Host),
        ("https://good.example%40evil.example/cb", Host),
        ("https://good.example%2eevil.example/cb", Host),
        ("https://good.example\\@evil.example/cb", Character),
        ("https:\\\\evil.example/cb", Character),
        ("https://good.example\\.evil.example", Character),
        ("https://good.example/cb\t", Character),
        ("https://good.example/cb ", Character),
        (" https://good.example/cb", Character),
        ("https://good.\texample/cb", Character),
        ("https://good.example/cb\r\nSet-Cookie: a=b", Character),
        ("https://good.example/cb\0", Character),
        ("https://good.example/cb#", Character),
        ("https://good.example/cb#@evil.example", Character),
        ("https://*.example/cb", Character),
        ("https://good.example/*", Character),
        ("https://good.example/<script>", Character),
        ("https://good.example/\"onload=", Character),
        ("https://good.example/é", Character),
        ("https://good.example/%", Character),
        ("https://good.example/%4", Character),
        ("https://good.example/%zz", Character),
        ("https://gооd.example/cb", Character),
        ("https://GOOD.example/cb", Host),
        ("https://good.example./cb", Host),
        ("https://good..example/cb", Host),
        ("https://.example/cb", Host),
        ("https://-good.example/cb", Host),
        ("https://good.example:/cb", Host),
        ("https://good.example:0/cb", Host),
        ("https://good.example:080/cb", Host),
        ("https://good.example:65536/cb", Host),
        ("https://good.example:+80/cb", Host),
        ("https://good.example:80:80/cb", Host),
        ("https://good.example:80@evil.example/cb", Host),
        ("https://good.example;evil.example/cb", Host),
        ("https://good.example,evil.example/cb", Host),
        ("https://2130706433/cb", Host),
        ("https://0x7f.1/cb", Host),
        ("https://0x7f000001/cb", Host),
        ("https://127.1/cb", Host),
        ("https://0177.0.0.1/cb", Host),
        ("https://256.0.0.1/cb", Host),
        ("https://good.example.1/cb", Host),
        ("https://[::ffff:127.0.0.1]/cb", Host),
        ("https://[::ffff:7f00:1]/cb", Host),
        ("https://[0:0:0:0:0:0:0:1]/cb", Host),
        ("https://[fe80::1%25eth0]/cb", Host),
        ("https://[::1/cb", Host),
        ("https://[::1]evil/cb", Host),
        ("http://good.example/cb", Insecure),
        ("http://127.0.0.1.evil.example/cb", Insecure),
        ("http://127.0.0.2/cb", Insecure),
        ("http://0.0.0.0/cb", Insecure),
        ("http://localhost.evil.example/cb", Insecure),
        ("http://evil-localhost/cb", Insecure),
        ("http://localhost./cb", Host),
        ("http://LOCALHOST/cb", Host),
        ("http://127.0.0.1@evil.example/cb", Host),
        ("http://localhost:80@evil.example/cb", Host),
        ("http://[::ffff:127.0.0.1]/cb", Host),
        ("http://2130706433/cb", Host),
        ("http://127.1/cb", Host),
        ("https://good.example/a/../cb", Target),
        ("https://good.example/a/%2e%2E/cb", Target),
        ("https://good.example/./cb", Target),
        ("https://good.example/cb?code=evil", Target),
        ("https://good.example/cb?a=b&%63ode=evil", Target),
        ("https://good.example/cb?state", Target),
        ("https://good.example/cb?iss=x", Target),
        ("javascript:alert(1)", Scheme),
        ("javascript://good.example/%0aalert(1)", Scheme),
        ("JaVaScRiPt://x/%0aalert(1)", Scheme),
        ("data:text/html,x", Scheme),
        ("data://text/html,x", Scheme),
        ("file:///etc/passwd", Scheme),
        ("vbscript://x", Scheme),
        ("blob://x", Scheme),
        ("about://blank", Scheme),
        ("ws://good.example", Scheme),
        ("wss://good.example", Scheme),
        ("ftp://good.example", Scheme),
        ("view-source://good.example", Scheme),
        ("intent://scan/", Scheme),
        ("content://x", Scheme),
        ("chrome://settings", Scheme),
        ("ms-msdt://x", Scheme),
        ("itms-services://?action=download-manifest", Scheme),
        ("search-ms://x", Scheme),
        ("x-apple.systempreferences://x", Scheme),
        ("smb://evil.example/share", Scheme),
        ("urn:ietf:wg:oauth:2.0:oob", Scheme),
        ("vscode:callback", Scheme),
        ("vscode:/callback", Scheme),
        ("com.example.app:callback", Scheme),
        ("1app://callback", Scheme),
        ("c://callback", Scheme),
        ("app_x://callback", Scheme),
        ("cursor://", Host),
        ("cursor://user@evil.example/cb", Host),
        ("cursor://evil.example:80/cb", Host),
    ];
    for (text, expected) in rows {
        assert_eq!(RedirectUri::parse(text), Err(expected), "{text:?}");
    }
}

#[test]
fn redirect_uris_have_a_bound() {
    let long = |bytes: usize| format!("https://a.example/{}", "b".repeat(bytes - 18));
    assert!(RedirectUri::parse(&long(OAUTH_REDIRECT_URI_BYTES_MAX)).is_ok());
    assert_eq!(
        RedirectUri::parse(&long(OAUTH_REDIRECT_URI_BYTES_MAX + 1)),
        Err(RedirectFault::TooLong)
    );
}

#[test]
fn only_the_port_of_a_loopback_address_may_differ() {
    for (registered, presented, expected) in [
        ("https://a.example/cb", "https://a.example/cb", true),
        ("https://a.example/cb", "https://a.example/cb/", false),
        ("https://a.example/cb", "https://a.example/cb?x=1", false),
        ("https://a.example/cb", "https://a.example/CB", false),
        ("https://a.example/cb", "https://a.example:8443/cb", false),
        ("https://a.example/cb", "https://a.example:443/cb", false),
        ("https://a.example/cb", "https://a.example.evil/cb", false),
        ("https://a.example/cb", "https://b.example/cb", false),
        ("https://localhost/cb", "https://localhost:8443/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", true),
        ("http://127.0.0.1:80/cb", "http://127.0.0.1/cb", true),
        (
            "http://127.0.0.1:1/cb?a=b",
            "http://127.0.0.1:2/cb?a=b",
            true,
        ),
        (
            "http://127.0.0.1:1/cb?a=b",
            "http://127.0.0.1:2/cb?a=c",
            false,
        ),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/other", false),
        ("http://127.0.0.1/", "http://127.0.0.1:2", false),
        ("http://[::1]/cb", "http://[::1]:2/cb", true),
        ("http://localhost/cb", "http://localhost:2/cb", true),
        ("http://localhost/cb", "http://127.0.0.1/cb", false),
        ("http://127.0.0.1/cb", "http://[::1]/cb", false),
        ("http://localhost/cb", "https://localhost/cb", false),
        ("cursor://a/cb", "cursor://a/cb", true),
        ("cursor://a/cb", "cursor://b/cb", false),
    ] {
        assert_eq!(
            uri(registered).matches(&uri(presented)),
            expected,
            "{registered} {presented}"
        );
    }
}

#[test]
fn an_answer_stands_behind_the_query_and_cannot_break_out() {
    let answer = [("code", "a b+c&d=e#f\r\n%é"), ("state", "")];
    let escaped = "code=a%20b%2Bc%26d%3De%23f%0D%0A%25%C3%A9&state=";
    for (text, expected) in [
        ("https://a.example/cb", "https://a.example/cb?"),
        ("https://a.example", "https://a.example?"),
        ("https://a.example/cb?", "https://a.example/cb?"),
        ("https://a.example/cb?a=b", "https://a.example/cb?a=b&"),
        ("https://a.example/cb?a=b&", "https://a.example/cb?a=b&"),
        ("https://a.example/cb?a=b?", "https://a.example/cb?a=b?&"),
        ("com.example:/cb", "com.example:/cb?"),
    ] {
        assert_eq!(
            uri(text).with_answer(&answer),
            format!("{expected}{escaped}")
        );
    }
}

#[test]
fn an_origin_is_what_comes_before_the_path() {
    for (text, expected) in [
        ("https://a.example:8443/cb?x", "https://a.example:8443"),
        ("http://[::1]", "http://[::1]"),
        ("cursor://a/cb", "cursor:"),
    ] {
        assert_eq!(uri(text).origin(), expected);
    }
}
