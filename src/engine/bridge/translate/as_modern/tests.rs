#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::super::canonical::digest;
use super::super::object::{Object, quoted};
use super::super::state::{Binding, Parked, States};
use super::super::wire::Message;
use super::{Act, Identity, Opened, Opening, PARKED_MAX, PARKED_MS, Session, Step, WAITING_MAX};
use crate::engine::bridge::translate::hello::{Hello, Profile};
use crate::engine::seal::Sealer;
use crate::engine::session::Owner;

const ASKABLE: &str = r#"{"elicitation":{},"sampling":{},"roots":{}}"#;
const SERVER: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"logging":{}},"serverInfo":{"name":"s","version":"1"}}"#;

/// A session and what it did last.
struct Rig {
    session: Session,
    states: States,
    owner: Owner,
    now_ms: u64,
}

impl Rig {
    fn new(capabilities: &str, channel_tells: bool) -> Self {
        let states = States::new(Sealer::random().unwrap(), "server".into());
        let owner = Owner::from_hex("a".repeat(32).as_bytes()).unwrap();
        let identity = Identity {
            owner,
            profile: Profile::new(Some(capabilities), None),
            states: states.clone(),
            number: [9; 16],
        };
        let hello = Hello::read(SERVER).unwrap();
        let opened = Opened {
            hello,
            channel_tells,
        };
        Self {
            session: Session::new(identity, opened),
            states,
            owner,
            now_ms: 1_000,
        }
    }

    fn ask(&mut self, asker: u64, message: &str) -> Vec<String> {
        let mut acts = Vec::new();
        self.session.ask(asker, message.as_bytes(), &mut acts);
        shown(acts)
    }

    fn server(&mut self, message: &str, during: Option<&str>) -> Vec<String> {
        let mut acts = Vec::new();
        let during = during.map(str::as_bytes);
        self.session
            .from_server(message.as_bytes(), during, self.now_ms, &mut acts);
        shown(acts)
    }

    fn left(&mut self, asker: u64) -> Vec<String> {
        let mut acts = Vec::new();
        self.session.left(asker, self.now_ms, &mut acts);
        shown(acts)
    }

    /// What opens from `message`, as control does it.
    fn opened(&self, message: &str) -> Option<Parked> {
        let read = Message::read(message.as_bytes()).unwrap();
        let params = read.params();
        let digest = digest("tools/call", &params);
        let binding = Binding {
            owner: self.owner,
            digest: &digest,
        };
        let state = params.member("requestState")?;
        self.states.open(binding, self.now_ms / 1_000, state)
    }

    fn retry(&mut self, asker: u64, message: &str) -> Vec<String> {
        let parked = self.opened(message).unwrap();
        let mut acts = Vec::new();
        self.session
            .resume(asker, message.as_bytes(), parked, self.now_ms, &mut acts);
        shown(acts)
    }
}

/// Acts as text: `>` to the server, `N<` to asker N, `N.` its end.
fn shown(acts: Vec<Act>) -> Vec<String> {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    acts.into_iter()
        .map(|act| match act {
            Act::ToServer(message) => format!("> {}", text(message)),
            Act::Answer { asker, message } => format!("{asker}< {}", text(message)),
            Act::End(asker) => format!("{asker}."),
        })
        .collect()
}

/// A modern request; `params` and `meta` are the inside of objects.
fn modern(id: &str, method: &str, params: &str, meta: &str) -> String {
    let comma = |text: &str| if text.is_empty() { "" } else { "," }.to_owned() + text;
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}{}}}{}}}}}"#,
        comma(meta),
        comma(params)
    )
}

