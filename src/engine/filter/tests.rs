#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};

use super::{FilterError, Outcome, Visibility, filter_message};
use crate::engine::mcp::json::Syntax;
use crate::engine::mcp::methods::ListKind;
use crate::engine::mcp::revision::Era;

/// Shows names that do not begin with `x`.
struct NoX;

impl Visibility for NoX {
    fn shows(&self, _: ListKind, name: &str) -> bool {
        !name.starts_with('x')
    }

    fn shows_all(&self, _: ListKind) -> bool {
        false
    }
}

/// Shows everything.
struct All;

impl Visibility for All {
    fn shows(&self, _: ListKind, _: &str) -> bool {
        panic!("nothing needs to be asked")
    }

    fn shows_all(&self, _: ListKind) -> bool {
        true
    }
}

fn run(
    message: &str,
    era: Era,
    visibility: &impl Visibility,
) -> Result<(Outcome, String), FilterError> {
    let mut out = b"kept:".to_vec();
    let outcome = filter_message(message.as_bytes(), era, visibility, &mut out);
    let out = String::from_utf8(out).unwrap();
    let out = out.strip_prefix("kept:").unwrap().to_owned();
    if !matches!(outcome, Ok(Outcome::Rewritten { .. })) {
        assert_eq!(
            out, "",
            "the output is touched only where the message is rewritten"
        );
    }
    Ok((outcome?, out))
}

fn check(message: &str, expected: &str, removed: usize) {
    let filtered = run(message, Era::Legacy, &NoX).unwrap();
    assert_eq!(
        filtered,
        (Outcome::Rewritten { removed }, expected.to_owned()),
        "{message}"
    );
}

fn check_unchanged(message: &str) {
    assert_eq!(
        run(message, Era::Legacy, &NoX),
        Ok((Outcome::Unchanged, String::new())),
        "{message}"
    );
}

fn check_refused(message: &str, error: FilterError) {
    assert_eq!(run(message, Era::Legacy, &NoX), Err(error), "{message}");
}

fn list(items: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{items}]}}}}"#)
}

