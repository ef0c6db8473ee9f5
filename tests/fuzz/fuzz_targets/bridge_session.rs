//! A server that says anything at all in a session: nothing panics, a request is answered once and under its own id, and what
//! is emitted are whole events.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::bridge::session::{Action, Posted, Session, Settings, StreamId};
use mcp_guard::engine::mcp::message::Body;
use mcp_guard::engine::mcp::scan::{ScanLimits, scan};
use mcp_guard::engine::reply::Failure;

const ID: &str = r#""\u0061""#;

fuzz_target!(|input: (Vec<(Vec<u8>, bool)>, Option<Vec<u8>>)| {
    let (said, resumed) = input;
    let mut session = Session::new(Settings::new(1 << 16));
    let mut actions = Vec::new();
    post(
        &mut session,
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize"}"#,
        &mut actions,
    );
    let begun = br#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25"}}"#;
    session.hear(begun.to_vec(), None, &mut actions);
    actions.clear();
    let call = format!(r#"{{"jsonrpc":"2.0","id":{ID},"method":"ping"}}"#);
    let stream = post(&mut session, &call, &mut actions);
    for (bytes, is_during) in said {
        session.hear(bytes, is_during.then_some(ID.as_bytes()), &mut actions);
    }
    session.tick(60_000, &mut actions);
    let _ = session.get(resumed.as_deref(), &mut actions);
    session.end(Failure::UpstreamBroke, &mut actions);
    check(&actions, stream);
});

fn post(session: &mut Session, body: &str, actions: &mut Vec<Action>) -> StreamId {
    let scanned: Body = scan(body.as_bytes(), &ScanLimits::default()).unwrap();
    match session.post(body.as_bytes(), &scanned, true, 0, actions) {
        Ok(Posted::Awaits(stream)) => stream,
        other => panic!("{other:?}"),
    }
}

fn check(actions: &[Action], asked: StreamId) {
    let mut answers = 0;
    for action in actions {
        match action {
            Action::Answer { stream, body, .. } => {
                assert_eq!(*stream, asked);
                let text = str::from_utf8(body).unwrap();
                assert!(text.contains(ID), "{text}");
                answers += 1;
            }
            Action::Begin { bytes, .. } | Action::Emit { bytes, .. } if !bytes.is_empty() => {
                assert!(bytes.ends_with(b"\n\n"));
            }
            _ => {}
        }
    }
    assert!(answers <= 1);
}
