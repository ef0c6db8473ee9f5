//! Where each provider is.

use super::{ISSUER, custom, found, github, google, oauth, okta, said};
use crate::config::model::{FetchUrl, OAuth};

/// issuer, authorization, token, introspection, userinfo.
fn urls(oauth: &OAuth) -> [&str; 5] {
    fn text(url: &Option<FetchUrl>) -> &str {
        url.as_ref().map_or("-", |url| url.text.as_str())
    }
    [
        text(&oauth.issuer),
        text(&oauth.authorization_url),
        text(&oauth.token_url),
        text(&oauth.introspection_url),
        text(&oauth.userinfo_url),
    ]
}

#[test]
fn known_providers_need_no_urls() {
    assert_eq!(
        urls(&oauth(&github(""))),
        [
            "https://github.com/login/oauth",
            "https://github.com/login/oauth/authorize",
            "https://github.com/login/oauth/access_token",
            "https://api.github.com/applications/Iv1.abc/token",
            "https://api.github.com/user",
        ]
    );
    assert_eq!(
        urls(&oauth(&google(""))),
        [
            "https://accounts.google.com",
            "https://accounts.google.com/o/oauth2/v2/auth",
            "https://oauth2.googleapis.com/token",
            "https://oauth2.googleapis.com/tokeninfo",
            "https://openidconnect.googleapis.com/v1/userinfo",
        ]
    );
    assert_eq!(
        urls(&oauth(&okta(""))),
        [
            "https://dev.okta.com/oauth2/default",
            "https://dev.okta.com/oauth2/default/v1/authorize",
            "https://dev.okta.com/oauth2/default/v1/token",
            "https://dev.okta.com/oauth2/default/v1/introspect",
            "https://dev.okta.com/oauth2/default/v1/userinfo",
        ]
    );
    let org = okta("").replace("/oauth2/default", "");
    assert_eq!(
        urls(&oauth(&org)),
        [
            "https://dev.okta.com",
            "https://dev.okta.com/oauth2/v1/authorize",
            "https://dev.okta.com/oauth2/v1/token",
            "https://dev.okta.com/oauth2/v1/introspect",
            "https://dev.okta.com/oauth2/v1/userinfo",
        ]
    );
}

#[test]
fn github_enterprise_is_given_whole() {
    let enterprise = "authorization_url = 'https://ghe.example/login/oauth/authorize'\ntoken_url = 'https://ghe.example/login/oauth/access_token'\nuserinfo_url = 'https://ghe.example/api/v3/user'\n";
    assert_eq!(
        urls(&oauth(&github(enterprise))),
        [
            "https://ghe.example/login/oauth",
            "https://ghe.example/login/oauth/authorize",
            "https://ghe.example/login/oauth/access_token",
            "https://ghe.example/api/v3/applications/Iv1.abc/token",
            "https://ghe.example/api/v3/user",
        ]
    );
    found(
        &github("authorization_url = 'https://ghe.example/login/oauth/authorize'"),
        &["token_url: error missing", "userinfo_url: error missing"],
    );
    let elsewhere = enterprise.replace("/api/v3/user", "/api/v3/me");
    found(&github(&elsewhere), &["introspection_url: error missing"]);
    let told = format!("{elsewhere}introspection_url = 'https://ghe.example/check'");
    found(&github(&told), &[]);
}

#[test]
fn every_url_can_be_another() {
    for (key, place) in [
        ("issuer", 0),
        ("authorization_url", 1),
        ("token_url", 2),
        ("introspection_url", 3),
        ("userinfo_url", 4),
    ] {
        let text = google(&format!("{key} = 'http://127.0.0.1:9/x'"));
        assert_eq!(urls(&oauth(&text))[place], "http://127.0.0.1:9/x", "{key}");
    }
}

#[test]
fn an_issuer_of_okta_is_an_org_or_an_authorization_server() {
    for (issuer, is_sound) in [
        ("https://dev.okta.com", true),
        ("https://dev.okta.com/oauth2/aus123", true),
        ("https://dev.okta.com/", false),
        ("https://dev.okta.com/oauth2", false),
        ("https://dev.okta.com/oauth2/", false),
        ("https://dev.okta.com/oauth2/default/", false),
        ("https://dev.okta.com/oauth2/default/v1", false),
        ("https://dev.okta.com/x", false),
        ("https://dev.okta.com?x", false),
        ("http://dev.okta.com", false),
        ("dev.okta.com", false),
    ] {
        let text = okta("").replace("https://dev.okta.com/oauth2/default", issuer);
        let expected = (!is_sound).then_some("issuer: error malformed");
        found(&text, expected.as_slice());
    }
    let without = okta("").replace("issuer = 'https://dev.okta.com/oauth2/default'\n", "");
    found(&without, &["issuer: error missing"]);
}

