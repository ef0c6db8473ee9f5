//! `[auth.jwt]`: what is accepted and refused, in TOML and in YAML, and what it becomes.

use std::time::Duration;

use super::diagnostics::check;
use super::{config, load_in, load_toml};
use crate::config::model::{Config, Jwt, JwtKeys};
use crate::config::{Fixed, compile};
use crate::engine::identity::jwt::{Algorithm, JwtIssuer, KeySource, SourceId};
use crate::engine::snapshot::Snapshot;

/// 32, 48 and 64 characters.
const SECRET_32: &str = "0123456789abcdef0123456789abcdef";
const SECRET_48: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";
const SECRET_64: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A configuration whose only issuer has `keys`.
fn with(keys: &str) -> String {
    format!("[upstream]\nurl = 'http://x'\n[audit]\nstdout = true\n[auth.jwt]\n{keys}\n")
}

/// The rest of a sound issuer of mode `simple`.
fn simple(keys: &str) -> String {
    with(&format!(
        "mode = 'simple'\nissuer = 'https://id/'\naudience = 'mcp'\nallowed_tools = ['*']\n{keys}"
    ))
}

/// The rest of a sound issuer of mode `jwks`.
fn jwks(keys: &str) -> String {
    with(&format!(
        "mode = 'jwks'\nissuer = 'https://id/'\naudience = 'mcp'\nallowed_tools = ['*']\n{keys}"
    ))
}

fn sound(keys: &str) -> String {
    jwks(&format!("jwks_url = 'https://id/keys'\n{keys}"))
}

/// Several issuers, each with its own keys.
fn several(issuers: &[&str]) -> String {
    let issuer = |keys: &&str| {
        format!("[[auth.jwt]]\nmode = 'jwks'\naudience = 'mcp'\nallowed_tools = ['*']\n{keys}\n")
    };
    let issuers: String = issuers.iter().map(issuer).collect();
    format!("[upstream]\nurl = 'http://x'\n[audit]\nstdout = true\n{issuers}")
}

/// The one problem, with its path in `auth.jwt`.
fn refused(text: &str, expected: &str) {
    check(text, &[&format!("auth.jwt.{expected}")]);
}

fn issuer(config: &Config) -> &Jwt {
    &config.auth.jwt[0]
}

fn compiled(snapshot: &Snapshot) -> &JwtIssuer {
    &snapshot.identity.issuers().issuers()[0]
}

#[test]
fn a_token_issuer_alone_is_authentication() {
    check(&simple(&format!("secret = '{SECRET_32}'")), &[]);
    check(&sound(""), &[]);
}

#[test]
fn what_an_issuer_lacks_is_told_at_once() {
    check(
        &with("allowed_tools = ['*']"),
        &[
            "auth.jwt.mode: error missing",
            "auth.jwt.issuer: error missing",
            "auth.jwt.audience: error missing",
        ],
    );
    refused(&simple(""), "secret: error missing");
    refused(&jwks(""), "jwks_url: error missing");
    refused(
        &with("mode = 'oidc'\nissuer = 'a'\naudience = 'b'\nallowed_tools = ['*']"),
        "mode: error not_accepted",
    );
}

#[test]
fn what_is_missing_says_why_it_is_needed() {
    let found = super::diagnostics(load_toml(&with("mode = 'jwks'")));
    let said = |key: &str| {
        let found = found.iter().find(|found| found.key_path == key).unwrap();
        found.to_string()
    };
    assert!(said("auth.jwt.audience").contains("made for another service"));
    assert!(said("auth.jwt.issuer").contains("any issuer"));
    assert!(said("auth.jwt.jwks_url").contains("openid-configuration"));
    assert!(said("auth.jwt.audience").starts_with("mcp-guard.toml:5:"));
}

