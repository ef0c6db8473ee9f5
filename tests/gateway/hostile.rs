//! Peers that stretch what HTTP allows, on both sides.

use crate::harness::client::{bearer, call, post};
use crate::harness::gateway::{ADMIN, READER, Setup};
use crate::harness::upstream::{
    Recorded, Step, Upstream, answer, chunk, json, last_chunk, plain_server, sse_head,
};

const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
const NOTIFICATION: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

fn raw(text: impl Into<String>) -> Step {
    Step::Send(text.into().into_bytes())
}

fn with_field_of(bytes: usize) -> Step {
    raw(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Long: {}\r\nContent-Length: {}\r\n\r\n{RESULT}",
        "a".repeat(bytes),
        RESULT.len()
    ))
}

#[test]
fn heads_of_an_upstream_may_be_large_up_to_their_bound() {
    let upstream = Upstream::start(|request: &Recorded| {
        let bytes = request.json()["params"]["arguments"]["n"].as_u64().unwrap();
        vec![with_field_of(usize::try_from(bytes).unwrap())]
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    for (bytes, status) in [
        (1_000, 200),
        (4_000, 200),
        (5_000, 200),
        (20_000, 200),
        (60_000, 200),
        (70_000, 502),
    ] {
        let answer = gateway.post(READER, &call(bytes, "read_a"));
        assert_eq!(answer.status, status, "{bytes}: {answer:?}");
    }
}

#[test]
fn an_acknowledgement_passes_however_its_empty_body_is_framed() {
    for (name, text, status) in [
        (
            "length",
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
            202,
        ),
        (
            "chunked",
            "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            202,
        ),
        (
            "until close",
            "HTTP/1.1 202 Accepted\r\nConnection: close\r\n\r\n",
            202,
        ),
        (
            "with a word",
            "HTTP/1.1 202 Accepted\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nAccepted",
            202,
        ),
        (
            "200 chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            200,
        ),
        (
            "a body without a type",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            502,
        ),
        (
            "a type with a body",
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
            502,
        ),
    ] {
        let upstream = Upstream::start(move |request: &Recorded| {
            if request.body.contains("tools/call") {
                return plain_server(request);
            }
            match text.contains("close") {
                true => vec![raw(text), Step::Close],
                false => vec![raw(text)],
            }
        });
        let gateway = Setup::in_front_of(&upstream.url()).start();
        let mut client = gateway.client();
        let noted = client.exchange(post("/mcp", &bearer(READER), NOTIFICATION));
        assert_eq!(noted.status, status, "{name}: {noted:?}");
        assert!(noted.body.is_empty() || status == 502, "{name}: {noted:?}");
        let next = client.exchange(post("/mcp", &bearer(READER), &call(2, "read_a")));
        assert_eq!(next.status, 200, "{name}: the connection goes on: {next:?}");
    }
}

#[test]
fn a_session_ends_whether_or_not_its_delete_names_an_empty_body() {
    let upstream = Upstream::start(|_| {
        vec![raw(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        )]
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    for (length, status) in [
        ("", 200),
        ("Content-Length: 0\r\n", 200),
        ("Content-Length: 1\r\n", 400),
    ] {
        let ended = gateway.client().exchange(format!(
            "DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n{length}{}\r\nx",
            bearer(READER)
        ));
        assert_eq!(ended.status, status, "{length:?}: {ended:?}");
    }
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_body_that_is_broken_from_its_first_byte_is_502_and_not_silence() {
    let upstream = Upstream::start(|_| {
        vec![raw(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        )]
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let answer = gateway.post(READER, &call(1, "read_a"));
    assert_eq!((answer.status, answer.code()), (502, -32603));
}

#[test]
fn no_part_of_a_list_behind_a_large_member_leaves() {
    let hidden: String = (0..400)
        .map(|n| format!(r#",{{"name":"delete_{n}","inputSchema":{{}}}}"#))
        .collect();
    let upstream = Upstream::start(move |_| {
        let filler = "x".repeat(80 << 10);
        vec![
            sse_head(""),
            chunk(&format!(
                r#"data: {{"jsonrpc":"2.0","id":1,"result":{{"filler":"{filler}","#
            )),
            Step::AwaitRelease,
            chunk(&format!(r#""tools":[{{"name":"read_a"}}{hidden}]}}}}"#)),
            chunk("\n\n"),
            last_chunk(),
        ]
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut client = gateway.client();
    client.send(post("/mcp", &bearer(READER), &call(1, "read_a")));
    client.stream_until_head_and("xxxx");
    upstream.release();
    let rest = String::from_utf8(client.rest()).unwrap();
    assert!(
        !rest.contains("delete_"),
        "{}",
        &rest[rest.len().saturating_sub(200)..]
    );
    assert!(!rest.ends_with("0\r\n\r\n"), "the stream looks broken");
}

#[test]
fn a_client_that_waits_to_send_too_much_is_told_before_it_sends() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut client = gateway.client();
    let asked = |length: usize| {
        format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n{}\r\n",
            bearer(ADMIN)
        )
    };
    let told = String::from_utf8(client.send(asked(5_000_000_000)).rest()).unwrap();
    assert!(told.starts_with("HTTP/1.1 413"), "{told}");
    let body = call(1, "read_a");
    let mut client = gateway.client();
    client.send(asked(body.len())).send(&body);
    assert_eq!(client.answer().status, 200);
}

#[test]
fn a_truncated_answer_never_looks_whole_to_a_client_of_http_1_0() {
    let upstream = Upstream::start(|_| {
        vec![
            raw(format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n",
                &RESULT[..5]
            )),
            Step::AwaitRelease,
            Step::Close,
        ]
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut stream = std::net::TcpStream::connect(gateway.address).unwrap();
    use std::io::{Read, Write};
    let request = post("/mcp", &bearer(READER), &call(1, "read_a")).replace("HTTP/1.1", "HTTP/1.0");
    stream.write_all(request.as_bytes()).unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(&RESULT.as_bytes()[..5]) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    upstream.release();
    let end = stream.read(&mut [0; 64]);
    assert_eq!(
        end.map_err(|error| error.kind()),
        Err(std::io::ErrorKind::ConnectionReset)
    );
}

#[test]
fn a_refusal_in_a_form_of_the_upstreams_own_keeps_its_status() {
    let upstream = Upstream::start(|_| {
        answer(
            405,
            "Content-Type: application/json\r\nAllow: POST\r\n",
            "\"no\"",
        )
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let refused = gateway.client().exchange(format!(
        "GET /mcp HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        bearer(READER)
    ));
    assert_eq!((refused.status, refused.body.len()), (405, 0));
    assert_eq!(refused.header("allow"), Some("POST"));
}

#[test]
fn large_lists_cost_time_in_proportion_to_their_size() {
    let tools: String = (0..30_000)
        .map(|n| {
            format!(
                r#",{{"name":"delete_{n}","description":"{}","inputSchema":{{}}}}"#,
                "d".repeat(180)
            )
        })
        .collect();
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{{"name":"read_a"}}{tools}]}}}}"#);
    assert!(body.len() > 6 << 20);
    let upstream =
        Upstream::start(
            move |request: &Recorded| match request.head.starts_with("GET") {
                true => vec![
                    sse_head(""),
                    chunk(&format!("data: {body}\n\n")),
                    last_chunk(),
                ],
                false => json(&body),
            },
        );
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let list = gateway.post(READER, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    assert_eq!(
        list.json()["result"]["tools"].as_array().map(Vec::len),
        Some(1)
    );
    let event = gateway.client().exchange(format!(
        "GET /mcp HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        bearer(READER)
    ));
    assert_eq!(
        event.text(),
        "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"read_a\"}]}}\n\n"
    );
}

#[test]
fn a_resource_that_climbs_out_of_what_is_allowed_is_denied() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let read = |uri: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{{"uri":"{uri}"}}}}"#
        )
    };
    for uri in [
        "file:///docs/../etc/passwd",
        "file:///docs/%2e%2e/etc/passwd",
    ] {
        assert_eq!(gateway.post(READER, &read(uri)).code(), 40302, "{uri}");
    }
    assert_eq!(upstream.count(), 0);
    assert!(gateway.post(READER, &read("file:///docs/a..b")).json()["result"].is_object());
    assert!(gateway.post(ADMIN, &read("file:///docs/../x")).json()["result"].is_object());
}

#[test]
fn an_error_is_never_written_into_the_middle_of_an_event() {
    let upstream = Upstream::start(|_| {
        vec![
            sse_head(""),
            chunk("data: {\"a\":"),
            Step::AwaitRelease,
            Step::Close,
        ]
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut client = gateway.client();
    client.send(post("/mcp", &bearer(ADMIN), &call(1, "x")));
    client.stream_until_head_and("data:");
    upstream.release();
    assert_eq!(client.rest(), b"", "the stream breaks off where it stood");
    // Of an event that was held back nothing was seen, so the client can be told.
    client = gateway.client();
    client.send(post("/mcp", &bearer(READER), &call(1, "read_a")));
    upstream.wait_for(2);
    upstream.release();
    let told = client.stream_until_head_and("-32603");
    assert!(!told.contains("{\"a\":"), "{told}");
}
