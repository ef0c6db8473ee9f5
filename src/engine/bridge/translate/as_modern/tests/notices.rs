//! Progress, log messages and listens.

use super::{Rig, call, modern, shown};

#[test]
fn progress_comes_under_the_token_of_the_client() {
    let mut rig = Rig::new("{}", false);
    let first = modern("1", "tools/call", r#""name":"t""#, r#""progressToken":"p""#);
    let second = modern("1", "tools/call", r#""name":"t""#, r#""progressToken":7"#);
    assert!(rig.ask(1, &first)[0].contains(r#""progressToken":1"#));
    rig.ask(2, &second);
    rig.ask(3, &call("3"));
    for (token, expected) in [
        (
            "1",
            Some(
                r#"1< {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":0.50}}"#,
            ),
        ),
        (
            "2",
            Some(
                r#"2< {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":0.50}}"#,
            ),
        ),
        // Nobody asked for any.
        ("3", None),
        ("4", None),
        ("\"1\"", None),
    ] {
        let said = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":0.50}}}}"#
        );
        let acts = rig.server(&said, None);
        assert_eq!(acts.first().map(String::as_str), expected, "{token}");
    }
}

#[test]
fn only_who_asked_for_log_messages_gets_them() {
    let mut rig = Rig::new("{}", true);
    let level = |level: &str| format!(r#""io.modelcontextprotocol/logLevel":"{level}""#);
    let acts = rig.ask(
        1,
        &modern("1", "tools/call", r#""name":"t""#, &level("warning")),
    );
    assert_eq!(
        acts[0],
        r#"> {"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"warning"}}"#
    );
    assert!(!acts[1].contains("logLevel"), "{acts:?}");
    let acts = rig.ask(
        2,
        &modern("2", "tools/call", r#""name":"t""#, &level("debug")),
    );
    assert!(acts[0].contains("debug") && acts.len() == 2, "{acts:?}");
    // Quieter than what another call wants: the server stays as it is.
    assert_eq!(
        rig.ask(
            3,
            &modern("3", "tools/call", r#""name":"t""#, &level("error"))
        )
        .len(),
        1
    );
    assert_eq!(rig.ask(4, &call("4")).len(), 1);
    let log = |level: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"{level}","data":1.0}}}}"#
        )
    };
    for (during, said, heard) in [
        (Some("2"), "info", false),
        (Some("2"), "warning", true),
        (Some("4"), "debug", true),
        (Some("5"), "warning", false),
        (Some("6"), "emergency", false),
        (None, "emergency", false),
        (Some("2"), "loud", false),
    ] {
        let acts = rig.server(&log(said), during);
        assert_eq!(!acts.is_empty(), heard, "{during:?} {said} {acts:?}");
    }
    // Without a channel that tells: the only call there is.
    let mut rig = Rig::new("{}", false);
    rig.ask(
        1,
        &modern("1", "tools/call", r#""name":"t""#, &level("info")),
    );
    assert_eq!(
        rig.server(&log("info"), None),
        [format!("1< {}", log("info"))]
    );
    rig.ask(2, &call("2"));
    assert!(rig.server(&log("info"), None).is_empty());
}

#[test]
fn a_listen_is_acknowledged_first_and_hears_what_it_asked_for() {
    let mut rig = Rig::new("{}", false);
    let listen = |id: &str, filter: &str| {
        modern(
            id,
            "subscriptions/listen",
            &format!(r#""notifications":{{{filter}}}"#),
            "",
        )
    };
    let acts = rig.ask(
        1,
        &listen("\"l\"", r#""toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["f:/a","f:/b"]"#),
    );
    assert_eq!(
        acts,
        [
            r#"> {"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"f:/a"}}"#,
            r#"> {"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"f:/b"}}"#
        ]
    );
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    assert!(
        rig.server(changed, None).is_empty(),
        "not before the acknowledgment"
    );
    assert!(
        rig.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None)
            .is_empty()
    );
    let acts = rig.server(
        r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32002,"message":""}}"#,
        None,
    );
    let tag = r#""_meta":{"io.modelcontextprotocol/subscriptionId":"l"}"#;
    let tools = format!(
        r#"1< {{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{{tag}}}}}"#
    );
    assert_eq!(
        acts,
        [
            format!(
                r#"1< {{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{{tag},"notifications":{{"toolsListChanged":true,"resourceSubscriptions":["f:/a"]}}}}}}"#
            ),
            tools.clone()
        ]
    );
    // A second listen for the same resource costs no request.
    let acts = rig.ask(2, &listen("7", r#""resourceSubscriptions":["f:/a"]"#));
    assert_eq!(acts.len(), 1, "{acts:?}");
    assert!(acts[0].starts_with("2< ") && acts[0].contains("acknowledged"));
    assert_eq!(rig.server(changed, None), [tools]);
    let updated = |uri: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}"#
        )
    };
    for (uri, heard) in [("f:/a", 2), ("f:/a/part", 2), ("f:/ab", 0), ("f:/b", 0)] {
        assert_eq!(rig.server(&updated(uri), None).len(), heard, "{uri}");
    }
    let resources = r#"{"jsonrpc":"2.0","method":"notifications/resources/list_changed"}"#;
    assert!(
        rig.server(resources, None).is_empty(),
        "nobody asked for it"
    );
    // The last one to leave unsubscribes.
    assert!(rig.left(1).is_empty());
    assert_eq!(
        rig.left(2),
        [r#"> {"jsonrpc":"2.0","id":3,"method":"resources/unsubscribe","params":{"uri":"f:/a"}}"#]
    );
    assert!(rig.session.is_idle());
}

#[test]
fn a_session_that_is_closed_ends_its_listens_gracefully() {
    let mut rig = Rig::new("{}", false);
    let filter = r#""notifications":{"toolsListChanged":true}"#;
    rig.ask(1, &modern("1", "subscriptions/listen", filter, ""));
    let mut acts = Vec::new();
    rig.session.close(&mut acts);
    assert_eq!(
        shown(acts),
        [
            r#"1< {"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":1}}}"#,
            "1."
        ]
    );
}
