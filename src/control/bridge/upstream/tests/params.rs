//! Clients that know nothing of `Mcp-Param-*`, in front of servers that want them.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::super::{ModernHttp, WrittenParams};
use super::{Heard, Log, PATIENCE, owner, server, start};
use crate::control::bridge::{Ask, ModernUpstream as _};
use crate::control::http::Response;

/// A server whose tool `t` mirrors its argument `city` into the field that is named, and holds calls to it.
#[derive(Clone, Default)]
struct Strict {
    field: Arc<Mutex<String>>,
    log: Log,
}

impl Strict {
    async fn start(field: &str) -> (Self, WrittenParams) {
        let strict = Self::default();
        strict.rename(field);
        let answering = strict.clone();
        let port = start(move |heard: Heard| {
            answering.log.note(&heard);
            let answer = answering.answer(&heard);
            async move { answer }
        })
        .await;
        (
            strict,
            WrittenParams::new("up", ModernHttp::new(server(port))),
        )
    }

    fn rename(&self, field: &str) {
        *self.field.lock().unwrap() = field.to_owned();
    }

    fn answer(&self, heard: &Heard) -> Response {
        let field = self.field.lock().unwrap().clone();
        let request: Value = serde_json::from_str(&heard.body).unwrap();
        let tool = |name: &str, header: &str| json!({ "name": name, "inputSchema": { "type": "object", "properties": { "city": { "type": "string", "x-mcp-header": header } } } });
        let answer = |body: Value| json!({ "jsonrpc": "2.0", "id": request["id"], "result": body });
        if heard.field("mcp-method") == Some("tools/list") {
            let tools = [tool("t", &field), tool("unsound", "a b")];
            return Response::json(200, answer(json!({ "tools": tools })).to_string());
        }
        let wanted = request["params"]["arguments"]["city"].as_str();
        match heard.field(&format!("mcp-param-{field}")) == wanted {
            true => Response::json(200, answer(json!({ "content": [] })).to_string()),
            false => {
                let error = json!({ "code": -32020, "message": "mismatch" });
                let body = json!({ "jsonrpc": "2.0", "id": request["id"], "error": error });
                Response::json(400, body.to_string())
            }
        }
    }

    fn methods(&self) -> Vec<String> {
        let heard = self.log.all();
        heard.iter().map(Heard::rpc_method).collect()
    }
}

fn ask(method: &str, params: &str) -> Ask {
    let message = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    Ask {
        owner: owner(),
        message: message.into_bytes(),
        fields: Vec::new(),
    }
}

fn call(arguments: &str) -> Ask {
    ask(
        "tools/call",
        &format!(r#""name":"t","arguments":{arguments},"#),
    )
}

async fn answer(written: &WrittenParams, ask: Ask) -> Value {
    let mut answers = written.ask(ask).await.unwrap();
    let message = tokio::time::timeout(PATIENCE, answers.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answers.recv().await, None);
    serde_json::from_slice(&message).unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn a_call_gets_the_fields_that_the_schema_asks_for() {
    let (strict, written) = Strict::start("City").await;
    for city in ["Bonn", "Bonn"] {
        let answered = answer(&written, call(&format!(r#"{{"city":"{city}"}}"#))).await;
        assert!(answered["result"].is_object(), "{answered}");
    }
    assert_eq!(
        strict.methods(),
        ["tools/list", "tools/call", "tools/call"],
        "read once"
    );
    let answered = answer(&written, call(r#"{"city":null}"#)).await;
    assert!(answered["result"].is_object(), "{answered}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_call_that_the_server_finds_stale_is_written_anew_once() {
    let (strict, written) = Strict::start("City").await;
    let bonn = || call(r#"{"city":"Bonn"}"#);
    assert!(answer(&written, bonn()).await["result"].is_object());
    strict.rename("Town");
    assert!(answer(&written, bonn()).await["result"].is_object());
    let lately = strict.methods()[2..].to_vec();
    assert_eq!(lately, ["tools/call", "tools/list", "tools/call"]);
    let mut own = call(r#"{"city":"Bonn"}"#);
    own.fields = vec![("mcp-param-x".into(), b"y".as_slice().into())];
    assert_eq!(
        answer(&written, own).await["error"]["code"],
        -32020,
        "who gives fields is told"
    );
    assert_eq!(strict.methods().len(), 6);
}

#[tokio::test(flavor = "current_thread")]
async fn a_list_teaches_and_leaves_out_what_is_not_sound() {
    let (strict, written) = Strict::start("City").await;
    let listed = answer(&written, ask("tools/list", "")).await;
    let tools = listed["result"]["tools"].as_array().unwrap();
    assert_eq!((tools.len(), &tools[0]["name"]), (1, &json!("t")));
    assert!(answer(&written, call(r#"{"city":"Bonn"}"#)).await["result"].is_object());
    assert_eq!(strict.methods(), ["tools/list", "tools/call"]);
}
