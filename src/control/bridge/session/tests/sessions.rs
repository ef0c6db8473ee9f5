//! How sessions begin, are found and end.

use super::{
    ConnectError, INITIALIZE, LinkEnd, Play, Reading, call, get, inbound, notice, post, result,
    session_id, soon, text,
};
use crate::control::bridge::session::inbound::Inbound;
use crate::engine::limits::Limits;
use crate::metrics::SessionEvent;

#[tokio::test]
async fn a_session_lives_from_initialize_to_delete() {
    let mut play = Play::new();
    let (session, mut server) = play.open().await;
    assert_eq!(session.len(), 32);
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let accepted = play.send('a', post(Some(&session), initialized)).await;
    assert_eq!((accepted.status, text(accepted).as_str()), (202, ""));
    assert_eq!(server.hear().await.unwrap(), initialized);
    let answer = play.begin(post(Some(&session), &call("1")));
    assert_eq!(server.hear().await.unwrap(), call("1"));
    server.say(&result("1")).await;
    let answer = soon(answer).await.unwrap();
    assert_eq!((answer.status, text(answer)), (200, result("1")));
    let deleted = play.send('a', inbound("DELETE", Some(&session))).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(server.hear().await, None, "the link is dropped");
    for gone in [
        post(Some(&session), &call("2")),
        get(&session, None),
        inbound("DELETE", Some(&session)),
    ] {
        assert_eq!(play.send('a', gone).await.status, 404);
    }
    assert_eq!(play.rooms.counts.held.value(), 0);
}

