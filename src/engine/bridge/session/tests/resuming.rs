//! Clients that leave and come back.

use super::{Answer, Desk, last_id, messages, notice, progress, question, response};
use crate::engine::bridge::session::StreamId;
use crate::engine::reply::Failure;

#[test]
fn who_left_cancels_nothing_and_finds_the_rest() {
    let mut desk = Desk::open();
    let stream = desk.call("1");
    desk.hear(&progress("1"));
    let seen = last_id(&desk, stream);
    desk.leave(stream);
    desk.hear(&progress("1"));
    desk.hear(&question("8"));
    assert_eq!(desk.get(Some(&seen)), Ok(Some(stream)));
    assert_eq!(
        desk.events(stream),
        (vec![progress("1"), question("8")], false)
    );
    desk.respond("1");
    assert_eq!(desk.events(stream).0.len(), 3, "and it goes on live");
    assert!(desk.events(stream).1);
}

#[test]
fn what_was_answered_meanwhile_is_replayed_and_ends() {
    let mut desk = Desk::open();
    let stream = desk.call("1");
    desk.pass(3_000);
    let primed = last_id(&desk, stream);
    desk.leave(stream);
    desk.respond("1");
    assert_eq!(desk.get(Some(&primed)), Ok(Some(stream)));
    assert_eq!(desk.events(stream), (vec![response("1")], true));
    let seen = last_id(&desk, stream);
    assert_eq!(desk.get(Some(&seen)), Ok(None), "there is nothing left");
    assert_eq!(
        desk.get(Some(&primed)),
        Ok(Some(stream)),
        "again, for who missed it"
    );
}

#[test]
fn only_the_stream_that_broke_off_is_replayed() {
    let mut desk = Desk::open();
    let (first, second) = (desk.call("1"), desk.call("2"));
    let listening = desk.listen();
    desk.hear(&progress("1"));
    desk.hear(&progress("2"));
    desk.hear(&notice("notifications/tools/list_changed"));
    let seen = last_id(&desk, first);
    for stream in [first, second, listening] {
        desk.leave(stream);
    }
    desk.respond("2");
    desk.respond("1");
    desk.hear(&question("1"));
    desk.get(Some(&seen)).unwrap();
    assert_eq!(desk.events(first), (vec![response("1")], true));
    desk.get(Some("0-1")).unwrap();
    assert_eq!(desk.events(listening), (vec![question("1")], false));
}

#[test]
fn the_one_who_opens_a_stream_takes_it_over() {
    let mut desk = Desk::open();
    let listening = desk.listen();
    desk.hear(&question("1"));
    let mut actions = Vec::new();
    let opened = desk.session.get(None, &mut actions).unwrap();
    assert_eq!(actions, [super::Action::End { stream: listening }]);
    let super::Opened::Stream { bytes, .. } = opened else {
        panic!("{opened:?}");
    };
    assert_eq!(messages(&String::from_utf8(bytes).unwrap()), [""; 0]);
}

#[test]
fn an_answer_that_was_not_begun_is_lost_with_its_client() {
    let mut desk = Desk::open();
    let stream = desk.call("1");
    desk.leave(stream);
    desk.hear(&question("3"));
    desk.respond("1");
    assert!(desk.session.is_quiet());
    assert_eq!(desk.session.counts().lost, 1);
    let listening = desk.listen();
    assert_eq!(
        desk.events(listening).0,
        [question("3")],
        "it went to who can still come"
    );
}

#[test]
fn events_that_are_unknown_are_refused() {
    let mut desk = Desk::open();
    let waiting = desk.call("1");
    let done = desk.call("2");
    desk.respond("2");
    assert!(matches!(desk.answer(done), Answer::Json(..)));
    for id in ["", "x", "0-1", "2-0", "3-0", "3-1", "9-0", "2-0.1", "-1-0"] {
        let refused = desk.get(Some(id)).unwrap_err();
        assert!(matches!(refused.failure, Failure::BadHeader { .. }), "{id}");
        assert_eq!(refused.failure.status(), 400);
    }
    assert_eq!(desk.answer(waiting), Answer::Waiting);
    assert_eq!(desk.get(Some("0-0")), Ok(Some(StreamId::STANDALONE)));
}

#[test]
fn the_store_is_bounded_and_the_oldest_go() {
    let mut desk = Desk::open_with("2025-11-25", 1_000);
    let stream = desk.call("1");
    desk.hear(&progress("1"));
    let seen = last_id(&desk, stream);
    desk.leave(stream);
    for id in 0..100 {
        desk.hear_during(&question(&id.to_string()), Some("1"));
        assert!(desk.session.store.bytes() <= 1_000);
    }
    desk.respond("1");
    desk.get(Some(&seen)).unwrap();
    let (left, is_ended) = desk.events(stream);
    assert!(is_ended && left.len() > 2 && left.len() < 10, "{left:?}");
    assert_eq!(left.last(), Some(&response("1")), "the newest stay");
    assert!(desk.session.counts().lost > 90);
}

#[test]
fn an_end_that_could_not_be_kept_is_not_passed_off_as_the_end() {
    let mut desk = Desk::open_with("2025-11-25", 1_000);
    let stream = desk.call("1");
    desk.hear(&progress("1"));
    let seen = last_id(&desk, stream);
    desk.leave(stream);
    desk.hear(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":"{}"}}"#,
        "x".repeat(2_000)
    ));
    let refused = desk.get(Some(&seen)).unwrap_err();
    assert_eq!(refused.failure.status(), 400);
}

#[test]
fn streams_are_forgotten_with_their_last_event() {
    let mut desk = Desk::open_with("2025-11-25", 2_000);
    for id in 0..1_000 {
        let id = id.to_string();
        let stream = desk.call(&id);
        if id.ends_with('3') {
            desk.hear(&progress(&id));
        }
        if id.ends_with('7') {
            desk.leave(stream);
        }
        desk.respond(&id);
    }
    assert!(
        desk.session.streams.len() < 20,
        "{}",
        desk.session.streams.len()
    );
    assert!(desk.session.due_at_ms().is_none() && desk.session.undecided.is_empty());
    assert!(desk.session.is_quiet());
}

#[test]
fn no_two_events_of_a_session_share_an_id() {
    let mut desk = Desk::open();
    let mut ids = Vec::new();
    let mut note = |desk: &Desk, stream| {
        if let Answer::Events(text, _) = desk.answer(stream) {
            ids.extend(super::parse(&text).into_iter().map(|(id, _)| id));
        }
    };
    let stream = desk.call("1");
    desk.pass(3_000);
    note(&desk, stream);
    for _ in 0..3 {
        let listening = desk.listen();
        desk.hear(&notice("notifications/tools/list_changed"));
        note(&desk, listening);
        desk.get(Some("2-0")).unwrap();
        note(&desk, stream);
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), all), (10, 10));
}
