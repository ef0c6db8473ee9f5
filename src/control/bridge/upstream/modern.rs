//! Streamable HTTP of 2026-07-28: every request stands for itself, and closing its connection cancels it.

use std::fmt;
use std::sync::Arc;

use guard_io::http1::Method;
use tokio::sync::mpsc;

use super::http::SCAN_LIMITS;
use super::outlet::Outlet;
use super::relay::{Learnt, Outcome, relay};
use super::server::{HttpCall, HttpServer, Sent};
use crate::control::bridge::link::LINK_MESSAGES_MAX;
use crate::control::bridge::{Answers, Ask, BoxFuture, ConnectError, ModernUpstream};
use crate::engine::bridge::upstream::fields::{Field, mirrored};
use crate::engine::mcp::message::{Body, Message};
use crate::engine::mcp::methods::Method as McpMethod;
use crate::engine::mcp::scan::scan;

/// Makes the `Mcp-Param-*` fields of a `tools/call`, scanned from its body, whose asker gave none.
pub(in crate::control) type ParamFields = Arc<dyn Fn(&Message, &[u8]) -> Vec<Field> + Send + Sync>;

/// A server of the modern era over HTTP.
#[derive(Clone)]
pub(in crate::control) struct ModernHttp {
    server: Arc<HttpServer>,
    param_fields: ParamFields,
}

impl fmt::Debug for ModernHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModernHttp")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl ModernHttp {
    /// Asks `server`; calls whose asker gives no `Mcp-Param-*` get what `param_fields` makes.
    pub(in crate::control) fn new(server: Arc<HttpServer>, param_fields: ParamFields) -> Self {
        Self {
            server,
            param_fields,
        }
    }

    /// Every field of `ask` beside those of any request.
    fn fields(&self, ask: &Ask, message: &Message) -> Option<Vec<Field>> {
        let mut fields = mirrored(message, &ask.message)?;
        let given = ask.fields.iter().filter(|(name, _)| may_pass(name));
        fields.extend(given.cloned());
        let has_params = ask.fields.iter().any(|(name, _)| is_param(name));
        if !has_params && message.method() == Some(McpMethod::ToolsCall) {
            fields.extend((self.param_fields)(message, &ask.message));
        }
        Some(fields)
    }
}

impl ModernUpstream for ModernHttp {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        Box::pin(async move {
            let unreadable = || ConnectError::Unreachable("the request cannot be read".into());
            let Ok(Body::One(message)) = scan(&ask.message, &SCAN_LIMITS) else {
                return Err(unreadable());
            };
            let fields = self.fields(&ask, &message).ok_or_else(unreadable)?;
            let asked = message.request_id().map(|id| id.raw(&ask.message).into());
            let sent = post(&self.server, &fields, &ask.message).await?;
            let (outbox, answers) = mpsc::channel(LINK_MESSAGES_MAX);
            tokio::spawn(answer(Arc::clone(&self.server), sent, asked, outbox));
            Ok(answers)
        })
    }
}

/// Posts `message` with `fields` to the endpoint of `server`.
pub(super) async fn post(
    server: &HttpServer,
    fields: &[Field],
    message: &[u8],
) -> Result<Sent, super::HttpFailed> {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let call = HttpCall {
        method: Method::Post,
        target: &server.target,
        fields: &fields,
        body: message,
    };
    server.send(call).await
}

/// Hands the answer on, until nobody waits for it any more: then the connection closes, which cancels the request.
async fn answer(
    server: Arc<HttpServer>,
    sent: Sent,
    asked: Option<Box<[u8]>>,
    outbox: mpsc::Sender<Vec<u8>>,
) {
    tokio::select! {
        () = outbox.closed() => {}
        () = whole_answer(&server, sent, asked, outbox.clone()) => {}
    }
}

async fn whole_answer(
    server: &HttpServer,
    sent: Sent,
    asked: Option<Box<[u8]>>,
    outbox: mpsc::Sender<Vec<u8>>,
) {
    let answer = sent.answer().await;
    let Some(asked) = asked else {
        if let Ok(answer) = answer {
            server.retire(answer);
        }
        return;
    };
    let outlet = Outlet::Answers(outbox);
    let outcome = match answer {
        Ok(answer) => relay(server, answer, &asked, &outlet, &mut Learnt::default()).await,
        Err(failed) => {
            tracing::debug!(server = &*server.name, %failed, "upstream failed");
            failed.into()
        }
    };
    // An end without a response says that the server broke off.
    if let Outcome::Failed(failure) = outcome {
        let _ = outlet.fail(&asked, failure).await;
    }
}

/// The fields that an asker may give, whatever it does give.
fn may_pass(name: &str) -> bool {
    is_param(name)
        || name.eq_ignore_ascii_case("traceparent")
        || name.eq_ignore_ascii_case("tracestate")
}

fn is_param(name: &str) -> bool {
    const PREFIX: &str = "mcp-param-";
    name.get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}
