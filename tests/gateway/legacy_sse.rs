//! Clients of 2024-11-05: a stream, an endpoint to post to, and answers on the stream alone.

use crate::harness::client::{Client, bearer, post};
use crate::harness::eventually;
use crate::harness::gateway::{ADMIN, Gateway, READER, Setup};
use crate::harness::upstream::{Upstream, plain_server};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

fn start() -> Gateway {
    Setup::in_front_of_child(&["--era", "legacy"], "")
        .server("legacy_sse = true")
        .start()
}

fn get(path: &str, key: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        bearer(key)
    )
}

/// One open stream.
struct Stream {
    events: Client,
    endpoint: String,
}

impl Stream {
    fn open(gateway: &Gateway, key: &str) -> Self {
        let mut events = gateway.client();
        events.send(get("/sse", key));
        let text = events.stream_until_head_and("\n\n");
        let endpoint = text.split("event: endpoint\ndata: ").nth(1).unwrap();
        let endpoint = endpoint.split('\n').next().unwrap().to_owned();
        Self { events, endpoint }
    }

    fn begin(gateway: &Gateway, key: &str) -> Self {
        let mut stream = Self::open(gateway, key);
        assert_eq!(stream.post(gateway, key, INITIALIZE), 202);
        stream.events.stream_until("\"id\":0");
        assert_eq!(stream.post(gateway, key, INITIALIZED), 202);
        stream
    }

    fn post(&self, gateway: &Gateway, key: &str, body: &str) -> u16 {
        let request = post(&self.endpoint, &bearer(key), body);
        gateway.client().exchange(request).status
    }
}

fn call(id: u32, tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{"nonce":"n-{id}"}}}}}}"#
    )
}

#[test]
fn answers_come_on_the_stream() {
    let gateway = start();
    let mut stream = Stream::begin(&gateway, ADMIN);
    assert!(
        stream.endpoint.starts_with("/message/default?session="),
        "{}",
        stream.endpoint
    );
    for id in 1..5 {
        assert_eq!(stream.post(&gateway, ADMIN, &call(id, "echo")), 202);
        let text = stream.events.stream_until(&format!("\"id\":{id}"));
        assert!(text.contains(&format!("n-{id}")), "{text}");
    }
}

#[test]
fn denials_come_on_the_stream_too() {
    let gateway = start();
    let mut stream = Stream::begin(&gateway, READER);
    assert_eq!(stream.post(&gateway, READER, &call(7, "echo")), 202);
    assert!(stream.events.stream_until("\"id\":7").contains("40302"));
    let list = r#"{"jsonrpc":"2.0","id":8,"method":"tools/list"}"#;
    assert_eq!(stream.post(&gateway, READER, list), 202);
    assert!(
        stream
            .events
            .stream_until("\"id\":8")
            .contains("\"tools\":[]")
    );
}

#[test]
fn an_endpoint_is_its_owners_and_ends_with_its_stream() {
    let gateway = start();
    let stream = Stream::begin(&gateway, ADMIN);
    assert_eq!(stream.post(&gateway, READER, &call(1, "read_a")), 404);
    let anonymous = gateway
        .client()
        .exchange(post(&stream.endpoint, "", &call(1, "echo")));
    assert_eq!(anonymous.status, 401);
    let altered = stream.endpoint.replace("session=", "session=A");
    let request = post(&altered, &bearer(ADMIN), &call(1, "echo"));
    assert_eq!(gateway.client().exchange(request).status, 404);
    let Stream { events, endpoint } = stream;
    drop(events);
    eventually("the session ends", || {
        let request = post(&endpoint, &bearer(ADMIN), &call(1, "echo"));
        (gateway.client().exchange(request).status == 404).then_some(())
    });
}

#[test]
fn a_client_that_tries_newer_transports_first_is_led_to_the_stream() {
    let gateway = start();
    let tried = gateway
        .client()
        .exchange(post("/sse", &bearer(ADMIN), INITIALIZE));
    assert_eq!((tried.status, tried.body.len()), (405, 0));
    assert_eq!(
        gateway
            .client()
            .exchange(post("/sse", "", INITIALIZE))
            .status,
        401
    );
    assert_eq!(
        gateway.client().exchange(get("/message", ADMIN)).status,
        405
    );
    assert_eq!(
        gateway.client().exchange(get("/sse/nobody", ADMIN)).status,
        404
    );
}

#[test]
fn nothing_is_there_unless_it_is_configured() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    assert_eq!(gateway.client().exchange(get("/sse", ADMIN)).status, 404);
    let posted = gateway
        .client()
        .exchange(post("/message?session=x", &bearer(ADMIN), INITIALIZE));
    assert_eq!(posted.status, 404);
    assert_eq!(upstream.count(), 0);
}
