//! Calls that are parked for input.

use super::super::{Act, PARKED_MAX, PARKED_MS, WAITING_MAX};
use super::{ASKABLE, ELICIT, Rig, asked, call, modern, retry};

#[test]
fn a_question_parks_the_call_and_the_retry_goes_on_with_it() {
    for during in [None, Some("1")] {
        let mut rig = Rig::new(ASKABLE, during.is_some());
        rig.ask(1, &call("\"a\""));
        let acts = rig.server(ELICIT, during);
        assert_eq!(acts.len(), 2, "{acts:?}");
        assert!(
            acts[0].starts_with(r#"1< {"jsonrpc":"2.0","id":"a","#),
            "{acts:?}"
        );
        assert_eq!(acts[1], "1.");
        let (state, inputs) = asked(&acts[0]);
        assert_eq!(
            inputs,
            r#"{"input-1":{"method":"elicitation/create","params":{"message":"?","requestedSchema":{"n":1e2}}}}"#
        );
        assert!(!rig.session.is_idle());
        // The client that asked has its answer: that it leaves now is no cancel.
        assert!(rig.left(1).is_empty());
        let answer = r#"{"action":"accept","content":{"n":2.50}}"#;
        let go_on = retry("\"b\"", &state, &format!(r#"{{"input-1":{answer},"x":1}}"#));
        assert_eq!(
            rig.retry(2, &go_on),
            [format!(
                r#"> {{"jsonrpc":"2.0","id":"e1","result":{answer}}}"#
            )],
            "the call itself is not sent again"
        );
        let acts = rig.server(
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#,
            during,
        );
        assert!(acts[0].starts_with(r#"2< {"jsonrpc":"2.0","id":"b","result":{"content":[]"#));
        assert_eq!(acts[1], "2.");
        assert!(rig.session.is_idle());
        // The state is used up.
        let again = rig.retry(3, &go_on);
        assert!(again[0].contains("-32602"), "{again:?}");
    }
}

#[test]
fn a_state_opens_only_the_round_that_it_was_made_in() {
    let mut rig = Rig::new(ASKABLE, false);
    rig.ask(1, &call("1"));
    let (old, _) = asked(&rig.server(ELICIT, None)[0]);
    // Nothing answered: asked again, under a new state.
    let acts = rig.retry(2, &retry("2", &old, r#"{"other":{},"input-1":3}"#));
    let (new, inputs) = asked(&acts[0]);
    assert!(inputs.contains("input-1"));
    assert!(rig.retry(3, &retry("3", &old, r#"{"input-1":{}}"#))[0].contains("-32602"));
    // Other arguments are another call.
    let other = retry("4", &new, r#"{"input-1":{}}"#).replace("1.0", "2.0");
    assert_eq!(rig.opened(&other), None);
    let acts = rig.retry(5, &retry("5", &new, r#"{"input-1":{}}"#));
    assert_eq!(acts, [r#"> {"jsonrpc":"2.0","id":"e1","result":{}}"#]);
    // While the retry is under way, its state opens nothing either.
    assert!(rig.retry(6, &retry("6", &new, "{}"))[0].contains("-32602"));
}

#[test]
fn what_the_server_asks_or_says_meanwhile_waits_for_the_retry() {
    let mut rig = Rig::new(ASKABLE, false);
    rig.ask(1, &call("1"));
    let (state, _) = asked(&rig.server(ELICIT, None)[0]);
    let roots = r#"{"jsonrpc":"2.0","id":5,"method":"roots/list"}"#;
    assert!(rig.server(roots, None).is_empty());
    let acts = rig.retry(
        2,
        &retry("2", &state, r#"{"input-1":{"action":"decline"}}"#),
    );
    assert_eq!(
        acts[0],
        r#"> {"jsonrpc":"2.0","id":"e1","result":{"action":"decline"}}"#
    );
    let (state, inputs) = asked(&acts[1]);
    assert_eq!(inputs, r#"{"input-2":{"method":"roots/list"}}"#);
    // The server loses patience: it takes its question back and answers.
    let cancelled =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#;
    assert!(rig.server(cancelled, None).is_empty());
    assert!(
        rig.server(r#"{"jsonrpc":"2.0","id":1,"result":{"late":1}}"#, None)
            .is_empty()
    );
    let acts = rig.retry(3, &retry("3", &state, r#"{"input-2":{"roots":[]}}"#));
    assert!(
        acts[0].starts_with(r#"3< {"jsonrpc":"2.0","id":3,"result":{"late":1"#),
        "{acts:?}"
    );
    assert!(rig.session.is_idle());
}

#[test]
fn a_question_that_belongs_to_no_call_is_refused() {
    let refused = |acts: Vec<String>, code: i32| {
        assert_eq!(acts.len(), 1, "{acts:?}");
        assert!(acts[0].starts_with("> "), "{acts:?}");
        assert!(acts[0].contains(&format!("\"code\":{code}")), "{acts:?}");
    };
    // Nothing is under way, or only what cannot be asked.
    let mut rig = Rig::new(ASKABLE, false);
    refused(rig.server(ELICIT, None), -32_601);
    rig.ask(1, &modern("1", "tools/list", "", ""));
    refused(rig.server(ELICIT, None), -32_601);
    refused(rig.server(ELICIT, Some("1")), -32_601);
    // The client did not declare it.
    let mut rig = Rig::new(r#"{"sampling":{}}"#, false);
    rig.ask(1, &call("1").replace(ASKABLE, r#"{"sampling":{}}"#));
    refused(rig.server(ELICIT, None), -32_601);
    // Several are under way and the channel, which usually tells, does not.
    let mut rig = Rig::new(ASKABLE, true);
    rig.ask(1, &call("1"));
    rig.ask(2, &call("2"));
    refused(rig.server(ELICIT, None), -32_601);
    refused(rig.server(ELICIT, Some("7")), -32_601);
    assert!(rig.server(ELICIT, Some("2"))[0].starts_with("2< "));
    // A request that clients do not have.
    refused(
        rig.server(&ELICIT.replace("elicitation/create", "x/y"), Some("1")),
        -32_601,
    );
    assert_eq!(
        rig.server(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#, None),
        [r#"> {"jsonrpc":"2.0","id":"p","result":{}}"#]
    );
}

#[test]
fn calls_that_may_be_asked_run_one_at_a_time_where_the_channel_does_not_tell() {
    let mut rig = Rig::new(ASKABLE, false);
    assert_eq!(rig.ask(1, &call("1")).len(), 1);
    assert!(rig.session.is_occupied());
    assert!(rig.ask(2, &call("2")).is_empty());
    assert_eq!(
        rig.ask(3, &modern("3", "tools/list", "", "")).len(),
        1,
        "lists go on"
    );
    let acts = rig.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None);
    assert_eq!(acts.len(), 3, "{acts:?}");
    assert!(
        acts[2].starts_with(r#"> {"jsonrpc":"2.0","id":3,"method":"tools/call""#),
        "{acts:?}"
    );
    for asker in 0..WAITING_MAX as u64 {
        assert!(rig.ask(100 + asker, &call("1")).is_empty());
    }
    assert!(rig.ask(999, &call("1"))[0].contains("-32603"));
    assert!(rig.left(100).is_empty(), "who waits was not sent anywhere");
    // Nobody can be asked, or the channel tells: all at once.
    for (capabilities, tells) in [("{}", false), (ASKABLE, true)] {
        let mut rig = Rig::new(capabilities, tells);
        assert_eq!(rig.ask(1, &call("1")).len(), 1);
        assert_eq!(rig.ask(2, &call("2")).len(), 1);
        assert!(!rig.session.is_occupied());
    }
}

#[test]
fn a_cancelled_call_that_may_go_on_spoils_its_session() {
    let mut rig = Rig::new(ASKABLE, false);
    rig.ask(1, &call("1"));
    assert_eq!(
        rig.left(1),
        [
            r#"> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"client left"}}"#
        ]
    );
    assert!(rig.session.is_occupied() && rig.session.is_idle());
    assert!(!rig.session.is_spent(1_999) && rig.session.is_spent(2_000));
    assert_eq!(rig.session.wake_ms(), Some(2_000));
    rig.ask(2, &call("2"));
    assert!(!rig.session.is_spent(9_999));
    assert!(
        rig.server(ELICIT, None)[0].contains("-32601"),
        "it may be of the first"
    );
    // The server confirms the end of it.
    let over = r#"{"jsonrpc":"2.0","id":1,"error":{"code":0,"message":"Request cancelled"}}"#;
    assert!(rig.server(over, None).is_empty());
    assert!(rig.server(ELICIT, None)[0].starts_with("2< "));
}

#[test]
fn parked_calls_are_bounded_in_number_and_time() {
    let mut rig = Rig::new(ASKABLE, true);
    for asker in 1..=PARKED_MAX as u64 + 1 {
        rig.ask(asker, &call("1"));
    }
    let mut states = Vec::new();
    for id in 1..=PARKED_MAX {
        let acts = rig.server(ELICIT, Some(&id.to_string()));
        states.push(asked(&acts[0]).0);
    }
    let full = rig.server(ELICIT, Some("17"));
    assert!(
        full[0].starts_with("> ") && full[0].contains("-32603"),
        "{full:?}"
    );
    assert_eq!(rig.session.wake_ms(), Some(1_000 + PARKED_MS));
    let mut acts = Vec::new();
    rig.session.tick(999 + PARKED_MS, &mut acts);
    assert!(acts.is_empty());
    rig.session.tick(1_000 + PARKED_MS, &mut acts);
    // For each: the question is answered with an error, and the call cancelled.
    assert_eq!(acts.len(), 2 * PARKED_MAX);
    let late = retry("9", &states[0], r#"{"input-1":{}}"#);
    assert!(rig.retry(99, &late)[0].contains("-32602"));
}

#[test]
fn a_retry_that_declares_less_is_not_asked_for_more() {
    let mut rig = Rig::new(ASKABLE, false);
    rig.ask(1, &call("1"));
    let (state, _) = asked(&rig.server(ELICIT, None)[0]);
    let less = retry("2", &state, "{}").replace(ASKABLE, r#"{"roots":{}}"#);
    let acts = rig.retry(2, &less);
    assert_eq!(
        acts,
        [
            r#"> {"jsonrpc":"2.0","id":"e1","error":{"code":-32601,"message":"client does not support this"}}"#
        ]
    );
    assert!(rig.server(ELICIT, None)[0].contains("-32601"));
    let roots = r#"{"jsonrpc":"2.0","id":5,"method":"roots/list"}"#;
    assert!(rig.server(roots, None)[0].starts_with("2< "));
}

#[test]
fn a_required_url_elicitation_is_asked_for_and_the_call_made_again() {
    const URL: &str = r#"{"elicitation":{"url":{}}}"#;
    let mut rig = Rig::new(URL, false);
    rig.ask(1, &call("1").replace(ASKABLE, URL));
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","url":"https://x/","message":"?"}]}}}"#;
    let acts = rig.server(error, None);
    assert_eq!(
        acts[0],
        r#"1< {"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"elicitation-1":{"method":"elicitation/create","params":{"mode":"url","url":"https://x/","message":"?"}}}}}"#
    );
    assert!(rig.session.is_idle());
    let again = r#""name":"t","inputResponses":{"elicitation-1":{"action":"accept"}}"#;
    let acts = rig.ask(2, &modern("2", "tools/call", again, ""));
    assert_eq!(
        acts,
        [r#"> {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t"}}"#]
    );
}

#[test]
fn a_finished_call_that_nobody_comes_for_is_forgotten() {
    let mut rig = Rig::new(ASKABLE, false);
    rig.ask(1, &call("1"));
    rig.server(ELICIT, None);
    rig.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None);
    assert!(!rig.session.is_occupied(), "the server is done with it");
    let mut acts = Vec::new();
    rig.session.tick(1_000 + PARKED_MS, &mut acts);
    assert_eq!(acts, Vec::<Act>::new());
    assert!(rig.session.is_idle() && !rig.session.is_occupied());
}