#[tokio::test]
async fn a_request_must_name_a_session_of_its_owner() {
    let mut play = Play::new();
    let (session, _server) = play.open().await;
    let id = Some(session.as_str());
    let foreign = "0".repeat(32);
    let of_revision = |version: &str| Inbound {
        version: Some(version.as_bytes().to_vec()),
        ..get(&session, None)
    };
    let batch = format!("[{INITIALIZE}]");
    for (who, request, status, code) in [
        ('a', post(None, &call("1")), 400, "-32600"),
        (
            'a',
            post(None, r#"{"jsonrpc":"2.0","method":"notifications/x"}"#),
            400,
            "-32600",
        ),
        ('a', inbound("GET", None), 400, "-32600"),
        ('a', inbound("DELETE", None), 400, "-32600"),
        ('a', post(Some(&foreign), &call("1")), 404, "-32600"),
        ('a', get("", None), 404, "-32600"),
        ('b', post(id, &call("1")), 404, "-32600"),
        ('b', get(&session, None), 404, "-32600"),
        ('b', inbound("DELETE", id), 404, "-32600"),
        ('a', post(id, INITIALIZE), 400, "-32600"),
        ('a', post(Some(&foreign), INITIALIZE), 400, "-32600"),
        ('a', post(None, &batch), 400, "-32600"),
        ('a', post(id, "{"), 400, "-32700"),
        ('a', post(id, "[]"), 400, "-32600"),
        ('a', of_revision("2026-07-28"), 400, "-32600"),
        ('a', of_revision("nonsense"), 400, "-32600"),
        ('a', inbound("PUT", id), 405, "-32600"),
        ('a', get(&session, Some("7-7")), 400, "-32600"),
    ] {
        let what = format!("{who} {request:?}");
        let answer = play.send(who, request).await;
        assert_eq!(answer.status, status, "{what}");
        assert!(text(answer).contains(code), "{what}");
    }
    let answer = play.send('a', of_revision("2025-03-26")).await;
    assert_eq!(answer.status, 200, "any known revision is taken");
}

#[tokio::test]
async fn a_server_that_refuses_leaves_no_session() {
    let mut play = Play::new();
    let answer = play.begin(post(None, INITIALIZE));
    let mut server = play.server().await;
    server.hear().await.unwrap();
    let no = r#"{"jsonrpc":"2.0","id":"i","error":{"code":-32602,"message":"no"}}"#;
    server.say(no).await;
    let answer = soon(answer).await.unwrap();
    assert_eq!((answer.status, session_id(&answer)), (200, None));
    assert_eq!(text(answer), no);
    assert_eq!(server.hear().await, None);
    assert_eq!(play.rooms.counts.held.value(), 0);
}

#[tokio::test]
async fn a_link_that_fails_is_told_with_the_id_and_leaves_no_session() {
    let mut play = Play::new();
    for (end, status) in [
        (LinkEnd::Exited, 502),
        (LinkEnd::Broke, 502),
        (LinkEnd::TooLarge, 502),
        (LinkEnd::SessionLost, 404),
    ] {
        let answer = play.begin(post(None, INITIALIZE));
        play.server().await.end(end).await;
        let answer = soon(answer).await.unwrap();
        assert_eq!((answer.status, session_id(&answer)), (status, None));
        assert!(text(answer).contains(r#""id":"i""#));
    }
    for (error, status, code) in [
        (ConnectError::BackingOff, 502, "-32603"),
        (ConnectError::Unreachable("x".into()), 502, "-32603"),
        (ConnectError::WrongEra, 400, "-32022"),
    ] {
        play.stage.failures.lock().unwrap().push(error);
        let answer = play.send('a', post(None, INITIALIZE)).await;
        assert_eq!(answer.status, status);
        let text = text(answer);
        assert!(
            text.contains(code) && text.contains(r#""id":"i""#),
            "{text}"
        );
        let names_versions =
            text.contains(r#""supported":["2026-07-28"],"requested":"2025-11-25""#);
        assert_eq!(names_versions, code == "-32022", "{text}");
    }
    assert_eq!(play.rooms.counts.held.value(), 0);
}

#[tokio::test]
async fn an_initialize_that_nobody_waits_for_is_given_up() {
    let mut play = Play::new();
    let answer = play.begin(post(None, INITIALIZE));
    let mut server = play.server().await;
    server.hear().await.unwrap();
    answer.abort();
    assert_eq!(server.hear().await, None);
    assert_eq!(play.rooms.counts.held.value(), 0);
}

#[tokio::test]
async fn the_end_of_a_link_answers_what_waits_and_ends_the_session() {
    let mut play = Play::new();
    let (session, mut server) = play.open().await;
    let mut listening = Reading::of(play.send('a', get(&session, None)).await);
    let first = play.begin(post(Some(&session), &call("1")));
    server.hear().await.unwrap();
    let second = play.begin(post(Some(&session), &call("2")));
    server.hear().await.unwrap();
    server.say_during(&notice("x"), Some("2")).await;
    let mut second = Reading::of(soon(second).await.unwrap());
    assert_eq!(second.next().await.unwrap(), notice("x"));
    server.end(LinkEnd::Exited).await;
    let first = soon(first).await.unwrap();
    assert_eq!(first.status, 502);
    assert!(text(first).contains(r#""id":1,"#));
    let error = second.next().await.unwrap();
    assert!(error.contains(r#""id":2,"error""#), "{error}");
    assert_eq!(second.next().await, None);
    assert_eq!(listening.next().await, None);
    let answer = play.send('a', post(Some(&session), &call("3"))).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn sessions_with_the_same_ids_do_not_meet() {
    let mut play = Play::new();
    let (first, mut first_server) = play.open().await;
    let (second, mut second_server) = play.open().await;
    assert_ne!(first, second);
    let of_first = play.begin(post(Some(&first), &call("1")));
    let of_second = play.begin(post(Some(&second), &call("1")));
    first_server.hear().await.unwrap();
    second_server.hear().await.unwrap();
    let body = |word| format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{word}"}}"#);
    second_server.say(&body("second")).await;
    first_server.say(&body("first")).await;
    assert_eq!(text(soon(of_first).await.unwrap()), body("first"));
    assert_eq!(text(soon(of_second).await.unwrap()), body("second"));
}

#[tokio::test]
async fn what_nothing_uses_expires_and_what_is_read_does_not() {
    let limits = Limits {
        session_idle_timeout_ms: 100,
        ..Limits::DEFAULT
    };
    let mut play = Play::with(&limits);
    let (_unused, mut unused_server) = play.open().await;
    let (used, used_server) = play.open().await;
    let mut listening = Reading::of(play.send('a', get(&used, None)).await);
    assert_eq!(unused_server.hear().await, None, "it ended");
    assert_eq!(play.rooms.counts.counted(SessionEvent::Expired), 1);
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    used_server.say(&notice("still")).await;
    assert_eq!(listening.next().await.unwrap(), notice("still"));
    used_server.say(&notice("there")).await;
    assert_eq!(listening.next().await.unwrap(), notice("there"));
    drop(listening);
    soon(used_server.says.closed()).await;
    assert_eq!(play.rooms.counts.counted(SessionEvent::Expired), 2);
}

#[tokio::test]
async fn a_front_that_shuts_down_tells_everybody_and_leaves_nothing() {
    let mut play = Play::new();
    let (session, mut server) = play.open().await;
    let (_idle, mut idle_server) = play.open().await;
    let answer = play.begin(post(Some(&session), &call("1")));
    server.hear().await.unwrap();
    let opening = play.begin(post(None, INITIALIZE));
    let mut opening_server = play.server().await;
    opening_server.hear().await.unwrap();
    soon(play.front.shutdown()).await;
    for answer in [answer, opening] {
        let answer = soon(answer).await.unwrap();
        assert_eq!(answer.status, 503);
        assert!(text(answer).contains("stopping"));
    }
    assert_eq!(idle_server.hear().await, None);
    assert_eq!(opening_server.hear().await, None);
    assert_eq!(play.rooms.counts.held.value(), 0);
    let late = play.send('a', post(None, INITIALIZE)).await;
    assert_eq!(late.status, 503);
}