fn call(id: &str) -> String {
    modern(id, "tools/call", r#""name":"t","arguments":{"n":1.0}"#, "")
}

fn retry(id: &str, state: &str, responses: &str) -> String {
    let params = format!(
        r#""name":"t","arguments":{{"n":1.0}},"requestState":{},"inputResponses":{responses}"#,
        quoted(state)
    );
    modern(id, "tools/call", &params, "")
}

/// The `requestState` of an `input_required` answer, and its `inputRequests`.
fn asked(act: &str) -> (String, String) {
    let (_, message) = act.split_once("< ").unwrap();
    let message = Object::parse(message).unwrap();
    let result = message.object("result").unwrap();
    assert_eq!(result.text("resultType").as_deref(), Some("input_required"));
    (
        result.text("requestState").unwrap(),
        result.member("inputRequests").unwrap().to_owned(),
    )
}

const ELICIT: &str = r#"{"jsonrpc":"2.0","id":"e1","method":"elicitation/create","params":{"message":"?","requestedSchema":{"n":1e2}}}"#;
const INFO: &str = r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}"#;

#[test]
fn a_call_goes_out_under_an_id_of_its_own_and_comes_back_under_the_clients() {
    let mut rig = Rig::new("{}", false);
    assert_eq!(
        rig.ask(1, &call("\"x\"")),
        [
            r#"> {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"n":1.0}}}"#
        ]
    );
    // Another client with the same id.
    assert_eq!(rig.ask(2, &call("\"x\"")).len(), 1);
    assert_eq!(
        rig.server(
            r#"{"jsonrpc":"2.0","id":2,"result":{"big":123456789012345678901}}"#,
            None
        ),
        [
            format!(
                r#"2< {{"jsonrpc":"2.0","id":"x","result":{{"big":123456789012345678901,"resultType":"complete",{INFO}}}}}"#
            ),
            "2.".to_owned()
        ]
    );
    assert_eq!(
        rig.server(
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"m","data":1.0}}"#,
            None
        ),
        [
            r#"1< {"jsonrpc":"2.0","id":"x","error":{"code":-32602,"message":"m","data":1.0}}"#,
            "1."
        ]
    );
    assert!(rig.session.is_idle());
    for late in [
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":99,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"1","result":{}}"#,
        "garbage",
        "[]",
        "",
    ] {
        assert!(rig.server(late, None).is_empty(), "{late}");
    }
}

