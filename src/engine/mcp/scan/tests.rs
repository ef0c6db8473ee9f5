#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{Body, Kind, ScanError, ScanErrorKind, ScanLimits, Syntax, scan};
use crate::engine::mcp::message::{Message, Reference, Subject, Text};
use crate::engine::mcp::methods::Method;

mod differential;
mod hostile;

fn one(body: &str) -> Message {
    match scan(body.as_bytes(), &ScanLimits::default()) {
        Ok(Body::One(message)) => message,
        other => panic!("{body}: {other:?}"),
    }
}

fn refusal(body: impl AsRef<[u8]>) -> ScanError {
    let body = body.as_ref();
    match scan(body, &ScanLimits::default()) {
        Err(error) => error,
        Ok(accepted) => panic!("{}: {accepted:?}", String::from_utf8_lossy(body)),
    }
}

fn check_refused(body: impl AsRef<[u8]>, kind: ScanErrorKind) {
    let body = body.as_ref();
    assert_eq!(
        refusal(body).kind,
        kind,
        "{}",
        String::from_utf8_lossy(body)
    );
}

fn tools_call(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
}

#[test]
fn a_tool_call_is_described_without_copying() {
    let body = r#" {"jsonrpc":"2.0","id":"a-1","method":"tools/call","params":{"name":"read","arguments":{"x":[1]},
        "_meta":{"progressToken":7,"traceparent":"00-ab","io.modelcontextprotocol/protocolVersion":"2026-07-28",
        "io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"c"},
        "io.modelcontextprotocol/logLevel":"info","com.example/x":1},"requestState":"s","inputResponses":{},"task":{}}} "#;
    let message = one(body);
    let bytes = body.as_bytes();
    assert_eq!(message.span.of(bytes), body.trim().as_bytes());
    assert_eq!(message.request_id().unwrap().raw(bytes), b"\"a-1\"");
    assert_eq!(message.method(), Some(Method::ToolsCall));
    assert_eq!(message.subject(bytes), Subject::Tool("read"));
    let params = &message.call().unwrap().params;
    assert!(matches!(params.name, Some(Text::Raw(_))));
    assert_eq!(params.arguments.unwrap().of(bytes), br#"{"x":[1]}"#);
    assert_eq!(params.request_state.unwrap().of(bytes), b"\"s\"");
    assert!(params.input_responses.is_some() && params.task.is_some());
    let meta = &params.meta;
    assert_eq!(meta.progress_token.unwrap().raw(bytes), b"7");
    assert_eq!(meta.traceparent.as_ref().unwrap().as_str(bytes), "00-ab");
    assert_eq!(
        meta.protocol_version.as_ref().unwrap().as_str(bytes),
        "2026-07-28"
    );
    assert_eq!(meta.client_capabilities.unwrap().of(bytes), b"{}");
    assert_eq!(meta.client_info.unwrap().of(bytes), br#"{"name":"c"}"#);
    assert_eq!(meta.log_level.as_ref().unwrap().as_str(bytes), "info");
    assert!(
        meta.span
            .unwrap()
            .of(bytes)
            .starts_with(b"{\"progressToken\"")
    );
}

#[test]
fn members_may_come_in_any_order() {
    let body = r#"{"params":{"arguments":{},"name":"t"},"method":"tools/call","id":9007199254740993,"jsonrpc":"2.0"}"#;
    let message = one(body);
    assert_eq!(message.subject(body.as_bytes()), Subject::Tool("t"));
    assert_eq!(
        message.request_id().unwrap().raw(body.as_bytes()),
        b"9007199254740993"
    );
}

#[test]
fn escapes_in_values_are_decoded_before_anybody_judges() {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools\/call","params":{"name":"d\u0065lete_\ud83d\ude00"}}"#;
    assert_eq!(
        one(body).subject(body.as_bytes()),
        Subject::Tool("delete_😀")
    );
}

#[test]
fn the_slash_of_a_meta_name_may_be_escaped_as_php_does() {
    let body = tools_call(
        r#"{"name":"t","_meta":{"io.modelcontextprotocol\/protocolVersion":"2026-07-28"}}"#,
    );
    assert!(
        one(&body)
            .call()
            .unwrap()
            .params
            .meta
            .protocol_version
            .is_some()
    );
}

#[test]
fn each_method_is_judged_by_what_it_names() {
    for (method, params, subject) in [
        (
            "initialize",
            r#"{"protocolVersion":"2025-06-18"}"#,
            Subject::AlwaysAllowed,
        ),
        ("ping", "{}", Subject::AlwaysAllowed),
        ("server/discover", "{}", Subject::AlwaysAllowed),
        ("tools/list", r#"{"cursor":""}"#, Subject::AlwaysAllowed),
        ("resources/templates/list", "{}", Subject::AlwaysAllowed),
        (
            "logging/setLevel",
            r#"{"level":"debug"}"#,
            Subject::AlwaysAllowed,
        ),
        (
            "tools/call",
            r#"{"name":"a","uri":"b"}"#,
            Subject::Tool("a"),
        ),
        (
            "prompts/get",
            r#"{"name":"a","uri":"b"}"#,
            Subject::Prompt("a"),
        ),
        (
            "resources/read",
            r#"{"name":"a","uri":"b"}"#,
            Subject::Resource("b"),
        ),
        (
            "resources/subscribe",
            r#"{"uri":"b"}"#,
            Subject::Resource("b"),
        ),
        (
            "resources/unsubscribe",
            r#"{"uri":"b"}"#,
            Subject::Resource("b"),
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"p"}}"#,
            Subject::Prompt("p"),
        ),
        (
            "completion/complete",
            r#"{"ref":{"uri":"u{x}","name":"p","type":"ref/resource"}}"#,
            Subject::Resource("u{x}"),
        ),
        ("tasks/get", r#"{"taskId":"t"}"#, Subject::Task("t")),
        ("tasks/result", r#"{"taskId":"t"}"#, Subject::Task("t")),
        ("tasks/list", "{}", Subject::Method("tasks/list")),
        ("roots/list", "{}", Subject::Method("roots/list")),
        (
            "sampling/createMessage",
            "{}",
            Subject::Method("sampling/createMessage"),
        ),
        (
            "notifications/cancelled",
            r#"{"requestId":1}"#,
            Subject::Method("notifications/cancelled"),
        ),
        ("x/unknown", r#"{"name":"a"}"#, Subject::Method("x/unknown")),
        ("", "{}", Subject::Method("")),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        assert_eq!(one(&body).subject(body.as_bytes()), subject, "{body}");
    }
}

#[test]
fn a_listen_names_every_resource_and_task() {
    let body = r#"{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":
        {"toolsListChanged":true,"resourceSubscriptions":["a","b\u0063"],"taskIds":["t"]}}}"#;
    let message = one(body);
    let Subject::Subscriptions(subscriptions) = message.subject(body.as_bytes()) else {
        panic!("{message:?}")
    };
    let texts = |texts: &[Text]| {
        texts
            .iter()
            .map(|text| text.as_str(body.as_bytes()).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(&subscriptions.uris), ["a", "bc"]);
    assert_eq!(texts(&subscriptions.task_ids), ["t"]);
}

#[test]
fn a_notification_passes_only_under_its_own_prefix() {
    for (method, subject) in [
        ("notifications/initialized", Subject::AlwaysAllowed),
        ("notifications/later", Subject::AlwaysAllowed),
        ("custom/notice", Subject::Method("custom/notice")),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#);
        assert_eq!(one(&body).subject(body.as_bytes()), subject, "{body}");
    }
    for method in [
        "tools/call",
        "tools/list",
        "initialize",
        "tasks/cancel",
        "resources/read",
    ] {
        check_refused(
            format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#),
            ScanErrorKind::RequestWithoutId,
        );
    }
}

#[test]
fn cancellation_and_progress_name_what_they_are_about() {
    let body = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"r","reason":"x"}}"#;
    assert_eq!(
        one(body)
            .call()
            .unwrap()
            .params
            .request_id
            .unwrap()
            .raw(body.as_bytes()),
        b"\"r\""
    );
    let body = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":-5,"progress":0.5}}"#;
    assert_eq!(
        one(body)
            .call()
            .unwrap()
            .params
            .progress_token
            .unwrap()
            .raw(body.as_bytes()),
        b"-5"
    );
}

