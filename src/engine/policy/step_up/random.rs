//! Whatever the entries: lists equal calls, a step-up that is taken helps, and fewer scopes never show more.

use super::*;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % end
    }

    fn some_of(&mut self, from: &[&'static str], most: usize) -> Vec<&'static str> {
        let count = self.below(most + 1);
        (0..count).map(|_| from[self.below(from.len())]).collect()
    }
}

const ENTRIES: &[&str] = &[
    "a",
    "ab",
    "a*",
    "*b",
    "*",
    "s::a",
    "s::a*",
    "s::*",
    "t::*",
    "t::b",
    "prompt:p",
    "prompt:*",
    "s::prompt:p*",
    "resource:*",
    "resource:file:///d/*",
    "s::resource:file:///d/x",
    "t::resource:*",
];
const NAMES: &[Subject<'_>] = &[
    Subject::tool("a"),
    Subject::tool("ab"),
    Subject::tool("b"),
    Subject::prompt("p"),
    Subject::prompt("a"),
    Subject::resource("file:///d/x"),
    Subject::resource("file:///d/../x"),
    Subject::resource("file:///e"),
];

#[test]
fn whatever_the_entries() {
    let mut dice = Dice(7);
    for round in 0..4_000 {
        let lists: Vec<_> = (0..3).map(|_| dice.some_of(ENTRIES, 3)).collect();
        let mapping: Vec<(&str, &[&str])> = ["x", "y", "z"]
            .into_iter()
            .zip(lists.iter().map(Vec::as_slice))
            .collect();
        let held = dice.some_of(&["x", "y", "z"], 2);
        let denied = dice.some_of(ENTRIES, 1);
        let ceiling = dice.some_of(&["a", "a*", "*", "prompt:*", "resource:*"], 2);
        let ceiling = (dice.below(2) == 0).then_some(ceiling.as_slice());
        let server = server(["s", "t"][dice.below(2)], ceiling);
        let with = |held: &[&str]| caller(&mapping, held, &denied);
        let told = format!(
            "{round}: {mapping:?} {held:?} less {denied:?}, {ceiling:?} {}",
            server.name
        );
        let (principal, all) = (with(&held), with(&["x", "y", "z"]));
        for &subject in NAMES {
            let is_allowed = decide(&principal, &server, Action::Use(subject)).is_ok();
            assert_eq!(
                shows(&principal, &server, subject),
                is_allowed,
                "{told} {subject:?}"
            );
            assert!(
                !is_allowed || decide(&all, &server, Action::Use(subject)).is_ok(),
                "{told} {subject:?}"
            );
            if sees_all(&principal, &server, subject.kind) {
                assert!(is_allowed, "{told} {subject:?}");
            }
            let actions = [Action::AlwaysAllowed, Action::Use(subject)];
            if let Some(step_up) = step_up(&principal, &server, actions) {
                assert!(
                    decide_all(&principal, &server, actions).is_err(),
                    "{told} {subject:?}"
                );
                let more: Vec<&str> = step_up.scope().split(' ').collect();
                let stepped = with(&more);
                assert!(
                    decide_all(&stepped, &server, actions).is_ok(),
                    "{told} {subject:?}"
                );
            }
        }
        // Who reaches it without scopes would reach it with some, unless scopes are about nothing.
        let touches = mapping
            .iter()
            .any(|(scope, _)| reaches(&with(&[scope]), &server));
        let nothing = with(&[]);
        assert_eq!(may_reach(&nothing, &server), touches, "{told}");
    }
}
