//! Streams between a server and clients that read, leave, come back, or do neither.

use std::time::Duration;

use super::{Play, Reading, call, get, inbound, notice, post, result, soon, text};
use crate::control::bridge::link::LINK_MESSAGES_MAX;

#[tokio::test]
async fn each_message_takes_its_stream() {
    let mut play = Play::new();
    let (session, mut server) = play.open().await;
    server.say(&notice("early")).await;
    let mut listening = Reading::of(play.send('a', get(&session, None)).await);
    assert_eq!(listening.next().await.unwrap(), notice("early"));
    let first = play.begin(post(Some(&session), &call("1")));
    server.hear().await.unwrap();
    let question = r#"{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{}}"#;
    server.say(question).await;
    let mut first = Reading::of(soon(first).await.unwrap());
    assert_eq!(first.next().await.unwrap(), question);
    let reply = r#"{"jsonrpc":"2.0","id":"q","result":{"big":90071992547409931}}"#;
    assert_eq!(
        play.send('a', post(Some(&session), reply)).await.status,
        202
    );
    assert_eq!(server.hear().await.unwrap(), reply);
    server.say(&notice("late")).await;
    server.say(&result("1")).await;
    assert_eq!(first.next().await.unwrap(), result("1"));
    assert_eq!(first.next().await, None);
    assert_eq!(listening.next().await.unwrap(), notice("late"));
}

#[tokio::test]
async fn who_opens_the_stream_takes_it_over() {
    let mut play = Play::new();
    let (session, server) = play.open().await;
    let mut old = Reading::of(play.send('a', get(&session, None)).await);
    let mut new = Reading::of(play.send('a', get(&session, None)).await);
    assert_eq!(old.next().await, None);
    server.say(&notice("x")).await;
    assert_eq!(new.next().await.unwrap(), notice("x"));
}

#[tokio::test]
async fn who_takes_over_from_a_stalled_reader_gets_what_it_did_not_take() {
    let mut play = Play::new();
    let (session, server) = play.open().await;
    let _stalled = play.send('a', get(&session, None)).await;
    let last = 5;
    for index in 0..=last {
        server.say(&notice(&index.to_string())).await;
    }
    let mut reading = Reading::of(play.send('a', get(&session, None)).await);
    // What was written to the earlier reader's connection is in its hands.
    let mut seen = Vec::new();
    while seen.last() != Some(&notice(&last.to_string())) {
        seen.push(reading.next().await.unwrap());
    }
    let expected: Vec<_> = (0..=last).map(|index| notice(&index.to_string())).collect();
    assert!(expected.ends_with(&seen) && seen.len() >= 4, "{seen:?}");
}

#[tokio::test]
async fn who_left_resumes_with_the_rest() {
    let mut play = Play::new();
    let (session, mut server) = play.open().await;
    let answer = play.begin(post(Some(&session), &call("1")));
    server.hear().await.unwrap();
    server.say_during(&notice("one"), Some("1")).await;
    let mut reading = Reading::of(soon(answer).await.unwrap());
    assert_eq!(reading.next().await.unwrap(), notice("one"));
    drop(reading);
    server.say_during(&notice("two"), Some("1")).await;
    let mut resumed = Reading::of(play.send('a', get(&session, Some("2-1"))).await);
    assert_eq!(resumed.next().await.unwrap(), notice("two"));
    server.say(&result("1")).await;
    assert_eq!(resumed.next().await.unwrap(), result("1"));
    assert_eq!(resumed.next().await, None);
    let over = play.send('a', get(&session, Some("2-3"))).await;
    assert_eq!((over.status, text(over).as_str()), (204, ""));
}

