//! Servers over standard input and output: every duty of an HTTP server is the gateway's, and no child outlives its use.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use crate::harness::client::{Answer, Client, bearer, modern, post};
use crate::harness::eventually;
use crate::harness::gateway::{ADMIN, Gateway, READER, Setup};

const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

fn initialize(capabilities: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":"i","method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{capabilities},"clientInfo":{{"name":"t","version":"1"}}}}}}"#
    )
}

fn call(id: &str, tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    )
}

/// One legacy session of `key`.
struct Session<'g> {
    gateway: &'g Gateway,
    key: &'static str,
    id: String,
}

impl<'g> Session<'g> {
    fn open(gateway: &'g Gateway, key: &'static str) -> Self {
        Self::open_with(gateway, key, "{}")
    }

    fn open_with(gateway: &'g Gateway, key: &'static str, capabilities: &str) -> Self {
        let opened = gateway.post(key, &initialize(capabilities));
        assert_eq!(opened.status, 200, "{opened:?}");
        let id = opened.header("mcp-session-id").unwrap().to_owned();
        let session = Self { gateway, key, id };
        assert_eq!(session.post(INITIALIZED).status, 202);
        session
    }

    fn fields(&self) -> String {
        format!(
            "{}Mcp-Session-Id: {}\r\nMCP-Protocol-Version: 2025-11-25\r\n",
            bearer(self.key),
            self.id
        )
    }

    fn post(&self, body: &str) -> Answer {
        self.gateway
            .client()
            .exchange(post("/mcp", &self.fields(), body))
    }

    fn request(&self, method: &str, more: &str) -> String {
        let fields = self.fields();
        format!(
            "{method} /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{fields}{more}\r\n"
        )
    }

    fn delete(&self) -> u16 {
        self.gateway
            .client()
            .exchange(self.request("DELETE", ""))
            .status
    }

    /// Posts `body` on a connection of its own and leaves the answer to come.
    fn begin(&self, body: &str) -> Client {
        let mut client = self.gateway.client();
        client.send(post("/mcp", &self.fields(), body));
        client
    }
}

/// Processes whose parent is the gateway.
fn children(gateway: &Gateway) -> usize {
    let parent = format!("PPid:\t{}\n", gateway.pid());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let status = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path().join("status"));
    processes
        .filter_map(|entry| status(entry).ok())
        .filter(|status| status.contains(&parent))
        .count()
}

fn no_children(gateway: &Gateway) {
    eventually("the last child ends", || {
        (children(gateway) == 0).then_some(())
    });
}

#[test]
fn a_call_is_answered_with_the_bytes_that_the_child_gave() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    let session = Session::open(&gateway, ADMIN);
    for id in [
        "1",
        r#""listen:0""#,
        "9223372036854775807",
        r#""\u0041""#,
        "-3",
    ] {
        let arguments = r#"{"big":12345678901234567890123,"f":1.0,"é":"\u00e9"}"#;
        let answer = session.post(&call(id, "echo", arguments));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let text = answer.text();
        assert!(text.contains(&format!("\"id\":{id}")), "{text}");
        assert!(text.contains(arguments), "{text}");
    }
}

#[test]
fn a_pretty_printed_message_reaches_the_child_as_one_line() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    let session = Session::open(&gateway, ADMIN);
    let pretty = call("5", "echo", "{\r\n \"a\": 1\n}").replace(',', ",\n");
    assert_eq!(session.post(&pretty).json()["id"], 5);
}

#[test]
fn each_session_has_a_child_of_its_own_and_delete_ends_it() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    let (one, other) = (
        Session::open(&gateway, ADMIN),
        Session::open(&gateway, ADMIN),
    );
    let pid = |session: &Session<'_>| session.post(&call("1", "pid", "{}")).text();
    assert_ne!(pid(&one), pid(&other));
    assert_eq!(children(&gateway), 2);
    assert!(matches!(one.delete(), 200 | 204));
    eventually("one child is left", || {
        (children(&gateway) == 1).then_some(())
    });
    assert_eq!(one.post(&call("2", "pid", "{}")).status, 404);
    assert_eq!(other.post(&call("2", "pid", "{}")).status, 200);
}

#[test]
fn a_session_of_a_child_is_its_owners_alone() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    let session = Session::open(&gateway, ADMIN);
    let stolen = Session {
        gateway: &gateway,
        key: READER,
        id: session.id.clone(),
    };
    assert_eq!(stolen.post(&call("1", "read_a", "{}")).status, 404);
    assert_eq!(stolen.delete(), 404);
    assert_eq!(
        gateway.client().exchange(stolen.request("GET", "")).status,
        404
    );
    assert_eq!(session.post(&call("1", "pid", "{}")).status, 200);
    let without = gateway.post(ADMIN, &call("1", "pid", "{}"));
    assert_eq!((without.status, without.code()), (400, -32600));
}

