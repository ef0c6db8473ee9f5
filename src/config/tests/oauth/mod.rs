//! `[auth.oauth]`: what is accepted and refused, and what it becomes.

mod compiled;
mod endpoints;
mod people;
mod server;

use super::diagnostics::check;
use super::{config, diagnostics, load_in, load_toml};
use crate::config::Fixed;
use crate::config::model::{Config, OAuth, SigningAlgorithm};

/// 32 characters.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A configuration that people come in to by `[auth.oauth]` with `keys` alone.
fn with(keys: &str) -> String {
    format!(
        "[server]\npublic_url = 'https://gw.example'\n[upstream]\nurl = 'http://x'\n[audit]\nstdout = true\n[auth.oauth]\n{keys}\n"
    )
}

/// The same without a public URL.
fn nowhere(keys: &str) -> String {
    with(keys).replace("[server]\npublic_url = 'https://gw.example'\n", "")
}

/// Sound keys of a provider, and more.
fn github(more: &str) -> String {
    with(&format!(
        "provider = 'github'\nclient_id = 'Iv1.abc'\nclient_secret = 's'\nallowed_users = ['1']\nallowed_tools = ['*']\n{more}"
    ))
}

fn google(more: &str) -> String {
    with(&format!(
        "provider = 'google'\nclient_id = 'x.apps.googleusercontent.com'\nclient_secret = 's'\nallowed_users = ['*@example.com']\nallowed_tools = ['*']\n{more}"
    ))
}

fn okta(more: &str) -> String {
    with(&format!(
        "provider = 'okta'\nclient_id = 'x'\nclient_secret = 's'\nissuer = 'https://dev.okta.com/oauth2/default'\nallowed_tools = ['*']\n{more}"
    ))
}

fn custom(more: &str) -> String {
    with(&format!(
        "provider = 'custom'\nclient_id = 'x'\nallowed_tools = ['*']\n{more}"
    ))
}

const ISSUER: &str = "issuer = 'https://id.example'\n";

fn oauth(text: &str) -> OAuth {
    config(text).auth.oauth.unwrap()
}

/// The problems, with their paths below `auth.oauth`.
fn found(text: &str, expected: &[&str]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|one| format!("auth.oauth.{one}"))
        .collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    check(text, &expected);
}

