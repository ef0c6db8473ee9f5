//! Clients of 2024-11-05.

use std::time::Duration;

use super::{
    ConnectError, Inbound, LinkEnd, Play, Reading, Server, call, inbound, notice, owner, post,
    result, session_id, soon, text,
};
use crate::control::http::Response;

impl Play {
    async fn send_sse(&self, digit: char, inbound: Inbound) -> Response {
        soon(self.sse.answer(owner(digit), inbound)).await
    }

    /// An open stream: its session, its reader and its server.
    async fn open_sse(&mut self) -> (String, Reading, Server) {
        let response = self.send_sse('a', inbound("GET", None)).await;
        let session = session_id(&response).unwrap();
        let server = self.server().await;
        (session, Reading::of(response), server)
    }
}

#[tokio::test]
async fn everything_that_the_server_says_is_on_the_one_stream() {
    let mut play = Play::new();
    let (session, mut reading, mut server) = play.open_sse().await;
    let accepted = play.send_sse('a', post(Some(&session), &call("1"))).await;
    assert_eq!((accepted.status, text(accepted).as_str()), (202, ""));
    assert_eq!(server.hear().await.unwrap(), call("1"));
    let unknown = result("99");
    for message in [&notice("x"), &result("1"), &unknown] {
        server.say(message).await;
        assert_eq!(reading.next().await.as_ref(), Some(message));
    }
}

#[tokio::test]
async fn an_answer_of_the_gateway_is_delivered_and_not_forwarded() {
    let mut play = Play::new();
    let (session, mut reading, mut server) = play.open_sse().await;
    let denied =
        r#"{"jsonrpc":"2.0","id":7,"error":{"code":40302,"message":"tool not available"}}"#;
    let delivery = Inbound {
        is_delivery: true,
        ..post(Some(&session), denied)
    };
    assert_eq!(play.send_sse('a', delivery).await.status, 202);
    assert_eq!(reading.next().await.unwrap(), denied);
    play.send_sse('a', post(Some(&session), &call("1"))).await;
    assert_eq!(
        server.hear().await.unwrap(),
        call("1"),
        "nothing came before"
    );
}

#[tokio::test]
async fn closing_the_stream_ends_session_and_link() {
    let mut play = Play::new();
    let (session, reading, mut server) = play.open_sse().await;
    drop(reading);
    assert_eq!(server.hear().await, None);
    let answer = play.send_sse('a', post(Some(&session), &call("1"))).await;
    assert_eq!(answer.status, 404);
    assert_eq!(play.rooms.counts.held.value(), 0);
}

#[tokio::test]
async fn the_end_of_a_link_answers_what_waits_and_ends_the_stream() {
    let mut play = Play::new();
    let (session, mut reading, mut server) = play.open_sse().await;
    for id in ["1", "\"b\""] {
        play.send_sse('a', post(Some(&session), &call(id))).await;
        server.hear().await.unwrap();
    }
    server.say(&result("1")).await;
    server.end(LinkEnd::Exited).await;
    assert_eq!(reading.next().await.unwrap(), result("1"));
    let error = reading.next().await.unwrap();
    assert!(
        error.contains(r#""id":"b","error":{"code":-32603"#),
        "{error}"
    );
    assert_eq!(reading.next().await, None);
    let answer = play.send_sse('a', post(Some(&session), &call("2"))).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_front_that_shuts_down_answers_what_waits_and_ends_the_stream() {
    let mut play = Play::new();
    let (session, mut reading, mut server) = play.open_sse().await;
    play.send_sse('a', post(Some(&session), &call("1"))).await;
    server.hear().await.unwrap();
    soon(play.sse.shutdown()).await;
    assert!(reading.next().await.unwrap().contains(r#""id":1,"error""#));
    assert_eq!(reading.next().await, None);
    assert_eq!(server.hear().await, None);
    let late = play.send_sse('a', inbound("GET", None)).await;
    assert_eq!((late.status, play.rooms.counts.held.value()), (503, 0));
}

#[tokio::test]
async fn a_post_must_name_a_session_of_its_owner() {
    let mut play = Play::new();
    let (session, _reading, _server) = play.open_sse().await;
    let (streamable, _other) = play.open().await;
    let id = Some(session.as_str());
    play.send_sse('a', post(id, &call("1"))).await;
    for (who, request, status) in [
        ('a', post(None, &call("2")), 400),
        ('a', post(Some("x"), &call("2")), 404),
        ('b', post(id, &call("2")), 404),
        ('a', post(Some(&streamable), &call("2")), 404),
        ('a', post(id, &call("1")), 400),
        ('a', post(id, "{"), 400),
        ('a', inbound("PUT", id), 405),
        ('b', inbound("DELETE", id), 404),
        ('a', inbound("DELETE", id), 200),
        ('a', post(id, &call("3")), 404),
    ] {
        let what = format!("{who} {request:?}");
        assert_eq!(play.send_sse(who, request).await.status, status, "{what}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_on_the_get() {
    let play = Play::new();
    play.stage
        .failures
        .lock()
        .unwrap()
        .push(ConnectError::BackingOff);
    let answer = play.send_sse('a', inbound("GET", None)).await;
    assert_eq!(answer.status, 502);
    assert_eq!(play.rooms.counts.held.value(), 0);
}

#[tokio::test]
async fn a_reader_that_stalls_holds_up_its_server_and_bounds_deliveries() {
    let mut play = Play::new();
    let (session, mut reading, server) = play.open_sse().await;
    let speech = tokio::spawn(async move {
        for index in 0..100 {
            server.say(&notice(&index.to_string())).await;
        }
        server
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!speech.is_finished());
    let deliver = || Inbound {
        is_delivery: true,
        ..post(Some(&session), &result("1"))
    };
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(play.send_sse('a', deliver()).await.status);
    }
    assert_eq!((statuses[0], statuses[19]), (202, 503));
    let mut heard = 0;
    while heard < 100 {
        let message = reading.next().await.unwrap();
        heard += usize::from(message.contains("list_changed"));
    }
    soon(speech).await.unwrap();
}