#[test]
fn a_shared_secret_is_at_least_as_long_as_its_hash() {
    let algorithms = |names: &str| format!("algorithms = [{names}]");
    for (algorithms, secret, least) in [
        (String::new(), SECRET_32, None),
        (String::new(), &SECRET_32[1..], Some("32")),
        (algorithms("'HS256'"), "x", Some("32")),
        (algorithms("'HS384'"), SECRET_48, None),
        (algorithms("'HS384'"), &SECRET_48[1..], Some("48")),
        (algorithms("'HS512'"), SECRET_64, None),
        (algorithms("'HS512'"), &SECRET_64[1..], Some("64")),
        (algorithms("'HS512', 'HS256'"), SECRET_32, Some("64")),
    ] {
        let text = simple(&format!("{algorithms}\nsecret = '{secret}'"));
        let expected = least.map(|_| "auth.jwt.secret: error secret_short");
        check(&text, expected.as_slice());
        let said: String = super::diagnostics(load_toml(&text))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(said.contains(least.unwrap_or("")), "{said}");
        assert_eq!(
            least.is_some(),
            said.contains("openssl rand -base64"),
            "{said}"
        );
        assert!(!said.contains(secret) || secret == "x", "{said}");
    }
}

#[test]
fn a_shared_secret_comes_from_a_variable_or_a_file_too() {
    for (key, expected) in [
        ("secret = '${JWT_SECRET}'", None),
        ("secret_file = 'secret'", None),
        ("secret = '${ABSENT}'", Some("auth.jwt.secret: env_missing")),
        (
            "secret_file = 'absent'",
            Some("auth.jwt.secret_file: secret_file"),
        ),
        (
            "secret_file = 'short'",
            Some("auth.jwt.secret_file: secret_short"),
        ),
        ("secret = '${SHORT}'", Some("auth.jwt.secret: secret_short")),
        ("secret = ''", Some("auth.jwt.secret: secret_empty")),
    ] {
        let mut world = Fixed::default();
        world
            .variables
            .insert("JWT_SECRET".to_owned(), SECRET_32.to_owned());
        world
            .variables
            .insert("SHORT".to_owned(), "short".to_owned());
        world
            .files
            .insert("secret".into(), (format!("{SECRET_32}\n"), 0o600));
        world
            .files
            .insert("short".into(), ("short\n".to_owned(), 0o600));
        let found = super::diagnostics(load_in(world, "c.toml", &simple(key)));
        let found: Vec<_> = found
            .iter()
            .map(|found| format!("{}: {}", found.key_path, found.problem.code()))
            .collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{key}");
    }
}

#[test]
fn a_literal_secret_in_an_open_file_is_warned_about() {
    let mut world = Fixed::default();
    let text = simple(&format!("secret = '{SECRET_32}'"));
    let path = std::path::Path::new("c.toml");
    world.files.insert(path.into(), (text, 0o644));
    let loaded = crate::config::load(
        path,
        &crate::config::Overrides::default(),
        &world,
        super::NOW,
    );
    let found = super::diagnostics(loaded);
    assert_eq!(found[0].problem.code(), "file_exposed");
    assert!(!format!("{found:?}").contains(SECRET_32));
}

#[test]
fn the_kinds_of_algorithms_do_not_mix() {
    let secret = format!("secret = '{SECRET_64}'\n");
    for (names, expected) in [
        ("'HS256', 'HS384', 'HS512'", None),
        ("'RS256'", Some("algorithms[0]: error conflict")),
        ("'HS256', 'ES256'", Some("algorithms[1]: error conflict")),
        ("'none'", Some("algorithms[0]: error unsigned_tokens")),
        ("'NonE'", Some("algorithms[0]: error unsigned_tokens")),
        ("'hs256'", Some("algorithms[0]: error not_accepted")),
        ("'HS256', 'HS256'", Some("algorithms[1]: error same_as")),
        ("'HS256', 1", Some("algorithms[1]: error wrong_type")),
        ("", Some("algorithms: error malformed")),
    ] {
        let text = simple(&format!("{secret}algorithms = [{names}]"));
        let expected = expected.map(|expected| format!("auth.jwt.{expected}"));
        check(&text, expected.as_deref().as_slice());
    }
    for (names, expected) in [
        (
            "'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'",
            None,
        ),
        ("'HS256'", Some("algorithms[0]: error conflict")),
        ("'RS256', 'HS512'", Some("algorithms[1]: error conflict")),
        ("'none'", Some("algorithms[0]: error unsigned_tokens")),
        ("'ES256K'", Some("algorithms[0]: error not_accepted")),
        ("'eddsa'", Some("algorithms[0]: error not_accepted")),
    ] {
        let expected = expected.map(|expected| format!("auth.jwt.{expected}"));
        check(
            &sound(&format!("algorithms = [{names}]")),
            expected.as_deref().as_slice(),
        );
    }
    refused(
        &sound("algorithms = 'RS256'"),
        "algorithms: error wrong_type",
    );
}

