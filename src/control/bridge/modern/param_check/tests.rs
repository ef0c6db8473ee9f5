#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::super::catalogue::FRESH_TIME;
use super::super::testing::{ask, next};
use super::{CheckedParams, ToolsEpoch};
use crate::control::bridge::{Answers, Ask, BoxFuture, ConnectError, ModernUpstream};

/// Answers `tools/list` with its pages and every call with its arguments.
#[derive(Clone, Default)]
struct Server {
    pages: Arc<Mutex<Vec<Value>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ModernUpstream for Server {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        Box::pin(async move {
            let request: Value = serde_json::from_slice(&ask.message).unwrap();
            let method = request["method"].as_str().unwrap().to_owned();
            let result = match method.as_str() {
                "tools/list" => self.page(&request),
                _ => json!({"echo": request["params"]["arguments"]}),
            };
            self.asked.lock().unwrap().push(method);
            let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
            let (sender, answers) = mpsc::channel(4);
            let log = json!({"jsonrpc": "2.0", "method": "notifications/message"});
            sender.try_send(log.to_string().into_bytes()).unwrap();
            sender.try_send(answer.to_string().into_bytes()).unwrap();
            Ok(answers)
        })
    }
}

impl Server {
    fn with_tools(pages: &[&[(&str, &str)]]) -> Self {
        let server = Self::default();
        server.list(pages);
        server
    }

    /// Lists tools of these names, whose parameter `r` is annotated so; an empty name is none.
    fn list(&self, pages: &[&[(&str, &str)]]) {
        let tool = |(name, header): &(&str, &str)| {
            let mut param = json!({"type": "string"});
            if !header.is_empty() {
                param["x-mcp-header"] = json!(header);
            }
            json!({"name": name, "inputSchema": {"properties": {"r": param}}})
        };
        let pages = pages.iter().map(|page| page.iter().map(tool).collect());
        *self.pages.lock().unwrap() = pages.collect();
    }

    fn page(&self, request: &Value) -> Value {
        let pages = self.pages.lock().unwrap();
        let cursor = request["params"]["cursor"].as_str();
        let at: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let mut page = json!({"tools": pages.get(at)});
        if at + 1 < pages.len() {
            page["nextCursor"] = json!((at + 1).to_string());
        }
        page
    }

    fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn call(tool: &str, arguments: &str, fields: &[(&str, &str)]) -> Ask {
    let mut ask = ask(&format!(
        r#"{{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{{"name":"{tool}","arguments":{arguments},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{"x":[]}}}}}}}}"#
    ));
    ask.fields = fields
        .iter()
        .map(|(name, value)| ((*name).into(), value.as_bytes().into()))
        .collect();
    ask
}

/// Whether the call passes; a refused one is −32020 with its id.
async fn passes(checked: &CheckedParams, ask: Ask) -> bool {
    let mut answers = checked.ask(ask).await.unwrap();
    let mut last = String::new();
    while let Some(message) = next(&mut answers).await {
        last = message;
    }
    let answer: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(answer["id"], json!("c"));
    match answer["error"]["code"].as_i64() {
        None => true,
        Some(code) => {
            assert_eq!(code, -32020);
            false
        }
    }
}

fn checked(server: &Server) -> (CheckedParams, ToolsEpoch) {
    let tools = ToolsEpoch::default();
    (
        CheckedParams::new("s", server.clone(), tools.clone()),
        tools,
    )
}

#[tokio::test]
async fn an_unknown_tool_is_looked_up_once_on_all_pages() {
    let server = Server::with_tools(&[&[("other", "")], &[("t", "Region")], &[("u", "")]]);
    let (checked, _) = checked(&server);
    assert!(
        passes(
            &checked,
            call("t", r#"{"r":"x"}"#, &[("mcp-param-region", "x")])
        )
        .await
    );
    assert_eq!(
        server.take_asked(),
        ["tools/list", "tools/list", "tools/list", "tools/call"]
    );
    assert!(
        !passes(
            &checked,
            call("t", r#"{"r":"x"}"#, &[("mcp-param-region", "y")])
        )
        .await
    );
    assert!(!passes(&checked, call("t", r#"{"r":"x"}"#, &[])).await);
    assert_eq!(server.take_asked(), [""; 0], "nothing was forwarded");
    assert!(
        passes(
            &checked,
            call("u", r#"{"r":"x"}"#, &[("mcp-param-odd", "?")])
        )
        .await
    );
    assert!(passes(&checked, call("none", r#"{"r":"x"}"#, &[])).await);
    assert!(passes(&checked, call("t", "{}", &[])).await);
    assert_eq!(server.take_asked(), ["tools/call"; 3]);
}

#[tokio::test]
async fn an_old_schema_is_read_anew_before_a_call_is_refused() {
    let server = Server::with_tools(&[&[("t", "Region")]]);
    let (checked, _) = checked(&server);
    let region = || call("t", r#"{"r":"x"}"#, &[("mcp-param-region", "x")]);
    let zone = || call("t", r#"{"r":"x"}"#, &[("mcp-param-zone", "x")]);
    assert!(passes(&checked, region()).await);
    server.list(&[&[("t", "Zone")]]);
    assert!(!passes(&checked, zone()).await, "fresh knowledge stands");
    checked.0.catalogue().age(FRESH_TIME);
    assert!(passes(&checked, zone()).await);
    assert!(!passes(&checked, region()).await);
}

#[tokio::test]
async fn what_was_learnt_is_forgotten_when_the_tools_change() {
    let server = Server::with_tools(&[&[("t", "Region")]]);
    let (checked, tools) = checked(&server);
    let plain = || call("t", r#"{"r":"x"}"#, &[]);
    assert!(!passes(&checked, plain()).await);
    server.list(&[&[("t", "")]]);
    assert!(!passes(&checked, plain()).await);
    tools.advance();
    assert!(passes(&checked, plain()).await);
}

#[tokio::test]
async fn a_list_that_passes_is_learnt_and_loses_unsound_tools() {
    let server = Server::with_tools(&[&[("t", "Region"), ("bad", "no token"), ("u", "")]]);
    let (checked, _) = checked(&server);
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{}}}"#;
    let mut answers = checked.ask(ask(list)).await.unwrap();
    assert!(
        next(&mut answers)
            .await
            .unwrap()
            .contains("notifications/message")
    );
    let answer: Value = serde_json::from_str(&next(&mut answers).await.unwrap()).unwrap();
    let names: Vec<_> = answer["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["t", "u"]);
    assert_eq!(next(&mut answers).await, None);
    assert!(!passes(&checked, call("t", r#"{"r":"x"}"#, &[])).await);
    assert_eq!(server.take_asked(), ["tools/list"]);
}

#[tokio::test]
async fn a_server_whose_list_never_ends_is_not_asked_for_ever() {
    let server = Server::with_tools(&[&[("a", "")], &[("b", "")]]);
    server
        .pages
        .lock()
        .unwrap()
        .extend((0..500).map(|_| json!([])));
    let (checked, _) = checked(&server);
    assert!(passes(&checked, call("t", r#"{"r":"x"}"#, &[])).await);
    let asked = server.take_asked();
    assert_eq!(asked.len(), super::PAGES_MAX + 1);
    assert!(passes(&checked, call("t", r#"{"r":"x"}"#, &[])).await);
    assert_eq!(server.take_asked(), ["tools/call"]);
}
