#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::super::input::ROUNDS_MAX;
use super::super::object::Object;
use super::{Act, Lost, Session};

const META: &str = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{},"url":{}},"roots":{}},"io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"}}"#;

#[derive(Default)]
struct Rig(Session);

impl Rig {
    /// A session that was initialized with `capabilities` of the server.
    fn open(capabilities: &str) -> Self {
        let mut rig = Self::default();
        rig.client(&initialize("\"i\"", "2025-06-18"));
        rig.server(
            1,
            &format!(
                r#"{{"jsonrpc":"2.0","id":1,"result":{{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{capabilities},"ttlMs":1,"cacheScope":"public","_meta":{{"io.modelcontextprotocol/serverInfo":{{"name":"s","version":"2"}}}}}}}}"#
            ),
        );
        rig
    }

    fn client(&mut self, message: &str) -> Vec<String> {
        let mut acts = Vec::new();
        self.0.from_client(message.as_bytes(), &mut acts);
        shown(acts)
    }

    fn server(&mut self, number: u64, message: &str) -> Vec<String> {
        let mut acts = Vec::new();
        self.0.answer(number, message.as_bytes(), 1_000, &mut acts);
        shown(acts)
    }

    fn lost(&mut self, number: u64, lost: Lost) -> Vec<String> {
        let mut acts = Vec::new();
        self.0.lost(number, lost, 1_000, &mut acts);
        shown(acts)
    }

    fn tick(&mut self, now_ms: u64) -> Vec<String> {
        let mut acts = Vec::new();
        self.0.tick(now_ms, &mut acts);
        shown(acts)
    }
}

/// Acts as text: `<` to the client with the request that it belongs to, `N>` modern request N, `N.` its end.
fn shown(acts: Vec<Act>) -> Vec<String> {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    acts.into_iter()
        .map(|act| match act {
            Act::ToClient { message, during } => {
                format!("{}< {}", during.unwrap_or_default(), text(message))
            }
            Act::Ask { number, message } => format!("{number}> {}", text(message)),
            Act::Drop(number) => format!("{number}."),
        })
        .collect()
}

fn initialize(id: &str, version: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{{"elicitation":{{"form":{{}},"url":{{}}}},"roots":{{}},"tasks":{{}}}},"clientInfo":{{"name":"c","version":"1"}}}}}}"#
    )
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"t","arguments":{"n":1.0},"_meta":{"progressToken":"p"}}}"#;

#[test]
fn initialize_becomes_a_discovery_and_its_answer_the_clients() {
    for (asked, agreed) in [
        ("2025-06-18", "2025-06-18"),
        ("2024-11-05", "2024-11-05"),
        ("2026-07-28", "2025-11-25"),
        ("x", "2025-11-25"),
    ] {
        let mut rig = Rig::default();
        assert_eq!(
            rig.client(&initialize("\"i\"", asked)),
            [format!(
                r#"1> {{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{"_meta":{META}}}}}"#
            )]
        );
        let acts = rig.server(
            1,
            r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"instructions":"x","ttlMs":0,"cacheScope":"private"}}"#,
        );
        assert_eq!(
            acts,
            [format!(
                r#""i"< {{"jsonrpc":"2.0","id":"i","result":{{"capabilities":{{"tools":{{}}}},"instructions":"x","protocolVersion":"{agreed}","serverInfo":{{"name":"server","version":"0"}}}}}}"#
            )]
        );
        assert!(
            rig.client(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
                .is_empty()
        );
        assert!(rig.client(&initialize("2", asked))[0].contains("-32600"));
    }
}

