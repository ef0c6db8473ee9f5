#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use super::*;
use crate::engine::identity::{AnonymousAccess, Authenticator, AuthenticatorParts, Proving};
use crate::engine::policy::{Ceiling, Grants};
use crate::engine::snapshot::ServerParts;

fn principal(allowed: &[&str], denied: &[&str]) -> Principal {
    let grants = Arc::new(Grants::compile(&owned(allowed), &owned(denied)).unwrap());
    let access = AnonymousAccess {
        grants,
        quota: None,
    };
    Authenticator::new(AuthenticatorParts {
        anonymous: Some(access),
        ..AuthenticatorParts::default()
    })
    .authenticate(None, &Proving::bare(0))
    .unwrap()
}

fn server(name: &str, ceiling: Option<&[&str]>) -> Server {
    let mut parts = ServerParts::nowhere(name);
    parts.ceiling = ceiling.map_or(Ceiling::NONE, |allowed| {
        Ceiling::compile(&owned(allowed)).unwrap()
    });
    Server::alone(parts)
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// The label of the rule that decided, after `yes: ` or `no: `.
fn verdict(caller: &Principal, server: &Server, action: Action<'_>) -> String {
    match decide(caller, server, action) {
        Ok(permit) => format!("yes: {}", permit.rule().label(caller.grants())),
        Err(denial) => format!("no: {}", denial.rule.label(caller.grants())),
    }
}

#[test]
fn the_rule_that_decides_is_named() {
    let lists = principal(
        &["read_*", "github::create_issue", "prompt:review"],
        &["read_secret", "github::read_x"],
    );
    let rows = [
        (
            "github",
            Subject::tool("read_file"),
            r#"yes: allowed_tools[0] "read_*""#,
        ),
        (
            "github",
            Subject::tool("create_issue"),
            r#"yes: allowed_tools[1] "github::create_issue""#,
        ),
        ("gitlab", Subject::tool("create_issue"), "no: no rule"),
        (
            "github",
            Subject::tool("read_secret"),
            r#"no: denied_tools[0] "read_secret""#,
        ),
        (
            "github",
            Subject::tool("read_x"),
            r#"no: denied_tools[1] "github::read_x""#,
        ),
        (
            "gitlab",
            Subject::tool("read_x"),
            r#"yes: allowed_tools[0] "read_*""#,
        ),
        (
            "github",
            Subject::prompt("review"),
            r#"yes: allowed_tools[2] "prompt:review""#,
        ),
        ("github", Subject::tool("review"), "no: no rule"),
        ("github", Subject::resource("read_file"), "no: no rule"),
        ("github", Subject::method("read_file"), "no: no rule"),
        ("github", Subject::tool("READ_FILE"), "no: no rule"),
        ("github", Subject::tool(""), "no: no rule"),
    ];
    for (name, subject, expected) in rows {
        assert_eq!(
            verdict(&lists, &server(name, None), Action::Use(subject)),
            expected,
            "{name} {subject:?}"
        );
    }
}

#[test]
fn nothing_is_allowed_unless_an_entry_says_so() {
    for caller in [principal(&[], &[]), principal(&[], &["x"])] {
        for kind in SubjectKind::ALL {
            let subject = Subject { kind, name: "x" };
            assert!(decide(&caller, &server("a", None), Action::Use(subject)).is_err());
            assert!(!sees_all(&caller, &server("a", None), kind));
        }
    }
}

#[test]
fn a_star_allows_every_kind_and_a_list_of_tools_only_tools() {
    let star = principal(&["*"], &[]);
    let tools = principal(&["a*", "b"], &[]);
    for kind in SubjectKind::ALL {
        let action = Action::Use(Subject { kind, name: "abc" });
        assert!(
            decide(&star, &server("s", None), action).is_ok(),
            "{kind:?}"
        );
        assert_eq!(
            decide(&tools, &server("s", None), action).is_ok(),
            kind == SubjectKind::Tool,
            "{kind:?}"
        );
    }
}

#[test]
fn denied_wins_over_allowed_for_every_kind() {
    let caller = principal(&["*"], &["*"]);
    for kind in SubjectKind::ALL {
        assert!(
            decide(
                &caller,
                &server("s", None),
                Action::Use(Subject { kind, name: "x" })
            )
            .is_err()
        );
    }
    assert!(
        reaches(&caller, &server("s", None)),
        "its lists are empty, its server is not missing"
    );
}

#[test]
fn a_ceiling_holds_for_everybody() {
    let caller = principal(&["*"], &[]);
    let low = server("s", Some(&["read_*"]));
    assert_eq!(
        verdict(&caller, &low, Action::Use(Subject::tool("read_x"))),
        r#"yes: allowed_tools[0] "*""#
    );
    assert_eq!(
        verdict(&caller, &low, Action::Use(Subject::tool("write_x"))),
        "no: ceiling"
    );
    assert_eq!(
        verdict(&caller, &low, Action::Use(Subject::prompt("read_x"))),
        "no: ceiling"
    );
    let shut = server("s", Some(&[]));
    assert_eq!(
        verdict(&caller, &shut, Action::Use(Subject::tool("read_x"))),
        "no: ceiling"
    );
    assert!(Ceiling::compile(&owned(&["other::x"])).is_err());
}

#[test]
fn a_caller_reaches_only_servers_that_its_entries_concern() {
    let rows: [(&[&str], &[&str], bool, bool); 9] = [
        (&["*"], &[], true, true),
        (&["x"], &[], true, true),
        (&[], &[], true, true),
        (&["a::x"], &[], true, false),
        (&["a::prompt:x"], &[], true, false),
        (&["*"], &["b::*"], true, false),
        (&["*"], &["b::x"], true, true),
        (&["*"], &["b::prompt:*"], true, true),
        (&["*"], &["*"], true, true),
    ];
    for (allowed, denied, a, b) in rows {
        let caller = principal(allowed, denied);
        for (name, expected) in [("a", a), ("b", b)] {
            let target = server(name, None);
            assert_eq!(
                reaches(&caller, &target),
                expected,
                "{allowed:?} {denied:?} {name}"
            );
            assert_eq!(
                decide(&caller, &target, Action::AlwaysAllowed).is_ok(),
                expected
            );
            assert_eq!(decide_stream(&caller, &target).is_ok(), expected);
        }
    }
}

#[test]
fn tasks_are_open_to_their_owner_alone() {
    let caller = principal(&["*"], &[]);
    assert!(decide(&caller, &server("s", None), Action::OwnTask).is_ok());
    assert!(decide(&caller, &server("s", None), Action::ForeignTask).is_err());
}

#[test]
fn several_actions_are_allowed_when_each_is() {
    let (caller, target) = (principal(&["a", "b"], &[]), server("s", None));
    let ask = |names: &[&'static str]| {
        decide_all(
            &caller,
            &target,
            names.iter().map(|&name| Action::Use(Subject::tool(name))),
        )
    };
    assert!(ask(&["a", "b"]).is_ok());
    assert!(ask(&["a", "c"]).is_err());
    assert!(ask(&["c", "a"]).is_err());
    assert!(ask(&[]).is_err(), "nothing asked is nothing allowed");
}

#[test]
fn every_entry_that_is_wrong_is_reported() {
    let errors = Grants::compile(&owned(&["ok", "**", ""]), &owned(&["[", "fine"])).unwrap_err();
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.list.key(), error.index))
        .collect();
    assert_eq!(
        found,
        [
            ("allowed_tools", 1),
            ("allowed_tools", 2),
            ("denied_tools", 0)
        ]
    );
}

