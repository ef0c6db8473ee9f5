//! Stdio, HTTP and HTTP+SSE servers: which keys go together, and what they become.

use super::diagnostics::check;
use super::{HASH, config, load_in, load_toml};
use crate::config::{Fixed, compile};
use crate::engine::limits::MAX_CHILDREN_DEFAULT;
use crate::engine::snapshot::{
    ChildCommand, Eras, HttpTransport, Instances, Snapshot, Speech, UpstreamAddress,
};

fn auth() -> String {
    format!(
        "[[auth.api_keys]]\nid='a'\nkey_hash='{HASH}'\nallowed_tools=['*']\n[audit]\nstdout=true\n"
    )
}

/// A lone `[upstream]` with `keys`.
fn lone(keys: &str) -> String {
    format!("{}[upstream]\n{keys}\n", auth())
}

/// `[upstream]` with `shared` and one server with each of `servers`.
fn several(shared: &str, servers: &[&str]) -> String {
    let server =
        |(index, keys): (usize, &&str)| format!("[[upstream.servers]]\nname='s{index}'\n{keys}\n");
    let servers: String = servers.iter().enumerate().map(server).collect();
    format!("{}[upstream]\n{shared}\n{servers}", auth())
}

fn snapshot(text: &str) -> Snapshot {
    compile(&config(text), 3000, 1).unwrap()
}

/// The child of the `index`-th server.
fn child(snapshot: &Snapshot, index: usize) -> &ChildCommand {
    let address = &snapshot.servers()[index].upstream.address;
    let UpstreamAddress::Child(child) = address else {
        panic!("{address:?} is no child");
    };
    child
}

#[test]
fn keys_of_one_transport_are_refused_with_another() {
    for (keys, expected) in [
        ("command='x'", None),
        (
            "transport='stdio'\ncommand='x'\nargs=['-y']\ntimeout='3s'\nenv={A=''}\ncwd='/'",
            None,
        ),
        ("transport='http'\nurl='http://x'", None),
        ("transport='sse'\nurl='http://x/sse'\nera='legacy'", None),
        (
            "transport='pigeon'\nurl='http://x'",
            Some("transport: error not_accepted"),
        ),
        (
            "url='http://x'\ncommand='x'",
            Some("command: error conflict"),
        ),
        (
            "transport='http'\nurl='http://x'\ncommand='x'",
            Some("command: error conflict"),
        ),
        (
            "transport='http'\ncommand='x'",
            Some("command: error conflict"),
        ),
        (
            "transport='sse'\ncommand='x'",
            Some("command: error conflict"),
        ),
        (
            "transport='stdio'\ncommand='x'\nurl='http://x'",
            Some("url: error conflict"),
        ),
        ("transport='stdio'", Some("command: error missing")),
        ("transport='sse'", Some("url: error missing")),
        ("timeout='3s'", Some("url: error no_upstream")),
        ("url='http://x'\nargs=['a']", Some("args: error conflict")),
        ("url='http://x'\nenv={A='a'}", Some("env: error conflict")),
        ("url='http://x'\ncwd='/'", Some("cwd: error conflict")),
        (
            "url='http://x'\ninstances='session'",
            Some("instances: error conflict"),
        ),
        (
            "url='http://x'\nrestart='never'",
            Some("restart: error conflict"),
        ),
        (
            "url='http://x'\nmax_children=2",
            Some("max_children: error conflict"),
        ),
        (
            "command='x'\nheaders={X-A='1'}",
            Some("headers: error conflict"),
        ),
        (
            "command='x'\nbearer_token='t'",
            Some("bearer_token: error conflict"),
        ),
        (
            "command='x'\nforward_headers=['X-A']",
            Some("forward_headers: warning headers_unused"),
        ),
        (
            "command='x'\nforward_response_headers=['X-A']",
            Some("forward_response_headers: warning headers_unused"),
        ),
        (
            "command='x'\ninstances='shared'\nera='legacy'",
            Some("instances: error conflict"),
        ),
        ("command='x'\ninstances='shared'\nera='both'", None),
        (
            "transport='sse'\nurl='http://x'\nera='modern'",
            Some("era: error conflict"),
        ),
        (
            "transport='sse'\nurl='http://x'\nera='both'",
            Some("era: error conflict"),
        ),
        ("command='x'\nera='old'", Some("era: error not_accepted")),
        (
            "command='x'\nrestart='sometimes'",
            Some("restart: error not_accepted"),
        ),
        (
            "command='x'\nmax_children=0",
            Some("max_children: error out_of_range"),
        ),
    ] {
        let expected = expected.map(|expected| format!("upstream.{expected}"));
        check(&lone(keys), expected.as_deref().as_slice());
    }
}