#[tokio::test]
async fn a_reader_that_stalls_holds_up_its_own_session_and_loses_nothing() {
    const MESSAGES: usize = 200;
    let mut play = Play::new();
    let (session, server) = play.open().await;
    let (other, mut other_server) = play.open().await;
    let mut listening = Reading::of(play.send('a', get(&session, None)).await);
    let speech = tokio::spawn(async move {
        for index in 0..MESSAGES {
            server.say(&notice(&index.to_string())).await;
        }
        server
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!speech.is_finished(), "the server waits");
    let answer = play.begin(post(Some(&other), &call("1")));
    other_server.hear().await.unwrap();
    other_server.say(&result("1")).await;
    assert_eq!(soon(answer).await.unwrap().status, 200);
    let accepted = play.send('a', post(Some(&session), &result("\"q\""))).await;
    assert_eq!(accepted.status, 202, "what the client sends goes on");
    for index in 0..MESSAGES {
        assert_eq!(listening.next().await.unwrap(), notice(&index.to_string()));
    }
    soon(speech).await.unwrap();
}

#[tokio::test]
async fn a_slow_reader_still_gets_what_it_is_owed_after_the_end() {
    let mut play = Play::new();
    let (session, mut server) = play.open().await;
    let answer = play.begin(post(Some(&session), &call("1")));
    server.hear().await.unwrap();
    for index in 0..5 {
        let notice = notice(&index.to_string());
        server.say_during(&notice, Some("1")).await;
    }
    let mut reading = Reading::of(soon(answer).await.unwrap());
    play.send('a', inbound("DELETE", Some(&session))).await;
    let mut last = String::new();
    while let Some(message) = reading.next().await {
        last = message;
    }
    assert!(last.contains(r#""id":1,"error""#), "{last}");
}

#[tokio::test]
async fn what_a_client_sends_waits_in_bounds_for_a_server_that_does_not_read() {
    let mut play = Play::new();
    let (session, mut server) = play.open().await;
    let mut posts = Vec::new();
    for _ in 0..5 * LINK_MESSAGES_MAX {
        posts.push(play.begin(post(Some(&session), &result("\"q\""))));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let accepted = posts.iter().filter(|answer| answer.is_finished()).count();
    assert!(accepted <= 2 * LINK_MESSAGES_MAX, "{accepted}");
    for _ in 0..posts.len() {
        server.hear().await.unwrap();
    }
    for answer in posts {
        assert_eq!(soon(answer).await.unwrap().status, 202);
    }
}

#[tokio::test]
async fn a_reader_that_stalls_can_be_ended_and_leaves_no_one_waiting() {
    let mut play = Play::new();
    let (session, mut server) = play.open().await;
    let listening = Reading::of(play.send('a', get(&session, None)).await);
    for index in 0..LINK_MESSAGES_MAX {
        server.say(&notice(&index.to_string())).await;
    }
    let deleted = play.send('a', inbound("DELETE", Some(&session))).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(server.hear().await, None);
    drop(listening);
}

#[tokio::test]
async fn a_server_that_does_not_read_still_speaks_and_its_clients_wait() {
    let mut play = Play::new();
    let (session, mut server) = play.open().await;
    let mut posts = Vec::new();
    for id in 0..4 * LINK_MESSAGES_MAX {
        posts.push(play.begin(post(Some(&session), &call(&id.to_string()))));
    }
    let mut listening = Reading::of(play.send('a', get(&session, None)).await);
    for index in 0..4 * LINK_MESSAGES_MAX {
        server.say(&notice(&index.to_string())).await;
        assert_eq!(listening.next().await.unwrap(), notice(&index.to_string()));
    }
    for _ in 0..posts.len() {
        server.hear().await.unwrap();
    }
    for id in 0..posts.len() {
        server.say(&result(&id.to_string())).await;
    }
    for (id, answer) in posts.into_iter().enumerate() {
        let answer = soon(answer).await.unwrap();
        assert_eq!(text(answer), result(&id.to_string()));
    }
}

#[tokio::test]
async fn a_cancelled_request_ends_and_its_late_response_is_counted() {
    let mut play = Play::new();
    let (session, mut server) = play.open().await;
    let answer = play.begin(post(Some(&session), &call("1")));
    server.hear().await.unwrap();
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    assert_eq!(
        play.send('a', post(Some(&session), cancel)).await.status,
        202
    );
    assert_eq!(server.hear().await.unwrap(), cancel);
    assert_eq!(Reading::of(soon(answer).await.unwrap()).next().await, None);
    server.say(&result("1")).await;
    play.send('a', inbound("DELETE", Some(&session))).await;
}

#[tokio::test]
async fn a_batch_is_split_and_answered_as_one() {
    let mut play = Play::new();
    let (session, mut server) = play.open_at("2025-03-26").await;
    let batch = format!("[{},\n{}]", call("1"), call("2"));
    let answer = play.begin(post(Some(&session), &batch));
    assert_eq!(server.hear().await.unwrap(), call("1"));
    assert_eq!(server.hear().await.unwrap(), call("2"));
    server.say(&result("2")).await;
    server.say(&result("1")).await;
    let answer = text(soon(answer).await.unwrap());
    assert_eq!(answer, format!("[{},{}]", result("2"), result("1")));
}