/// What is said of `text`, remedies and all.
fn said(text: &str) -> String {
    let lines = diagnostics(load_toml(text));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_provider_alone_is_authentication() {
    for sound in [github(""), google(""), okta(""), custom(ISSUER)] {
        check(&sound, &[]);
    }
}

#[test]
fn what_a_provider_lacks_is_told_at_once() {
    found(
        &with("allowed_tools = ['*']\nstore_key = 'short'\nlogin_tokn_ttl = 1"),
        &[
            "store_key: error secret_short",
            "login_tokn_ttl: error unknown_key",
            "client_id: error missing",
            "provider: error missing",
        ],
    );
    found(
        &with("provider = 'github'\nallowed_tools = ['*']"),
        &[
            "allowed_users: error missing",
            "client_id: error missing",
            "client_secret: error missing",
        ],
    );
    found(
        &with("provider = 'gitlab'\nclient_id = 'x'\nallowed_tools = ['*']"),
        &["provider: error not_accepted"],
    );
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let found = oauth(&github(""));
    assert_eq!(found.token_cache_ttl.as_secs(), 300);
    assert_eq!(found.login_token_ttl.as_secs(), 8 * 3_600);
    assert_eq!(found.signing_algorithm, SigningAlgorithm::Es256);
    assert_eq!(found.store_path.to_str(), Some("mcp-guard-oauth.redb"));
    assert_eq!(found.redirect_uri, "https://gw.example/oauth/callback");
    assert_eq!(found.realm, "github");
    assert_eq!(found.user_id_claim, "id");
    assert!(found.login && found.opaque_tokens && found.server.is_none());
    assert!(found.store_key.is_none() && found.audience.is_empty());
    assert_eq!(oauth(&google("")).realm, "google");
    assert_eq!(oauth(&google("")).user_id_claim, "sub");
    assert!(
        !oauth(&custom(ISSUER)).opaque_tokens,
        "it has no secret to ask with"
    );
    assert!(oauth(&custom(&format!("{ISSUER}client_secret = 's'"))).opaque_tokens);
    let realm = oauth(&okta("")).realm;
    assert_eq!(realm, "https://dev.okta.com/oauth2/default");
}

#[test]
fn paths_begin_at_the_folder_of_the_file() {
    let world = Fixed::default();
    let loaded = load_in(world, "/etc/mcp/gw.toml", &github("store_path = 's.redb'")).unwrap();
    let path = loaded.config.auth.oauth.unwrap().store_path;
    assert_eq!(path.to_str(), Some("/etc/mcp/s.redb"));
    let loaded = load_in(Fixed::default(), "/etc/mcp/gw.toml", &github("")).unwrap();
    let path = loaded.config.auth.oauth.unwrap().store_path;
    assert_eq!(path.to_str(), Some("/etc/mcp/mcp-guard-oauth.redb"));
}

#[test]
fn secrets_come_from_variables_and_files_and_are_never_shown() {
    let keys = |keys: &str| {
        with(&format!(
            "provider = 'github'\nclient_id = 'x'\nallowed_users = ['1']\nallowed_tools = ['*']\n{keys}"
        ))
    };
    for (keys, expected) in [
        ("client_secret = '${S}'\nstore_key = '${K}'", None),
        ("client_secret_file = 's'\nstore_key_file = 'k'", None),
        (
            "client_secret = '${S}'\nstore_key_file = 's'",
            Some("auth.oauth.store_key_file: secret_short"),
        ),
        (
            "client_secret = '${S}'\nstore_key = 'hunter2'",
            Some("auth.oauth.store_key: secret_short"),
        ),
        (
            "client_secret = '${ABSENT}'",
            Some("auth.oauth.client_secret: env_missing"),
        ),
        (
            "client_secret = ''",
            Some("auth.oauth.client_secret: secret_empty"),
        ),
        (
            "client_secret = '${S}'\nclient_secret_file = 's'",
            Some("auth.oauth.client_secret: secret_twice"),
        ),
    ]
    .map(|(text, expected)| (keys(text), expected))
    {
        let mut world = Fixed::default();
        world.variables.insert("S".to_owned(), "hunter2".to_owned());
        world.variables.insert("K".to_owned(), SECRET.to_owned());
        world
            .files
            .insert("s".into(), ("hunter2\n".to_owned(), 0o600));
        world
            .files
            .insert("k".into(), (format!("{SECRET}\n"), 0o600));
        let loaded = load_in(world, "c.toml", &keys);
        if let Ok(loaded) = &loaded {
            let shown = format!("{:?}", loaded.config);
            assert!(!shown.contains("hunter2") && !shown.contains(SECRET));
        }
        let found = diagnostics(loaded);
        let shown = format!("{found:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        let found: Vec<_> = found
            .iter()
            .map(|found| format!("{}: {}", found.key_path, found.problem.code()))
            .collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{keys}");
    }
}

#[test]
fn values_have_bounds() {
    for (keys, expected) in [
        ("token_cache_ttl_secs = 1", None),
        ("token_cache_ttl_secs = 3600", None),
        (
            "token_cache_ttl_secs = 3601",
            Some("token_cache_ttl_secs: error out_of_range"),
        ),
        (
            "token_cache_ttl_secs = 0",
            Some("token_cache_ttl_secs: error out_of_range"),
        ),
        ("login_token_ttl = '7d'", None),
        (
            "login_token_ttl = '8d'",
            Some("login_token_ttl: error out_of_range"),
        ),
        (
            "login_token_ttl = '59s'",
            Some("login_token_ttl: error out_of_range"),
        ),
        ("signing_algorithm = 'EdDSA'", None),
        (
            "signing_algorithm = 'RS256'",
            Some("signing_algorithm: error not_accepted"),
        ),
        ("scopes = ['a b']", Some("scopes[0]: error malformed")),
        ("rate_limit = 0", Some("rate_limit: error out_of_range")),
        (
            "scope_tool_mapping = { 'a b' = ['*'] }",
            Some("scope_tool_mapping.a b: error malformed"),
        ),
    ] {
        found(&github(keys), expected.as_slice());
    }
}

#[test]
fn a_client_id_is_one_word() {
    for (id, is_sound) in [
        ("Iv1.abc", true),
        ("", false),
        ("a b", false),
        ("a\"b", false),
    ] {
        let text = okta("").replace("client_id = 'x'", &format!("client_id = '{id}'"));
        let expected = (!is_sound).then_some("client_id: error malformed");
        found(&text, expected.as_slice());
    }
}

#[test]
fn a_secret_is_needed_but_of_a_public_client() {
    let without = |text: String| text.replace("client_secret = 's'\n", "");
    for text in [github(""), google(""), okta("")] {
        found(&without(text), &["client_secret: error missing"]);
    }
    let introspection = "introspection_url = 'https://id.example/introspect'\n";
    let rows = [
        (ISSUER.to_owned(), None),
        (
            format!("{ISSUER}{introspection}"),
            Some("client_secret: error missing"),
        ),
        (
            format!("{ISSUER}{introspection}opaque_tokens = false"),
            None,
        ),
        (
            format!("{ISSUER}opaque_tokens = true"),
            Some("client_secret: error missing"),
        ),
        (format!("{introspection}client_secret = 's'"), None),
    ];
    for (keys, expected) in rows {
        found(&custom(&keys), expected.as_slice());
    }
}

#[test]
fn a_user_id_that_another_person_may_have_later_is_warned_about() {
    for claim in ["login", "email", "preferred_username", "name"] {
        let text = github(&format!("user_id_claim = '{claim}'"));
        found(&text, &["user_id_claim: warning user_id_reused"]);
        assert!(said(&text).contains("another person"));
        assert_eq!(oauth(&text).user_id_claim, claim);
    }
    found(&github("user_id_claim = 'node_id'"), &[]);
}

#[test]
fn people_come_back_to_the_gateway_and_nowhere_else() {
    for (uri, is_sound) in [
        ("https://gw.example/oauth/callback", true),
        ("https://gw.example/oauth/callback/", false),
        ("https://gw.example:443/oauth/callback", false),
        ("http://gw.example/oauth/callback", false),
        ("https://gw.example.evil/oauth/callback", false),
        ("https://gw.example/callback", false),
    ] {
        let expected = (!is_sound).then_some("redirect_uri: error malformed");
        found(
            &github(&format!("redirect_uri = '{uri}'")),
            expected.as_slice(),
        );
    }
    let below = github("").replace("gw.example", "gw.example/tools/");
    let uri = oauth(&below).redirect_uri;
    assert_eq!(uri, "https://gw.example/tools/oauth/callback");
}

#[test]
fn a_login_needs_a_secure_place_to_come_back_to() {
    let rows = [
        ("https://gw.example", None),
        ("https://gw.example:8443/base", None),
        ("http://localhost:3000", None),
        ("http://127.0.0.1:3000", None),
        (
            "http://gw.example",
            Some("server.public_url: error malformed"),
        ),
        (
            "https://GW.example",
            Some("server.public_url: error malformed"),
        ),
        (
            "https://gw.example:443",
            Some("server.public_url: error malformed"),
        ),
        (
            "http://localhost:80/a",
            Some("server.public_url: error malformed"),
        ),
        ("http://localhost:8080/A", None),
        (
            "https://gw.example/a//b",
            Some("server.public_url: error malformed"),
        ),
    ];
    for (url, expected) in rows {
        let text = github("").replace("https://gw.example", url);
        check(&text, expected.as_slice());
    }
    let text = nowhere(
        "provider = 'okta'\nclient_id = 'x'\nclient_secret = 's'\nissuer = 'https://dev.okta.com'\nallowed_tools = ['*']\n",
    );
    check(&text, &["server.public_url: error missing"]);
    assert!(said(&text).contains("the provider sends people back there"));
    check(&format!("{text}login = false"), &[]);
    let malformed = text.replace("[upstream]", "[server]\npublic_url = 'x'\n[upstream]");
    check(&malformed, &["server.public_url: error malformed"]);
}

#[test]
fn the_base_address_is_neither_the_callback_nor_that_of_clients() {
    for (url, expected) in [
        (
            "https://gw.example/oauth/callback",
            Some("server.public_url: error malformed"),
        ),
        (
            "https://gw.example/mcp",
            Some("server.public_url: warning public_url_of_endpoint"),
        ),
        ("https://gw.example/tools", None),
        ("https://gw.example/mcps", None),
    ] {
        let text = github("").replace("https://gw.example", url);
        check(&text, expected.as_slice());
        assert_eq!(said(&text).contains("base address"), expected.is_some());
    }
}

#[test]
fn a_resource_server_is_warned_of_a_public_url_in_clear() {
    let text = github("login = false").replace("https://gw.example", "http://gw.example");
    check(&text, &["server.public_url: warning public_url_in_clear"]);
}

#[test]
fn no_other_issuer_may_be_called_as_the_gateway() {
    let jwt = |issuer: &str| {
        format!(
            "[[auth.jwt]]\nmode = 'jwks'\nissuer = '{issuer}'\naudience = 'a'\njwks_url = 'https://id/'\nallowed_tools = ['*']\n"
        )
    };
    let text = |issuer: &str| format!("{}{}", github(""), jwt(issuer));
    check(&text("https://gw.example/"), &[]);
    check(
        &text("https://gw.example"),
        &["auth.jwt[0].issuer: error same_as"],
    );
    assert!(said(&text("https://gw.example")).contains("server.public_url"));
    let twice = format!("{}{}{}", github(""), jwt("a"), jwt("a"));
    check(&twice, &["auth.jwt[1].issuer: error same_as"]);
    assert!(said(&twice).contains("auth.jwt[0].issuer"));
}

#[test]
fn somebody_must_be_able_to_come_in_by_it() {
    found(
        &github("login = false\nopaque_tokens = false"),
        &["login: error conflict"],
    );
    let keys = "authorization_url = 'https://id/a'\ntoken_url = 'https://id/t'\nuserinfo_url = 'https://id/u'\n";
    found(
        &custom(&format!("{keys}login = false")),
        &["login: error conflict"],
    );
    let keys = "introspection_url = 'https://id/i'\nclient_secret = 's'\n";
    found(
        &custom(&format!("{keys}opaque_tokens = false")),
        &["opaque_tokens: error conflict"],
    );
}

#[test]
fn a_token_in_clear_is_warned_of() {
    let text = github("").replace("[server]", "[server]\nhost = '0.0.0.0'");
    check(&text, &["server.host: warning credentials_in_clear"]);
}

#[test]
fn what_allows_nothing_to_anybody_is_warned_about() {
    let nothing = github("").replace("allowed_tools = ['*']\n", "");
    found(&nothing, &["allowed_tools: warning allows_nothing"]);
    found(
        &format!("{nothing}scope_tool_mapping = {{}}\n"),
        &["allowed_tools: warning allows_nothing"],
    );
    for more in [
        "scope_tool_mapping = { a = ['*'] }",
        "[[auth.oauth.identities]]\nmatch = '1'\nallowed_tools = ['*']",
    ] {
        found(&format!("{nothing}{more}\n"), &[]);
    }
}

fn first(config: &Config) -> &OAuth {
    config.auth.oauth.as_ref().unwrap()
}
