//! Streamable HTTP of 2026-07-28: every request stands for itself, and closing its connection cancels it.

use std::sync::Arc;

use guard_io::http1::Method;
use tokio::sync::mpsc;

use super::failed::HttpFailed;
use super::http::SCAN_LIMITS;
use super::outlet::Outlet;
use super::relay::{Learnt, Outcome, relay};
use super::server::{HttpCall, HttpServer, Sent};
use crate::control::bridge::link::LINK_MESSAGES_MAX;
use crate::control::bridge::{Answers, Ask, BoxFuture, ConnectError, ModernUpstream};
use crate::engine::bridge::upstream::fields::{Field, mirrored};
use crate::engine::mcp::message::{Body, Message};
use crate::engine::mcp::param_headers::PARAM_PREFIX;
use crate::engine::mcp::scan::scan;

/// A server of the modern era over HTTP.
#[derive(Clone, Debug)]
pub(in crate::control) struct ModernHttp {
    server: Arc<HttpServer>,
}

impl ModernHttp {
    /// Asks `server`. For askers that give no `Mcp-Param-*` see [`WrittenParams`](super::WrittenParams).
    pub(in crate::control) const fn new(server: Arc<HttpServer>) -> Self {
        Self { server }
    }
}

/// Every field of `ask` beside those of any request.
fn fields(ask: &Ask, message: &Message) -> Option<Vec<Field>> {
    let mut fields = mirrored(message, &ask.message)?;
    let given = ask.fields.iter().filter(|(name, _)| may_pass(name));
    fields.extend(given.cloned());
    Some(fields)
}

impl ModernUpstream for ModernHttp {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        Box::pin(async move {
            let unreadable = || ConnectError::Unreachable("the request cannot be read".into());
            let Ok(Body::One(message)) = scan(&ask.message, &SCAN_LIMITS) else {
                return Err(unreadable());
            };
            let fields = fields(&ask, &message).ok_or_else(unreadable)?;
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
) -> Result<Sent, HttpFailed> {
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

/// Whether a field called `name` mirrors a parameter.
pub(super) fn is_param(name: &str) -> bool {
    name.get(..PARAM_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PARAM_PREFIX))
}
