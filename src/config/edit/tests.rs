#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{EditError, NewKey};
use crate::config::tests::{HASH, NOW, base};
use crate::config::{Config, Fixed, Format, Overrides, load};

fn new_key() -> NewKey {
    NewKey {
        id: "new".to_owned(),
        key_hash: "LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=".to_owned(),
        allowed_tools: vec!["read_*".to_owned(), "a \"quoted\" one".to_owned()],
        rate_limit: Some(2.5),
        expires_at: Some("2030-01-01T00:00:00Z".to_owned()),
    }
}

fn config(name: &str, text: &str) -> Config {
    let mut world = Fixed::default();
    world.files.insert(name.into(), (text.to_owned(), 0o600));
    let loaded = load(name.as_ref(), &Overrides::default(), &world, NOW);
    loaded
        .unwrap_or_else(|refused| panic!("{text}\n{:#?}", refused.diagnostics))
        .config
}

/// The key is added to `text`, every line of which is kept in its order.
fn check(format: Format, text: &str) {
    let name = if format == Format::Toml {
        "c.toml"
    } else {
        "c.yaml"
    };
    let edited = new_key()
        .add_to(text, format)
        .unwrap_or_else(|error| panic!("{error}: {text}"));
    let keys = config(name, &edited).auth.api_keys;
    let key = keys.last().unwrap();
    assert_eq!(key.id, "new", "{edited}");
    assert_eq!(key.allowed_tools, new_key().allowed_tools);
    assert_eq!(
        (key.rate_limit, key.expires_at_unix_secs),
        (Some(2.5), Some(1_893_456_000))
    );
    let mut lines = edited.lines();
    for line in text.lines().filter(|line| !line.contains("api_keys = [")) {
        assert!(
            lines.any(|kept| kept == line),
            "{line:?} is lost from\n{edited}"
        );
    }
}

#[test]
fn a_key_is_added_to_toml_and_the_rest_is_kept() {
    let tail = "[upstream] # where\nurl = 'http://a' # here\n";
    let key = format!(
        "[[auth.api_keys]] # first\nid = 'a'\nkey_hash = '{HASH}' # hash\nallowed_tools = ['*']\n"
    );
    for text in [
        base(),
        format!("# top\n\n{key}\n# about upstreams\n{tail}# end\n"),
        format!("{tail}\n{key}"),
        format!("{tail}\n{}", key.trim_end()),
        format!(
            "{key}\n{tail}{}",
            key.replace("id = 'a'", "id = 'b'")
                .replace(HASH, "cFDqxsKLX7u77+uEJYkFYxpbZJ8Cja7p5iWNCMLRGpY=")
                .replace("['*']", "[\n  'x', # one\n  'y',\n]")
        ),
        tail.to_owned(),
        format!("{tail}[auth]\n# nothing yet\n"),
        format!("{tail}[auth.anonymous]\nallowed_tools = ['x']\n"),
        format!("[auth]\napi_keys = []\n{tail}"),
        format!("[auth]\napi_keys = [ {{ id = 'a', key_hash = '{HASH}' }} ]\n{tail}"),
    ] {
        check(Format::Toml, &text);
    }
}

/// An issuer of tokens, with a table inside it.
const ISSUER: &str = "[[auth.jwt]] # provider\nmode = 'jwks'\njwks_url = 'https://id/'\nissuer = 'i'\naudience = 'a'\n\n\
                      # by scope\n[auth.jwt.scope_tool_mapping]\nread = ['x'] # reading\n";

#[test]
fn a_key_is_added_beside_issuers_and_certificates() {
    let tail = "\n[upstream] # where\nurl = 'http://a' # here\n";
    let key = format!("\n[[auth.api_keys]] # first\nid = 'a'\nkey_hash = '{HASH}' # hash\n");
    let mtls = "[auth.mtls]\nenabled = true\nsource = 'header'\ntrusted_proxy_ips = ['::1']\n\
                [[auth.mtls.identities]]\nmatch = 'a' # one\nallowed_tools = ['x']\n";
    let second = ISSUER.replace("'i'", "'j'");
    for text in [
        format!("{ISSUER}{tail}"),
        format!("{tail}{ISSUER}"),
        format!("{ISSUER}{second}{tail}"),
        format!("{ISSUER}{key}{tail}"),
        format!("{key}{ISSUER}{tail}"),
        format!("{key}{tail}{ISSUER}{second}"),
        format!("{}{tail}", ISSUER.replace("[[auth.jwt]]", "[auth.jwt]")),
        format!("{mtls}{tail}"),
        format!("{ISSUER}{key}{mtls}{tail}"),
    ] {
        check(Format::Toml, &text);
        let count = |text: &str| {
            let auth = config("c.toml", text).auth;
            let scopes = |jwt: &crate::config::model::Jwt| jwt.scope_tool_mapping.len();
            let mapped: usize = auth.jwt.iter().map(scopes).sum();
            (auth.jwt.len(), mapped, auth.mtls.is_some())
        };
        let edited = new_key().add_to(&text, Format::Toml).unwrap();
        assert_eq!(count(&edited), count(&text), "{edited}");
    }
}

