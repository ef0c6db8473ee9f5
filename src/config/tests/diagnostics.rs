//! Golden diagnostics, the same from TOML and YAML.

use std::collections::HashSet;

use super::{HASH, as_yaml, base, diagnostics, load_in, load_toml};
use crate::config::{Diagnostic, Fixed};

/// What every configuration of these tests is told.
const SESSIONS: &str = "upstream: warning sessions_unsealed";

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
    all.iter()
        .map(brief)
        .filter(|brief| brief != SESSIONS)
        .collect()
}

/// `text` gets exactly the diagnostics `expected`, as TOML and as YAML.
fn check(text: &str, expected: &[&str]) {
    let expected: HashSet<String> = expected.iter().map(ToString::to_string).collect();
    assert_eq!(briefs("mcp-guard.toml", text), expected, "TOML: {text}");
    let yaml = as_yaml(text);
    assert_eq!(briefs("mcp-guard.yaml", &yaml), expected, "YAML: {yaml}");
}

/// [`base`] with `more`, of which sections must be new.
fn check_with(more: &str, expected: &[&str]) {
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
fn keys_of_later_versions_are_refused_by_name_and_never_ignored() {
    for (more, path) in [
        (
            "[server.tls]\ncert_path = 'a'\nkey_path = 'b'\n",
            "server.tls",
        ),
        ("[auth.jwt]\nmode = 'jwks'\n", "auth.jwt"),
        ("[[auth.jwt]]\nmode = 'jwks'\n", "auth.jwt"),
        ("[auth.oauth]\nprovider = 'github'\n", "auth.oauth"),
        ("[auth.mtls]\nenabled = true\n", "auth.mtls"),
        ("[tracing]\nenabled = true\n", "tracing"),
        ("[audit.rotation]\nenabled = true\n", "audit.rotation"),
        (
            "[[audit.redaction_rules]]\nname = 'x'\n",
            "audit.redaction_rules",
        ),
        ("[server]\nlegacy_sse = true\n", "server.legacy_sse"),
        (
            "[server]\nsession_key_file = 'k'\n",
            "server.session_key_file",
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
        "[auth.mtls]\nenabled = false\n",
        "[server]\nlegacy_sse = false\n",
    ] {
        check_with(more, &[]);
    }
}

#[test]
fn typing_errors_are_found_inside_refused_sections_too() {
    check_with(
        "[auth.jwt]\nisuer = 'x'\n",
        &[
            "auth.jwt: error not_available",
            "auth.jwt.isuer: error unknown_key",
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
            "transport = 'stdio'\nurl = 'http://x'",
            "upstream.transport: error not_available",
        ),
        (
            "transport = 'sse'\nurl = 'http://x'",
            "upstream.transport: error not_available",
        ),
        (
            "transport = 'pigeon'\nurl = 'http://x'",
            "upstream.transport: error not_accepted",
        ),
        (
            "url = 'https://example.com/mcp'",
            "upstream.url: error not_available",
        ),
        (
            "url = 'http://x'\ntls_ca_path = 'ca'",
            "upstream.tls_ca_path: error not_available",
        ),
        (
            "url = 'http://x'\nseal_request_state = true",
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
fn anonymous_access_is_refused_where_others_can_reach_it() {
    let upstream = "[upstream]\nurl = 'http://x'\n[audit]\nstdout = true\n";
    let anonymous = "[auth.anonymous]\nallowed_tools = ['*']\n";
    for (server, rest, expected) in [
        ("", "", None),
        ("[server]\nhost = '::1'\n", "", None),
        (
            "[server]\nhost = '0.0.0.0'\n",
            "",
            Some("auth.anonymous: error anonymous_exposed"),
        ),
        (
            "[server]\nhost = '::'\n",
            "",
            Some("auth.anonymous: error anonymous_exposed"),
        ),
        (
            "[server]\nhost = '0.0.0.0'\n",
            "i_understand = true\n",
            None,
        ),
    ] {
        check(
            &format!("{server}{upstream}{anonymous}{rest}"),
            expected.as_slice(),
        );
    }
}

#[test]
fn an_override_cannot_get_around_a_rule() {
    use crate::config::{Overrides, load};
    let text = "[upstream]\nurl = 'http://x'\n[auth.anonymous]\nallowed_tools = ['*']\n";
    let mut world = Fixed::default();
    let path = std::path::Path::new("c.toml");
    world
        .files
        .insert(path.to_owned(), (text.to_owned(), 0o600));
    let exposed = Overrides {
        host: Some([0, 0, 0, 0].into()),
        ..Overrides::default()
    };
    assert!(load(path, &Overrides::default(), &world, super::NOW).is_ok());
    let refused = load(path, &exposed, &world, super::NOW).unwrap_err();
    assert!(
        refused
            .diagnostics
            .iter()
            .any(|found| found.problem.code() == "anonymous_exposed")
    );
}

#[test]
fn the_admin_listener_needs_a_token_off_loopback() {
    check_with(
        "[server.admin]\nhost = '0.0.0.0'\n",
        &["server.admin.host: error admin_exposed"],
    );
    check_with("[server.admin]\nhost = '0.0.0.0'\ntoken = 'secret'\n", &[]);
    check_with(
        "[server.admin]\nport = 3000\n",
        &["server.admin.port: error same_as"],
    );
}

#[test]
fn tool_lists_that_allow_nothing_are_warned_about() {
    let key = |tools: &str| {
        format!(
            "[[auth.api_keys]]\nid = 'a'\nkey_hash = '{HASH}'\n{tools}\n[upstream]\nurl = 'http://x'\n[audit]\nstdout = true\n"
        )
    };
    check(
        &key(""),
        &["auth.api_keys[0].allowed_tools: warning allows_nothing"],
    );
    check(
        &key("allowed_tools = []"),
        &["auth.api_keys[0].allowed_tools: warning allows_nothing"],
    );
    check(&key("allowed_tools = ['*']"), &[]);
}

#[test]
fn ids_and_hashes_are_unique_and_sound() {
    let other = "LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=";
    let more = |id: &str, hash: &str| {
        format!("[[auth.api_keys]]\nid = '{id}'\nkey_hash = '{hash}'\nallowed_tools = ['*']\n")
    };
    check_with(&more("b", other), &[]);
    check_with(&more("a", other), &["auth.api_keys[1].id: error same_as"]);
    check_with(
        &more("b", HASH),
        &["auth.api_keys[1].key_hash: error same_as"],
    );
    for bad in ["", "a b", "a:b", "a/b", "ü"] {
        check_with(&more(bad, other), &["auth.api_keys[1].id: error malformed"]);
    }
    for bad in [
        "",
        "abcd",
        "mcp_abc",
        &other[..43],
        "LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564=",
    ] {
        check_with(
            &more("b", bad),
            &["auth.api_keys[1].key_hash: error malformed"],
        );
    }
}

#[test]
fn an_expired_key_is_a_warning() {
    let key = |at: &str| {
        format!(
            "[[auth.api_keys]]\nid = 'a'\nkey_hash = '{HASH}'\nallowed_tools = ['*']\nexpires_at = {at}\n\
             [upstream]\nurl = 'http://x'\n[audit]\nstdout = true\n"
        )
    };
    let path = "auth.api_keys[0].expires_at";
    check(
        &key("'2025-12-31T23:59:59Z'"),
        &[&format!("{path}: warning expired")],
    );
    check(
        &key("2025-12-31T23:59:59Z"),
        &[&format!("{path}: warning expired")],
    );
    check(&key("2026-01-01T00:00:01Z"), &[]);
    check(&key("'2026-01-01'"), &[&format!("{path}: error malformed")]);
    check(
        &key("'2026-01-01T00:00:00'"),
        &[&format!("{path}: error malformed")],
    );
}

#[test]
fn servers_have_names_urls_and_one_default() {
    let auth = format!(
        "[[auth.api_keys]]\nid='a'\nkey_hash='{HASH}'\nallowed_tools=['*']\n[audit]\nstdout=true\n"
    );
    let server = |keys: &str| format!("[[upstream.servers]]\n{keys}\n");
    let two = |first: &str, second: &str| {
        format!(
            "{auth}{}{}",
            server(&format!("name='a'\nurl='http://a'\n{first}")),
            server(second)
        )
    };
    check(&two("", "name='b'\nurl='http://b'"), &[]);
    check(
        &two("", "name='a'\nurl='http://b'"),
        &["upstream.servers[1].name: error same_as"],
    );
    check(
        &two("", "name='B'\nurl='http://b'"),
        &["upstream.servers[1].name: error malformed"],
    );
    check(
        &two("", "timeout='1s'"),
        &[
            "upstream.servers[1].name: error missing",
            "upstream.servers[1].url: error missing",
        ],
    );
    check(
        &two("default=true", "name='b'\nurl='http://b'\ndefault=true"),
        &["upstream.servers[1].default: error same_as"],
    );
    check(
        &two("", "name='b'\nurl='http://b'\nstrip_prefix=true"),
        &["upstream.servers[1].strip_prefix: error conflict"],
    );
    check(
        &two("", "name='b'\nurl='http://b'\nallowed_tools=[]"),
        &["upstream.servers[1].allowed_tools: warning allows_nothing"],
    );
    for bad in ["b", "/", "/b/", "/b//c", "/b/../c", "/%62"] {
        let second = format!("name='b'\nurl='http://b'\npath_prefix='{bad}'");
        check(
            &two("", &second),
            &["upstream.servers[1].path_prefix: error malformed"],
        );
    }
}

#[test]
fn a_credential_beside_servers_is_refused() {
    let auth = format!(
        "[[auth.api_keys]]\nid='a'\nkey_hash='{HASH}'\nallowed_tools=['*']\n[audit]\nstdout=true\n"
    );
    let servers = "[[upstream.servers]]\nname='a'\nurl='http://a'\n";
    check(
        &format!("{auth}[upstream]\nbearer_token='t'\nurl='http://x'\n{servers}"),
        &[
            "upstream.bearer_token: error conflict",
            "upstream.url: error conflict",
        ],
    );
}

#[test]
fn headers_that_the_gateway_decides_cannot_be_configured() {
    let auth = format!(
        "[[auth.api_keys]]\nid='a'\nkey_hash='{HASH}'\nallowed_tools=['*']\n[audit]\nstdout=true\n"
    );
    let upstream = |keys: &str| format!("{auth}[upstream]\nurl='http://a'\n{keys}\n");
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Mcp-Session-Id",
        "Connection",
    ] {
        check(
            &upstream(&format!("headers = {{ '{name}' = 'x' }}")),
            &[&format!("upstream.headers.{name}: error header_reserved")],
        );
    }
    for name in [
        "Authorization",
        "Cookie",
        "X-Forwarded-For",
        "Host",
        "TE",
        "X-Client-Cert-Subject",
    ] {
        check(
            &upstream(&format!("forward_headers = ['{name}']")),
            &["upstream.forward_headers[0]: error header_reserved"],
        );
    }
    for name in [
        "Set-Cookie",
        "server",
        "WWW-Authenticate",
        "Access-Control-Allow-Origin",
    ] {
        check(
            &upstream(&format!("forward_response_headers = ['{name}']")),
            &["upstream.forward_response_headers[0]: error header_reserved"],
        );
    }
    check(
        &upstream("forward_headers = ['x_y']"),
        &["upstream.forward_headers[0]: error malformed"],
    );
    check(
        &upstream("headers = { 'X-A' = '1', 'x-a' = '2' }"),
        &["upstream.headers.x-a: error same_as"],
    );
    check(&upstream("headers = { Authorization = 'Basic x' }"), &[]);
    check(
        &upstream("bearer_token = 't'\nheaders = { Authorization = 'Basic x' }"),
        &["upstream.bearer_token: error conflict"],
    );
}

#[test]
fn a_file_that_cannot_be_read_or_named_is_refused() {
    use crate::config::{Overrides, load};
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