#[test]
fn policy_holds_in_front_of_a_child() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    let session = Session::open(&gateway, READER);
    assert_eq!(session.post(&call("1", "echo", "{}")).code(), 40302);
    let listed = session.post(r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#);
    assert_eq!(listed.json()["result"]["tools"], serde_json::json!([]));
}

#[test]
fn what_comes_before_an_answer_makes_it_a_stream() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    let session = Session::open(&gateway, ADMIN);
    let body = r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"notify","arguments":{"count":3},"_meta":{"progressToken":"p-1"}}}"#;
    let answer = session.post(body);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let text = answer.text();
    assert_eq!(
        text.matches("\"progressToken\":\"p-1\"").count(),
        3,
        "{text}"
    );
    assert!(
        text.starts_with("id:") || text.starts_with("event:") || text.starts_with("retry:"),
        "{text}"
    );
    assert!(text.contains("\"id\":3"));
}

#[test]
fn a_question_of_the_child_reaches_its_client_and_the_answer_comes_back() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    let session = Session::open_with(&gateway, ADMIN, r#"{"sampling":{},"roots":{}}"#);
    let mut waiting = session.begin(&call("4", "ask", r#"{"what":"roots"}"#));
    let asked = waiting.stream_until_head_and("roots/list");
    let data = asked.rsplit("data: ").next().unwrap();
    let request: Value = serde_json::from_str(data.split('\n').next().unwrap()).unwrap();
    let answer = format!(
        r#"{{"jsonrpc":"2.0","id":{},"result":{{"roots":[{{"uri":"file:///nonce-77"}}]}}}}"#,
        request["id"]
    );
    assert_eq!(session.post(&answer).status, 202);
    assert!(waiting.stream_until("\"id\":4").contains("nonce-77"));
}

#[test]
fn a_crash_answers_at_once_and_the_session_is_gone() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    let session = Session::open(&gateway, ADMIN);
    let mut waiting = session.begin(&call("8", "sleep", r#"{"ms":60000}"#));
    eventually("the call runs", || {
        session
            .post(&call("9", "seen", "{}"))
            .text()
            .contains("60000")
            .then_some(())
    });
    session.post(&call("10", "crash", "{}"));
    let broken = waiting.answer();
    assert!(
        broken.text().contains("\"id\":8") && broken.text().contains("-32603"),
        "{broken:?}"
    );
    assert_eq!(session.post(&call("11", "pid", "{}")).status, 404);
    no_children(&gateway);
    assert_eq!(
        Session::open(&gateway, ADMIN)
            .post(&call("1", "pid", "{}"))
            .status,
        200
    );
}

#[test]
fn noise_on_a_childs_outputs_never_reaches_a_client() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    let session = Session::open(&gateway, ADMIN);
    let answer = session.post(&call("1", "garbage", r#"{"stderr_lines":5000}"#));
    assert_eq!(answer.json()["id"], 1, "{answer:?}");
}

#[test]
fn a_child_sees_a_clean_environment_and_no_descriptor_of_the_gateway() {
    let gateway = Setup::in_front_of_child(&[], "env = { NONCE = \"n-1\" }").start();
    let session = Session::open(&gateway, ADMIN);
    let environment = session.post(&call("1", "env", "{}")).text();
    assert!(
        environment.contains("n-1") && !environment.contains("CARGO"),
        "{environment}"
    );
    let pid = session.post(&call("2", "pid", "{}")).text();
    assert!(
        pid.contains("\\\"fds\\\":[]") || pid.contains("\"fds\":[]"),
        "{pid}"
    );
}

#[test]
fn abandoned_sessions_leave_neither_process_nor_descriptor() {
    let gateway = Setup::in_front_of_child(&[], "max_children = 4").start();
    let before = {
        Session::open(&gateway, ADMIN).delete();
        no_children(&gateway);
        gateway.descriptors()
    };
    let mut ids = HashSet::new();
    for _ in 0..60 {
        ids.insert(Session::open(&gateway, ADMIN).id);
        assert!(children(&gateway) <= 4);
    }
    assert_eq!(ids.len(), 60);
    assert!(children(&gateway) <= 4);
    gateway.signal(libc::SIGHUP);
    let after = gateway.descriptors();
    assert!(after <= before + 4 * 6, "{before} {after}");
}

#[test]
fn sessions_that_began_after_a_reload_end_with_the_next() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    // Connections to the bridge are there, and idle.
    let first = Session::open(&gateway, ADMIN);
    let calls: Vec<_> = (0..8)
        .map(|id| first.begin(&call(&id.to_string(), "sleep", r#"{"ms":100}"#)))
        .collect();
    for mut client in calls {
        assert_eq!(client.answer().status, 200);
    }
    let before = std::fs::read_to_string(gateway.config_path()).unwrap();
    let reload = |text: &str| {
        std::fs::write(gateway.config_path(), text).unwrap();
        gateway.signal(libc::SIGHUP);
        gateway.log_line("reloaded");
    };
    let limits = format!("{before}\n[server.limits]\njson_depth = 40\n");
    reload(&limits);
    eventually("the first session ends", || {
        (first.post(&call("9", "pid", "{}")).status == 404).then_some(())
    });
    let sessions: Vec<_> = (0..4).map(|_| Session::open(&gateway, ADMIN)).collect();
    for session in &sessions {
        assert_eq!(session.post(&call("1", "pid", "{}")).status, 200);
    }
    reload(&limits.replace("json_depth = 40", "json_depth = 41"));
    no_children(&gateway);
}

#[test]
fn a_drain_leaves_no_process_behind() {
    let mut gateway = Setup::in_front_of_child(&[], "")
        .server("drain_timeout = \"1s\"")
        .start();
    let session = Session::open(&gateway, ADMIN);
    let answer = session.post(&call("1", "spawn", "{}")).text();
    let pid = session.post(&call("2", "pid", "{}")).text();
    drop(session);
    let number = |text: &str| -> i32 {
        let digits = text.split(|c: char| !c.is_ascii_digit());
        digits
            .filter_map(|word| word.parse().ok())
            .find(|pid| *pid > 300)
            .unwrap()
    };
    let (child, grandchild) = (number(&pid), number(&answer));
    gateway.signal(libc::SIGTERM);
    assert!(gateway.wait().success());
    for pid in [child, grandchild] {
        eventually("the process is gone", || {
            (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        });
    }
}

#[test]
fn modern_clients_share_a_child_and_get_their_own_ids_back() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    let ask = |id: u32, tool: &str| {
        let (fields, body) = modern(id, "tools/call", Some(tool));
        let fields = format!("{}{fields}", bearer(ADMIN));
        gateway.client().exchange(post("/mcp", &fields, &body))
    };
    let first = ask(7, "pid");
    assert_eq!(
        (first.status, &first.json()["id"]),
        (200, &Value::from(7)),
        "{first:?}"
    );
    assert!(first.header("mcp-session-id").is_none());
    assert_eq!(ask(7, "pid").text(), first.text(), "one child for all");
    assert_eq!(children(&gateway), 1);
}

#[test]
fn abandoned_sessions_make_room_for_modern_requests() {
    // Translated requests need a child as well.
    for era in ["both", "legacy"] {
        let gateway = Setup::in_front_of_child(&["--era", era], "max_children = 3").start();
        for _ in 0..3 {
            Session::open(&gateway, ADMIN);
        }
        let (fields, body) = modern(1, "tools/call", Some("pid"));
        let fields = format!("{}{fields}", bearer(ADMIN));
        let answer = gateway.client().exchange(post("/mcp", &fields, &body));
        assert_eq!(answer.status, 200, "{era}: {answer:?}");
        assert!(children(&gateway) <= 3);
    }
}

#[test]
fn an_unknown_version_is_a_modern_childs_to_refuse() {
    let gateway = Setup::in_front_of_child(&[], "").start();
    let (fields, body) = modern(1, "server/discover", None);
    let (fields, body) = (
        fields.replace("2026-07-28", "v999.0.0"),
        body.replace("2026-07-28", "v999.0.0"),
    );
    let fields = format!("{}{fields}", bearer(ADMIN));
    let answer = gateway.client().exchange(post("/mcp", &fields, &body));
    assert_eq!(answer.status, 400, "{answer:?}");
    let error = &answer.json()["error"];
    assert_eq!(error["code"], -32022, "{answer:?}");
    assert_eq!(error["data"]["requested"], "v999.0.0");
    assert_eq!(error["data"]["supported"][0], "2026-07-28");
}

#[test]
fn a_modern_client_that_leaves_cancels_at_the_child() {
    let gateway = Setup::in_front_of_child(&["--era", "modern"], "").start();
    let (fields, body) = modern(1, "tools/call", Some("sleep"));
    let body = body.replace(
        "\"name\":\"sleep\"",
        r#""name":"sleep","arguments":{"ms":60000}"#,
    );
    let fields = format!("{}{fields}", bearer(ADMIN));
    let mut client = gateway.client();
    client.send(post("/mcp", &fields, &body));
    let seen = || {
        let (fields, body) = modern(2, "tools/call", Some("seen"));
        let fields = format!("{}{fields}", bearer(ADMIN));
        gateway
            .client()
            .exchange(post("/mcp", &fields, &body))
            .text()
    };
    eventually("the call runs", || seen().contains("60000").then_some(()));
    drop(client);
    eventually("the child is told", || {
        seen().contains("notifications/cancelled").then_some(())
    });
    std::thread::sleep(Duration::ZERO);
}
