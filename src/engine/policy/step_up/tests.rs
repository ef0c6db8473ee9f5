#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod random;

use std::sync::Arc;

use super::*;
use crate::engine::identity::jwt::{ScopeGrants, ScopeMap};
use crate::engine::limits::SCOPE_BYTES_MAX;
use crate::engine::policy::{Ceiling, Grants, Subject, SubjectKind, decide_all, sees_all, shows};
use crate::engine::snapshot::ServerParts;

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn server(name: &str, ceiling: Option<&[&str]>) -> Server {
    let mut parts = ServerParts::nowhere(name);
    parts.ceiling = ceiling.map_or(Ceiling::NONE, |allowed| {
        Ceiling::compile(&owned(allowed)).unwrap()
    });
    Server::alone(parts)
}

/// Scopes and what each allows.
type Mapping<'m> = &'m [(&'m str, &'m [&'m str])];

/// A caller whose token has the scopes of `held` out of `mapping`, and may use what those allow less `denied`.
fn caller(mapping: Mapping<'_>, held: &[&str], denied: &[&str]) -> Principal {
    let scopes = mapping.iter().map(|(scope, entries)| ScopeGrants {
        scope: (*scope).into(),
        grants: Arc::new(Grants::compile(&owned(entries), &[]).unwrap()),
    });
    let granted = Granted {
        map: Arc::new(ScopeMap::new(scopes.collect())),
        held: mapping
            .iter()
            .map(|(scope, _)| held.contains(scope))
            .collect(),
        obtainable: None,
    };
    let base = Arc::new(Grants::compile(&[], &owned(denied)).unwrap());
    let grants = granted.map.grants(&base, &granted.held);
    Principal::for_test("https://issuer.example", "alice", grants, Some(granted))
}

/// The same, where a new token could have the scopes of `obtainable` alone.
fn confined(held: &[&str], obtainable: &[&str]) -> Principal {
    let open = caller(FILES, held, &[]);
    let granted = open.granted().unwrap();
    let scopes = granted.map.scopes().iter();
    let obtainable = scopes.map(|each| obtainable.contains(&&*each.scope));
    let granted = Granted {
        obtainable: Some(obtainable.collect()),
        ..granted.clone()
    };
    let grants = granted.map.grants(&Arc::default(), &granted.held);
    Principal::for_test("https://issuer.example", "alice", grants, Some(granted))
}

#[test]
fn a_scope_that_a_new_token_could_not_have_is_not_asked_for() {
    let any = server("any", None);
    let rows: [(&[&str], &[&str], &str, &str); 5] = [
        (
            &[],
            &["files:read", "files:write"],
            "write_file",
            "files:write",
        ),
        (&[], &["files:read"], "write_file", "-"),
        (
            &["files:read"],
            &["admin"],
            "write_file",
            "files:read admin",
        ),
        (&["files:read"], &["files:read"], "write_file", "-"),
        (&[], &[], "read_file", "-"),
    ];
    for (held, obtainable, name, expected) in rows {
        let caller = confined(held, obtainable);
        assert_eq!(
            asked_for(&caller, &any, &[tool(name)]),
            expected,
            "{held:?} {obtainable:?} {name}"
        );
    }
}

const FILES: Mapping<'_> = &[
    ("files:read", &["read_*", "resource:file:///docs/*"]),
    ("files:write", &["write_*", "read_*"]),
    ("github", &["github::*"]),
    ("gitlab", &["gitlab::create_issue"]),
    ("admin", &["*"]),
];

/// The scopes to ask for, or `-`.
fn asked_for(principal: &Principal, server: &Server, actions: &[Action<'_>]) -> String {
    step_up(principal, server, actions.iter().copied())
        .map_or("-".to_owned(), |step_up| step_up.scope().to_owned())
}

const fn tool(name: &str) -> Action<'_> {
    Action::Use(Subject::tool(name))
}

#[test]
fn the_first_scope_that_would_allow_a_call_is_asked_for_beside_those_held() {
    let without_admin = &FILES[..4];
    let rows: [(Mapping<'_>, &[&str], &str, Action<'_>, &str); 12] = [
        (FILES, &[], "any", tool("read_file"), "files:read"),
        (FILES, &["files:read"], "any", tool("read_file"), "-"),
        (
            FILES,
            &["files:read"],
            "any",
            tool("write_file"),
            "files:read files:write",
        ),
        (
            FILES,
            &["files:write"],
            "any",
            Action::Use(Subject::resource("file:///docs/a")),
            "files:read files:write",
        ),
        (FILES, &["github"], "github", tool("x"), "-"),
        (
            FILES,
            &["files:read"],
            "github",
            tool("x"),
            "files:read github",
        ),
        (FILES, &["files:read"], "any", tool("x"), "files:read admin"),
        (without_admin, &["files:read"], "any", tool("x"), "-"),
        (
            without_admin,
            &["files:read"],
            "any",
            tool("READ_FILE"),
            "-",
        ),
        (without_admin, &[], "gitlab", tool("create_issue"), "gitlab"),
        (
            without_admin,
            &[],
            "any",
            Action::Use(Subject::method("vendor/x")),
            "-",
        ),
        (FILES, &[], "any", Action::ForeignTask, "-"),
    ];
    for (mapping, held, name, action, expected) in rows {
        let found = asked_for(&caller(mapping, held, &[]), &server(name, None), &[action]);
        assert_eq!(found, expected, "{held:?} {name} {action:?}");
    }
}

#[test]
fn what_no_scope_can_change_is_not_asked_for() {
    let ceiling: &[&str] = &["read_*"];
    let denied = caller(FILES, &["files:read"], &["write_secret", "github::*"]);
    assert_eq!(
        asked_for(&denied, &server("any", None), &[tool("write_secret")]),
        "-"
    );
    assert_eq!(
        asked_for(&denied, &server("github", None), &[tool("x")]),
        "-"
    );
    assert_eq!(
        asked_for(
            &denied,
            &server("any", Some(ceiling)),
            &[tool("write_file")]
        ),
        "-"
    );
    assert_eq!(
        asked_for(&denied, &server("any", None), &[tool("write_file")]),
        "files:read files:write"
    );
    let unscoped = Principal::for_test("https://issuer.example", "alice", Arc::default(), None);
    assert_eq!(
        asked_for(&unscoped, &server("any", None), &[tool("read_file")]),
        "-"
    );
}

#[test]
fn a_climbing_uri_needs_a_scope_that_sees_every_resource() {
    let climbing = [Action::Use(Subject::resource("file:///docs/../etc"))];
    let any = server("any", None);
    assert_eq!(
        asked_for(&caller(FILES, &[], &[]), &any, &climbing),
        "admin"
    );
    assert_eq!(
        asked_for(&caller(&FILES[..4], &[], &[]), &any, &climbing),
        "-"
    );
    let but_secrets = caller(FILES, &[], &["resource:file:///secret"]);
    assert_eq!(asked_for(&but_secrets, &any, &climbing), "-");
}

#[test]
fn all_that_a_message_needs_is_asked_for_at_once_or_nothing() {
    let mapping: Mapping<'_> = &[
        ("a", &["resource:a:*"]),
        ("b", &["resource:b:*"]),
        ("bc", &["resource:b:*", "resource:c:*"]),
    ];
    let listen = |uris: &[&'static str]| -> Vec<Action<'static>> {
        let uses = uris.iter().map(|uri| Action::Use(Subject::resource(uri)));
        std::iter::once(Action::AlwaysAllowed).chain(uses).collect()
    };
    let rows: [(&[&str], &[&str], &str); 6] = [
        (&[], &["a:1", "b:1"], "a b"),
        (&["b"], &["a:1", "b:1", "a:2"], "a b"),
        (&[], &["c:1", "b:1"], "bc"),
        (&["a"], &["b:1", "c:1"], "a b bc"),
        (&[], &["a:1", "d:1"], "-"),
        (&["a"], &["a:1"], "-"),
    ];
    for (held, uris, expected) in rows {
        let found = asked_for(
            &caller(mapping, held, &[]),
            &server("any", None),
            &listen(uris),
        );
        assert_eq!(found, expected, "{held:?} {uris:?}");
    }
}

#[test]
fn what_is_named_chooses_the_scope_and_not_the_server_alone() {
    let mapping: Mapping<'_> = &[
        ("other", &["other::*"]),
        ("tools", &["one::read_*"]),
        ("docs", &["one::resource:docs:*"]),
    ];
    let listen = [
        Action::AlwaysAllowed,
        Action::Use(Subject::resource("docs:1")),
    ];
    let held = caller(mapping, &["other"], &[]);
    let found = asked_for(&held, &server("one", None), &listen);
    assert_eq!(found, "other docs");
}

#[test]
fn a_server_that_a_scope_would_reach_is_stepped_up_to_and_others_stay_hidden() {
    let initialize = [Action::AlwaysAllowed];
    let mapping = &FILES[2..4];
    let github = caller(mapping, &["github"], &[]);
    let rows = [
        (&github, "github", true, "-"),
        (&github, "gitlab", true, "github gitlab"),
        (&github, "jira", false, "-"),
    ];
    for (principal, name, is_reachable, expected) in rows {
        let server = server(name, None);
        assert_eq!(may_reach(principal, &server), is_reachable, "{name}");
        assert_eq!(
            asked_for(principal, &server, &initialize),
            expected,
            "{name}"
        );
    }
    assert!(!reaches(&github, &server("gitlab", None)));
    let nothing = caller(mapping, &[], &[]);
    for (name, is_reached) in [("github", true), ("gitlab", true), ("jira", false)] {
        let server = server(name, None);
        assert_eq!(reaches(&nothing, &server), is_reached, "{name}");
        assert_eq!(may_reach(&nothing, &server), is_reached, "{name}");
        assert_eq!(asked_for(&nothing, &server, &initialize), "-", "{name}");
    }
    let of_no_server = caller(&[("a", &[])], &[], &[]);
    assert!(reaches(&of_no_server, &server("jira", None)));
    let banned = caller(mapping, &["github"], &["gitlab::*"]);
    assert!(!may_reach(&banned, &server("gitlab", None)));
}

#[test]
fn a_step_up_once_taken_is_never_asked_for_again() {
    let names = ["read_x", "write_x", "create_issue", "other"];
    for held in [
        &[][..],
        &["files:read"],
        &["github"],
        &["gitlab", "files:write"],
    ] {
        for server in ["any", "github", "gitlab"].map(|name| server(name, None)) {
            for action in names.map(tool).into_iter().chain([Action::AlwaysAllowed]) {
                let before = caller(FILES, held, &[]);
                let Some(step_up) = step_up(&before, &server, [action]) else {
                    continue;
                };
                let scopes: Vec<&str> = step_up.scope().split(' ').collect();
                assert!(held.iter().all(|scope| scopes.contains(scope)));
                let after = caller(FILES, &scopes, &[]);
                assert!(
                    decide(&after, &server, action).is_ok(),
                    "{held:?} {action:?}"
                );
            }
        }
    }
}

#[test]
fn the_rule_of_the_record_names_what_was_missing() {
    let held = caller(FILES, &["files:read"], &[]);
    let found = step_up(&held, &server("any", None), [tool("write_file")]).unwrap();
    assert_eq!(found.to_string(), r#"needs scope "files:write""#);
}

#[test]
fn scopes_that_cannot_stand_in_a_challenge_are_never_asked_for() {
    let long = "s".repeat(SCOPE_BYTES_MAX + 1);
    let mapping: Mapping<'_> = &[
        ("quo\"te", &["x"]),
        ("offline_access", &["x"]),
        (&long, &["x"]),
        ("good", &["x"]),
        ("more", &["y"]),
    ];
    let any = server("any", None);
    assert_eq!(
        asked_for(&caller(mapping, &[], &[]), &any, &[tool("x")]),
        "good"
    );
    let held = caller(mapping, &["quo\"te", "offline_access", "good"], &[]);
    assert_eq!(asked_for(&held, &any, &[tool("y")]), "good more");
}

#[test]
fn a_challenge_is_bounded_and_keeps_what_is_missing() {
    let scopes: Vec<String> = (0..100).map(|n| format!("{n:0>100}")).collect();
    let mapping: Vec<(&str, &[&str])> = scopes
        .iter()
        .map(|scope| (&**scope, &["held_*"][..]))
        .chain([("wanted", &["wanted"][..])])
        .collect();
    let held: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let found = asked_for(
        &caller(&mapping, &held, &[]),
        &server("any", None),
        &[tool("wanted")],
    );
    assert!(
        found.len() <= CHALLENGE_SCOPE_BYTES_MAX && found.ends_with(" wanted"),
        "{found}"
    );
    assert!(found.len() > CHALLENGE_SCOPE_BYTES_MAX - 101);

    let kinds: Vec<String> = (0..=STEP_UP_SCOPES_MAX).map(|n| format!("t{n}")).collect();
    let entries: Vec<[&str; 1]> = kinds.iter().map(|kind| [kind.as_str()]).collect();
    let mapping: Vec<(&str, &[&str])> = kinds
        .iter()
        .zip(&entries)
        .map(|(kind, entry)| (kind.as_str(), &entry[..]))
        .collect();
    let nobody = caller(&mapping, &[], &[]);
    let actions: Vec<_> = kinds.iter().map(|kind| tool(kind)).collect();
    let most = &actions[..STEP_UP_SCOPES_MAX];
    assert_eq!(
        asked_for(&nobody, &server("any", None), most)
            .split(' ')
            .count(),
        STEP_UP_SCOPES_MAX
    );
    assert_eq!(asked_for(&nobody, &server("any", None), &actions), "-");
}

#[test]
fn what_a_scope_would_allow_is_not_shown_before() {
    let held = caller(FILES, &["files:read"], &[]);
    for kind in SubjectKind::ALL {
        let subject = Subject {
            kind,
            name: "write_file",
        };
        assert!(!shows(&held, &server("any", None), subject));
    }
}