#[test]
fn absent_algorithms_are_those_of_the_mode() {
    let simple = config(&simple(&format!("secret = '{SECRET_32}'")));
    assert_eq!(issuer(&simple).algorithms, [Algorithm::Hs256]);
    let jwks = config(&sound(""));
    assert_eq!(
        issuer(&jwks).algorithms,
        [Algorithm::Rs256, Algorithm::Es256]
    );
}

#[test]
fn keys_of_the_other_mode_are_refused() {
    let secret = format!("secret = '{SECRET_32}'\n");
    for key in [
        "jwks_url = 'https://id/keys'",
        "jwks_ca_path = 'ca.pem'",
        "cache_duration_secs = 60",
    ] {
        let name = key.split(' ').next().unwrap();
        refused(
            &simple(&format!("{secret}{key}")),
            &format!("{name}: error conflict"),
        );
    }
    refused(&sound(&secret), "secret: error conflict");
    refused(&sound("secret_file = 'x'"), "secret_file: error conflict");
}

#[test]
fn keys_are_fetched_over_tls_or_from_this_machine() {
    for (url, expected) in [
        ("https://id.example.com/keys", None),
        ("http://localhost:8080/keys", None),
        (
            "http://id.example.com/keys",
            Some("jwks_url: error malformed"),
        ),
        (
            "https://a:hunter2@id/keys",
            Some("jwks_url: error malformed"),
        ),
        ("https://id/keys#a", Some("jwks_url: error malformed")),
        ("https://0x7f000001/keys", Some("jwks_url: error malformed")),
    ] {
        let expected = expected.map(|expected| format!("auth.jwt.{expected}"));
        let text = jwks(&format!("jwks_url = '{url}'"));
        check(&text, expected.as_deref().as_slice());
        let shown = format!("{:?}", super::diagnostics(load_toml(&text)));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    refused(
        &jwks("jwks_url = 'http://localhost/keys'\njwks_ca_path = 'ca.pem'"),
        "jwks_ca_path: error conflict",
    );
}

#[test]
fn durations_stay_within_their_bounds() {
    for (key, expected) in [
        ("cache_duration_secs = '1h'", None),
        ("cache_duration_secs = 60", None),
        ("cache_duration_secs = 86400", None),
        (
            "cache_duration_secs = 59",
            Some("cache_duration_secs: error out_of_range"),
        ),
        (
            "cache_duration_secs = '25h'",
            Some("cache_duration_secs: error out_of_range"),
        ),
        ("leeway_secs = 0", None),
        ("leeway_secs = '5m'", None),
        ("leeway_secs = 301", Some("leeway_secs: error out_of_range")),
        ("leeway_secs = -1", Some("leeway_secs: error malformed")),
        (
            "require_at_jwt = 'yes'",
            Some("require_at_jwt: error wrong_type"),
        ),
        ("rate_limit = 0", Some("rate_limit: error out_of_range")),
        ("burst_size = 0", Some("burst_size: error out_of_range")),
    ] {
        let expected = expected.map(|expected| format!("auth.jwt.{expected}"));
        check(&sound(key), expected.as_deref().as_slice());
    }
}

#[test]
fn issuers_and_audiences_have_the_form_of_their_claims() {
    let named = |issuer: &str, audience: &str| {
        with(&format!(
            "mode = 'jwks'\njwks_url = 'https://id/'\nallowed_tools = ['*']\nissuer = {issuer}\naudience = {audience}"
        ))
    };
    let long = format!("'{}'", "a".repeat(257));
    for (issuer, audience, expected) in [
        ("'plain'", "'a b'", None),
        ("'https://id/a?b=c'", "['a', 'b']", None),
        ("''", "'a'", Some("issuer: error malformed")),
        ("'a b'", "'a'", Some("issuer: error malformed")),
        ("'ü'", "'a'", Some("issuer: error malformed")),
        ("'a\"b'", "'a'", Some("issuer: error malformed")),
        (&long, "'a'", Some("issuer: error malformed")),
        ("'i'", "''", Some("audience: error malformed")),
        ("'i'", "['a', '']", Some("audience[1]: error malformed")),
        ("'i'", "[]", Some("audience: error out_of_range")),
        ("'i'", "[1, 'a']", Some("audience[0]: error wrong_type")),
        ("'i'", "true", Some("audience: error wrong_type")),
        ("'i'", &long, Some("audience: error malformed")),
    ] {
        let expected = expected.map(|expected| format!("auth.jwt.{expected}"));
        check(&named(issuer, audience), expected.as_deref().as_slice());
    }
    for key in ["user_id_claim", "scopes_claim"] {
        check(&sound(&format!("{key} = 'https://id/roles'")), &[]);
        refused(
            &sound(&format!("{key} = ''")),
            &format!("{key}: error malformed"),
        );
    }
}

#[test]
fn scopes_are_scope_tokens_with_lists_of_entries() {
    for (mapping, expected) in [
        ("{ 'mcp:read' = ['read_*'], 'https://x/y.z' = ['*'] }", None),
        (
            "{ a = [] }",
            Some("scope_tool_mapping.a: warning allows_nothing"),
        ),
        (
            "{ 'a b' = ['x'] }",
            Some("scope_tool_mapping.a b: error malformed"),
        ),
        (
            "{ 'a\"b' = ['x'] }",
            Some("scope_tool_mapping.a\"b: error malformed"),
        ),
        (
            "{ '' = ['x'] }",
            Some("scope_tool_mapping.: error malformed"),
        ),
        (
            "{ a = 'x' }",
            Some("scope_tool_mapping.a: error wrong_type"),
        ),
        (
            "{ a = ['x', 1] }",
            Some("scope_tool_mapping.a[1]: error wrong_type"),
        ),
        ("['a']", Some("scope_tool_mapping: error wrong_type")),
        (
            "{ a = ['ok', '**'] }",
            Some("scope_tool_mapping.a[1]: error bad_entry"),
        ),
        (
            "{ 'https://x/y.z' = ['git::push'] }",
            Some("scope_tool_mapping.https://x/y.z[0]: error unknown_server"),
        ),
    ] {
        let expected = expected.map(|expected| format!("auth.jwt.{expected}"));
        check(
            &sound(&format!("scope_tool_mapping = {mapping}")),
            expected.as_deref().as_slice(),
        );
    }
}

#[test]
fn a_problem_in_a_scope_has_its_line() {
    let text = format!(
        "{}[auth.jwt.scope_tool_mapping]\n'a.b' = ['x']\n'c.d' = ['**']\n",
        sound("")
    );
    let found = super::diagnostics(load_toml(&text));
    let line = text
        .lines()
        .position(|line| line.starts_with("'c.d'"))
        .unwrap()
        + 1;
    assert_eq!(found[0].position.unwrap().line, line, "{found:#?}");
}

#[test]
fn an_issuer_that_allows_nothing_is_warned_about() {
    let bare = "mode = 'jwks'\njwks_url = 'https://id/'\nissuer = 'i'\naudience = 'a'\n";
    refused(&with(bare), "allowed_tools: warning allows_nothing");
    refused(
        &with(&format!("{bare}allowed_tools = []")),
        "allowed_tools: warning allows_nothing",
    );
    check(
        &with(&format!("{bare}scope_tool_mapping = {{ a = ['x'] }}")),
        &[],
    );
}

#[test]
fn entries_of_an_issuer_are_checked_like_those_of_a_key() {
    refused(
        &sound("denied_tools = ['git::push']"),
        "denied_tools[0]: error unknown_server",
    );
    refused(
        &sound("denied_tools = ['']"),
        "denied_tools[0]: error bad_entry",
    );
}

#[test]
fn several_issuers_stand_side_by_side() {
    let one = "issuer = 'a'\njwks_url = 'https://a/keys'";
    check(
        &several(&[one, "issuer = 'b'\njwks_url = 'https://b/keys'"]),
        &[],
    );
    check(
        &several(&[one, "issuer = 'b'\njwks_url = 'https://a/keys'"]),
        &[],
    );
    check(
        &several(&[one, "issuer = 'b'\njwks_url = 'https://b/'", one]),
        &["auth.jwt[2].issuer: error same_as"],
    );
    check(
        &several(&[one, "issuer = 'b'"]),
        &["auth.jwt[1].jwks_url: error missing"],
    );
    check(
        &several(&[
            one,
            "issuer = 'b'\njwks_url = 'https://a/keys'\njwks_ca_path = 'ca'",
        ]),
        &["auth.jwt[1].jwks_ca_path: error conflict"],
    );
    check(
        &several(&[one, "isuer = 'b'\njwks_url = 'https://b/keys'"]),
        &[
            "auth.jwt[1].isuer: error unknown_key",
            "auth.jwt[1].issuer: error missing",
        ],
    );
}

#[test]
fn neither_a_word_nor_a_list_of_words_is_an_issuer() {
    let text = |value: &str| {
        format!("[upstream]\nurl = 'http://x'\n[audit]\nstdout = true\n[auth]\njwt = {value}\n")
    };
    let found = |value: &str| {
        let found = super::diagnostics(load_toml(&text(value)));
        found
            .iter()
            .any(|found| found.problem.code() == "wrong_type")
    };
    assert!(found("'x'") && found("['x']"));
    // An empty list is nobody.
    check(&text("[]"), &["auth: error no_authentication"]);
}

#[test]
fn the_snapshot_has_what_the_file_says() {
    let text = sound(
        "algorithms = ['ES256', 'RS256']\nleeway_secs = 5\nrate_limit = 3\nrequire_at_jwt = true\n\
         scope_tool_mapping = { 'mcp:read' = ['read_*'] }\ndenied_tools = ['x']",
    );
    let config = config(&text);
    let JwtKeys::Jwks {
        url,
        cache_duration,
    } = &issuer(&config).keys
    else {
        panic!("{config:?}");
    };
    assert_eq!(*cache_duration, Duration::from_secs(3600));
    let snapshot = compile(&config, 3000, 1).unwrap();
    let issuer = compiled(&snapshot);
    assert_eq!(&*issuer.issuer, "https://id/");
    assert_eq!(issuer.audiences, ["mcp".into()]);
    assert_eq!((issuer.leeway_secs, issuer.require_at_jwt), (5, true));
    assert!(issuer.quota.is_some() && !issuer.grants.is_empty());
    let scopes: Vec<_> = issuer
        .scopes
        .scopes()
        .iter()
        .map(|scope| &*scope.scope)
        .collect();
    assert_eq!(scopes, ["mcp:read"]);
    // The order of the file makes no other source.
    let source = SourceId::of(&url.text, &[Algorithm::Rs256, Algorithm::Es256]);
    assert!(matches!(issuer.keys, KeySource::Jwks(found) if found == source));
}
