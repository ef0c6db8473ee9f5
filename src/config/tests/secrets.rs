//! Secrets: where they come from, and that they are shown nowhere.

use std::path::Path;

use super::{HASH, NOW, base, config, diagnostics, load_in, load_toml};
use crate::config::{Fixed, Overrides, load};

const SECRET: &str = "hunter2hunter2";

fn world() -> Fixed {
    let mut world = Fixed::default();
    world
        .variables
        .insert("TOKEN".to_owned(), SECRET.to_owned());
    world.variables.insert("EMPTY".to_owned(), String::new());
    world
        .files
        .insert("sub/token".into(), (format!("{SECRET}\n"), 0o600));
    world
        .files
        .insert("sub/crlf".into(), (format!("{SECRET}\r\n"), 0o640));
    world
        .files
        .insert("sub/open".into(), (SECRET.to_owned(), 0o644));
    world
        .files
        .insert("sub/two-lines".into(), (format!("{SECRET}\n\n"), 0o600));
    world
}

/// The admin token, or the codes of what is wrong, with `keys` in `[server.admin]` of the file `sub/c.toml`.
fn token(keys: &str) -> Result<String, Vec<&'static str>> {
    let text = format!("{}[server.admin]\n{keys}\n", base());
    match load_in(world(), "sub/c.toml", &text) {
        Ok(loaded) => Ok(loaded
            .config
            .server
            .admin
            .token
            .unwrap()
            .expose()
            .to_owned()),
        Err(refused) => {
            let errors = refused.diagnostics.iter().filter(|found| found.is_error());
            Err(errors.map(|found| found.problem.code()).collect())
        }
    }
}

#[test]
fn a_secret_is_a_literal_a_variable_or_a_file() {
    for keys in [
        "token = 'hunter2hunter2'",
        "token = '${TOKEN}'",
        "token_file = 'token'",
        "token_file = 'crlf'",
        "token_file = 'open'",
    ] {
        assert_eq!(token(keys).as_deref(), Ok(SECRET), "{keys}");
    }
}

#[test]
fn a_secret_that_cannot_be_had_is_an_error() {
    for (keys, code) in [
        ("token = '${ABSENT}'", "env_missing"),
        ("token = '${EMPTY}'", "secret_empty"),
        ("token = ''", "secret_empty"),
        ("token = 'Bearer ${TOKEN}'", "malformed"),
        ("token = '${}'", "malformed"),
        ("token = \"a\\nb\"", "secret_unprintable"),
        ("token_file = 'two-lines'", "secret_unprintable"),
        ("token_file = 'absent'", "secret_file"),
        ("token_file = 3", "wrong_type"),
        ("token = 3", "wrong_type"),
        ("token = '${TOKEN}'\ntoken_file = 'token'", "secret_twice"),
    ] {
        assert_eq!(token(keys), Err(vec![code]), "{keys}");
    }
}

#[test]
fn headers_take_variables_too() {
    let text = format!(
        "{}headers = {{ 'X-Key' = '${{TOKEN}}' }}\n",
        base().replace("[audit]\nstdout = true\n", "")
    );
    let loaded = load_in(world(), "c.toml", &text).unwrap();
    let (name, secret) = &loaded.config.upstreams[0].headers[0];
    assert_eq!((name.as_str(), secret.expose()), ("X-Key", SECRET));
}

#[test]
fn secrets_show_neither_in_debug_nor_in_diagnostics() {
    let text = format!(
        "{}[server.admin]\ntoken = '{SECRET}'\n[[upstream.servers]]\nname = 'b'\nurl = 'http://{SECRET}@x'\n\
         bearer_token = '{SECRET}${{X}}'\nheaders = {{ 'X-A' = '{SECRET}\u{e9}' }}\n\
         [[auth.api_keys]]\nid = 'b'\nkey_hash = 'mcp_{SECRET}'\n",
        base()
    );
    let refused = load_toml(&text).unwrap_err();
    let shown = format!(
        "{refused:?}{}",
        refused
            .diagnostics
            .iter()
            .map(|found| format!("{found}{}", found.to_json()))
            .collect::<String>()
    );
    assert!(refused.diagnostics.len() > 4, "{shown}");
    assert!(!shown.contains(SECRET), "{shown}");
    let config = config(&format!("{}[server.admin]\ntoken = '{SECRET}'\n", base()));
    assert!(!format!("{config:?}").contains(SECRET));
}

#[test]
fn a_syntax_error_next_to_a_secret_does_not_show_it() {
    for (name, text) in [
        ("c.toml", format!("token = {SECRET}\n")),
        ("c.toml", format!("token = '{SECRET}\nx = 1")),
        ("c.toml", format!("token = \"{SECRET}\\q\"\n")),
        ("c.toml", format!("{SECRET} {SECRET}\n")),
        ("c.yaml", format!("token: \"{SECRET}\\q\"\n")),
        ("c.yaml", format!("token: {{{SECRET}\n")),
        ("c.yaml", format!("token: '{SECRET}\n")),
        (
            "c.yaml",
            format!("a: b\n {SECRET}: [\n\t- {SECRET}: %{SECRET}"),
        ),
    ] {
        let found = diagnostics(load_in(Fixed::default(), name, &text));
        assert!(!found.is_empty());
        let shown = found.iter().map(ToString::to_string).collect::<String>();
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[test]
fn files_that_are_open_to_others_are_warned_about() {
    let plain = base();
    let secret = format!("{plain}[server.admin]\ntoken = '{SECRET}'\n");
    let variable = format!("{plain}[server.admin]\ntoken = '${{TOKEN}}'\n");
    for (text, mode, expected) in [
        (&secret, 0o600, None),
        (&secret, 0o640, None),
        (&secret, 0o604, Some("file_exposed")),
        (&plain, 0o644, None),
        (&plain, 0o664, Some("file_writable")),
        (&variable, 0o644, None),
    ] {
        let mut world = world();
        world.files.insert("c.toml".into(), (text.clone(), mode));
        let loaded = load(Path::new("c.toml"), &Overrides::default(), &world, NOW).unwrap();
        let codes: Vec<_> = loaded
            .warnings
            .iter()
            .map(|found| found.problem.code())
            .collect();
        assert_eq!(
            codes,
            expected.into_iter().collect::<Vec<_>>(),
            "mode {mode:o}"
        );
    }
    let loaded = load_in(
        world(),
        "sub/c.toml",
        &format!("{plain}[server.admin]\ntoken_file = 'open'\n"),
    )
    .unwrap();
    assert!(
        loaded
            .warnings
            .iter()
            .any(|found| found.problem.code() == "secret_file_exposed")
    );
}

#[test]
fn a_hash_is_not_a_secret_but_a_pasted_key_is_never_shown() {
    let text = format!(
        "{}[[auth.api_keys]]\nid = 'b'\nkey_hash = 'mcp_{HASH}'\nallowed_tools = ['*']\n",
        base()
    );
    let shown = diagnostics(load_toml(&text))
        .iter()
        .map(ToString::to_string)
        .collect::<String>();
    assert!(shown.contains("mcp-guard hash-key"), "{shown}");
    assert!(!shown.contains(HASH), "{shown}");
}
