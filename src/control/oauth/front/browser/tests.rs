#![allow(clippy::unwrap_used, reason = "a test may panic")]

use zeroize::Zeroizing;

use super::{Cookie, browser, is_own_page, remember_user, user};
use crate::control::oauth::testing::asked as request;
use crate::engine::limits::BROWSER_USER_SECS;
use crate::engine::oauth::{OAuthEndpoint, SecretHash};
use crate::engine::route::PublicBase;
use crate::engine::seal::Sealer;
use crate::mailbox::OAuthRequest;

const SECRET: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

fn base(url: &str) -> PublicBase {
    PublicBase::parse(url).unwrap()
}

fn with_cookie(cookie: &str) -> OAuthRequest {
    OAuthRequest {
        cookie: Some(Zeroizing::new(cookie.as_bytes().to_vec())),
        ..request(OAuthEndpoint::Callback)
    }
}

#[test]
fn cookies_belong_to_the_host_alone_and_no_script_sees_them() {
    for (url, expected) in [
        (
            "https://gw.example/base",
            "__Host-mcpg-login=x; Max-Age=600; Path=/; HttpOnly; SameSite=Lax; Secure",
        ),
        (
            "http://127.0.0.1:3000",
            "mcpg-login=x; Max-Age=600; Path=/; HttpOnly; SameSite=Lax",
        ),
    ] {
        let (name, value) = Cookie::Login.set(&base(url), "x");
        assert_eq!((name, &*value), ("Set-Cookie", expected));
        let (_, cleared) = Cookie::Login.clear(&base(url));
        assert_eq!(cleared, expected.replace("=x;", "=;").replace("600", "0"));
    }
}

#[test]
fn a_browser_is_known_by_exactly_one_cookie_of_the_right_name_and_form() {
    let secure = "https://gw.example";
    let rows = [
        (secure, format!("__Host-mcpg-login={SECRET}"), true),
        (secure, format!("a=b; __Host-mcpg-login={SECRET}; c"), true),
        (secure, format!("a=b;__Host-mcpg-login={SECRET}"), true),
        (secure, format!("mcpg-login={SECRET}"), false),
        (secure, format!("__host-mcpg-login={SECRET}"), false),
        (secure, format!("__Host-mcpg-loginx={SECRET}"), false),
        (secure, format!("x__Host-mcpg-login={SECRET}"), false),
        (secure, format!("__Host-mcpg-login={SECRET}x"), false),
        (secure, format!("__Host-mcpg-login=\"{SECRET}\""), false),
        (
            secure,
            format!("__Host-mcpg-login={SECRET}; __Host-mcpg-login={SECRET}"),
            false,
        ),
        (secure, "__Host-mcpg-login=".to_owned(), false),
        (secure, "__Host-mcpg-login".to_owned(), false),
        (secure, String::new(), false),
        ("http://localhost:1", format!("mcpg-login={SECRET}"), true),
        (
            "http://localhost:1",
            format!("__Host-mcpg-login={SECRET}"),
            false,
        ),
    ];
    for (url, cookie, is_known) in rows {
        let found = browser(&base(url), &with_cookie(&cookie));
        let expected = is_known.then(|| SecretHash::of(SECRET.as_bytes()));
        assert_eq!(found, expected, "{url} {cookie}");
    }
}

#[test]
fn a_user_is_remembered_for_one_realm_and_a_time_and_cannot_be_made_up() {
    let (base, sealer) = (base("https://gw.example"), Sealer::new(b"secret"));
    let (_, field) = remember_user(&base, &sealer, ("github", "583231"), 1_000).unwrap();
    let cookie = with_cookie(field.split(';').next().unwrap());
    let known = |sealer: &Sealer, realm: &str, now: u64| user(&base, sealer, realm, &cookie, now);
    assert_eq!(known(&sealer, "github", 1_001).as_deref(), Some("583231"));
    assert_eq!(known(&sealer, "google", 1_001), None);
    assert_eq!(known(&sealer, "github", 1_000 + BROWSER_USER_SECS), None);
    assert_eq!(known(&Sealer::new(b"another"), "github", 1_001), None);
    let made_up = with_cookie("__Host-mcpg-user=583231");
    assert_eq!(user(&base, &sealer, "github", &made_up, 1_001), None);
}

#[test]
fn a_form_of_another_site_is_told_by_what_the_browser_says() {
    let base = base("https://gw.example:8443/base");
    let rows = [
        (None, None, true),
        (Some("https://gw.example:8443"), Some("same-origin"), true),
        (Some("HTTPS://GW.EXAMPLE:8443"), None, true),
        (None, Some("same-origin"), true),
        (Some("https://gw.example:8443"), Some("cross-site"), false),
        (None, Some("same-site"), false),
        (None, Some("none"), false),
        (Some("null"), None, false),
        (Some("https://gw.example"), None, false),
        (Some("https://gw.example:8443.evil.example"), None, false),
        (Some("https://evil.example"), Some("same-origin"), false),
    ];
    for (origin, site, is_own) in rows {
        let request = OAuthRequest {
            origin: origin.map(|text| text.as_bytes().into()),
            fetch_site: site.map(|text| text.as_bytes().into()),
            ..request(OAuthEndpoint::Consent)
        };
        assert_eq!(is_own_page(&base, &request), is_own, "{origin:?} {site:?}");
    }
}