#[test]
fn what_a_child_is_started_with_is_checked() {
    for (keys, expected) in [
        ("command=''", Some("command: error malformed")),
        ("command='${SHELL}'", Some("command: error malformed")),
        (
            "command='npx -y server'",
            Some("command: warning command_with_spaces"),
        ),
        ("command='/opt/my server'", None),
        (
            "command='x'\nargs=['--token', '${TOKEN}']",
            Some("args[1]: error secret_in_args"),
        ),
        (
            "command='x'\nargs=['--token=${TOKEN}']",
            Some("args[0]: error secret_in_args"),
        ),
        (
            "command='x'\nargs=[\"a\\u0000b\"]",
            Some("args[0]: error malformed"),
        ),
        ("command='x'\nargs=['$HOME', '']", None),
        (
            "command='x'\nenv={'A=B'='c'}",
            Some("env.A=B: error malformed"),
        ),
        (
            "command='x'\nenv={'1A'='c'}",
            Some("env.1A: error malformed"),
        ),
        (
            "command='x'\nenv={A=\"a\\u0000b\"}",
            Some("env.A: error malformed"),
        ),
        (
            "command='x'\nenv={A='${ABSENT}'}",
            Some("env.A: error env_missing"),
        ),
        ("command='x'\nenv={A=1}", Some("env.A: error wrong_type")),
        ("command='x'\nenv={A=\"two\\nlines, ünicode \"}", None),
        ("command='x'\ncwd=''", Some("cwd: error malformed")),
    ] {
        let mut world = Fixed::default();
        let program = ("#!/bin/sh".to_owned(), 0o755);
        world.files.insert("/opt/my server".into(), program);
        let found = super::diagnostics(load_in(world, "c.toml", &lone(keys)));
        let found: Vec<_> = found
            .iter()
            .map(|found| {
                let severity = found.severity.as_str();
                format!("{}: {severity} {}", found.key_path, found.problem.code())
            })
            .collect();
        let expected = expected.map(|expected| format!("upstream.{expected}"));
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{keys}");
    }
}

#[test]
fn each_server_of_several_has_its_own_transport() {
    check(
        &several(
            "",
            &[
                "command='x'",
                "url='http://x'",
                "transport='sse'\nurl='http://y'",
            ],
        ),
        &[],
    );
    check(
        &several("command='x'\nargs=[]\nenv={}\ncwd='/'", &["url='http://x'"]),
        &[
            "upstream.command: error conflict",
            "upstream.args: error conflict",
            "upstream.env: error conflict",
            "upstream.cwd: error conflict",
        ],
    );
    check(
        &several("transport='stdio'", &["command='x'", "timeout='1s'"]),
        &["upstream.servers[1].command: error missing"],
    );
    check(
        &several("instances='shared'\nera='legacy'", &["command='x'"]),
        &["upstream.servers[0].instances: error conflict"],
    );
    check(
        &several("", &["command='x'\npath_prefix='/x'\nstrip_prefix=true"]),
        &["upstream.servers[0].strip_prefix: error conflict"],
    );
}

