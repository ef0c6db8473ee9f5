//! What goes where while everybody stays.

use super::{Answer, Desk, Posted, Settings, StreamId, notice, progress, question, response};
use crate::engine::bridge::session::limits::{BATCH_HELD_BYTES_MAX, REQUESTS_MAX};
use crate::engine::reply::Failure;

#[test]
fn a_response_that_comes_first_is_json_and_keeps_its_bytes() {
    let mut desk = Desk::open();
    let stream = desk.call("1");
    desk.respond("1");
    assert_eq!(desk.answer(stream), Answer::Json(200, response("1")));
}

#[test]
fn an_id_comes_back_as_the_client_wrote_it() {
    for (sent, echoed) in [
        (r#""\u0061\/b""#, r#""a/b""#),
        (r#""x""#, r#""\u0078""#),
        ("90071992547409931", "90071992547409931"),
        (r#""1""#, r#""1""#),
    ] {
        let mut desk = Desk::open();
        let stream = desk.call(sent);
        desk.respond(echoed);
        assert_eq!(
            desk.answer(stream),
            Answer::Json(200, response(sent)),
            "{sent}"
        );
    }
}

#[test]
fn ids_of_other_types_or_values_answer_nothing() {
    let mut desk = Desk::open();
    let stream = desk.call("1");
    for foreign in ["\"1\"", "2", "1.0", "\"\"", "null"] {
        desk.respond(foreign);
    }
    assert_eq!(desk.answer(stream), Answer::Waiting);
    assert_eq!(desk.session.counts().stray_responses, 4);
    assert_eq!(desk.session.counts().unreadable, 1);
    desk.respond("1");
    desk.respond("1");
    assert_eq!(
        desk.session.counts().stray_responses,
        5,
        "the second is late"
    );
}

#[test]
fn a_message_that_comes_first_makes_an_event_stream() {
    let mut desk = Desk::open();
    let stream = desk.call("1");
    desk.hear(&progress("1"));
    desk.respond("1");
    let Answer::Events(text, true) = desk.answer(stream) else {
        panic!("{:?}", desk.answer(stream));
    };
    let expected = format!(
        "id: 2-0.1\nretry: 1000\ndata:\n\nid: 2-1\nevent: message\ndata: {}\n\nid: 2-2\nevent: message\ndata: {}\n\n",
        progress("1"),
        response("1")
    );
    assert_eq!(text, expected);
}

#[test]
fn a_long_wait_makes_an_event_stream_that_can_be_resumed() {
    let mut desk = Desk::open();
    let stream = desk.call("1");
    desk.pass(Settings::new(0).answer_wait_ms - 1);
    assert_eq!(desk.answer(stream), Answer::Waiting);
    desk.pass(1);
    let primed = "id: 2-0.1\nretry: 1000\ndata:\n\n".to_owned();
    assert_eq!(desk.answer(stream), Answer::Events(primed, false));
    desk.respond("1");
    assert_eq!(desk.events(stream), (vec![response("1")], true));
}

#[test]
fn clients_before_2025_11_25_get_no_event_without_data() {
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "unknown"] {
        let mut desk = Desk::open_with(revision, 1 << 20);
        let stream = desk.call("1");
        desk.pass(3_000);
        assert_eq!(desk.answer(stream), Answer::Events(String::new(), false));
        let listening = desk.listen();
        assert_eq!(desk.answer(listening), Answer::Events(String::new(), false));
    }
}

#[test]
fn a_client_that_takes_no_events_gets_json_and_the_rest_elsewhere() {
    let mut desk = Desk::open();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let Ok(Posted::Awaits(stream)) = desk.try_post(body, false) else {
        panic!("not awaited");
    };
    desk.pass(10_000);
    desk.hear(&question("5"));
    assert_eq!(desk.answer(stream), Answer::Waiting);
    desk.respond("1");
    assert_eq!(desk.answer(stream), Answer::Json(200, response("1")));
    let listening = desk.listen();
    assert_eq!(desk.events(listening).0, [question("5")]);
}

/// Where `message` goes while the calls 1 and (if `both`) 2 wait: the id of the call, or `get`.
fn route(message: &str, during: Option<&str>, both: bool) -> &'static str {
    let mut desk = Desk::open();
    let first = desk.call("1");
    let second = both.then(|| desk.call("2"));
    let listening = desk.listen();
    desk.hear_during(message, during);
    let has = |stream: StreamId| match desk.answer(stream) {
        Answer::Events(text, _) => super::messages(&text) == [message],
        _ => false,
    };
    let found: Vec<_> = [("1", Some(first)), ("2", second), ("get", Some(listening))]
        .into_iter()
        .filter(|(_, stream)| stream.is_some_and(has))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(found.len(), 1, "one stream only: {found:?}");
    found[0]
}

#[test]
fn every_message_takes_one_stream() {
    let check = |message: &str, during, alone, among_two| {
        assert_eq!(route(message, during, false), alone, "{message} {during:?}");
        assert_eq!(
            route(message, during, true),
            among_two,
            "{message} {during:?}"
        );
    };
    check(&progress("1"), None, "1", "1");
    check(&progress("\"1\""), None, "get", "get");
    check(&progress("3"), None, "get", "get");
    check(&notice("notifications/message"), None, "1", "get");
    check(&notice("notifications/x"), None, "1", "get");
    check(
        &notice("notifications/elicitation/complete"),
        None,
        "1",
        "get",
    );
    check(&question("1"), None, "1", "get");
    check(&question("\"q\""), Some("1"), "1", "1");
    check(&notice("notifications/message"), Some("1"), "1", "1");
    check(&notice("notifications/message"), Some("\"1\""), "1", "get");
    check(&progress("1"), Some("9"), "1", "1");
    for of_the_server in [
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
        "notifications/tasks/status",
    ] {
        check(&notice(of_the_server), None, "get", "get");
        check(&notice(of_the_server), Some("1"), "1", "1");
    }
}

#[test]
fn a_server_that_takes_its_request_back_does_so_where_it_asked() {
    let mut desk = Desk::open();
    let (first, second) = (desk.call("1"), desk.call("2"));
    desk.hear_during(&question("7"), Some("2"));
    let back = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
    desk.hear(back);
    assert_eq!(desk.events(second).0, [question("7"), back.to_owned()]);
    assert_eq!(desk.answer(first), Answer::Waiting);
}

#[test]
fn what_nobody_waits_for_waits_until_the_stream_is_opened() {
    let mut desk = Desk::open();
    desk.hear(&question("1"));
    desk.hear(&notice("notifications/tools/list_changed"));
    let listening = desk.listen();
    let both = [question("1"), notice("notifications/tools/list_changed")];
    assert_eq!(desk.events(listening), (both.to_vec(), false));
    desk.hear(&question("2"));
    desk.leave(listening);
    let again = desk.listen();
    assert_eq!(desk.events(again).0, [""; 0], "each message once");
}

#[test]
fn what_the_client_sends_is_forwarded_whole_and_as_one_line() {
    let mut desk = Desk::open();
    desk.tell("{\"jsonrpc\":\"2.0\",\r\n \"method\":\"notifications/initialized\"}");
    desk.tell(r#"{"jsonrpc":"2.0","id":"s-1","result":{"x":1e400,"y":"\u00e9"}}"#);
    let expected = [
        "{\"jsonrpc\":\"2.0\",   \"method\":\"notifications/initialized\"}",
        r#"{"jsonrpc":"2.0","id":"s-1","result":{"x":1e400,"y":"\u00e9"}}"#,
    ];
    assert_eq!(desk.forwarded, expected);
}

#[test]
fn an_id_that_waits_is_not_used_twice() {
    let mut desk = Desk::open();
    let stream = desk.call("\"a\"");
    desk.forwarded.clear();
    let again = r#"{"jsonrpc":"2.0","id":"\u0061","method":"ping"}"#;
    let refused = desk.try_post(again, true).unwrap_err();
    assert!(matches!(refused.failure, Failure::NotAMessage { .. }));
    assert_eq!(refused.id.as_deref(), Some(&b"\"\\u0061\""[..]));
    assert!(desk.forwarded.is_empty());
    desk.respond("\"a\"");
    assert!(matches!(desk.answer(stream), Answer::Json(..)));
    desk.call("\"a\"");
}

#[test]
fn as_many_requests_wait_as_may_and_no_more() {
    let mut desk = Desk::open();
    for id in 0..REQUESTS_MAX {
        desk.call(&id.to_string());
    }
    let more = r#"{"jsonrpc":"2.0","id":"more","method":"ping"}"#;
    let refused = desk.try_post(more, true).unwrap_err();
    assert_eq!(refused.failure, Failure::Overloaded);
    desk.tell(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    desk.respond("5");
    desk.ask(more);
}

#[test]
fn a_late_response_never_meets_a_request_that_took_its_id() {
    let mut desk = Desk::open();
    desk.call("1");
    desk.cancel("1");
    desk.forwarded.clear();
    let again = desk.call("1");
    assert!(desk.forwarded[0].starts_with(r#"{"jsonrpc":"2.0","id":"mcp-guard-1","method""#));
    desk.respond("1");
    assert_eq!(desk.session.counts().stray_responses, 1);
    assert_eq!(desk.answer(again), Answer::Waiting);
    desk.respond("\"mcp-guard-1\"");
    assert_eq!(desk.answer(again), Answer::Json(200, response("1")));
    // A cancellation follows its request under the name that the server knows.
    let other = desk.call("\"x\"");
    desk.hear(&progress("\"x\""));
    desk.cancel("\"x\"");
    assert!(
        desk.forwarded
            .last()
            .unwrap()
            .contains(r#""requestId":"mcp-guard-2""#)
    );
    assert!(matches!(desk.answer(other), Answer::Events(_, true)));
    // Who guesses such a name gets one that was given to nobody.
    let guessed = desk.call("\"mcp-guard-2\"");
    desk.respond("\"mcp-guard-2\"");
    assert_eq!(desk.answer(guessed), Answer::Waiting);
}

#[test]
fn requests_of_clients_that_left_make_room_when_it_is_needed() {
    let mut desk = Desk::open();
    let kept = desk.call("\"kept\"");
    desk.hear(&progress("\"kept\""));
    desk.leave(kept);
    for id in 1..REQUESTS_MAX {
        let stream = desk.call(&id.to_string());
        desk.leave(stream);
    }
    assert!(
        desk.try_post(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, true)
            .is_err()
    );
    let new = desk.call("\"new\"");
    desk.respond("1");
    assert_eq!(desk.session.counts().stray_responses, 1);
    desk.respond("\"mcp-guard-1\"");
    assert_eq!(desk.answer(new), Answer::Json(200, response("\"new\"")));
    desk.respond("\"kept\"");
    assert_eq!(desk.get(Some("2-1")), Ok(Some(kept)));
    assert_eq!(desk.events(kept), (vec![response("\"kept\"")], true));
}

const BATCH: &str = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},
{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":"1","method":"ping"}]"#;

#[test]
fn a_batch_is_split_and_answered_as_one() {
    let mut desk = Desk::open_with("2025-03-26", 1 << 20);
    let stream = desk.ask(BATCH);
    assert_eq!(desk.forwarded.len(), 3);
    desk.respond("\"1\"");
    assert_eq!(desk.answer(stream), Answer::Waiting);
    desk.respond("1");
    let both = format!("[{},{}]", response("\"1\""), response("1"));
    assert_eq!(desk.answer(stream), Answer::Json(200, both));
}

#[test]
fn a_batch_with_more_to_say_is_answered_in_events() {
    let mut desk = Desk::open_with("2025-03-26", 1 << 20);
    let stream = desk.ask(BATCH);
    desk.respond("\"1\"");
    desk.hear(&question("9"));
    desk.respond("1");
    let all = [response("\"1\""), question("9"), response("1")];
    assert_eq!(desk.events(stream), (all.to_vec(), true));
}

#[test]
fn responses_to_a_batch_are_held_within_their_bound() {
    let mut desk = Desk::open_with("2025-03-26", 1 << 20);
    let stream = desk.ask(BATCH);
    let large = format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":"{}"}}"#,
        "x".repeat(BATCH_HELD_BYTES_MAX)
    );
    desk.hear(&large);
    assert_eq!(desk.events(stream), (vec![large], false));
    desk.respond("\"1\"");
    assert_eq!(desk.events(stream).0.len(), 2);
}

#[test]
fn a_batch_is_refused_where_the_revision_has_none_or_an_id_repeats() {
    let mut desk = Desk::open_with("2025-06-18", 1 << 20);
    let refused = desk.try_post(BATCH, true).unwrap_err();
    assert_eq!(refused.failure, Failure::BatchRefused);
    let mut desk = Desk::open_with("2025-03-26", 1 << 20);
    let twice =
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":1,"method":"ping"}]"#;
    assert!(desk.try_post(twice, true).is_err());
    assert!(desk.forwarded.is_empty() && desk.session.is_quiet());
}

#[test]
fn a_batch_of_a_server_is_taken_apart() {
    let mut desk = Desk::open();
    let (first, second) = (desk.call("1"), desk.call("2"));
    desk.hear(&format!(
        "[{}, {},{}]",
        response("2"),
        progress("1"),
        response("1")
    ));
    assert_eq!(desk.answer(second), Answer::Json(200, response("2")));
    assert_eq!(
        desk.events(first),
        (vec![progress("1"), response("1")], true)
    );
}
