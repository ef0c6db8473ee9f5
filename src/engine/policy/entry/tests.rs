#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

fn check(text: &str, server: Option<&str>, coverage: Coverage, matches: &[&str], differs: &[&str]) {
    let entry = Entry::parse(text).unwrap_or_else(|fault| panic!("{text:?}: {fault}"));
    assert_eq!(entry.server.as_deref(), server, "{text:?}");
    assert_eq!(entry.coverage, coverage, "{text:?}");
    for name in matches {
        assert!(entry.matcher.matches(name), "{text:?} must match {name:?}");
    }
    for name in differs {
        assert!(
            !entry.matcher.matches(name),
            "{text:?} must not match {name:?}"
        );
    }
}

const TOOL: Coverage = Coverage::Kind(SubjectKind::Tool);
const PROMPT: Coverage = Coverage::Kind(SubjectKind::Prompt);
const RESOURCE: Coverage = Coverage::Kind(SubjectKind::Resource);
const METHOD: Coverage = Coverage::Kind(SubjectKind::Method);

#[test]
fn an_entry_names_server_then_kind_then_glob() {
    check("*", None, Coverage::Everything, &["", "a", "a/b"], &[]);
    check(
        "github::*",
        Some("github"),
        Coverage::Everything,
        &["a"],
        &[],
    );
    check(
        "read_file",
        None,
        TOOL,
        &["read_file"],
        &["read_files", "Read_file", "xread_file", ""],
    );
    check(
        "github::create_*",
        Some("github"),
        TOOL,
        &["create_", "create_issue"],
        &["create", "recreate_x"],
    );
    check(
        "prompt:review",
        None,
        PROMPT,
        &["review"],
        &["prompt:review"],
    );
    check("prompt:*", None, PROMPT, &["review"], &[]);
    check(
        "gh-1::prompt:re*",
        Some("gh-1"),
        PROMPT,
        &["review"],
        &["preview"],
    );
    check(
        "resource:file:///tmp/*",
        None,
        RESOURCE,
        &["file:///tmp/a/b", "file:///tmp/"],
        &["file:///tm"],
    );
    check(
        "method:vendor/*",
        None,
        METHOD,
        &["vendor/x"],
        &["tools/call"],
    );
    check("a::method:x", Some("a"), METHOD, &["x"], &[]);
    check("ns:tool", None, TOOL, &["ns:tool"], &["tool"]);
}

#[test]
fn a_double_colon_after_a_kind_belongs_to_the_name() {
    check("resource:urn:a::b", None, RESOURCE, &["urn:a::b"], &["b"]);
    check("prompt:a::b", None, PROMPT, &["a::b"], &["b"]);
    check(
        "srv::resource:a::b",
        Some("srv"),
        RESOURCE,
        &["a::b"],
        &["b"],
    );
}

#[test]
fn a_glob_covers_the_whole_name_and_crosses_slashes_and_dots() {
    check("a*", None, TOOL, &["a", "a/b", "a.b", "a\nb"], &["ba"]);
    check("*a", None, TOOL, &["a", ".a", "/a"], &["ab"]);
    check("a?c", None, TOOL, &["abc", "a/c", "aéc"], &["ac", "abbc"]);
    check("[ab]x", None, TOOL, &["ax", "bx"], &["cx", "abx", "[ab]x"]);
    check("[!ab]x", None, TOOL, &["cx"], &["ax", "x"]);
    check("[a-c]", None, TOOL, &["b"], &["d", "-", "B"]);
    check("[]]", None, TOOL, &["]"], &["["]);
    check("[[]x", None, TOOL, &["[x"], &["x"]);
    check("[a-]", None, TOOL, &["a", "-"], &["b"]);
    check("{a,b}", None, TOOL, &["{a,b}"], &["a", "b"]);
    check("a\\*", None, TOOL, &["a\\", "a\\b"], &["a*b"]);
    check("*_*_*", None, TOOL, &["a_b_c", "__"], &["a_b"]);
    check("ünï*", None, TOOL, &["ünïcode"], &["unicode"]);
}

#[test]
fn an_entry_that_could_be_read_two_ways_is_refused() {
    let long = "x".repeat(limits::ENTRY_BYTES_MAX + 1);
    let starry = "*a".repeat(limits::ENTRY_WILDCARDS_MAX + 1);
    let rows: [(&str, EntryFault); 27] = [
        ("", EntryFault::Empty),
        ("prompt:", EntryFault::Empty),
        ("github::", EntryFault::Empty),
        ("github::prompt:", EntryFault::Empty),
        (" a", EntryFault::Unprintable),
        ("a ", EntryFault::Unprintable),
        ("a\u{0}b", EntryFault::Unprintable),
        ("a\nb", EntryFault::Unprintable),
        ("**", EntryFault::DoubleStar),
        ("a/**/b", EntryFault::DoubleStar),
        ("resource:file:///**", EntryFault::DoubleStar),
        ("[", EntryFault::OpenSet),
        ("[]", EntryFault::OpenSet),
        ("[!]", EntryFault::OpenSet),
        ("a[bc", EntryFault::OpenSet),
        ("[z-a]", EntryFault::EmptyRange),
        ("GitHub::x", EntryFault::BadServer),
        ("git*::x", EntryFault::BadServer),
        ("::x", EntryFault::BadServer),
        ("a::b::c", EntryFault::BadServer),
        ("prompts:x", EntryFault::UnknownKind),
        ("Resource:x", EntryFault::UnknownKind),
        ("tool:x", EntryFault::UnknownKind),
        ("github::tools:x", EntryFault::UnknownKind),
        ("METHODS:x", EntryFault::UnknownKind),
        (&long, EntryFault::TooLong),
        (&starry, EntryFault::TooManyWildcards),
    ];
    for (text, fault) in rows {
        assert_eq!(Entry::parse(text).err(), Some(fault), "{text:?}");
    }
}

#[test]
fn an_entry_at_its_bounds_is_accepted() {
    assert!(Entry::parse(&"x".repeat(limits::ENTRY_BYTES_MAX)).is_ok());
    assert!(Entry::parse(&"*a".repeat(limits::ENTRY_WILDCARDS_MAX)).is_ok());
}

#[test]
fn matching_the_worst_pattern_takes_bounded_steps() {
    let entry = Entry::parse(&"*a".repeat(limits::ENTRY_WILDCARDS_MAX)).unwrap();
    assert!(!entry.matcher.matches(&("a".repeat(4_096) + "b")));
}

#[test]
fn a_tool_limit_concerns_tools_alone() {
    let pattern = ToolPattern::parse("github::create_*").unwrap();
    assert!(pattern.matches("github", "create_issue"));
    assert!(!pattern.matches("gitlab", "create_issue"));
    assert!(!pattern.matches("github", "delete_issue"));
    assert_eq!(
        ToolPattern::parse("prompt:x").err(),
        Some(EntryFault::NotATool)
    );
    assert!(ToolPattern::parse("*").unwrap().matches("any", "tool"));
}