#[test]
fn what_a_legacy_server_does_not_have_is_answered_here() {
    let mut rig = Rig::new("{}", false);
    let discovered = rig.ask(1, &modern("1", "server/discover", "", ""));
    assert!(
        discovered[0].starts_with(r#"1< {"jsonrpc":"2.0","id":1,"result":{"capabilities":"#)
            && discovered[0].contains(r#""supportedVersions":["2026-07-28"]"#),
        "{discovered:?}"
    );
    for (method, code) in [
        ("ping", -32_601),
        ("initialize", -32_601),
        ("logging/setLevel", -32_601),
        ("resources/subscribe", -32_601),
        ("tasks/get", -32_601),
        ("tasks/list", -32_601),
        ("sampling/createMessage", -32_601),
    ] {
        let answer = rig.ask(1, &modern("1", method, "", ""));
        assert!(
            answer[0].contains(&format!("\"code\":{code}")),
            "{method} {answer:?}"
        );
    }
    let other = call("1").replace("2026-07-28", "2027-01-01");
    let answer = rig.ask(1, &other);
    assert!(
        answer[0].contains(
            r#""code":-32022,"message":"protocol version not supported","data":{"supported":["2026-07-28"],"requested":"2027-01-01"}"#
        ),
        "{answer:?}"
    );
    let level = r#""io.modelcontextprotocol/logLevel":"loud""#;
    let answer = rig.ask(1, &modern("1", "tools/list", "", level));
    assert!(answer[0].contains("-32602"), "{answer:?}");
    // Neither notifications nor nonsense are answered.
    for quiet in [r#"{"jsonrpc":"2.0","method":"notifications/x"}"#, "{}", "x"] {
        assert_eq!(rig.ask(1, quiet), ["1."], "{quiet}");
    }
    // A method that no revision knows is the server's business.
    assert!(rig.ask(1, &modern("1", "x/y", "", ""))[0].starts_with("> "));
}

#[test]
fn progress_comes_under_the_token_of_the_client() {
    let mut rig = Rig::new("{}", false);
    let first = modern("1", "tools/call", r#""name":"t""#, r#""progressToken":"p""#);
    let second = modern("1", "tools/call", r#""name":"t""#, r#""progressToken":7"#);
    assert!(rig.ask(1, &first)[0].contains(r#""progressToken":1"#));
    rig.ask(2, &second);
    rig.ask(3, &call("3"));
    for (token, expected) in [
        (
            "1",
            Some(
                r#"1< {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":0.50}}"#,
            ),
        ),
        (
            "2",
            Some(
                r#"2< {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":0.50}}"#,
            ),
        ),
        // Nobody asked for any.
        ("3", None),
        ("4", None),
        ("\"1\"", None),
    ] {
        let said = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":0.50}}}}"#
        );
        let acts = rig.server(&said, None);
        assert_eq!(acts.first().map(String::as_str), expected, "{token}");
    }
}

#[test]
fn a_question_parks_the_call_and_the_retry_goes_on_with_it() {
    for during in [None, Some("1")] {
        let mut rig = Rig::new(ASKABLE, during.is_some());
        rig.ask(1, &call("\"a\""));
        let acts = rig.server(ELICIT, during);
        assert_eq!(acts.len(), 2, "{acts:?}");
        assert!(
            acts[0].starts_with(r#"1< {"jsonrpc":"2.0","id":"a","#),
            "{acts:?}"
        );
        assert_eq!(acts[1], "1.");
        let (state, inputs) = asked(&acts[0]);
        assert_eq!(
            inputs,
            r#"{"input-1":{"method":"elicitation/create","params":{"message":"?","requestedSchema":{"n":1e2}}}}"#
        );
        assert!(!rig.session.is_idle());
        // The client that asked has its answer: that it leaves now is no cancel.
        assert!(rig.left(1).is_empty());
        let answer = r#"{"action":"accept","content":{"n":2.50}}"#;
        let go_on = retry("\"b\"", &state, &format!(r#"{{"input-1":{answer},"x":1}}"#));
        assert_eq!(
            rig.retry(2, &go_on),
            [format!(
                r#"> {{"jsonrpc":"2.0","id":"e1","result":{answer}}}"#
            )],
            "the call itself is not sent again"
        );
        let acts = rig.server(
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#,
            during,
        );
        assert!(acts[0].starts_with(r#"2< {"jsonrpc":"2.0","id":"b","result":{"content":[]"#));
        assert_eq!(acts[1], "2.");
        assert!(rig.session.is_idle());
        // The state is used up.
        let again = rig.retry(3, &go_on);
        assert!(again[0].contains("-32602"), "{again:?}");
    }
}

#[test]
fn a_state_opens_only_the_round_that_it_was_made_in() {
    let mut rig = Rig::new(ASKABLE, false);
    rig.ask(1, &call("1"));
    let (old, _) = asked(&rig.server(ELICIT, None)[0]);
    // Nothing answered: asked again, under a new state.
    let acts = rig.retry(2, &retry("2", &old, r#"{"other":{},"input-1":3}"#));
    let (new, inputs) = asked(&acts[0]);
    assert!(inputs.contains("input-1"));
    assert!(rig.retry(3, &retry("3", &old, r#"{"input-1":{}}"#))[0].contains("-32602"));
    // Other arguments are another call.
    let other = retry("4", &new, r#"{"input-1":{}}"#).replace("1.0", "2.0");
    assert_eq!(rig.opened(&other), None);
    let acts = rig.retry(5, &retry("5", &new, r#"{"input-1":{}}"#));
    assert_eq!(acts, [r#"> {"jsonrpc":"2.0","id":"e1","result":{}}"#]);
    // While the retry is under way, its state opens nothing either.
    assert!(rig.retry(6, &retry("6", &new, "{}"))[0].contains("-32602"));
}

#[test]
fn what_the_server_asks_or_says_meanwhile_waits_for_the_retry() {
    let mut rig = Rig::new(ASKABLE, false);
    rig.ask(1, &call("1"));
    let (state, _) = asked(&rig.server(ELICIT, None)[0]);
    let roots = r#"{"jsonrpc":"2.0","id":5,"method":"roots/list"}"#;
    assert!(rig.server(roots, None).is_empty());
    let acts = rig.retry(
        2,
        &retry("2", &state, r#"{"input-1":{"action":"decline"}}"#),
    );
    assert_eq!(
        acts[0],
        r#"> {"jsonrpc":"2.0","id":"e1","result":{"action":"decline"}}"#
    );
    let (state, inputs) = asked(&acts[1]);
    assert_eq!(inputs, r#"{"input-2":{"method":"roots/list"}}"#);
    // The server loses patience: it takes its question back and answers.
    let cancelled =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#;
    assert!(rig.server(cancelled, None).is_empty());
    assert!(
        rig.server(r#"{"jsonrpc":"2.0","id":1,"result":{"late":1}}"#, None)
            .is_empty()
    );
    let acts = rig.retry(3, &retry("3", &state, r#"{"input-2":{"roots":[]}}"#));
    assert!(
        acts[0].starts_with(r#"3< {"jsonrpc":"2.0","id":3,"result":{"late":1"#),
        "{acts:?}"
    );
    assert!(rig.session.is_idle());
}

#[test]
fn a_question_that_belongs_to_no_call_is_refused() {
    let refused = |acts: Vec<String>, code: i32| {
        assert_eq!(acts.len(), 1, "{acts:?}");
        assert!(acts[0].starts_with("> "), "{acts:?}");
        assert!(acts[0].contains(&format!("\"code\":{code}")), "{acts:?}");
    };
    // Nothing is under way, or only what cannot be asked.
    let mut rig = Rig::new(ASKABLE, false);
    refused(rig.server(ELICIT, None), -32_601);
    rig.ask(1, &modern("1", "tools/list", "", ""));
    refused(rig.server(ELICIT, None), -32_601);
    refused(rig.server(ELICIT, Some("1")), -32_601);
    // The client did not declare it.
    let mut rig = Rig::new(r#"{"sampling":{}}"#, false);
    rig.ask(1, &call("1"));
    refused(rig.server(ELICIT, None), -32_601);
    // Several are under way and the channel, which usually tells, does not.
    let mut rig = Rig::new(ASKABLE, true);
    rig.ask(1, &call("1"));
    rig.ask(2, &call("2"));
    refused(rig.server(ELICIT, None), -32_601);
    refused(rig.server(ELICIT, Some("7")), -32_601);
    assert!(rig.server(ELICIT, Some("2"))[0].starts_with("2< "));
    // A request that clients do not have.
    refused(
        rig.server(&ELICIT.replace("elicitation/create", "x/y"), Some("1")),
        -32_601,
    );
    assert_eq!(
        rig.server(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#, None),
        [r#"> {"jsonrpc":"2.0","id":"p","result":{}}"#]
    );
}

#[test]
fn calls_that_may_be_asked_run_one_at_a_time_where_the_channel_does_not_tell() {
    let mut rig = Rig::new(ASKABLE, false);
    assert_eq!(rig.ask(1, &call("1")).len(), 1);
    assert!(rig.session.is_occupied());
    assert!(rig.ask(2, &call("2")).is_empty());
    assert_eq!(
        rig.ask(3, &modern("3", "tools/list", "", "")).len(),
        1,
        "lists go on"
    );
    let acts = rig.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None);
    assert_eq!(acts.len(), 3, "{acts:?}");
    assert!(
        acts[2].starts_with(r#"> {"jsonrpc":"2.0","id":3,"method":"tools/call""#),
        "{acts:?}"
    );
    for asker in 0..WAITING_MAX as u64 {
        assert!(rig.ask(100 + asker, &call("1")).is_empty());
    }
    assert!(rig.ask(999, &call("1"))[0].contains("-32603"));
    assert!(rig.left(100).is_empty(), "who waits was not sent anywhere");
    // Nobody can be asked, or the channel tells: all at once.
    for (capabilities, tells) in [("{}", false), (ASKABLE, true)] {
        let mut rig = Rig::new(capabilities, tells);
        assert_eq!(rig.ask(1, &call("1")).len(), 1);
        assert_eq!(rig.ask(2, &call("2")).len(), 1);
        assert!(!rig.session.is_occupied());
    }
}

#[test]
fn a_cancelled_call_that_may_go_on_spoils_its_session() {
    let mut rig = Rig::new(ASKABLE, false);
    rig.ask(1, &call("1"));
    assert_eq!(
        rig.left(1),
        [
            r#"> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"client left"}}"#
        ]
    );
    assert!(rig.session.is_occupied() && rig.session.is_idle());
    assert!(!rig.session.is_spent(1_999) && rig.session.is_spent(2_000));
    assert_eq!(rig.session.wake_ms(), Some(2_000));
    rig.ask(2, &call("2"));
    assert!(!rig.session.is_spent(9_999));
    assert!(
        rig.server(ELICIT, None)[0].contains("-32601"),
        "it may be of the first"
    );
    // The server confirms the end of it.
    let over = r#"{"jsonrpc":"2.0","id":1,"error":{"code":0,"message":"Request cancelled"}}"#;
    assert!(rig.server(over, None).is_empty());
    assert!(rig.server(ELICIT, None)[0].starts_with("2< "));
}

#[test]
fn parked_calls_are_bounded_in_number_and_time() {
    let mut rig = Rig::new(ASKABLE, true);
    for asker in 1..=PARKED_MAX as u64 + 1 {
        rig.ask(asker, &call("1"));
    }
    let mut states = Vec::new();
    for id in 1..=PARKED_MAX {
        let acts = rig.server(ELICIT, Some(&id.to_string()));
        states.push(asked(&acts[0]).0);
    }
    let full = rig.server(ELICIT, Some("17"));
    assert!(
        full[0].starts_with("> ") && full[0].contains("-32603"),
        "{full:?}"
    );
    assert_eq!(rig.session.wake_ms(), Some(1_000 + PARKED_MS));
    let mut acts = Vec::new();
    rig.session.tick(999 + PARKED_MS, &mut acts);
    assert!(acts.is_empty());
    rig.session.tick(1_000 + PARKED_MS, &mut acts);
    // For each: the question is answered with an error, and the call cancelled.
    assert_eq!(acts.len(), 2 * PARKED_MAX);
    let late = retry("9", &states[0], r#"{"input-1":{}}"#);
    assert!(rig.retry(99, &late)[0].contains("-32602"));
}

#[test]
fn only_who_asked_for_log_messages_gets_them() {
    let mut rig = Rig::new("{}", true);
    let level = |level: &str| format!(r#""io.modelcontextprotocol/logLevel":"{level}""#);
    let acts = rig.ask(
        1,
        &modern("1", "tools/call", r#""name":"t""#, &level("warning")),
    );
    assert_eq!(
        acts[0],
        r#"> {"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"warning"}}"#
    );
    assert!(!acts[1].contains("logLevel"), "{acts:?}");
    let acts = rig.ask(
        2,
        &modern("2", "tools/call", r#""name":"t""#, &level("debug")),
    );
    assert!(acts[0].contains("debug") && acts.len() == 2, "{acts:?}");
    // Quieter than what another call wants: the server stays as it is.
    assert_eq!(
        rig.ask(
            3,
            &modern("3", "tools/call", r#""name":"t""#, &level("error"))
        )
        .len(),
        1
    );
    assert_eq!(rig.ask(4, &call("4")).len(), 1);
    let log = |level: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"{level}","data":1.0}}}}"#
        )
    };
    for (during, said, heard) in [
        (Some("2"), "info", false),
        (Some("2"), "warning", true),
        (Some("4"), "debug", true),
        (Some("5"), "warning", false),
        (Some("6"), "emergency", false),
        (None, "emergency", false),
        (Some("2"), "loud", false),
    ] {
        let acts = rig.server(&log(said), during);
        assert_eq!(!acts.is_empty(), heard, "{during:?} {said} {acts:?}");
    }
    // Without a channel that tells: the only call there is.
    let mut rig = Rig::new("{}", false);
    rig.ask(
        1,
        &modern("1", "tools/call", r#""name":"t""#, &level("info")),
    );
    assert_eq!(
        rig.server(&log("info"), None),
        [format!("1< {}", log("info"))]
    );
    rig.ask(2, &call("2"));
    assert!(rig.server(&log("info"), None).is_empty());
}

#[test]
fn a_listen_is_acknowledged_first_and_hears_what_it_asked_for() {
    let mut rig = Rig::new("{}", false);
    let listen = |id: &str, filter: &str| {
        modern(
            id,
            "subscriptions/listen",
            &format!(r#""notifications":{{{filter}}}"#),
            "",
        )
    };
    let acts = rig.ask(
        1,
        &listen("\"l\"", r#""toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["f:/a","f:/b"]"#),
    );
    assert_eq!(
        acts,
        [
            r#"> {"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"f:/a"}}"#,
            r#"> {"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"f:/b"}}"#
        ]
    );
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    assert!(
        rig.server(changed, None).is_empty(),
        "not before the acknowledgment"
    );
    assert!(
        rig.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None)
            .is_empty()
    );
    let acts = rig.server(
        r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32002,"message":""}}"#,
        None,
    );
    let tag = r#""_meta":{"io.modelcontextprotocol/subscriptionId":"l"}"#;
    let tools = format!(
        r#"1< {{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{{tag}}}}}"#
    );
    assert_eq!(
        acts,
        [
            format!(
                r#"1< {{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{{tag},"notifications":{{"toolsListChanged":true,"resourceSubscriptions":["f:/a"]}}}}}}"#
            ),
            tools.clone()
        ]
    );
    // A second listen for the same resource costs no request.
    let acts = rig.ask(2, &listen("7", r#""resourceSubscriptions":["f:/a"]"#));
    assert_eq!(acts.len(), 1, "{acts:?}");
    assert!(acts[0].starts_with("2< ") && acts[0].contains("acknowledged"));
    assert_eq!(rig.server(changed, None), [tools]);
    let updated = |uri: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}"#
        )
    };
    for (uri, heard) in [("f:/a", 2), ("f:/a/part", 2), ("f:/ab", 0), ("f:/b", 0)] {
        assert_eq!(rig.server(&updated(uri), None).len(), heard, "{uri}");
    }
    let resources = r#"{"jsonrpc":"2.0","method":"notifications/resources/list_changed"}"#;
    assert!(
        rig.server(resources, None).is_empty(),
        "nobody asked for it"
    );
    // The last one to leave unsubscribes.
    assert!(rig.left(1).is_empty());
    assert_eq!(
        rig.left(2),
        [r#"> {"jsonrpc":"2.0","id":3,"method":"resources/unsubscribe","params":{"uri":"f:/a"}}"#]
    );
    assert!(rig.session.is_idle());
}

#[test]
fn a_session_that_is_closed_ends_its_listens_gracefully() {
    let mut rig = Rig::new("{}", false);
    let filter = r#""notifications":{"toolsListChanged":true}"#;
    rig.ask(1, &modern("1", "subscriptions/listen", filter, ""));
    let mut acts = Vec::new();
    rig.session.close(&mut acts);
    assert_eq!(
        shown(acts),
        [
            r#"1< {"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":1}}}"#,
            "1."
        ]
    );
}

#[test]
fn a_session_opens_with_the_answer_to_initialize_alone() {
    let step = |message: &str| Opening::read(message.as_bytes(), false);
    let result = format!(r#"{{"jsonrpc":"2.0","id":0,"result":{SERVER}}}"#);
    assert!(matches!(step(&result), Step::Open(..)));
    let other = result.replace("\"id\":0", "\"id\":1");
    assert!(matches!(step(&other), Step::Wait));
    assert!(matches!(step("noise"), Step::Wait));
    assert!(matches!(
        step(r#"{"method":"notifications/message"}"#),
        Step::Wait
    ));
    assert!(matches!(step(r#"{"id":1,"method":"ping"}"#), Step::Send(_)));
    assert!(matches!(
        step(r#"{"id":1,"method":"roots/list"}"#),
        Step::Send(_)
    ));
    assert!(matches!(
        step(r#"{"id":0,"error":{"code":1}}"#),
        Step::Refused(_)
    ));
    let modern = result.replace("2025-11-25", "2026-07-28");
    assert!(matches!(
        step(&modern),
        Step::Refused(super::Refused::WrongEra)
    ));
}
