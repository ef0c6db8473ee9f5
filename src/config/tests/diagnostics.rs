//! Golden diagnostics, the same from TOML and YAML.

use std::collections::HashSet;

use super::{HASH, as_yaml, base, diagnostics, load_in, load_toml};
use crate::config::{Diagnostic, Fixed};

/// `path: severity code`
fn brief(diagnostic: &Diagnostic) -> String {
    format!(
        "{}: {} {}",
        diagnostic.key_path,
        diagnostic.severity.as_str(),
        diagnostic.problem.code()
    )
}

fn briefs(name: &str, text: &str) -> HashSet<String> {
    let all = diagnostics(load_in(Fixed::default(), name, text));
    all.iter().map(brief).collect()
}

/// `text` gets exactly the diagnostics `expected`, as TOML and as YAML.
pub(super) fn check(text: &str, expected: &[&str]) {
    let expected: HashSet<String> = expected.iter().map(ToString::to_string).collect();
    assert_eq!(briefs("mcp-guard.toml", text), expected, "TOML: {text}");
    let yaml = as_yaml(text);
    assert_eq!(briefs("mcp-guard.yaml", &yaml), expected, "YAML: {yaml}");
}

/// [`base`] with `more`, of which sections must be new.
pub(super) fn check_with(more: &str, expected: &[&str]) {
    check(&format!("{}{more}", base()), expected);
}

#[test]
fn the_least_configuration_is_accepted() {
    check(&base(), &[]);
}

#[test]
fn an_empty_file_is_told_everything_that_it_lacks() {
    check(
        "",
        &[
            "auth: error no_authentication",
            "upstream.url: error no_upstream",
            "audit: warning audit_nowhere",
        ],
    );
}

#[test]
fn every_error_is_reported_at_once() {
    check(
        "[server]\nprot = 1\nport = 70000\nhost = 'example.com'\nio = 'kqueue'\ndrain_timeout = 'soon'\n\
         max_request_size = 1\nworkers = 0\npublic_url = 'example.com'\nallowed_origins = ['*', 3]\n\
         [[auth.api_keys]]\nallowed_tools = '*'\n[upstream]\nurl = 'ftp://x'\n[audit]\nstdout = 'yes'\n",
        &[
            "server.prot: error unknown_key",
            "server.port: error out_of_range",
            "server.host: error malformed",
            "server.io: error not_accepted",
            "server.drain_timeout: error malformed",
            "server.max_request_size: error out_of_range",
            "server.workers: error out_of_range",
            "server.public_url: error malformed",
            "server.allowed_origins[0]: error malformed",
            "server.allowed_origins[1]: error wrong_type",
            "auth.api_keys[0].id: error missing",
            "auth.api_keys[0].key_hash: error missing",
            "auth.api_keys[0].allowed_tools: error wrong_type",
            "upstream.url: error malformed",
            "audit.stdout: error wrong_type",
            "audit: warning audit_nowhere",
        ],
    );
}

#[test]
fn polling_that_does_not_happen_is_said() {
    check_with(
        "[server]\nbusy_poll_us = 20\n",
        &["server.busy_poll_us: warning polling_unavailable"],
    );
}

#[test]
fn keys_of_later_versions_are_refused_by_name_and_never_ignored() {
    for (more, path) in [
        ("[tracing]\nenabled = true\n", "tracing"),
        ("[audit.rotation]\nenabled = true\n", "audit.rotation"),
        (
            "[[audit.redaction_rules]]\nname = 'x'\n",
            "audit.redaction_rules",
        ),
    ] {
        check_with(more, &[&format!("{path}: error not_available")]);
    }
}

#[test]
fn later_features_that_are_switched_off_are_accepted() {
    for more in [
        "[tracing]\nenabled = false\nservice_name = 'x'\n",
        "[tracing]\nservice_name = 'x'\n",
        "[audit.rotation]\nenabled = false\n",
    ] {
        check_with(more, &[]);
    }
}

#[test]
fn typing_errors_are_found_inside_refused_sections_too() {
    check_with(
        "[audit.rotation]\nenabled = true\nmax_bakups = 1\n",
        &[
            "audit.rotation: error not_available",
            "audit.rotation.max_bakups: error unknown_key",
        ],
    );
}

