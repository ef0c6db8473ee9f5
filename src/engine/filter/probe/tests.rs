#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{ListProbe, Probed};
use crate::engine::mcp::methods::ListKind;

/// What a probe says of `answer`, the same for every split of it.
fn probe(answer: &[u8]) -> Probed {
    let whole = ListProbe::new().feed(answer);
    for cut in 0..=answer.len() {
        let mut probe = ListProbe::new();
        probe.feed(&answer[..cut]);
        assert_eq!(
            probe.feed(&answer[cut..]),
            whole,
            "{} cut at {cut}",
            answer.escape_ascii()
        );
    }
    let mut probe = ListProbe::new();
    for byte in answer {
        probe.feed(&[*byte]);
    }
    assert_eq!(probe.probed(), whole);
    whole
}

fn check(answer: &str, expected: Probed) {
    assert_eq!(probe(answer.as_bytes()), expected, "{answer}");
}

#[test]
fn a_list_is_noticed_where_its_name_ends() {
    for (member, kind) in [
        ("tools", ListKind::Tools),
        ("prompts", ListKind::Prompts),
        ("resources", ListKind::Resources),
        ("resourceTemplates", ListKind::ResourceTemplates),
    ] {
        check(
            &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"{member}""#),
            Probed::List(kind),
        );
        check(
            &format!(
                r#" [ {{"id":"a,b"}} , {{"result" : {{ "_meta":{{"a":[1,{{}}]}},"x":"}}]","{member}" "#
            ),
            Probed::List(kind),
        );
        check(
            &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"{member}"#),
            Probed::NotYetList,
        );
    }
}

#[test]
fn other_answers_are_no_lists() {
    for answer in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\"tools\":[\u0074\\"}],"isError":false}}"#,
        r#"{"result":{"a":{"tools":[]},"b":[{"resources":1}],"c":"tools","ttlMs":1,"cacheScope":"x"}}"#,
        r#"{"error":{"tools":[]},"id":1}"#,
        r#"{"method":"x","params":{"tools":[],"result":{"tools":[]}}}"#,
        r#"{"result":[{"tools":[]}],"tools":[]}"#,
        r#"{"result":"x","y":{"tools":[]}}"#,
        r#"{"result":1,"y":{"tools":[]}}"#,
        r#"{"result":null,"y":{"tools":[]}}"#,
        r#"{"x":{"result":{"tools":[]}},"result":{}}"#,
        r#"[{"result":{"a":1}},{"result":{"tools_":1,"größe":2}}]"#,
    ] {
        check(answer, Probed::NotYetList);
    }
}

#[test]
fn nothing_is_decided_before_a_result() {
    for answer in [
        "",
        " ",
        "{",
        "[",
        "{\"jsonrpc\":\"2.0\"",
        "{\"jsonrpc\":\"2.0\",\"id\":\"result\"",
        "{\"res",
        "{\"x\":{\"tools\":1}",
    ] {
        check(answer, Probed::Undecided);
    }
}

#[test]
fn what_some_client_might_read_as_a_list_is_suspicious() {
    for answer in [
        "{\"Result\":{",
        "{\"re\\u0073ult\":{",
        "{\"result \":{",
        "{\"result\u{200b}\":{",
        "{\"reſult\":{",
        "{\"result\":{\"Tools\":[",
        "{\"result\":{\"t\\u006fols\":[",
        "{\"result\":{\"toolſ\":[",
        "{\"result\":{\"tools\\u0000\":[",
        "{\"result\":{\"TTLMS\":1",
        "\u{feff}{",
        "{}{\"result\"",
        "\"result\"",
        "1",
        "{'result':{'tools':",
        "{/**/",
        "{\"a\":\"\n\"",
        "{\"a\":NaN",
        "{\0",
    ] {
        check(answer, Probed::Suspicious);
    }
    assert_eq!(probe(b"\xFF\xFE{\0"), Probed::Suspicious);
    assert_eq!(probe(b"{\"\xFF\":1"), Probed::Suspicious);
    let padded = format!("{{\"result\":{{\"{}tools\":[", "\u{200b}".repeat(40));
    check(&padded, Probed::Suspicious);
    let long = format!("{{\"result\":{{\"{}\":1,\"tools\"", "a".repeat(200));
    check(&long, Probed::List(ListKind::Tools));
}

#[test]
fn a_verdict_to_filter_stays() {
    let mut probe = ListProbe::new();
    probe.feed(b"{\"result\":{\"tools\":");
    assert_eq!(probe.feed(b"[],\"x\":1}}"), Probed::List(ListKind::Tools));
    assert!(probe.probed().must_filter());
}