#[test]
fn a_key_is_added_beside_issuers_in_yaml() {
    let jwt = "  jwt:\n    - mode: jwks # provider\n      jwks_url: https://id/\n      issuer: i\n      audience: a\n      \
               scope_tool_mapping:\n        read: [x]\n";
    let keys = format!("  api_keys:\n    - id: a # first\n      key_hash: {HASH}\n");
    let tail = "upstream:\n  url: http://a # here\n";
    for text in [
        format!("auth:\n{jwt}{keys}{tail}"),
        format!("auth:\n{keys}{jwt}{tail}"),
        format!("{tail}auth:\n{keys}{jwt}"),
        format!("auth:\n{jwt}{tail}"),
        format!("auth:\n  anonymous: {{}}\n{tail}"),
        format!("{tail}auth: # who\n{jwt}"),
        format!("{tail}auth:\n  # no keys yet\n{jwt}"),
        format!(
            "auth:\n{}{tail}",
            jwt.replace("\n  ", "\n    ").replace("  jwt", "    jwt")
        ),
    ] {
        check(Format::Yaml, &text);
    }
    for text in [
        format!("auth: {{ anonymous: {{ allowed_tools: [x] }} }}\n{tail}"),
        format!("auth: {{ api_keys: [] }}\n{tail}"),
    ] {
        let refused = new_key().add_to(&text, Format::Yaml);
        assert_eq!(refused, Err(EditError::NotInPlace), "{text}");
    }
}

#[test]
fn comments_under_the_last_key_stay_with_it() {
    let text = format!(
        "{}# denied_tools = []\n# more\n\n# about limits\n[rate_limit]\n",
        base().replace("[audit]\nstdout = true\n", "")
    );
    let text = text.replace("[upstream]\nurl = 'http://localhost:8080/mcp'\n", "");
    let text = format!("[upstream]\nurl = 'http://a'\n{text}");
    let edited = new_key().add_to(&text, Format::Toml).unwrap();
    let place = |part: &str| {
        edited
            .find(part)
            .unwrap_or_else(|| panic!("{part} is not in {edited}"))
    };
    assert!(place("# more") < place("id = \"new\""), "{edited}");
    assert!(place("id = \"new\"") < place("# about limits"), "{edited}");
    assert_eq!(
        edited.replacen(&format!("\n{}", new_key().snippet(Format::Toml)), "", 1),
        text
    );
}

#[test]
fn comments_under_the_last_key_stay_with_it_in_yaml() {
    let text = format!(
        "upstream:\n  url: http://a\nauth:\n  api_keys:\n    - id: a\n      key_hash: {HASH}\n      # denied_tools: []\n      # more\n\n# about limits\nrate_limit:\n"
    );
    let edited = new_key().add_to(&text, Format::Yaml).unwrap();
    let place = |part: &str| {
        edited
            .find(part)
            .unwrap_or_else(|| panic!("{part} is not in {edited}"))
    };
    assert!(place("# more") < place("id: \"new\""), "{edited}");
    assert!(place("id: \"new\"") < place("# about limits"), "{edited}");
}

#[test]
fn a_key_is_added_to_yaml_and_the_rest_is_kept() {
    let tail = "# about upstreams\nupstream: # where\n  url: http://a # here\n";
    let key = |indent: &str| {
        format!(
            "{indent}- id: a # first\n{indent}  key_hash: {HASH}\n{indent}  # tools\n{indent}  allowed_tools:\n{indent}    - '*'\n"
        )
    };
    for text in [
        format!("auth:\n  api_keys:\n{}\n{tail}", key("    ")),
        format!("auth:\n  api_keys:\n{}{tail}", key("  ")),
        format!("{tail}auth:\n  api_keys:\n{}", key("    ").trim_end()),
        format!(
            "auth:\n  api_keys:\n{}{}  anonymous:\n    allowed_tools: [x]\n{tail}",
            key("    "),
            key("    ")
                .replace("id: a", "id: b")
                .replace(HASH, "cFDqxsKLX7u77+uEJYkFYxpbZJ8Cja7p5iWNCMLRGpY=")
        ),
        format!(
            "auth:\n  api_keys:\n{}  anonymous:\n    allowed_tools: [x]\n{tail}",
            key("  ")
        ),
        tail.to_owned(),
        tail.trim_end().to_owned(),
        format!("---\n{tail}auth:\n  api_keys:\n{}", key("    ")),
    ] {
        check(Format::Yaml, &text);
    }
}

#[test]
fn what_cannot_be_edited_is_refused() {
    for (format, text, expected) in [
        (
            Format::Toml,
            "[auth]\napi_keys = 'x'\n",
            EditError::NotInPlace,
        ),
        (Format::Toml, "auth = 3\n", EditError::NotInPlace),
        (Format::Toml, "auth = \n", EditError::NotUnderstood),
        (
            Format::Yaml,
            "auth: {api_keys: []}\n",
            EditError::NotInPlace,
        ),
        (
            Format::Yaml,
            "auth:\n  api_keys: [{id: a}]\n",
            EditError::NotInPlace,
        ),
        (Format::Yaml, "auth: [\n", EditError::NotUnderstood),
    ] {
        assert_eq!(new_key().add_to(text, format), Err(expected), "{text}");
    }
}

#[test]
fn a_snippet_is_a_configuration_of_its_own() {
    let upstream_toml = "[upstream]\nurl = 'http://a'\n";
    let toml = format!("{}{upstream_toml}", new_key().snippet(Format::Toml));
    assert_eq!(config("c.toml", &toml).auth.api_keys[0].id, "new");
    let yaml = format!(
        "{}upstream: {{url: 'http://a'}}\n",
        new_key().snippet(Format::Yaml)
    );
    assert_eq!(config("c.yaml", &yaml).auth.api_keys[0].id, "new");
}
