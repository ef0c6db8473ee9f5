//! Cancellation, and how a session begins and ends.

use super::{Answer, Desk, Settings, notice, progress, question, response};
use crate::engine::reply::Failure;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{}}"#;

#[test]
fn initialize_is_answered_by_its_response_alone_and_as_json() {
    let mut desk = Desk::closed(Settings::new(1 << 20));
    let stream = desk.ask(INITIALIZE);
    desk.hear(&notice("notifications/message"));
    desk.hear_during(&question("1"), Some("\"i\""));
    desk.pass(100_000);
    assert_eq!(desk.answer(stream), Answer::Waiting);
    let body = r#"{"jsonrpc":"2.0","id":"i","result":{"protocolVersion":"2025-06-18","x":1.0}}"#;
    desk.hear(body);
    assert_eq!(desk.answer(stream), Answer::Json(200, body.to_owned()));
    assert!(!desk.is_over);
    let listening = desk.listen();
    let early = [notice("notifications/message"), question("1")];
    assert_eq!(desk.events(listening).0, early);
}

#[test]
fn a_server_that_refuses_initialize_makes_no_session() {
    let mut desk = Desk::closed(Settings::new(1 << 20));
    let stream = desk.ask(INITIALIZE);
    let body = r#"{"jsonrpc":"2.0","id":"i","error":{"code":-32602,"message":"no"}}"#;
    desk.hear(body);
    assert_eq!(desk.answer(stream), Answer::Json(200, body.to_owned()));
    assert!(desk.is_over);
}

#[test]
fn a_session_whose_client_left_before_it_was_known_is_over() {
    let mut desk = Desk::closed(Settings::new(1 << 20));
    let stream = desk.ask(INITIALIZE);
    desk.leave(stream);
    assert!(desk.is_over);
}

#[test]
fn a_cancelled_request_ends_without_response_and_its_late_one_is_dropped() {
    let mut desk = Desk::open();
    let (begun, waiting) = (desk.call("1"), desk.call("2"));
    desk.hear(&progress("1"));
    desk.cancel("1");
    desk.cancel("2");
    desk.cancel("3");
    assert_eq!(desk.forwarded.len(), 5, "the server is told of each");
    assert_eq!(desk.events(begun), (vec![progress("1")], true));
    assert_eq!(desk.answer(waiting), Answer::Events(String::new(), true));
    desk.respond("1");
    desk.respond("2");
    assert_eq!(desk.session.counts().stray_responses, 2);
    assert_eq!(desk.get(Some("2-1")), Ok(None), "nothing is left of it");
    let primed = desk.call("4");
    desk.pass(3_000);
    desk.cancel("4");
    assert_eq!(desk.events(primed), (vec![], true));
    assert_eq!(desk.get(Some("4-0.2")), Ok(None), "nothing ever was");
}

#[test]
fn a_reused_id_does_not_get_the_late_response_of_a_cancelled_stream() {
    let mut desk = Desk::open();
    let first = desk.call("1");
    desk.cancel("1");
    assert_eq!(desk.events(first), (vec![], true));
    let second = desk.call("1");
    assert_ne!(first, second);
    assert_eq!(desk.answer(second), Answer::Waiting);
}

#[test]
fn a_batch_of_which_some_was_cancelled_is_answered_with_the_rest() {
    let batch =
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]"#;
    let mut desk = Desk::open_with("2025-03-26", 1 << 20);
    let stream = desk.ask(batch);
    desk.respond("1");
    desk.cancel("2");
    let rest = format!("[{}]", response("1"));
    assert_eq!(desk.answer(stream), Answer::Json(200, rest));
    let stream = desk.ask(batch);
    desk.cancel("1");
    desk.cancel("2");
    assert_eq!(desk.answer(stream), Answer::Events(String::new(), true));
}

#[test]
fn everything_that_waits_is_told_of_the_end_under_its_own_id() {
    let mut desk = Desk::open_with("2025-03-26", 1 << 20);
    let waiting = desk.call("\"\\u0061\"");
    let begun = desk.call("2");
    desk.hear(&progress("2"));
    let batch = desk.ask(
        r#"[{"jsonrpc":"2.0","id":3,"method":"ping"},{"jsonrpc":"2.0","id":4,"method":"ping"}]"#,
    );
    desk.respond("3");
    let listening = desk.listen();
    let gone = desk.call("5");
    desk.leave(gone);
    let mut actions = Vec::new();
    desk.session.end(Failure::UpstreamBroke, &mut actions);
    desk.perform(actions);
    assert!(desk.is_over);
    let error = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32603,"message":"upstream ended early"}}}}"#
        )
    };
    assert_eq!(
        desk.answer(waiting),
        Answer::Json(502, error("\"\\u0061\""))
    );
    assert_eq!(desk.events(begun), (vec![progress("2"), error("2")], true));
    let both = format!("[{},{}]", response("3"), error("4"));
    assert_eq!(desk.answer(batch), Answer::Json(200, both));
    assert_eq!(desk.events(listening), (vec![], true));
}