#[test]
fn responses_are_told_from_calls() {
    for (rest, error, has_id) in [
        (r#""id":1,"result":{}"#, false, true),
        (r#""id":1,"error":{"code":1,"message":"m"}"#, true, true),
        (r#""error":{"code":1,"message":"m"}"#, true, false),
    ] {
        let message = one(&format!(r#"{{"jsonrpc":"2.0",{rest}}}"#));
        let Kind::Response { id, is_error } = message.kind else {
            panic!("{message:?}")
        };
        assert_eq!((id.is_some(), is_error), (has_id, error));
    }
    for rest in [
        r#""id":1"#,
        r#""result":{}"#,
        r#""id":1,"result":{},"error":{}"#,
        r#""id":1,"method":"ping","result":{}"#,
        r#""id":1,"method":"ping","error":{}"#,
        r#""params":{}"#,
    ] {
        check_refused(
            format!(r#"{{"jsonrpc":"2.0",{rest}}}"#),
            ScanErrorKind::NotAMessage,
        );
    }
}

#[test]
fn a_batch_keeps_order_and_spans_count_from_the_body() {
    let body = r#"[ {"jsonrpc":"2.0","id":1,"method":"ping"}, {"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"n"}}]"#;
    let Body::Batch(messages) = scan(body.as_bytes(), &ScanLimits::default()).unwrap() else {
        panic!()
    };
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].method(), Some(Method::Ping));
    assert_eq!(messages[1].subject(body.as_bytes()), Subject::Tool("n"));
    assert!(messages[1].span.of(body.as_bytes()).ends_with(b"}}"));
    check_refused("[]", ScanErrorKind::EmptyBatch);
    check_refused("[ ]", ScanErrorKind::EmptyBatch);
    check_refused("[[]]", ScanErrorKind::NotAnObject);
    check_refused(
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},1]"#,
        ScanErrorKind::NotAnObject,
    );
}

#[test]
fn a_batch_is_bounded_exactly() {
    let limits = ScanLimits {
        batch_max: 3,
        ..ScanLimits::default()
    };
    let batch = |n: usize| {
        format!(
            "[{}]",
            vec![r#"{"jsonrpc":"2.0","method":"notifications/x"}"#; n].join(",")
        )
    };
    assert!(scan(batch(3).as_bytes(), &limits).is_ok());
    assert_eq!(
        scan(batch(4).as_bytes(), &limits).unwrap_err().kind,
        ScanErrorKind::BatchTooLong { batch_max: 3 }
    );
}

#[test]
fn an_error_carries_the_id_that_was_read_before_it() {
    for (body, id) in [
        (
            r#"{"jsonrpc":"2.0","id":"q","method":"tools/call"}"#,
            Some("\"q\""),
        ),
        (r#"{"id":3,"jsonrpc":"1.0"}"#, Some("3")),
        (r#"{"id":3,"params":{"name":"a","name":"b"}}"#, Some("3")),
        (r#"{"jsonrpc":"2.0","params":[],"id":3}"#, None),
        (
            r#"[{"jsonrpc":"2.0","id":3,"method":"ping"},{"jsonrpc":"2.0"}]"#,
            None,
        ),
        (
            r#"[{"jsonrpc":"2.0","id":3,"method":"ping"},{"jsonrpc":"2.0","id":4,"x":1}]"#,
            Some("4"),
        ),
    ] {
        let found = refusal(body)
            .id
            .map(|id| String::from_utf8(id.raw(body.as_bytes()).to_vec()).unwrap());
        assert_eq!(found.as_deref(), id, "{body}");
    }
}

#[test]
fn codes_tell_bad_json_from_bad_messages_from_bad_parameters() {
    for (body, code) in [
        ("{", -32700),
        ("\u{feff}{}", -32700),
        (r#"{"a":1,"a":2}"#, -32700),
        ("[]", -32600),
        ("1", -32600),
        ("{}", -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#,
            -32602,
        ),
    ] {
        assert_eq!(refusal(body).rpc_code(), code, "{body}");
    }
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    assert_eq!(
        refusal(r#"{"a":tru"#).to_string(),
        "json ends inside a value at byte 5"
    );
    assert_eq!(refusal("[]").to_string(), "batch is empty at byte 2");
}

#[test]
fn references_are_read_by_their_type() {
    let body = tools_call(r#"{"name":"x","ref":{"type":"ref/prompt","name":"p","uri":"u"}}"#);
    let reference = one(&body).call().unwrap().params.reference.clone();
    assert!(
        matches!(reference, Some(Reference::Prompt(name)) if name.as_str(body.as_bytes()) == "p")
    );
}