#[test]
fn a_server_s_place_decides_before_an_inherited_transport() {
    let text = several(
        "transport='sse'\nera='modern'\ntranslate=false\nmax_children=3\nrestart='never'\nforward_headers=['X-A']",
        &[
            "url='http://x'",
            "transport='http'\nurl='http://y'",
            "command='x'",
            "command='y'\nera='auto'\nmax_children=4",
        ],
    );
    let snapshot = snapshot(&text);
    let speech = |index: usize| snapshot.servers()[index].upstream.speech;
    let said = |transport, eras| Speech {
        transport,
        eras,
        translates: false,
    };
    assert_eq!(speech(0), said(HttpTransport::Sse, Some(Eras::Legacy)));
    assert_eq!(
        speech(1),
        said(HttpTransport::Streamable, Some(Eras::Modern))
    );
    assert_eq!(
        speech(2),
        said(HttpTransport::Streamable, Some(Eras::Modern))
    );
    assert_eq!(speech(3), said(HttpTransport::Streamable, None));
    assert_eq!(child(&snapshot, 2).max_children, 3);
    assert_eq!(child(&snapshot, 3).max_children, 4);
    assert!(!child(&snapshot, 3).restarts);
}

#[test]
fn a_child_gets_what_its_keys_say_and_defaults_for_the_rest() {
    let mut world = Fixed::default();
    world
        .variables
        .insert("TOKEN".to_owned(), "hush".to_owned());
    world.working_folder = "/srv".into();
    let text = lone(
        "command='bin/server'\nargs=['--root', 'a b']\nenv={B='${TOKEN}', A=''}\ncwd='data'\ninstances='session'\nera='both'",
    );
    let loaded = load_in(world, "sub/c.toml", &text).unwrap();
    let snapshot = compile(&loaded.config, 3000, 1).unwrap();
    let child = child(&snapshot, 0);
    // Not from its own folder: what is started does not depend on where it is started.
    assert_eq!(&*child.command, "/srv/bin/server");
    assert_eq!(child.args, ["--root".into(), "a b".into()]);
    let env: Vec<_> = child
        .env
        .iter()
        .map(|(name, value)| (&**name, value.as_str()))
        .collect();
    assert_eq!(env, [("B", "hush"), ("A", "")]);
    assert_eq!(child.cwd.as_deref(), Some("data".as_ref()));
    assert_eq!(child.instances, Some(Instances::Session));
    assert_eq!(child.max_children, MAX_CHILDREN_DEFAULT);
    assert!(child.restarts);
    assert!(!format!("{:?}", loaded.config).contains("hush"));
    assert_eq!(snapshot.servers()[0].upstream.speech.eras, Some(Eras::Both));
}

#[test]
fn a_literal_in_env_counts_as_a_secret_of_the_file() {
    let text = lone("command='x'\nenv={A='hush'}");
    let mut world = Fixed::default();
    world.files.insert("c.toml".into(), (text, 0o644));
    let path = std::path::Path::new("c.toml");
    let loaded = crate::config::load(path, &Default::default(), &world, super::NOW).unwrap();
    assert_eq!(loaded.warnings[0].problem.code(), "file_exposed");
}

#[test]
fn a_session_key_is_long_enough_or_refused() {
    let key = |keys: &str| format!("{}[server]\n{keys}\n", lone("url='http://x'"));
    let least = "k".repeat(32);
    check(&key(&format!("session_key='{least}'")), &[]);
    check(
        &key(&format!("session_key='{}'", &least[1..])),
        &["server.session_key: error session_key_short"],
    );
    check(
        &key("session_ttl='0s'"),
        &["server.session_ttl: error out_of_range"],
    );
    let snapshot = |keys: &str| compile(&load_toml(&key(keys)).unwrap().config, 3000, 1).unwrap();
    let none = snapshot("").sessions;
    assert!(none.sealer.is_none() && !none.legacy_sse);
    assert_eq!(none.ttl_secs, 86_400);
    let all = snapshot(&format!(
        "session_key='{least}'\nsession_ttl='90s'\nlegacy_sse=true"
    ));
    assert!(all.sessions.sealer.is_some() && all.sessions.legacy_sse);
    assert_eq!(all.sessions.ttl_secs, 90);
}
