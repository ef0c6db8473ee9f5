#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::super::testing::{FakeServer, connector, next, owner, soon};
use super::{AsModern, Bounds};
use crate::control::bridge::{Answers, Ask, ConnectError, FullScope, LinkEnd, ModernUpstream as _};
use crate::engine::seal::Sealer;

const BOUNDS: Bounds = Bounds {
    sessions: 4,
    sessions_per_owner: 3,
    idle_ms: 60_000,
    opening_ms: 5_000,
};

/// A translation whose servers are played by the test.
struct Rig {
    upstream: Arc<AsModern>,
    connected: mpsc::UnboundedReceiver<FakeServer>,
    /// What the next connections fail with.
    failures: Arc<Mutex<Vec<ConnectError>>>,
}

impl Rig {
    fn new(bounds: Bounds, failures: Vec<ConnectError>) -> Self {
        let (connector, connected) = connector();
        let failing = Arc::clone(&connector.failures);
        *failing.lock().unwrap() = failures;
        let sealer = Sealer::random().unwrap();
        let upstream = AsModern::new(Arc::new(connector), sealer, "server".into(), bounds);
        Self {
            upstream: Arc::new(upstream),
            connected,
            failures: failing,
        }
    }

    /// Asks in the background: a session that is not open yet keeps its asker waiting.
    fn ask(
        &self,
        who: &str,
        message: String,
    ) -> tokio::task::JoinHandle<Result<Answers, ConnectError>> {
        let upstream = Arc::clone(&self.upstream);
        let ask = Ask {
            owner: owner(who),
            message: message.into_bytes(),
            fields: Vec::new(),
        };
        tokio::spawn(async move { upstream.ask(ask).await })
    }

    async fn server(&mut self) -> FakeServer {
        soon(self.connected.recv()).await.unwrap()
    }
}

const ASKABLE: &str = r#"{"elicitation":{}}"#;

fn request(id: &str, method: &str, capabilities: &str, params: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{params}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{capabilities}}}}}}}"#
    )
}