#[test]
fn the_address_of_a_providers_document_is_not_its_issuer() {
    let document = "/.well-known/openid-configuration";
    for text in [
        custom(&format!("issuer = 'https://id.example{document}'")),
        okta("").replace("/oauth2/default", document),
        google(&format!("issuer = 'https://id.example{document}'")),
    ] {
        found(&text, &["issuer: error malformed"]);
        assert!(said(&text).contains("what stands before /.well-known"));
    }
}

#[test]
fn urls_are_https_or_of_this_machine() {
    for (url, is_sound) in [
        ("https://id.example/token", true),
        ("http://localhost:8080/token", true),
        ("http://[::1]/token", true),
        ("http://id.example/token", false),
        ("https://user:hunter2@id.example/token", false),
        ("https://id.example/token#x", false),
        ("file:///etc/passwd", false),
        ("", false),
    ] {
        let text = google(&format!("token_url = '{url}'"));
        let expected = (!is_sound).then_some("token_url: error malformed");
        found(&text, expected.as_slice());
        assert!(!said(&text).contains("hunter2"));
    }
    let text = google("authorization_url = 'https://id.example/authorize?tenant=a'");
    assert_eq!(
        urls(&oauth(&text))[1],
        "https://id.example/authorize?tenant=a"
    );
}

#[test]
fn another_provider_has_an_issuer_or_is_given_whole() {
    found(&custom(""), &["issuer: error missing"]);
    found(&custom(ISSUER), &[]);
    found(
        &custom("authorization_url = 'https://id.example/a'"),
        &["token_url: error missing", "userinfo_url: error missing"],
    );
    let whole = "authorization_url = 'https://id.example/a'\ntoken_url = 'https://id.example/t'\nuserinfo_url = 'https://id.example/u'\n";
    let found = oauth(&custom(whole));
    assert_eq!(found.realm, "https://id.example");
    assert!(found.login && !found.opaque_tokens && found.scopes.is_empty());
}

#[test]
fn introspection_alone_is_a_resource_server_without_a_login() {
    let keys = "introspection_url = 'https://id.example:8443/introspect'\nclient_secret = 's'\n";
    let found = oauth(&custom(keys));
    assert!(!found.login && found.opaque_tokens);
    assert_eq!(found.realm, "https://id.example:8443");
}

#[test]
fn a_token_that_nobody_can_be_asked_about_is_not_taken() {
    let keys = "authorization_url = 'https://id.example/a'\ntoken_url = 'https://id.example/t'\nuserinfo_url = 'https://id.example/u'\nopaque_tokens = true\nclient_secret = 's'\n";
    found(&custom(keys), &["introspection_url: error missing"]);
    found(
        &custom(&format!("{keys}{ISSUER}")),
        &["introspection_url: error missing"],
    );
    let found_there = format!("{ISSUER}client_secret = 's'\nopaque_tokens = true\n");
    found(&custom(&found_there), &[]);
}

#[test]
fn a_login_that_is_asked_for_needs_somewhere_to_log_in() {
    let keys = "introspection_url = 'https://id.example/i'\nclient_secret = 's'\n";
    found(
        &custom(&format!("{keys}login = true")),
        &["authorization_url: error missing"],
    );
    found(
        &custom(&format!("{keys}[auth.oauth.server]\nenabled = true")),
        &["authorization_url: error missing"],
    );
    found(
        &github("login = false\n[auth.oauth.server]\nenabled = true"),
        &["login: error conflict"],
    );
}

#[test]
fn one_file_of_authorities_is_for_every_url() {
    let found_all = oauth(&custom(&format!(
        "{ISSUER}introspection_url = 'http://127.0.0.1/i'\nclient_secret = 's'\nca_path = 'ca.pem'\n"
    )));
    let ca = |url: &Option<FetchUrl>| url.as_ref().unwrap().ca_path.clone();
    assert_eq!(ca(&found_all.issuer), Some("ca.pem".into()));
    assert_eq!(ca(&found_all.introspection_url), None);
    found(
        &custom("issuer = 'http://127.0.0.1:9'\nca_path = 'ca.pem'"),
        &["ca_path: warning unused"],
    );
}

#[test]
fn what_is_asked_for_is_what_the_provider_needs() {
    let scopes = |text: &str| oauth(text).scopes.join(" ");
    assert_eq!(scopes(&github("")), "read:user user:email");
    assert_eq!(
        scopes(&github("allowed_organizations = ['a']")),
        "read:user user:email read:org"
    );
    assert_eq!(scopes(&google("")), "openid email profile");
    assert_eq!(scopes(&okta("")), "openid email profile");
    assert_eq!(scopes(&custom(ISSUER)), "openid email profile");
    assert_eq!(scopes(&okta("scopes = ['openid', 'x']")), "openid x");
}
