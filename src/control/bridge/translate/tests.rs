//! Both translations, one behind the other: what one makes the other takes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use super::testing::{connector, next, owner, soon, upstream};
use super::{AsLegacy, AsModern, Bounds};
use crate::control::bridge::{Ask, Connector as _, FromServer, Link, ModernUpstream as _};
use crate::engine::limits::Limits;
use crate::engine::seal::Sealer;

fn bounds() -> Bounds {
    Bounds::of(&Limits::DEFAULT)
}

async fn say(link: &Link, message: &str) {
    let message = message.as_bytes().to_vec();
    soon(link.to_server.send(message)).await.unwrap();
}

async fn hear(link: &mut Link) -> String {
    match soon(link.from_server.recv()).await.unwrap() {
        FromServer::Message { bytes, .. } => String::from_utf8(bytes).unwrap(),
        FromServer::Ended(end) => panic!("{end}"),
    }
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"elicitation":{}},"clientInfo":{"name":"c","version":"1"}}}"#;

#[tokio::test]
async fn a_legacy_client_reaches_a_legacy_server_through_both() {
    let (connector, mut connected) = connector();
    let sealer = Sealer::random().unwrap();
    let modern = AsModern::new(Arc::new(connector), sealer, "s".into(), bounds());
    let legacy = AsLegacy::new(Arc::new(modern));
    let mut client = legacy.connect(owner("a")).await.unwrap();
    say(&client, INITIALIZE).await;
    let mut server = soon(connected.recv()).await.unwrap();
    let initialize = server.open(None).await;
    assert!(
        initialize.contains(r#""clientInfo":{"name":"c","version":"1"}"#),
        "{initialize}"
    );
    let initialized = hear(&mut client).await;
    assert!(initialized.contains(r#""id":"i""#), "{initialized}");
    assert!(
        initialized.contains(r#""serverInfo":{"name":"s","version":"1"}"#),
        "{initialized}"
    );
    say(&client, r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"t","arguments":{"n":1.0,"big":123456789012345678901},"_meta":{"progressToken":"p"}}}"#).await;
    let call = server.hear().await.unwrap();
    assert!(
        call.contains(r#""arguments":{"n":1.0,"big":123456789012345678901}"#),
        "{call}"
    );
    let (_, id) = call.split_once("\"id\":").unwrap();
    let id = id.split(',').next().unwrap();
    server.say(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{id},"progress":0.10}}}}"#), None).await;
    let progress = hear(&mut client).await;
    assert!(
        progress.contains(r#""progressToken":"p","progress":0.10"#),
        "{progress}"
    );
    server.say(r#"{"jsonrpc":"2.0","id":"e","method":"elicitation/create","params":{"message":"?","x":1e2}}"#, None).await;
    let question = hear(&mut client).await;
    assert!(
        question.contains(r#""params":{"message":"?","x":1e2}"#),
        "{question}"
    );
    say(
        &client,
        r#"{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{"y":1.50}}}"#,
    )
    .await;
    assert_eq!(
        server.hear().await.unwrap(),
        r#"{"jsonrpc":"2.0","id":"e","result":{"action":"accept","content":{"y":1.50}}}"#
    );
    server
        .say(
            &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[],"z":0.10}}}}"#),
            None,
        )
        .await;
    let answer = hear(&mut client).await;
    assert!(
        answer.starts_with(r#"{"jsonrpc":"2.0","id":"a","result":{"content":[],"z":0.10"#),
        "{answer}"
    );
    assert!(!answer.contains("resultType"), "{answer}");
}

#[tokio::test]
async fn a_modern_client_reaches_a_modern_server_through_both() {
    let (upstream, mut asked) = upstream();
    let legacy = AsLegacy::new(Arc::new(upstream));
    let sealer = Sealer::random().unwrap();
    let modern = Arc::new(AsModern::new(
        Arc::new(legacy),
        sealer,
        "s".into(),
        bounds(),
    ));
    let ask = |params: &str| {
        let message = format!(
            r#"{{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{{"name":"t",{params}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{"sampling":{{}}}}}}}}}}"#
        );
        let ask = Ask {
            owner: owner("a"),
            message: message.into_bytes(),
            fields: Vec::new(),
        };
        let modern = Arc::clone(&modern);
        tokio::spawn(async move { modern.ask(ask).await })
    };
    let asking = ask("");
    let discover = soon(asked.recv()).await.unwrap();
    discover.answer(r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}"#).await;
    let mut answers = soon(asking).await.unwrap().unwrap();
    let call = soon(asked.recv()).await.unwrap();
    assert!(
        call.message
            .contains(r#""io.modelcontextprotocol/clientCapabilities":{"sampling":{}}"#),
        "{}",
        call.message
    );
    call.answer(r#"{"resultType":"input_required","inputRequests":{"k":{"method":"sampling/createMessage","params":{"maxTokens":1}}},"requestState":"inner"}"#).await;
    let parked = next(&mut answers).await.unwrap();
    assert!(
        parked.contains(r#""method":"sampling/createMessage","params":{"maxTokens":1}"#),
        "{parked}"
    );
    let (_, state) = parked.split_once(r#""requestState":"#).unwrap();
    let state = state.split('}').next().unwrap();
    assert!(!state.contains("inner"));
    let retry =
        format!(r#""requestState":{state},"inputResponses":{{"input-1":{{"role":"assistant"}}}},"#);
    let mut answers = soon(ask(&retry)).await.unwrap().unwrap();
    let retried = soon(asked.recv()).await.unwrap();
    assert!(
        retried
            .message
            .contains(r#""inputResponses":{"k":{"role":"assistant"}},"requestState":"inner""#),
        "{}",
        retried.message
    );
    retried
        .answer(r#"{"resultType":"complete","content":[]}"#)
        .await;
    let done = next(&mut answers).await.unwrap();
    assert!(
        done.contains(r#""id":"a","result":{"content":[],"resultType":"complete""#),
        "{done}"
    );
}
