//! Who has to go when there is no room.

use super::{ConnectError, INITIALIZE, Play, call, post, soon, text};
use crate::control::bridge::FullScope;
use crate::engine::limits::Limits;
use crate::metrics::SessionEvent;

fn narrow(sessions: usize, sessions_per_principal: usize) -> Play {
    Play::with(&Limits {
        sessions,
        sessions_per_principal,
        ..Limits::DEFAULT
    })
}

#[tokio::test]
async fn the_session_that_idled_longest_makes_room() {
    let mut play = narrow(2, 9);
    let (first, mut first_server) = play.open().await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let (second, mut second_server) = play.open().await;
    // The first is used again, so the second has idled longer.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    play.send('a', post(Some(&first), &super::result("\"q\"")))
        .await;
    first_server.hear().await.unwrap();
    let (_third, _server) = play.open().await;
    assert_eq!(second_server.hear().await, None);
    let answer = play.send('a', post(Some(&second), &call("1"))).await;
    assert_eq!(answer.status, 404, "its client begins again");
    assert_eq!(play.rooms.counts.held.value(), 2);
    assert_eq!(play.rooms.counts.counted(SessionEvent::Displaced), 1);
}

#[tokio::test]
async fn sessions_in_use_are_kept_and_the_newcomer_is_told_to_come_later() {
    let mut play = narrow(9, 1);
    let (session, mut server) = play.open().await;
    let answer = play.begin(post(Some(&session), &call("1")));
    server.hear().await.unwrap();
    let refused = play.send('a', post(None, INITIALIZE)).await;
    assert_eq!(refused.status, 503);
    assert!(
        refused
            .fields
            .iter()
            .any(|(name, _)| *name == "Retry-After")
    );
    assert!(text(refused).contains(r#""id":"i""#));
    assert_eq!(play.rooms.counts.counted(SessionEvent::Refused), 1);
    server.say(&super::result("1")).await;
    assert_eq!(soon(answer).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_full_server_is_asked_again_until_the_ended_child_is_gone() {
    let mut play = Play::new();
    let (_idle, mut idle_server) = play.open().await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let (_later, _later_server) = play.open().await;
    let full = || ConnectError::Full(FullScope::Server);
    play.stage
        .failures
        .lock()
        .unwrap()
        .extend([full(), full(), full()]);
    let (_new, _server) = play.open().await;
    assert_eq!(idle_server.hear().await, None);
    assert_eq!(play.rooms.counts.held.value(), 2);
    assert_eq!(
        play.rooms.counts.counted(SessionEvent::Displaced),
        1,
        "one goes for one that comes"
    );
}
