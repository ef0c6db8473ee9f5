//! Rules between keys, in TOML and in YAML.

use super::HASH;
use super::diagnostics::{check, check_with};

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
    use crate::config::{Fixed, Overrides, load};
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
        "X-SSL-Client-Cert",
        "Client-Cert",
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
