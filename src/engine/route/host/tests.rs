#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

fn policy(allowed: &[&str], public_url: Option<&str>, bind: &str) -> HostPolicy {
    let allowed_hosts: Vec<String> = allowed.iter().map(|&host| host.to_owned()).collect();
    let spec = HostSpec {
        allowed_hosts: &allowed_hosts,
        public_url,
        bind: bind.parse().unwrap(),
        port: 3000,
    };
    HostPolicy::compile(spec).unwrap()
}

fn check(policy: &HostPolicy, accepted: &[&str], refused: &[&str]) {
    for host in accepted {
        assert!(policy.allows(host.as_bytes()), "{host:?} must be accepted");
    }
    for host in refused {
        assert!(!policy.allows(host.as_bytes()), "{host:?} must be refused");
    }
}

const NONSENSE: [&str; 18] = [
    "",
    ":3000",
    "a@localhost:3000",
    "localhost:",
    "localhost:x",
    "localhost:+3000",
    "localhost:003000",
    "localhost:99999",
    "localhost.",
    "localhost.:3000",
    "[::1",
    "::1",
    "[::1]x",
    "[localhost]",
    "localhost:3000,evil",
    "local host",
    "localhost/x",
    "http://localhost",
];

#[test]
fn a_loopback_listener_answers_to_its_own_names_alone() {
    let own = [
        "localhost",
        "localhost:3000",
        "LocalHost:3000",
        "127.0.0.1",
        "127.0.0.1:3000",
        "[::1]",
        "[::1]:3000",
    ];
    let foreign = [
        "localhost:3001",
        "evil.example",
        "evil.example:3000",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "127.1",
    ];
    for bind in ["127.0.0.1", "::1"] {
        check(&policy(&[], None, bind), &own, &foreign);
        check(&policy(&[], None, bind), &[], &NONSENSE);
    }
    check(
        &policy(&[], None, "127.0.0.9"),
        &["127.0.0.9:3000", "localhost"],
        &["127.0.0.8:3000"],
    );
}

#[test]
fn configured_hosts_are_added_on_loopback() {
    let both = policy(
        &["gw.internal", "gw2:8443"],
        Some("https://mcp.example.com/base"),
        "127.0.0.1",
    );
    check(
        &both,
        &[
            "gw.internal",
            "GW.internal:9",
            "gw2:8443",
            "mcp.example.com",
            "mcp.example.com:443",
            "localhost",
        ],
        &["gw2", "gw2:3000", "example.com", "x.mcp.example.com"],
    );
}

#[test]
fn off_loopback_every_host_is_ours_until_some_are_named() {
    check(
        &policy(&[], None, "0.0.0.0"),
        &["anything.example", "10.0.0.1:3000", "[fd00::1]"],
        &NONSENSE,
    );
    let named = policy(&["a"], Some("https://b"), "0.0.0.0");
    check(
        &named,
        &["a", "a:1", "b"],
        &["c", "localhost", "127.0.0.1:3000"],
    );
}

#[test]
fn entries_that_are_no_hosts_are_refused_by_index() {
    let allowed: Vec<String> = ["ok", "*", "http://x", "a b"].map(str::to_owned).into();
    let spec = HostSpec {
        allowed_hosts: &allowed,
        public_url: Some("nonsense"),
        bind: IpAddr::from([127, 0, 0, 1]),
        port: 1,
    };
    let errors = HostPolicy::compile(spec).unwrap_err();
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.index, error.reason))
        .collect();
    assert_eq!(
        found,
        [
            (Some(1), PolicyFault::Wildcard),
            (Some(2), PolicyFault::NotAHost),
            (Some(3), PolicyFault::NotAHost),
            (None, PolicyFault::NotAHost),
        ]
    );
}
