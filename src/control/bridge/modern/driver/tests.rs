#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::super::schemas::ToolsEpoch;
use super::super::testing::{Connections, ServerSide, ask, call, next, number, owner};
use super::{DriverHandle, Settings, start};
use crate::control::bridge::{ConnectError, ModernUpstream as _};
use crate::engine::bridge::shared::Channel;
use crate::engine::bridge::state_seal::StateSeal;
use crate::engine::seal::Sealer;

fn driver(idle_time: Option<Duration>) -> (DriverHandle, mpsc::Receiver<ServerSide>) {
    let (connections, sides) = Connections::new();
    (driver_over(connections, idle_time), sides)
}

fn driver_over(connections: Connections, idle_time: Option<Duration>) -> DriverHandle {
    start(Settings {
        server: "s".into(),
        connector: Arc::new(connections),
        owner: owner('0'),
        channel: Channel::new(StateSeal::new(Sealer::new(&[7; 32]), "s")),
        idle_time,
        tools: ToolsEpoch::default(),
    })
}

fn result(number: u64, nonce: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{number},"result":{{"nonce":"{nonce}"}}}}"#)
}

fn progress(number: u64, nonce: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{number},"progress":1,"message":"{nonce}"}}}}"#
    )
}

#[tokio::test]
async fn answers_in_any_order_find_their_askers() {
    let (driver, mut sides) = driver(None);
    let mut askers = Vec::new();
    for nonce in 0..20 {
        let asked = driver.ask(ask(&call("\"same\"", &format!("n{nonce}"))));
        askers.push((format!("n{nonce}"), asked.await.unwrap()));
    }
    let mut server = sides.recv().await.unwrap();
    assert_eq!(server.owner, owner('0'));
    let mut heard = Vec::new();
    for _ in 0..20 {
        let message = server.hear().await;
        let (_, rest) = message.split_once(r#""nonce":""#).unwrap();
        let nonce = rest.split('"').next().unwrap().to_owned();
        heard.push((number(&message), nonce));
    }
    heard.rotate_left(7);
    for (number, nonce) in &heard {
        server.say(&progress(*number, nonce)).await;
    }
    for (number, nonce) in heard.iter().rev() {
        server.say(&result(*number, nonce)).await;
    }
    for (nonce, mut answers) in askers {
        for is_last in [false, true] {
            let message = next(&mut answers).await.unwrap();
            assert!(message.contains(&format!("\"{nonce}\"")), "{message}");
            let id = if is_last {
                "\"id\":\"same\""
            } else {
                "\"progressToken\":\"same\""
            };
            assert!(message.contains(id), "{message}");
        }
        assert_eq!(next(&mut answers).await, None);
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_cancelled_with_the_upstream_id_and_its_late_answer_swallowed() {
    let (driver, mut sides) = driver(None);
    let first = driver.ask(ask(&call("1", "first"))).await.unwrap();
    let mut server = sides.recv().await.unwrap();
    let gone = number(&server.hear().await);
    let mut second = driver.ask(ask(&call("1", "second"))).await.unwrap();
    let kept = number(&server.hear().await);
    assert_ne!(gone, kept);
    drop(first);
    let cancelled = server.hear().await;
    assert!(cancelled.contains("notifications/cancelled"), "{cancelled}");
    assert!(
        cancelled.contains(&format!(r#""requestId":{gone},"#)),
        "{cancelled}"
    );
    server.say(&result(gone, "first")).await;
    server.say(&result(kept, "second")).await;
    let answer = next(&mut second).await.unwrap();
    assert!(answer.contains("second"), "{answer}");
    assert_eq!(next(&mut second).await, None);
}

#[tokio::test]
async fn a_request_that_the_server_has_not_taken_leaves_with_its_client() {
    let (driver, mut sides) = driver(None);
    let mut asked = Vec::new();
    for nonce in 0..4 {
        asked.push(
            driver
                .ask(ask(&call("1", &format!("n{nonce}"))))
                .await
                .unwrap(),
        );
    }
    drop(asked.remove(3));
    let mut server = sides.recv().await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(server.hear().await);
    }
    let fifth = driver.ask(ask(&call("1", "n4"))).await.unwrap();
    heard.push(server.hear().await);
    let text = heard.join("\n");
    assert!(
        !text.contains("n3") && !text.contains("cancelled"),
        "{text}"
    );
    drop(fifth);
}

#[tokio::test]
async fn a_server_that_ends_ends_every_request_and_the_next_one_starts_it_again() {
    let (driver, mut sides) = driver(None);
    let mut one = driver.ask(ask(&call("1", "one"))).await.unwrap();
    let mut two = driver.ask(ask(&call("2", "two"))).await.unwrap();
    let mut server = sides.recv().await.unwrap();
    let first = number(&server.hear().await);
    let _ = server.hear().await;
    server.exit().await;
    assert_eq!(next(&mut one).await, None);
    assert_eq!(next(&mut two).await, None);
    assert!(!driver.is_up());
    let mut three = driver.ask(ask(&call("3", "three"))).await.unwrap();
    let mut server = sides.recv().await.unwrap();
    let third = number(&server.hear().await);
    assert!(driver.is_up());
    server.say(&result(first, "one")).await;
    server.say(&result(third, "three")).await;
    let answer = next(&mut three).await.unwrap();
    assert!(
        answer.contains(r#""id":3,"#) && answer.contains("three"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_server_that_takes_no_more_may_still_answer() {
    let (driver, mut sides) = driver(None);
    let mut answers = driver.ask(ask(&call("1", "n"))).await.unwrap();
    let mut server = sides.recv().await.unwrap();
    let number = number(&server.hear().await);
    server.deafen();
    let mut lost = driver.ask(ask(&call("2", "lost"))).await.unwrap();
    server.say(&progress(number, "n")).await;
    server.say(&result(number, "n")).await;
    assert!(next(&mut answers).await.unwrap().contains("progress"));
    assert!(next(&mut answers).await.unwrap().contains("result"));
    server.exit().await;
    assert_eq!(next(&mut lost).await, None);
    let _again = driver.ask(ask(&call("3", "n"))).await.unwrap();
    assert!(sides.recv().await.is_some());
}

#[tokio::test]
async fn a_server_that_does_not_start_is_told_to_each_asker() {
    let (connections, mut sides) = Connections::new();
    *connections.errors.lock().unwrap() = vec![
        ConnectError::BackingOff,
        ConnectError::Unreachable("no such program".into()),
    ];
    let driver = driver_over(connections, None);
    let refused = driver.ask(ask(&call("1", "n"))).await.unwrap_err();
    assert_eq!(refused, ConnectError::Unreachable("no such program".into()));
    let refused = driver.ask(ask(&call("1", "n"))).await.unwrap_err();
    assert_eq!(refused, ConnectError::BackingOff);
    let _answers = driver.ask(ask(&call("1", "n"))).await.unwrap();
    assert!(sides.recv().await.is_some());
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_no_other() {
    let (driver, mut sides) = driver(None);
    let mut slow = driver.ask(ask(&call("1", "slow"))).await.unwrap();
    let mut server = sides.recv().await.unwrap();
    let slow_number = number(&server.hear().await);
    let mut quick = driver.ask(ask(&call("2", "quick"))).await.unwrap();
    let quick_number = number(&server.hear().await);
    for _ in 0..2_000 {
        server.say(&progress(slow_number, "p")).await;
    }
    server.say(&result(quick_number, "quick")).await;
    assert!(next(&mut quick).await.unwrap().contains("quick"));
    server.say(&result(slow_number, "slow")).await;
    let (mut last, mut count) = (String::new(), 0);
    while let Some(message) = next(&mut slow).await {
        (last, count) = (message, count + 1);
    }
    assert!(
        last.contains("\"slow\""),
        "progress gives way, the answer does not"
    );
    assert!(count <= 256, "{count}");
}

#[tokio::test]
async fn a_listener_that_does_not_read_is_ended_and_cancelled() {
    let (driver, mut sides) = driver(None);
    let listen = r#"{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{}}}"#;
    let mut answers = driver.ask(ask(listen)).await.unwrap();
    let mut server = sides.recv().await.unwrap();
    let number = number(&server.hear().await);
    let tag = format!(r#""_meta":{{"io.modelcontextprotocol/subscriptionId":{number}}}"#);
    let acknowledged = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{{tag}}}}}"#
    );
    server.say(&acknowledged).await;
    for _ in 0..300 {
        server
            .say(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#)
            .await;
    }
    let cancelled = server.hear().await;
    assert!(
        cancelled.contains(&format!(r#""requestId":{number},"#)),
        "{cancelled}"
    );
    let mut count = 0;
    while next(&mut answers).await.is_some() {
        count += 1;
    }
    assert_eq!(count, 255, "what waited still comes, then the end");
}

#[tokio::test]
async fn requests_of_the_server_are_answered_and_reach_nobody() {
    let (driver, mut sides) = driver(None);
    let mut answers = driver.ask(ask(&call("1", "n"))).await.unwrap();
    let mut server = sides.recv().await.unwrap();
    let number = number(&server.hear().await);
    server
        .say(r#"{"jsonrpc":"2.0","id":"x","method":"sampling/createMessage","params":{}}"#)
        .await;
    let refusal = server.hear().await;
    assert!(
        refusal.contains(r#""id":"x""#) && refusal.contains("-32601"),
        "{refusal}"
    );
    server.say("not json").await;
    server.say(&result(number, "n")).await;
    assert!(next(&mut answers).await.unwrap().contains("result"));
}

#[tokio::test]
async fn a_bad_request_state_is_refused_and_not_forwarded() {
    let (driver, mut sides) = driver(None);
    let bad = r#"{"jsonrpc":"2.0","id":"i","method":"tools/call","params":{"name":"t","requestState":"forged"}}"#;
    let mut answers = driver.ask(ask(bad)).await.unwrap();
    let refusal = next(&mut answers).await.unwrap();
    assert!(
        refusal.contains(r#""id":"i""#) && refusal.contains("-32602"),
        "{refusal}"
    );
    assert_eq!(next(&mut answers).await, None);
    let _answers = driver.ask(ask(&call("1", "good"))).await.unwrap();
    let heard = sides.recv().await.unwrap().hear().await;
    assert!(heard.contains("good"), "{heard}");
}

#[tokio::test]
async fn an_idle_server_is_dropped_and_a_busy_one_is_not() {
    let idle_time = Duration::from_millis(30);
    let (driver, mut sides) = driver(Some(idle_time));
    let mut answers = driver.ask(ask(&call("1", "n"))).await.unwrap();
    let mut server = sides.recv().await.unwrap();
    let number = number(&server.hear().await);
    tokio::time::sleep(2 * idle_time).await;
    assert!(driver.is_up());
    server.say(&result(number, "n")).await;
    let _ = next(&mut answers).await.unwrap();
    assert!(server.is_dropped().await);
    assert!(!driver.is_up());
}

#[tokio::test]
async fn a_driver_without_handles_finishes_what_is_open_and_drops_the_link() {
    let (driver, mut sides) = driver(None);
    let mut answers = driver.ask(ask(&call("1", "n"))).await.unwrap();
    drop(driver);
    let mut server = sides.recv().await.unwrap();
    let number = number(&server.hear().await);
    server.say(&result(number, "n")).await;
    assert!(next(&mut answers).await.unwrap().contains("result"));
    assert!(server.is_dropped().await);
}
