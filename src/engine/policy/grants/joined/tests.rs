#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::engine::policy::SubjectKind;
use crate::engine::policy::rights::Rights;

fn grants(allowed: &[&str], denied: &[&str]) -> Arc<Grants> {
    let owned = |list: &[&str]| {
        list.iter()
            .map(|entry| (*entry).to_owned())
            .collect::<Vec<_>>()
    };
    Arc::new(Grants::compile(&owned(allowed), &owned(denied)).unwrap())
}

fn joined(base: Arc<Grants>, further: &[(&str, Arc<Grants>)]) -> Grants {
    let part = |(name, grants): &(&str, Arc<Grants>)| {
        Arc::new(GrantsPart::named(name, Arc::clone(grants)))
    };
    let parts: Vec<_> = further.iter().map(part).collect();
    Grants::joined(base, parts.clone(), parts.into())
}

#[test]
fn what_any_part_allows_is_allowed_under_the_name_of_its_rule() {
    let all = joined(
        grants(&["base", "two"], &["no"]),
        &[
            ("a", grants(&["x_*"], &[])),
            ("b", grants(&["y", "x_1"], &["never"])),
        ],
    );
    for (tool, allowed, denied) in [
        ("base", Some("allowed_tools[0] \"base\""), None),
        ("two", Some("allowed_tools[1] \"two\""), None),
        ("x_1", Some("a allowed_tools[0] \"x_*\""), None),
        ("y", Some("b allowed_tools[0] \"y\""), None),
        ("z", None, None),
        ("no", None, Some("denied_tools[0] \"no\"")),
        ("never", None, Some("b denied_tools[0] \"never\"")),
    ] {
        let subject = Subject::tool(tool);
        let by = all
            .allowing("s", subject)
            .map(|rule| all.allowed_label(rule));
        assert_eq!(by, allowed, "{tool}");
        let by = all.denying("s", subject).map(|rule| all.denied_label(rule));
        assert_eq!(by, denied, "{tool}");
    }
    assert_eq!(all.allowed_label(99), "unknown rule");
}

#[test]
fn it_concerns_and_covers_what_its_parts_do() {
    let part = |entry: &str| grants(&[entry], &[]);
    let one = joined(
        Arc::default(),
        &[("a", part("one::*")), ("b", part("two::x"))],
    );
    assert!(
        Rights::of(&one).concerns("one")
            && Rights::of(&one).concerns("two")
            && !Rights::of(&one).concerns("three")
    );
    assert!(
        Rights::of(&one).covers("one", SubjectKind::Tool)
            && !Rights::of(&one).covers("two", SubjectKind::Tool)
    );
    assert!(!one.is_empty());
    let servers: Vec<_> = one.servers().collect();
    assert!(servers.contains(&"one") && servers.contains(&"two"));
    // A denial of the base takes away what a part allows.
    let less = joined(grants(&[], &["one::*"]), &[("a", part("one::*"))]);
    assert!(
        !Rights::of(&less).concerns("one") && !Rights::of(&less).covers("one", SubjectKind::Tool)
    );
    let some = joined(grants(&[], &["y"]), &[("a", part("*"))]);
    assert!(!Rights::of(&some).covers("one", SubjectKind::Tool));
    let none = joined(Arc::default(), &[("a", Arc::default())]);
    assert!(none.is_empty() && Rights::of(&none).concerns("any"));
}

#[test]
fn rules_beyond_the_last_number_decide_without_a_name() {
    let many: Vec<_> = (0..4_096).map(|index| format!("t{index}")).collect();
    let many: Vec<_> = many.iter().map(|entry| &**entry).collect();
    let part = grants(&many, &[]);
    let parts: Vec<_> = (0..17).map(|_| ("s", Arc::clone(&part))).collect();
    let last = ("last", grants(&["last"], &[]));
    let all = joined(Arc::default(), &[&parts[..], &[last]].concat());
    let rule = all.allowing("s", Subject::tool("last"));
    assert_eq!(
        rule.map(|rule| all.allowed_label(rule)),
        Some("unknown rule")
    );
}