#[test]
fn upstreams_of_later_versions_are_refused_by_name() {
    let auth = format!(
        "[[auth.api_keys]]\nid='a'\nkey_hash='{HASH}'\nallowed_tools=['*']\n[audit]\nstdout=true\n"
    );
    for (upstream, expected) in [
        (
            "url = 'http://x'\nseal_request_state = true",
            "upstream.seal_request_state: error not_available",
        ),
        (
            "url = 'https://x'\nseal_request_state = true",
            "upstream.seal_request_state: error not_available",
        ),
    ] {
        check(&format!("{auth}[upstream]\n{upstream}\n"), &[expected]);
    }
}

#[test]
fn did_you_mean_names_the_key_that_was_meant() {
    for (section, typed, meant) in [
        ("server", "prot", "port"),
        ("server", "max_request_sise", "max_request_size"),
        ("rate_limit", "request_per_second", "requests_per_second"),
        ("server.admin", "tokenfile", "token_file"),
        ("server", "alowed_origins", "allowed_origins"),
    ] {
        let found = diagnostics(load_toml(&format!("[{section}]\n{typed} = 1\n")));
        let remedy = found
            .iter()
            .find(|found| found.problem.code() == "unknown_key")
            .unwrap()
            .problem
            .remedy();
        assert_eq!(remedy, Some(format!("did you mean `{meant}`?")), "{typed}");
    }
}

#[test]
fn an_unknown_key_that_resembles_nothing_lists_what_is_accepted() {
    let found = diagnostics(load_toml("[server.admin]\nzzz = 1\n"));
    let remedy = found
        .iter()
        .find(|found| found.problem.code() == "unknown_key")
        .unwrap()
        .problem
        .remedy();
    assert_eq!(
        remedy.as_deref(),
        Some("accepted: host, port, token, token_file, metrics_on_main")
    );
}

#[test]
fn a_diagnostic_names_file_line_key_and_remedy() {
    let shown = diagnostics(load_toml("# comment\n[server]\nport = 3000\nprot = 1\n"));
    let shown: Vec<_> = shown.iter().map(ToString::to_string).collect();
    assert!(
        shown.contains(
            &"mcp-guard.toml:4:1: error: server.prot: unknown key; did you mean `port`?".to_owned()
        ),
        "{shown:#?}"
    );
}

#[test]
fn syntax_errors_are_reported_alone() {
    for (name, text) in [
        ("mcp-guard.toml", "port = = 1\n"),
        ("mcp-guard.yaml", "server: {port: 1\nauth: [\n"),
    ] {
        let found = diagnostics(load_in(Fixed::default(), name, text));
        assert!(!found.is_empty());
        assert!(
            found.iter().all(|found| found.problem.code() == "syntax"),
            "{found:#?}"
        );
        assert!(
            found.iter().all(|found| found.position.is_some()),
            "{found:#?}"
        );
    }
}

#[test]
fn duplicate_keys_are_reported_beside_other_errors() {
    let toml = "[server]\nport = 1\nport = 2\nprot = 3\n";
    let yaml = "server:\n  port: 1\n  port: 2\n  prot: 3\n";
    for (name, text) in [("mcp-guard.toml", toml), ("mcp-guard.yaml", yaml)] {
        let found = briefs(name, text);
        assert!(
            found.contains("server.port: error duplicate_key"),
            "{found:?}"
        );
        assert!(
            found.contains("server.prot: error unknown_key"),
            "{found:?}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_or_named_is_refused() {
    use crate::config::{Fixed, Overrides, load};
    for (path, code) in [
        ("absent.toml", "unreadable"),
        ("present.json", "unknown_format"),
        ("present", "unknown_format"),
    ] {
        let mut world = Fixed::default();
        for present in ["present.json", "present"] {
            world.files.insert(present.into(), (String::new(), 0o600));
        }
        let refused =
            load(std::path::Path::new(path), &Overrides::default(), &world, 0).unwrap_err();
        assert_eq!(refused.diagnostics[0].problem.code(), code, "{path}");
    }
}