fn call(id: &str, capabilities: &str) -> String {
    request(id, "tools/call", capabilities, r#""name":"t","#)
}

async fn got(asking: tokio::task::JoinHandle<Result<Answers, ConnectError>>) -> Answers {
    soon(asking).await.unwrap().unwrap()
}

const ELICIT: &str = r#"{"jsonrpc":"2.0","id":"e","method":"elicitation/create","params":{}}"#;

/// The `requestState` in `message`.
fn state(message: &str) -> String {
    let (_, rest) = message.split_once(r#""requestState":""#).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn requests_of_one_owner_and_profile_share_a_session_and_others_do_not() {
    let mut rig = Rig::new(BOUNDS, Vec::new());
    let one = rig.ask("a", call("1", "{}"));
    let mut server = rig.server().await;
    assert_eq!(server.owner, owner("a"));
    let initialize = server.open(None).await;
    assert!(
        initialize.contains(r#""protocolVersion":"2025-11-25""#),
        "{initialize}"
    );
    let mut one = got(one).await;
    let mut two = got(rig.ask("a", call("1", " { } "))).await;
    assert!(server.hear().await.unwrap().contains("\"id\":1,"));
    assert!(server.hear().await.unwrap().contains("\"id\":2,"));
    server
        .say(r#"{"jsonrpc":"2.0","id":2,"result":{"second":1}}"#, None)
        .await;
    server
        .say(r#"{"jsonrpc":"2.0","id":1,"result":{"first":1}}"#, None)
        .await;
    assert!(next(&mut one).await.unwrap().contains("first"));
    assert!(next(&mut two).await.unwrap().contains("second"));
    assert_eq!((next(&mut one).await, next(&mut two).await), (None, None));
    // Another owner, and other capabilities, have sessions of their own.
    drop(rig.ask("b", call("1", "{}")));
    assert_eq!(rig.server().await.owner, owner("b"));
    drop(rig.ask("a", call("1", ASKABLE)));
    let mut asked = rig.server().await;
    assert!(
        asked
            .hear()
            .await
            .unwrap()
            .contains(r#""capabilities":{"elicitation":{}}"#)
    );
    assert!(server.is_quiet());
}

#[tokio::test]
async fn a_translation_that_is_gone_lets_go_of_what_it_was_opening() {
    let patient = Bounds {
        opening_ms: 600_000,
        ..BOUNDS
    };
    let mut rig = Rig::new(patient, Vec::new());
    let asking = rig.ask("a", call("1", "{}"));
    let mut server = rig.server().await;
    assert!(server.hear().await.unwrap().contains("initialize"));
    asking.abort();
    assert!(asking.await.is_err());
    drop(rig.upstream);
    assert_eq!(server.hear().await, None);
}

#[tokio::test]
async fn input_responses_that_are_no_object_reach_no_server() {
    let rig = Rig::new(BOUNDS, Vec::new());
    for responses in ["null", "7", "[]", "\"a\""] {
        let params = format!(r#""name":"t","inputResponses":{responses},"#);
        let asked = request("2", "tools/call", ASKABLE, &params);
        let mut refused = got(rig.ask("a", asked)).await;
        let answer = next(&mut refused).await.unwrap();
        assert!(answer.contains("-32602"), "{responses}: {answer}");
    }
}

#[tokio::test]
async fn a_call_is_parked_and_gone_on_with_by_its_owner_alone() {
    let mut rig = Rig::new(BOUNDS, Vec::new());
    let asking = rig.ask("a", call("1", ASKABLE));
    let mut server = rig.server().await;
    server.open(None).await;
    let mut answers = got(asking).await;
    server.hear().await.unwrap();
    server.say(ELICIT, None).await;
    let parked = next(&mut answers).await.unwrap();
    assert!(parked.contains("input_required"), "{parked}");
    assert_eq!(next(&mut answers).await, None);
    let params = |state: &str| {
        format!(
            r#""name":"t","requestState":"{state}","inputResponses":{{"input-1":{{"action":"accept"}}}},"#
        )
    };
    let retry = request("2", "tools/call", ASKABLE, &params(&state(&parked)));
    let forged = request("2", "tools/call", ASKABLE, &params("x"));
    let other_tool = retry.replace("\"t\"", "\"u\"");
    for (who, message) in [("b", &retry), ("a", &forged), ("a", &other_tool)] {
        let mut refused = got(rig.ask(who, message.clone())).await;
        assert!(
            next(&mut refused).await.unwrap().contains("-32602"),
            "{who} {message}"
        );
    }
    assert!(server.is_quiet());
    let mut answers = got(rig.ask("a", retry)).await;
    assert_eq!(
        server.hear().await.unwrap(),
        r#"{"jsonrpc":"2.0","id":"e","result":{"action":"accept"}}"#
    );
    server
        .say(r#"{"jsonrpc":"2.0","id":1,"result":{"done":1}}"#, None)
        .await;
    assert!(next(&mut answers).await.unwrap().contains("done"));
}

#[tokio::test]
async fn a_call_beside_one_that_may_be_asked_gets_a_session_of_its_own() {
    let mut rig = Rig::new(BOUNDS, Vec::new());
    let mut servers = Vec::new();
    let mut answers = Vec::new();
    for id in 0..BOUNDS.sessions_per_owner {
        let asking = rig.ask("a", call(&id.to_string(), ASKABLE));
        let mut server = rig.server().await;
        server.open(None).await;
        answers.push(got(asking).await);
        assert!(server.hear().await.unwrap().contains("tools/call"));
        servers.push(server);
    }
    // There are as many as the owner may have: the next one waits behind another call.
    let _waiting = got(rig.ask("a", call("\"w\"", ASKABLE))).await;
    for server in &mut servers {
        assert!(server.is_quiet());
        server.say(ELICIT, None).await;
    }
    for (id, answers) in answers.iter_mut().enumerate() {
        let parked = next(answers).await.unwrap();
        assert!(parked.contains(&format!("\"id\":{id},")), "{parked}");
    }
}

#[tokio::test]
async fn one_session_is_enough_where_the_channel_tells() {
    let mut rig = Rig::new(BOUNDS, Vec::new());
    let asking = rig.ask("a", call("1", ASKABLE));
    let mut server = rig.server().await;
    server.open(Some("0")).await;
    let mut one = got(asking).await;
    let mut two = got(rig.ask("a", call("2", ASKABLE))).await;
    server.hear().await.unwrap();
    server.hear().await.unwrap();
    server.say(ELICIT, Some("2")).await;
    assert!(next(&mut two).await.unwrap().contains("input_required"));
    server.say(ELICIT, Some("1")).await;
    assert!(next(&mut one).await.unwrap().contains("input_required"));
    assert!(rig.connected.try_recv().is_err());
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_call() {
    let mut rig = Rig::new(BOUNDS, Vec::new());
    let asking = rig.ask("a", call("1", "{}"));
    let mut server = rig.server().await;
    server.open(None).await;
    let answers = got(asking).await;
    server.hear().await.unwrap();
    drop(answers);
    let cancelled = server.hear().await.unwrap();
    assert!(
        cancelled.contains(r#""method":"notifications/cancelled","params":{"requestId":1,"#),
        "{cancelled}"
    );
}

#[tokio::test]
async fn a_server_that_ends_ends_its_answers_and_the_next_request_has_a_new_one() {
    let mut rig = Rig::new(BOUNDS, Vec::new());
    let asking = rig.ask("a", call("1", "{}"));
    let mut server = rig.server().await;
    server.open(None).await;
    let mut answers = got(asking).await;
    server.end(LinkEnd::Exited).await;
    assert_eq!(next(&mut answers).await, None, "no response: it broke off");
    let asking = rig.ask("a", call("2", "{}"));
    rig.server().await.open(None).await;
    drop(got(asking).await);
}

#[tokio::test]
async fn what_cannot_be_opened_is_told_to_everybody_who_waits() {
    for failure in [
        ConnectError::BackingOff,
        ConnectError::WrongEra,
        ConnectError::Full(FullScope::Server),
    ] {
        let rig = Rig::new(BOUNDS, vec![failure.clone(); 4]);
        let (one, two) = (rig.ask("a", call("1", "{}")), rig.ask("a", call("2", "{}")));
        for asking in [one, two] {
            assert_eq!(soon(asking).await.unwrap().unwrap_err(), failure);
        }
    }
    for (answer, error) in [
        (
            r#"{"id":0,"result":{"protocolVersion":"2026-07-28"}}"#,
            ConnectError::WrongEra,
        ),
        (
            r#"{"id":0,"error":{"code":1,"message":""}}"#,
            ConnectError::Unreachable("server refused initialize".into()),
        ),
    ] {
        let mut rig = Rig::new(BOUNDS, Vec::new());
        let asking = rig.ask("a", call("1", "{}"));
        let mut server = rig.server().await;
        server.hear().await.unwrap();
        server.say(answer, None).await;
        assert_eq!(soon(asking).await.unwrap().unwrap_err(), error);
    }
}

#[tokio::test]
async fn a_server_that_does_not_open_is_not_waited_for_without_end() {
    let bounds = Bounds {
        opening_ms: 20,
        ..BOUNDS
    };
    let mut rig = Rig::new(bounds, Vec::new());
    let asking = rig.ask("a", call("1", "{}"));
    let _server = rig.server().await;
    let error = soon(asking).await.unwrap().unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn sessions_are_bounded_and_the_longest_idle_makes_room() {
    let mut rig = Rig::new(BOUNDS, Vec::new());
    let mut servers = Vec::new();
    let mut held = Vec::new();
    for number in 0..BOUNDS.sessions_per_owner {
        let capabilities = format!("{{\"x\":{number}}}");
        let asking = rig.ask("a", call("1", &capabilities));
        let mut server = rig.server().await;
        server.open(None).await;
        held.push(got(asking).await);
        server.hear().await.unwrap();
        servers.push(server);
    }
    // All in use.
    let full = soon(rig.ask("a", call("1", r#"{"x":9}"#))).await.unwrap();
    assert_eq!(full.unwrap_err(), ConnectError::Full(FullScope::Owner));
    // The second and then the first become idle: the second goes.
    for index in [1, 0] {
        servers[index]
            .say(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None)
            .await;
        let answers = &mut held[index];
        assert!(next(answers).await.is_some());
        assert_eq!(next(answers).await, None);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let asking = rig.ask("a", call("1", r#"{"x":9}"#));
    rig.server().await.open(None).await;
    drop(got(asking).await);
    assert_eq!(servers[1].hear().await, None);
    assert!(servers[0].is_quiet());
}

#[tokio::test]
async fn a_session_that_idles_makes_room_where_the_server_has_none() {
    let mut rig = Rig::new(BOUNDS, Vec::new());
    let asking = rig.ask("a", request("1", "server/discover", "{}", ""));
    let mut idle = rig.server().await;
    idle.open(None).await;
    let mut answers = got(asking).await;
    assert!(next(&mut answers).await.is_some());
    assert_eq!(next(&mut answers).await, None);
    rig.failures
        .lock()
        .unwrap()
        .push(ConnectError::Full(FullScope::Server));
    let asking = rig.ask("b", call("1", "{}"));
    assert_eq!(idle.hear().await, None);
    rig.server().await.open(None).await;
    drop(got(asking).await);
}

#[tokio::test]
async fn a_session_that_idles_ends_and_one_that_is_parked_does_not() {
    let bounds = Bounds {
        idle_ms: 30,
        ..BOUNDS
    };
    let mut rig = Rig::new(bounds, Vec::new());
    let asking = rig.ask("a", call("1", ASKABLE));
    let mut server = rig.server().await;
    server.open(None).await;
    let mut answers = got(asking).await;
    server.hear().await.unwrap();
    server.say(ELICIT, None).await;
    let parked = next(&mut answers).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(90)).await;
    let params = format!(
        r#""name":"t","requestState":"{}","inputResponses":{{"input-1":{{}}}},"#,
        state(&parked)
    );
    let mut answers = got(rig.ask("a", request("2", "tools/call", ASKABLE, &params))).await;
    assert!(server.hear().await.unwrap().contains("\"id\":\"e\""));
    server
        .say(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None)
        .await;
    assert!(next(&mut answers).await.is_some());
    assert_eq!(server.hear().await, None);
}

#[tokio::test]
async fn dropping_the_translation_ends_listens_gracefully() {
    let mut rig = Rig::new(BOUNDS, Vec::new());
    let filter = r#""notifications":{"toolsListChanged":true},"#;
    let asking = rig.ask("a", request("\"l\"", "subscriptions/listen", "{}", filter));
    let mut server = rig.server().await;
    server.open(None).await;
    let mut answers = got(asking).await;
    assert!(next(&mut answers).await.unwrap().contains("acknowledged"));
    let Rig { upstream, .. } = rig;
    drop(upstream);
    assert!(
        next(&mut answers)
            .await
            .unwrap()
            .contains(r#""resultType":"complete""#)
    );
    assert_eq!(server.hear().await, None);
}

#[tokio::test]
async fn a_server_that_talks_and_does_not_read_is_ended() {
    let mut rig = Rig::new(BOUNDS, Vec::new());
    let asking = rig.ask("a", call("1", "{}"));
    let mut server = rig.server().await;
    server.open(None).await;
    let mut answers = got(asking).await;
    let ping = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
    for _ in 0..5_000 {
        if !server.try_say(ping).await {
            break;
        }
    }
    assert_eq!(next(&mut answers).await, None);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_let_go_of_and_others_go_on() {
    let mut rig = Rig::new(BOUNDS, Vec::new());
    let asking = rig.ask("a", request("1", "tools/list", "{}", ""));
    let mut server = rig.server().await;
    server.open(Some("0")).await;
    let slow = got(asking).await;
    let mut quick = got(rig.ask("a", request("2", "tools/list", "{}", ""))).await;
    let note = r#"{"jsonrpc":"2.0","method":"notifications/x"}"#;
    for _ in 0..18 {
        server.say(note, Some("1")).await;
    }
    // Sixteen wait; the seventeenth holds the session up until the client goes.
    drop(slow);
    server
        .say(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#, Some("2"))
        .await;
    assert!(next(&mut quick).await.is_some());
}
