//! Compilation: what the engine refuses is told at the key, and what it takes decides as configured.

use super::{HASH, base, config, diagnostics, load_toml};
use crate::config::{Overrides, Workers, compile};
use crate::engine::policy::{Action, Subject, decide};

/// The `path: message` of each error of `text`.
fn errors(text: &str) -> Vec<String> {
    let found = diagnostics(load_toml(text));
    let errors = found.iter().filter(|found| found.is_error());
    errors
        .map(|found| format!("{}: {}", found.key_path, found.problem))
        .collect()
}

fn with_key(tools: &str, more: &str) -> String {
    format!(
        "[[auth.api_keys]]\nid = 'a'\nkey_hash = '{HASH}'\n{tools}\n\
         [[upstream.servers]]\nname = 'files'\nurl = 'http://a'\n{more}\n"
    )
}

#[test]
fn entries_that_cannot_be_understood_are_told_with_their_index() {
    let found = errors(&with_key(
        "allowed_tools = ['ok', '**', 'tool:x']\ndenied_tools = ['']",
        "",
    ));
    assert_eq!(found.len(), 3, "{found:#?}");
    for path in ["allowed_tools[1]", "allowed_tools[2]", "denied_tools[0]"] {
        assert!(
            found
                .iter()
                .any(|found| found.starts_with(&format!("auth.api_keys[0].{path}: entry"))),
            "{path}: {found:#?}"
        );
    }
}

#[test]
fn entries_for_servers_that_do_not_exist_are_refused() {
    let found = errors(&with_key(
        "allowed_tools = ['files::*', 'flies::*']\ndenied_tools = ['git::push']",
        "",
    ));
    assert_eq!(
        found,
        [
            "auth.api_keys[0].allowed_tools[1]: no upstream is named \"flies\"",
            "auth.api_keys[0].denied_tools[0]: no upstream is named \"git\"",
        ]
    );
}

#[test]
fn a_ceiling_cannot_name_a_server() {
    let found = errors(&with_key(
        "allowed_tools = ['*']",
        "allowed_tools = ['files::x']",
    ));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("upstream.servers[0].allowed_tools[0]: "),
        "{found:#?}"
    );
}

#[test]
fn paths_that_collide_or_belong_to_the_gateway_are_refused() {
    let server = |name: &str, prefix: &str| {
        format!(
            "[[upstream.servers]]\nname = '{name}'\nurl = 'http://b'\npath_prefix = '{prefix}'\n"
        )
    };
    for (first, second, path) in [
        ("/team", "/team", Some("upstream.servers[2].path_prefix")),
        ("/health", "/b", Some("upstream.servers[1].path_prefix")),
        ("/mcp", "/b", Some("upstream.servers[1].path_prefix")),
        ("/team", "/team/b", None),
    ] {
        let text = with_key(
            "allowed_tools = ['*']",
            &format!("{}{}", server("b", first), server("c", second)),
        );
        let found = errors(&text);
        let paths: Vec<_> = found
            .iter()
            .filter_map(|found| found.split(": ").next())
            .collect();
        assert_eq!(
            paths,
            path.into_iter().collect::<Vec<_>>(),
            "{first} {second}: {found:#?}"
        );
    }
}

#[test]
fn cors_cannot_exceed_the_origins_of_the_server() {
    let cors = |server: &str, origin: &str| {
        format!(
            "{}[server]\n{server}\n[server.cors]\nenabled = true\nallowed_origins = ['{origin}']\n",
            base()
        )
    };
    let path = "server.cors.allowed_origins[0]: origin \"https://b.example\" is not in server.allowed_origins";
    assert_eq!(errors(&cors("", "https://b.example")), [path]);
    assert_eq!(
        errors(&cors(
            "allowed_origins = ['https://a.example']",
            "https://b.example"
        )),
        [path]
    );
    assert!(
        errors(&cors(
            "allowed_origins = ['https://b.example']",
            "https://b.example"
        ))
        .is_empty()
    );
    assert!(
        errors(&cors(
            "public_url = 'https://b.example'",
            "https://b.example"
        ))
        .is_empty()
    );
    assert!(errors(&cors("", "http://localhost:3000")).is_empty());
}

