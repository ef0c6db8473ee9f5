#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod inputs;
mod notices;

use super::super::canonical::digest;
use super::super::object::{Object, quoted};
use super::super::state::{Binding, Parked, States};
use super::super::wire::Message;
use super::{Act, Identity, Opened, Opening, Session, Step};
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
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{ASKABLE}{}}}{}}}}}"#,
        comma(meta),
        comma(params)
    )
}

/// A call of a client that can be asked for everything.
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

#[test]
fn no_bytes_of_a_server_or_client_make_it_panic() {
    let messages = [
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"_meta":{"a":1}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32042,"data":{"elicitations":[{}]}}}"#,
        r#"{"jsonrpc":"2.0","id":"e","method":"elicitation/create","params":{"mode":"form"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"e"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:"}}"#,
    ];
    for message in messages {
        for at in 0..message.len() {
            for byte in [b'{', b'"', b'0', b',', 0, 0xff] {
                let mut rig = Rig::new(ASKABLE, false);
                rig.ask(1, &call("1"));
                let mut bytes = message.as_bytes().to_vec();
                bytes[at] = byte;
                let mut acts = Vec::new();
                let session = &mut rig.session;
                session.from_server(&bytes, None, 1, &mut acts);
                session.from_server(&bytes[..at], Some(b"1"), 1, &mut acts);
                session.ask(2, &bytes, &mut acts);
                session.left(1, 2, &mut acts);
            }
        }
    }
}
