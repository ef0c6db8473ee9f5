//! Probes of servers of all eras.

use std::time::Duration;

use tokio::net::TcpListener;

use super::super::{ProbedEra, probe_eras, probe_legacy, probe_modern};
use super::{Heard, Log, closed_port, server, start, start_raw, stream};
use crate::control::bridge::ConnectError;
use crate::control::http::{Bounds, Response, serve};
use crate::demo::DemoServer;

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(5);

fn welcome(version: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":"mcp-guard-probe","result":{{"protocolVersion":"{version}","capabilities":{{}},"serverInfo":{{}}}}}}"#
    )
}

#[tokio::test(flavor = "current_thread")]
async fn a_legacy_server_is_found_and_its_session_ended() {
    let log = Log::default();
    let noting = log.clone();
    let port = start(move |heard: Heard| {
        noting.note(&heard);
        let answer = match (heard.method.as_str(), heard.rpc_method().as_str()) {
            (_, "initialize") => {
                let message = format!("data: {}\n\n", welcome("2025-03-26"));
                stream(&[&message], false).with("Mcp-Session-Id", "s")
            }
            ("DELETE", _) => Response::empty(200),
            _ => Response::json(400, r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}"#),
        };
        async move { answer }
    })
    .await;
    assert_eq!(probe_eras(&server(port), LONG).await, Ok(ProbedEra::Legacy));
    log.until(|heard| heard.len() == 3).await;
    let heard = log.all();
    assert_eq!(heard[0].field("mcp-method"), Some("server/discover"));
    assert_eq!(heard[0].field("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(heard[2].method, "DELETE");
    assert_eq!(heard[2].field("mcp-session-id"), Some("s"));
    assert_eq!(heard[2].field("mcp-protocol-version"), Some("2025-03-26"));
}

#[tokio::test(flavor = "current_thread")]
async fn a_modern_server_is_not_asked_to_shake_hands() {
    let log = Log::default();
    let noting = log.clone();
    let port = start(move |heard: Heard| {
        noting.note(&heard);
        async {
            Response::json(
                404,
                r#"{"jsonrpc":"2.0","id":"mcp-guard-probe","error":{"code":-32601,"message":"m"}}"#,
            )
        }
    })
    .await;
    assert_eq!(probe_eras(&server(port), LONG).await, Ok(ProbedEra::Modern));
    assert_eq!(log.all().len(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_server_of_both_eras_shows_both_where_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let demo = DemoServer::new(address);
    tokio::spawn(serve(listener, Bounds::default(), demo.into()));
    let both = server(address.port());
    assert_eq!(probe_modern(&both, LONG).await, Ok(true));
    assert_eq!(probe_legacy(&both, LONG).await, Ok(true));
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_no_mcp_server_speaks_neither() {
    let port = start(|_| async { Response::new(404, "text/html", "<html>") }).await;
    assert_eq!(
        probe_eras(&server(port), LONG).await,
        Ok(ProbedEra::Neither)
    );
    let newer = welcome("2026-07-28");
    let port = start(move |_| {
        let newer = newer.replace("\"result\":{", "\"result\":{\"x\":");
        async move { Response::json(200, newer) }
    })
    .await;
    assert_eq!(
        probe_eras(&server(port), LONG).await,
        Ok(ProbedEra::Neither)
    );
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_is_concluded_from_silence_refusal_or_overload() {
    let silent = start_raw("").await;
    let refusing = start(|_| async { Response::empty(401) }).await;
    let overloaded = start(|_| async { Response::empty(503) }).await;
    for port in [silent, refusing, overloaded, closed_port().await] {
        let probed = probe_eras(&server(port), SHORT).await;
        assert!(
            matches!(probed, Err(ConnectError::Unreachable(_))),
            "{probed:?}"
        );
    }
}