#[test]
fn a_second_limit_for_one_pattern_is_refused() {
    let limit = "[[rate_limit.tool_limits]]\ntool_pattern = 'x'\nrequests_per_second = 1\n";
    assert_eq!(errors(&format!("{}{limit}{limit}", base())).len(), 1);
    assert!(errors(&format!("{}{limit}", base())).is_empty());
    let prompt = limit.replace("'x'", "'prompt:x'");
    assert_eq!(errors(&format!("{}{prompt}", base())).len(), 1);
}

#[test]
fn the_snapshot_decides_as_the_file_says() {
    let text = with_key(
        "allowed_tools = ['read_*', 'files::list']\ndenied_tools = ['read_secrets']",
        "required = true",
    );
    let snapshot = compile(&config(&text), 3000, 7).unwrap();
    assert_eq!(snapshot.revision(), 7);
    let principal = snapshot.identity.explain_as("a").unwrap();
    let server = snapshot.server_named("files").unwrap();
    assert!(server.required);
    for (tool, allowed) in [
        ("read_file", true),
        ("list", true),
        ("read_secrets", false),
        ("write", false),
    ] {
        let decision = decide(principal, server, Action::Use(Subject::tool(tool)));
        assert_eq!(decision.is_ok(), allowed, "{tool}");
    }
}

#[test]
fn hosts_and_origins_follow_the_real_port() {
    let snapshot = compile(
        &config(&format!("{}[server]\nport = 0\n", base())),
        45_678,
        1,
    )
    .unwrap();
    assert!(snapshot.origins.allows(b"http://localhost:45678"));
    assert!(!snapshot.origins.allows(b"http://localhost:3000"));
    assert!(snapshot.hosts.allows(b"127.0.0.1:45678"));
    assert!(!snapshot.hosts.allows(b"evil.example:45678"));
}

#[test]
fn the_bearer_token_of_an_upstream_becomes_a_header() {
    let text = with_key(
        "allowed_tools = ['*']",
        "bearer_token = 't0ken'\nheaders = { 'X-A' = 'b' }",
    );
    let snapshot = compile(&config(&text), 3000, 1).unwrap();
    let headers = &snapshot.servers()[0].inject_headers;
    let sent: Vec<_> = headers
        .iter()
        .map(|header| (&*header.name, header.value.as_slice()))
        .collect();
    assert_eq!(
        sent,
        [("Authorization", b"Bearer t0ken".as_slice()), ("X-A", b"b")]
    );
}

#[test]
fn ten_thousand_keys_share_their_grants() {
    let hash = |index: usize| {
        crate::engine::identity::KeyHash::of(index.to_string().as_bytes()).to_string()
    };
    let key = |index: usize| {
        format!(
            "[[auth.api_keys]]\nid = 'k{index}'\nkey_hash = '{}'\nallowed_tools = ['read_*']\n",
            hash(index)
        )
    };
    let keys: String = (0..10_000).map(key).collect();
    let snapshot = compile(
        &config(&format!("{keys}[upstream]\nurl = 'http://a'\n")),
        3000,
        1,
    )
    .unwrap();
    assert_eq!(snapshot.identity.keys().len(), 10_000);
    let grants = |id: &str| snapshot.identity.explain_as(id).unwrap().grants() as *const _;
    assert_eq!(grants("k1"), grants("k9999"));
}

#[test]
fn overrides_take_the_place_of_keys() {
    let mut server = config(&base()).server;
    let overrides = Overrides {
        host: None,
        port: Some(0),
        workers: Some(Workers::Count(3)),
    };
    overrides.apply(&mut server);
    assert_eq!((server.port, server.workers), (0, Workers::Count(3)));
}