#[test]
fn items_leave_with_one_comma_wherever_they_stand() {
    let item = |name: &str| format!(r#"{{"name":"{name}"}}"#);
    for (before, after) in [
        ("x", ""),
        ("a,x", "a"),
        ("x,a", "a"),
        ("x,a,x", "a"),
        ("x,x,a", "a"),
        ("a,x,x", "a"),
        ("a,x,b", "a,b"),
        ("a,x,x,b,x", "a,b"),
        ("x,x", ""),
        ("a,x,b,x,c", "a,b,c"),
    ] {
        let names = |text: &str| {
            text.split(',')
                .filter(|name| !name.is_empty())
                .map(item)
                .collect::<Vec<_>>()
                .join(",")
        };
        let removed = before.matches('x').count();
        check(&list(&names(before)), &list(&names(after)), removed);
    }
    check(
        &list(
            " {\"name\":\"x\"} ,\n  {\"name\":\"a\" }\t, {\"name\":\"x\"} , {\"name\":\"b\"}\r\n",
        ),
        &list(" {\"name\":\"a\" } , {\"name\":\"b\"}\r\n"),
        2,
    );
}

#[test]
fn what_stays_keeps_its_bytes() {
    let kept = r#"{ "n\u0061me2":1,"name" : "a\u0062" ,"inputSchema":{"a":1,"a":2,"x":[1.0,1e400,12345678901234567890,"\ud800"]},"_meta":{"name":"x"}}"#;
    let message = |items: &str| {
        format!(
            "\n{{\"result\" :{{\"nextCursor\":\"\" , \"_meta\":{{\"b\":1.50}},\"tools\" : [{items}],\"extra\":[{{\"name\":\"x\"}}]}},\"id\":\"i\",\"jsonrpc\":\"2.0\"}}\n"
        )
    };
    check(
        &message(&format!(r#"{{"name":"x"}},{kept}"#)),
        &message(kept),
        1,
    );
    check_unchanged(&message(kept));
}

#[test]
fn every_list_is_filtered_by_what_names_its_items() {
    for (member, name) in [
        ("tools", "name"),
        ("prompts", "name"),
        ("resources", "uri"),
        ("resourceTemplates", "uriTemplate"),
    ] {
        let message = |items: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"{member}":[{items}]}}}}"#)
        };
        let (hidden, shown) = (
            format!(r#"{{"{name}":"x","z":1}}"#),
            format!(r#"{{"z":1,"{name}":"a"}}"#),
        );
        check(&message(&format!("{hidden},{shown}")), &message(&shown), 1);
    }
    check(
        r#"{"id":1,"result":{"tools":[{"name":"x"}],"prompts":[{"name":"b"},{"name":"x"}]}}"#,
        r#"{"id":1,"result":{"tools":[],"prompts":[{"name":"b"}]}}"#,
        2,
    );
    check_unchanged(r#"{"id":1,"result":{"resources":[{"uri":"a","name":"x"}]}}"#);
}

#[test]
fn lists_in_batches_are_filtered() {
    check(
        r#"[{"id":1,"result":{"tools":[{"name":"x"}]}} , {"method":"n"},{"id":2,"result":{"prompts":[{"name":"a"},{"name":"x"}]}}]"#,
        r#"[{"id":1,"result":{"tools":[]}} , {"method":"n"},{"id":2,"result":{"prompts":[{"name":"a"}]}}]"#,
        2,
    );
    check_refused(
        r#"[{"id":1,"result":{"tools":[{"name":"x"}]}},1]"#,
        FilterError::NotAMessage,
    );
    check_refused(
        r#"[[{"id":1,"result":{"tools":[{"name":"x"}]}}]]"#,
        FilterError::NotAMessage,
    );
}

#[test]
fn a_name_is_judged_by_its_decoded_value() {
    check(&list("{\"name\":\"\\u0078\"}"), &list(""), 1);
    check_unchanged(&list("{\"name\":\"\\u0061\"}"));
    // No call can carry these names, so no list shows them.
    check(&list("{\"name\":\"a\\u0000\"}"), &list(""), 1);
    check(
        &list(&format!("{{\"name\":\"{}\"}}", "a".repeat(1025))),
        &list(""),
        1,
    );
    check_unchanged(&list(&format!("{{\"name\":\"{}\"}}", "a".repeat(1024))));
}

#[test]
fn messages_without_lists_are_left_alone() {
    for message in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\ud83d","tools":[{"name":"x"}]}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"a":{"tools":[{"name":"x"}]},"tools2":[{"name":"x"}]}}"#,
        r#"{"jsonrpc":"2.0","method":"sampling/createMessage","id":1,"params":{"tools":[{"name":"x"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m","data":{"tools":[{"name":"x"}]}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":[{"tools":[{"name":"x"}]}]}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":null}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#,
        "[]",
        "{}",
    ] {
        check_unchanged(message);
        assert_eq!(
            run(message, Era::Legacy, &All).unwrap().0,
            Outcome::Unchanged
        );
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    let item = FilterError::ItemInvalid {
        kind: ListKind::Tools,
    };
    for (items, error) in [
        ("{}", item),
        ("1", item),
        ("\"a\"", item),
        ("null", item),
        ("[]", item),
        ("{\"name\":1}", item),
        ("{\"name\":null}", item),
        ("{\"name\":[\"a\"]}", item),
        ("{\"name\":\"a\",\"name\":\"x\"}", item),
        ("{\"name\":\"a\\ud800\"}", item),
        ("{\"uri\":\"a\"}", item),
        (
            "{\"name\":\"a\",\"Name\":\"x\"}",
            FilterError::LookAlikeMember,
        ),
        (
            "{\"name\":\"a\",\"n\\u0061me\":\"x\"}",
            FilterError::LookAlikeMember,
        ),
        ("{\"n\\u0061me\":\"x\"}", FilterError::LookAlikeMember),
        (
            "{\"name\":\"a\",\"name\u{200b}\":\"x\"}",
            FilterError::LookAlikeMember,
        ),
        ("{\"name\":\"a\"},", item),
        (
            "{\"name\":\"a\" 'b'}",
            FilterError::Syntax(Syntax::UnexpectedByte),
        ),
        (
            "{\"name\":\"a\",\"b\":01}",
            FilterError::Syntax(Syntax::BadNumber),
        ),
        ("/*{\"name\":\"a\"}*/", item),
    ] {
        check_refused(&list(items), error);
    }
    for (message, error) in [
        (
            r#"{"result":{"tools":[{"name":"a"}]"#,
            FilterError::Syntax(Syntax::Truncated),
        ),
        (
            r#"{"result":{"tools":[]}} {"result":{"tools":[{"name":"x"}]}}"#,
            FilterError::Syntax(Syntax::TrailingBytes),
        ),
        (
            r#"{"result":{"tools":[]},"result":{"tools":[{"name":"x"}]}}"#,
            FilterError::Syntax(Syntax::DuplicateMember),
        ),
        (
            r#"{"result":{"tools":[],"tools":[{"name":"x"}]}}"#,
            FilterError::Syntax(Syntax::DuplicateMember),
        ),
        (
            r#"{"Result":{"tools":[{"name":"x"}]}}"#,
            FilterError::LookAlikeMember,
        ),
        (
            "{\"re\\u0073ult\":{\"tools\":[{\"name\":\"x\"}]}}",
            FilterError::LookAlikeMember,
        ),
        (
            r#"{"result":{"Tools":[{"name":"x"}]}}"#,
            FilterError::LookAlikeMember,
        ),
        (
            "{\"result\":{\"toolſ\":[{\"name\":\"x\"}]}}",
            FilterError::LookAlikeMember,
        ),
        (
            r#"{"result":{"tools":{"name":"x"}}}"#,
            FilterError::ListInvalid {
                kind: ListKind::Tools,
            },
        ),
        (
            r#"{"result":{"resourceTemplates":"x"}}"#,
            FilterError::ListInvalid {
                kind: ListKind::ResourceTemplates,
            },
        ),
        ("", FilterError::Syntax(Syntax::Truncated)),
        ("\"x\"", FilterError::NotAMessage),
        ("\u{feff}{}", FilterError::NotAMessage),
    ] {
        check_refused(message, error);
    }
    assert_eq!(
        filter_message(
            b"{\"result\":{\"a\":\"\xFF\"}}",
            Era::Legacy,
            &NoX,
            &mut Vec::new()
        ),
        Err(FilterError::InvalidUtf8)
    );
    check_refused(
        &format!("{{\"a\":{}", "[".repeat(100_000)),
        FilterError::Syntax(Syntax::TooDeep),
    );
}

#[test]
fn modern_lists_are_private_and_fresh_for_a_minute_at_most() {
    for (hints, expected) in [
        ("", r#""cacheScope":"private","ttlMs":0,"#),
        (
            r#""ttlMs":300000,"cacheScope":"public","#,
            r#""ttlMs":60000,"cacheScope":"private","#,
        ),
        (
            r#""cacheScope" : "public" ,"ttlMs":60001 ,"#,
            r#""cacheScope" : "private" ,"ttlMs":60000 ,"#,
        ),
        (
            r#""ttlMs":1e9,"cacheScope":"private","#,
            r#""ttlMs":60000,"cacheScope":"private","#,
        ),
        (
            r#""ttlMs":-1,"cacheScope":"private","#,
            r#""ttlMs":0,"cacheScope":"private","#,
        ),
        (
            r#""ttlMs":"1","cacheScope":null,"#,
            r#""ttlMs":0,"cacheScope":"private","#,
        ),
        (
            r#""cacheScope":"public","#,
            r#""ttlMs":0,"cacheScope":"private","#,
        ),
        (
            r#""ttlMs":1e400,"cacheScope":"private","#,
            r#""ttlMs":60000,"cacheScope":"private","#,
        ),
    ] {
        for (items, kept, removed) in [("", "", 0), (r#"{"name":"x"}"#, "", 1)] {
            let message = |hints: &str, items: &str| {
                format!(r#"{{"id":1,"result":{{{hints}"tools":[{items}]}}}}"#)
            };
            let filtered = run(&message(hints, items), Era::Modern, &NoX).unwrap();
            assert_eq!(
                filtered,
                (Outcome::Rewritten { removed }, message(expected, kept)),
                "{hints}"
            );
        }
    }
}

#[test]
fn hints_after_the_list_are_found_and_good_ones_stay_as_written() {
    let message = |ttl: &str, scope: &str| {
        format!(
            r#"{{"id":1,"result":{{"tools":[{{"name":"a"}}],"ttlMs":{ttl},"cacheScope":"{scope}"}}}}"#
        )
    };
    for ttl in ["0", "60000", "6e4", "1.5", "59999.999"] {
        let filtered = run(&message(ttl, "private"), Era::Modern, &NoX).unwrap();
        assert_eq!(filtered, (Outcome::Unchanged, String::new()), "{ttl}");
    }
    let filtered = run(&message("60000.1", "public"), Era::Modern, &All).unwrap();
    assert_eq!(
        filtered,
        (
            Outcome::Rewritten { removed: 0 },
            message("60000", "private")
        ),
        "for those who see all too"
    );
}

#[test]
fn only_modern_lists_get_hints() {
    let other = r#"{"id":1,"result":{"contents":[],"ttlMs":300000,"cacheScope":"public"}}"#;
    assert_eq!(run(other, Era::Modern, &NoX).unwrap().0, Outcome::Unchanged);
    check_unchanged(r#"{"id":1,"result":{"tools":[],"ttlMs":300000,"cacheScope":"public"}}"#);
    check_unchanged(r#"{"id":1,"result":{"tools":[]}}"#);
}

/// Shows what a pseudo-random bit of the name says.
struct Random(u64);

impl Visibility for Random {
    fn shows(&self, _: ListKind, name: &str) -> bool {
        name.bytes().fold(self.0, |hash, byte| {
            hash.rotate_left(7).wrapping_mul(0x100_0000_01B3) ^ u64::from(byte)
        }) & 4
            == 0
    }

    fn shows_all(&self, _: ListKind) -> bool {
        false
    }
}

#[test]
fn what_is_shown_is_what_visibility_shows_in_order() {
    for seed in 0..2_000_u64 {
        let visibility = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let items: Vec<Value> = (0..seed % 13)
            .map(|n| json!({"title": "t\"]},{", "name": format!("tool_{}", seed * 31 + n), "inputSchema": {"properties": {"name": [n, null, 1.5]}}}))
            .collect();
        let shown: Vec<&Value> = items
            .iter()
            .filter(|item| visibility.shows(ListKind::Tools, item["name"].as_str().unwrap()))
            .collect();
        let answer = |items: Value| json!({"jsonrpc": "2.0", "id": seed, "result": {"nextCursor": "n", "tools": items, "_meta": {}}});
        let message = match seed % 2 {
            0 => answer(json!(items)).to_string(),
            _ => serde_json::to_string_pretty(&answer(json!(items))).unwrap(),
        };
        let (outcome, out) = run(&message, Era::Legacy, &visibility).unwrap();
        let out = if outcome == Outcome::Unchanged {
            message
        } else {
            out
        };
        assert_eq!(
            serde_json::from_str::<Value>(&out).unwrap(),
            answer(json!(shown))
        );
        let removed = items.len() - shown.len();
        assert_eq!(
            outcome,
            if removed == 0 {
                Outcome::Unchanged
            } else {
                Outcome::Rewritten { removed }
            }
        );
    }
}
