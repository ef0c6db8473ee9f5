#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::*;
use crate::http::answer::AnswerReader;
use crate::http::request::{Parsed, parse};

/// The answer to `body` posted to `target`, read back: status, body, and how it goes on.
fn answered(target: &str, body: &str) -> (u16, Vec<u8>, Reply) {
    let wire = format!(
        "POST {target} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let Parsed::Complete(request) = parse(wire.as_bytes()) else {
        panic!("request")
    };
    let mut out = Outbound::default();
    let reply = Library::new(3, 320).answer(&request, &mut out);
    let mut answer = AnswerReader::default();
    answer.feed(&out.concatenated()).unwrap();
    (answer.status(), answer.body().to_vec(), reply)
}

fn call(name: &str) -> (u16, Vec<u8>, Reply) {
    answered(
        "/mcp",
        &format!(
            r#"{{"jsonrpc":"2.0","id":"a\"7","method":"tools/call","params":{{"name":"{name}"}}}}"#
        ),
    )
}

#[test]
fn a_result_has_exactly_the_bytes_asked_for_and_the_callers_id() {
    for size in [200, 320, 321, 322, 65_536, 1 << 20] {
        let (status, body, reply) = call(&format!("bytes_{size}"));
        assert_eq!((status, body.len(), reply), (200, size, Reply::Whole));
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["id"], "a\"7");
    }
}

#[test]
fn a_list_has_the_tools_that_the_path_asks_for() {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for (target, count, bytes) in [
        ("/mcp", 3, 1200..1700),
        ("/tools/10", 10, 4600..5000),
        ("/tools/500", 500, 235_000..243_000),
    ] {
        let (_, answer, _) = answered(target, body);
        let json: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(json["result"]["tools"].as_array().unwrap().len(), count);
        assert!(
            bytes.contains(&answer.len()),
            "{target}: {} bytes",
            answer.len()
        );
    }
}

#[test]
fn a_burst_is_whole_and_ends_with_the_result() {
    let (_, body, reply) = call("sse_100");
    assert_eq!(reply, Reply::Whole);
    let text = String::from_utf8(body).unwrap();
    assert_eq!(text.matches("data: ").count(), 100);
    assert!(
        text.trim_end()
            .rsplit("data: ")
            .next()
            .unwrap()
            .contains("result")
    );
}

#[test]
fn a_paced_stream_begins_with_one_event() {
    let (_, body, reply) = call("sse_100_1ms");
    assert_eq!(memchr::memmem::find_iter(&body, b"data: ").count(), 1);
    assert!(
        matches!(reply, Reply::Stream { count: 100, every, .. } if every == Duration::from_millis(1))
    );
    assert!(matches!(
        call("hold").2,
        Reply::Stream {
            count: usize::MAX,
            ..
        }
    ));
}

#[test]
fn notifications_are_accepted_and_unknown_methods_named() {
    assert_eq!(
        answered(
            "/mcp",
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
        )
        .0,
        202
    );
    let (_, body, _) = answered("/mcp", r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#);
    assert!(memchr::memmem::find(&body, b"-32601").is_some());
}