#[test]
fn a_list_longer_than_its_bound_is_refused() {
    let entries = |n: usize| (0..n).map(|index| format!("t{index}")).collect::<Vec<_>>();
    assert!(Grants::compile(&entries(crate::engine::limits::ENTRIES_MAX), &[]).is_ok());
    let errors =
        Grants::compile(&entries(crate::engine::limits::ENTRIES_MAX + 2), &[]).unwrap_err();
    assert_eq!(errors.len(), 1);
}

#[test]
fn servers_named_by_entries_are_listed() {
    let grants = Grants::compile(&owned(&["a::x", "y"]), &owned(&["b::*"])).unwrap();
    let mut servers: Vec<_> = grants.servers().collect();
    servers.sort_unstable();
    servers.dedup();
    assert_eq!(servers, ["a", "b"]);
}

/// A small generator, so that a failure can be repeated.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn entries(&mut self) -> Vec<&'static str> {
        const ENTRIES: [&str; 16] = [
            "*",
            "a*",
            "ab",
            "*b",
            "?b",
            "[ab]b",
            "[!a]*",
            "s::a*",
            "t::*",
            "prompt:a*",
            "prompt:*",
            "resource:*b",
            "s::resource:ab",
            "method:*",
            "s::prompt:*",
            "b",
        ];
        (0..self.below(4)).map(|_| self.pick(&ENTRIES)).collect()
    }
}

/// The definition of policy, written without regard to speed.
fn allowed_by_definition(
    allowed: &[&str],
    denied: &[&str],
    ceiling: Option<&[&str]>,
    server: &str,
    subject: Subject<'_>,
) -> bool {
    let matches = |entry: &&str| {
        let (scope, rest) = entry
            .split_once("::")
            .map_or((None, *entry), |(scope, rest)| (Some(scope), rest));
        let (kind, glob) = rest.split_once(':').unwrap_or(("tool", rest));
        let kind_fits = kind == subject.kind.as_str() || rest == "*";
        scope.is_none_or(|own| own == server)
            && kind_fits
            && glob::Pattern::new(glob).unwrap().matches(subject.name)
    };
    allowed.iter().any(matches)
        && !denied.iter().any(matches)
        && ceiling.is_none_or(|list| list.iter().any(matches))
}

#[test]
fn for_random_grants_a_list_shows_exactly_what_a_call_allows() {
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    let mut allowed_once = 0;
    for _ in 0..2_000 {
        let (allowed, denied) = (random.entries(), random.entries());
        let ceiling: Option<Vec<_>> = (random.below(3) == 0).then(|| {
            random
                .entries()
                .into_iter()
                .filter(|entry| !entry.contains("::"))
                .collect()
        });
        let caller = principal(&allowed, &denied);
        let target = server(random.pick(&["s", "t", "u"]), ceiling.as_deref());
        for kind in SubjectKind::ALL {
            for name in ["a", "ab", "b", "bb", "abc", ""] {
                let subject = Subject { kind, name };
                let called = decide(&caller, &target, Action::Use(subject)).is_ok();
                let expected = allowed_by_definition(
                    &allowed,
                    &denied,
                    ceiling.as_deref(),
                    &target.name,
                    subject,
                );
                assert_eq!(
                    called, expected,
                    "{allowed:?} {denied:?} {ceiling:?} {} {subject:?}",
                    target.name
                );
                assert_eq!(shows(&caller, &target, subject), called);
                assert!(
                    called || !sees_all(&caller, &target, kind),
                    "{allowed:?} {denied:?} {subject:?}"
                );
                assert!(
                    !called || reaches(&caller, &target),
                    "what may be called must be reachable"
                );
                allowed_once += usize::from(called);
            }
        }
    }
    assert!(
        allowed_once > 1_000,
        "the property must be tried on both sides"
    );
}