#[test]
fn a_session_that_could_not_be_initialized_can_be_tried_again() {
    for spoil in [
        |rig: &mut Rig| rig.lost(1, Lost::WrongEra),
        |rig: &mut Rig| rig.lost(1, Lost::BrokeOff),
        |rig: &mut Rig| rig.server(1, r#"{"id":1,"error":{"code":-32022,"message":"v"}}"#),
        |rig: &mut Rig| {
            rig.server(
                1,
                r#"{"id":1,"result":{"supportedVersions":["2027-01-01"]}}"#,
            )
        },
    ] {
        let mut rig = Rig::default();
        assert!(
            rig.client(CALL)[0].contains("-32600"),
            "not before initialize"
        );
        rig.client(&initialize("1", "2025-11-25"));
        let acts = spoil(&mut rig);
        assert!(
            acts[0].starts_with("1< ") && acts[0].contains("-32603"),
            "{acts:?}"
        );
        assert!(rig.client(&initialize("2", "2025-11-25"))[0].starts_with("2> "));
    }
}

#[test]
fn a_request_carries_what_the_session_knows_and_its_answer_only_what_the_client_knows() {
    let mut rig = Rig::open(r#"{"tools":{},"logging":{}}"#);
    let level = r#"{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"info"}}"#;
    assert_eq!(
        rig.client(level),
        [r#"1< {"jsonrpc":"2.0","id":1,"result":{}}"#]
    );
    assert!(rig.client(&level.replace("info", "loud"))[0].contains("-32602"));
    let ping = r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#;
    assert!(rig.client(ping).is_empty(), "no id is not answered");
    assert!(rig.client(&ping.replace("1.0", "1"))[0].contains("\"result\":{}"));
    let meta = META.strip_prefix('{').unwrap().strip_suffix('}').unwrap();
    assert_eq!(
        rig.client(CALL),
        [format!(
            r#"2> {{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"t","arguments":{{"n":1.0}},"_meta":{{"progressToken":"p",{meta},"io.modelcontextprotocol/logLevel":"info"}}}}}}"#
        )]
    );
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1.0}}"#;
    assert_eq!(rig.server(2, progress), [format!("\"a\"< {progress}")]);
    assert_eq!(
        rig.server(
            2,
            r#"{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","content":[],"n":1e3}}"#
        ),
        [r#""a"< {"jsonrpc":"2.0","id":"a","result":{"content":[],"n":1e3}}"#]
    );
    assert!(!rig.0.wants(2));
    assert!(rig.server(2, progress).is_empty());
}

#[test]
fn errors_and_losses_reach_the_request_that_they_are_of() {
    let read = r#"{"jsonrpc":"2.0","id":9,"method":"resources/read","params":{"uri":"x:"}}"#;
    for (request, answer, expected) in [
        (
            read,
            r#"{"id":2,"error":{"code":-32602,"message":"m","data":{"uri":"x:"}}}"#,
            r#"9< {"id":9,"error":{"code":-32002,"message":"m","data":{"uri":"x:"}}}"#,
        ),
        (
            CALL,
            r#"{"id":2,"error":{"code":-32601,"message":"m"}}"#,
            r#""a"< {"id":"a","error":{"code":-32601,"message":"m"}}"#,
        ),
        (
            CALL,
            r#"{"id":2,"result":[]}"#,
            r#""a"< {"jsonrpc":"2.0","id":"a","error":{"code":-32603,"message":"upstream answer not usable"}}"#,
        ),
        (
            CALL,
            r#"{"id":2,"result":{"resultType":"task"}}"#,
            r#""a"< {"jsonrpc":"2.0","id":"a","error":{"code":-32603,"message":"upstream answer not usable"}}"#,
        ),
    ] {
        let mut rig = Rig::open("{}");
        rig.client(request);
        assert_eq!(rig.server(2, answer), [expected]);
    }
    for lost in [
        Lost::BrokeOff,
        Lost::Full,
        Lost::Unreachable,
        Lost::WrongEra,
    ] {
        let mut rig = Rig::open("{}");
        rig.client(CALL);
        let acts = rig.lost(2, lost);
        assert!(
            acts[0].starts_with("\"a\"< ") && acts[0].contains("-32603"),
            "{acts:?}"
        );
        assert!(rig.lost(2, lost).is_empty());
    }
    let mut rig = Rig::open("{}");
    for method in [
        "tasks/get",
        "tasks/list",
        "subscriptions/listen",
        "server/discover",
    ] {
        let request = CALL.replace("tools/call", method);
        assert!(rig.client(&request)[0].contains("-32601"), "{method}");
    }
}

#[test]
fn a_cancelled_request_is_dropped_and_not_answered() {
    let mut rig = Rig::open("{}");
    rig.client(CALL);
    let cancel =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}"#;
    assert!(rig.client(&cancel.replace("\"a\"", "1")).is_empty());
    assert_eq!(rig.client(cancel), ["2."]);
    assert!(rig.client(cancel).is_empty());
    assert!(rig.server(2, r#"{"id":2,"result":{}}"#).is_empty());
    // Two requests with the same id are the client's mistake, and no panic.
    rig.client(CALL);
    rig.client(CALL);
    assert_eq!(rig.client(cancel).len(), 1);
}

const ASKS: &str = r#"{"jsonrpc":"2.0","id":2,"result":{"resultType":"input_required","inputRequests":{"k\"1":{"method":"elicitation/create","params":{"mode":"url","url":"https://x/","n":1.0}},"k2":{"method":"roots/list"}},"requestState":"s\u0041"}}"#;

#[test]
fn input_is_asked_of_the_client_and_sent_with_a_retry() {
    let mut rig = Rig::open("{}");
    rig.client(CALL);
    assert_eq!(
        rig.server(2, ASKS),
        [
            r#""a"< {"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"mode":"url","url":"https://x/","n":1.0,"elicitationId":"input-1"}}"#,
            r#""a"< {"jsonrpc":"2.0","id":2,"method":"roots/list","params":{}}"#
        ]
    );
    // The first request is over and its call is not.
    assert!(!rig.0.wants(2));
    assert!(rig.lost(2, Lost::BrokeOff).is_empty());
    assert!(rig.server(2, r#"{"id":2,"result":{}}"#).is_empty());
    for stray in [
        r#"{"jsonrpc":"2.0","id":3,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"1","result":{}}"#,
        r#"{"jsonrpc":"2.0","error":{}}"#,
    ] {
        assert!(rig.client(stray).is_empty(), "{stray}");
    }
    assert!(
        rig.client(r#"{"jsonrpc":"2.0","id":2,"result":{"roots":[{"x":1.0}]}}"#)
            .is_empty()
    );
    assert!(
        rig.client(r#"{"jsonrpc":"2.0","id":2,"result":{"roots":[]}}"#)
            .is_empty()
    );
    let acts = rig.client(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#);
    assert_eq!(acts.len(), 1);
    assert!(
        acts[0].starts_with(r#"3> {"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"t","#)
            && acts[0].ends_with(
                r#""inputResponses":{"k\"1":{"action":"cancel"},"k2":{"roots":[{"x":1.0}]}},"requestState":"s\u0041"}}"#
            ),
        "{acts:?}"
    );
    // The first request's stream is over; the retry's answer is the call's.
    assert!(rig.lost(2, Lost::BrokeOff).is_empty());
    let acts = rig.server(
        3,
        r#"{"jsonrpc":"2.0","id":3,"result":{"resultType":"complete"}}"#,
    );
    assert_eq!(acts, [r#""a"< {"jsonrpc":"2.0","id":"a","result":{}}"#]);
}

#[test]
fn input_that_the_client_cannot_give_fails_the_call() {
    let sampling = ASKS.replace("roots/list", "sampling/createMessage");
    let mut rig = Rig::open("{}");
    rig.client(CALL);
    let acts = rig.server(2, &sampling);
    assert!(acts.len() == 1 && acts[0].contains("-32603"), "{acts:?}");
    let mut rig = Rig::open("{}");
    rig.client(CALL);
    rig.server(2, ASKS);
    let acts = rig.client(r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"no"}}"#);
    assert_eq!(
        acts[0],
        r#""a"< {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#
    );
    assert!(
        acts[1].starts_with("\"a\"< ") && acts[1].contains("-32603"),
        "{acts:?}"
    );
    assert_eq!(acts.len(), 2);
    // A client that cancels its call is not asked any longer.
    rig.client(CALL);
    rig.server(3, ASKS);
    let cancel =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}"#;
    assert_eq!(rig.client(cancel).len(), 3);
    assert!(
        rig.client(r#"{"jsonrpc":"2.0","id":4,"result":{}}"#)
            .is_empty()
    );
}

#[test]
fn a_server_that_asks_without_end_is_given_up() {
    let mut rig = Rig::open("{}");
    rig.client(CALL);
    let busy = r#"{"result":{"resultType":"input_required","requestState":"s"},"id":0}"#;
    for round in 0..u64::from(ROUNDS_MAX) {
        let acts = rig.server(2 + round, busy);
        assert!(acts[0].starts_with(&format!("{}> ", 3 + round)), "{acts:?}");
        assert!(
            acts[0].ends_with(r#""requestState":"s"}}"#) && !acts[0].contains("inputResponses")
        );
    }
    let acts = rig.server(2 + u64::from(ROUNDS_MAX), busy);
    assert!(
        acts[0].starts_with("\"a\"< ") && acts[0].contains("-32603"),
        "{acts:?}"
    );
}

const TELLS: &str = r#"{"tools":{"listChanged":true},"resources":{"subscribe":true}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

fn filter(act: &str) -> String {
    let (_, message) = act.split_once("> ").unwrap();
    let params = Object::parse(message).unwrap();
    let params = params.object("params").unwrap();
    params.member("notifications").unwrap().to_owned()
}

fn ack(filter: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":2}},"notifications":{filter}}}}}"#
    )
}

#[test]
fn one_listen_carries_changes_and_subscriptions() {
    let mut rig = Rig::open(TELLS);
    let acts = rig.client(INITIALIZED);
    assert_eq!(filter(&acts[0]), r#"{"toolsListChanged":true}"#);
    assert!(
        rig.server(2, &ack(r#"{"toolsListChanged":true}"#))
            .is_empty()
    );
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":2}}}"#;
    let plain = r#"< {"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}}"#;
    assert_eq!(rig.server(2, changed), [plain]);
    let subscribe = |id: u64, uri: &str, un: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"resources/{un}subscribe","params":{{"uri":"{uri}"}}}}"#
        )
    };
    let acts = rig.client(&subscribe(5, "f:/a", ""));
    assert_eq!(acts.len(), 1, "the old listen goes on: {acts:?}");
    assert_eq!(
        filter(&acts[0]),
        r#"{"toolsListChanged":true,"resourceSubscriptions":["f:/a"]}"#
    );
    // Until the new one is acknowledged, the old one is heard and the new one is not.
    assert_eq!(rig.server(2, changed), [plain]);
    assert!(rig.server(3, changed).is_empty());
    // Another change meanwhile: the one that was not acknowledged is dropped.
    let acts = rig.client(&subscribe(6, "f:/b", ""));
    assert_eq!(acts[0], "3.");
    assert!(acts[1].starts_with("4> "));
    assert_eq!(rig.server(2, changed), [plain]);
    let acts = rig.server(
        4,
        &ack(r#"{"toolsListChanged":true,"resourceSubscriptions":["f:/a"]}"#),
    );
    assert_eq!(acts[0], "2.");
    assert_eq!(acts[1], r#"5< {"jsonrpc":"2.0","id":5,"result":{}}"#);
    assert!(
        acts[2].starts_with("6< ") && acts[2].contains("-32002"),
        "{acts:?}"
    );
    assert!(rig.server(2, changed).is_empty());
    assert_eq!(rig.server(4, changed), [plain]);
    // What is subscribed already needs no new listen; leaving does.
    assert_eq!(
        rig.client(&subscribe(7, "f:/a", "")),
        [r#"7< {"jsonrpc":"2.0","id":7,"result":{}}"#]
    );
    let acts = rig.client(&subscribe(8, "f:/a", "un"));
    assert!(
        acts[0].starts_with("8< ") && acts[1].starts_with("5> "),
        "{acts:?}"
    );
    assert_eq!(filter(&acts[1]), r#"{"toolsListChanged":true}"#);
}

#[test]
fn a_listen_that_ends_is_opened_again_later_and_less_often() {
    let mut rig = Rig::open(TELLS);
    rig.client(INITIALIZED);
    let mut number = 2;
    for pause_ms in [1_000, 2_000, 4_000] {
        assert!(rig.lost(number, Lost::BrokeOff).is_empty());
        assert_eq!(rig.0.wake_ms(), Some(1_000 + pause_ms));
        assert!(rig.tick(999 + pause_ms).is_empty());
        let acts = rig.tick(1_000 + pause_ms);
        number += 1;
        assert!(acts[0].starts_with(&format!("{number}> ")), "{acts:?}");
    }
    rig.server(number, &ack("{}"));
    let graceful = r#"{"jsonrpc":"2.0","id":9,"result":{"resultType":"complete"}}"#;
    assert!(rig.server(number, graceful).is_empty());
    assert_eq!(rig.0.wake_ms(), Some(2_000));
    rig.tick(2_000);
    // A server without listens is not asked again, and cannot be subscribed to.
    let unknown = r#"{"jsonrpc":"2.0","id":9,"error":{"code":-32601,"message":""}}"#;
    assert!(rig.server(number + 1, unknown).is_empty());
    assert_eq!(rig.0.wake_ms(), None);
    let subscribe =
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"a:"}}"#;
    assert!(rig.client(subscribe)[0].contains("-32601"));
}

#[test]
fn a_subscription_whose_listen_breaks_fails() {
    let mut rig = Rig::open(TELLS);
    let subscribe =
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"a:"}}"#;
    assert!(rig.client(subscribe)[0].starts_with("2> "));
    let acts = rig.lost(2, Lost::Unreachable);
    assert!(
        acts[0].starts_with("1< ") && acts[0].contains("-32603"),
        "{acts:?}"
    );
    // A server that tells nothing has no listens at all.
    let mut rig = Rig::open("{}");
    assert!(rig.client(INITIALIZED).is_empty());
    assert!(rig.client(subscribe)[0].contains("-32601"));
}
