//! What a client of a modern server over HTTP owes for `Mcp-Param-*` (2026-07-28, Client Behavior), for an asker that knows
//! nothing of HTTP fields: a client of the legacy era.
//!
//! A server that misses a field, since its tools have changed, says so with −32020 before it does anything. The call is then
//! written anew from the list as it is now, once.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::http::SCAN_LIMITS;
use super::modern::is_param;
use crate::control::bridge::link::LINK_MESSAGES_MAX;
use crate::control::bridge::modern::{Lookup, Schemas, ToolsEpoch};
use crate::control::bridge::{Answers, Ask, BoxFuture, ConnectError, ModernUpstream};
use crate::engine::bridge::upstream::fields::Field;
use crate::engine::mcp::message::{Body, Call, Kind, Message};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::scan::scan;

/// The error of a server that misses a field, or finds it to differ from the body.
const HEADER_MISMATCH: i64 = -32020;

/// A server whose calls get the fields that its schemas ask for.
#[derive(Clone)]
pub(in crate::control) struct WrittenParams(Arc<Schemas>);

impl WrittenParams {
    /// `upstream`, the server named `server`.
    pub(in crate::control) fn new(server: &str, upstream: impl ModernUpstream) -> Self {
        Self(Schemas::new(server, upstream, ToolsEpoch::default()))
    }
}

impl ModernUpstream for WrittenParams {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        Box::pin(async move {
            let has_fields = ask.fields.iter().any(|(name, _)| is_param(name));
            match scan(&ask.message, &SCAN_LIMITS) {
                Ok(Body::One(message)) => match (request(&message), has_fields) {
                    (Some(call), false) if call.method == Method::ToolsCall => {
                        self.call(ask, call).await
                    }
                    (Some(call), _) if call.method == Method::ToolsList => {
                        Ok(self.0.pruned(self.0.upstream.ask(ask).await?))
                    }
                    _ => self.0.upstream.ask(ask).await,
                },
                _ => self.0.upstream.ask(ask).await,
            }
        })
    }
}

fn request(message: &Message) -> Option<&Call> {
    match &message.kind {
        Kind::Request { call, .. } => Some(call),
        _ => None,
    }
}

impl WrittenParams {
    async fn call(&self, mut ask: Ask, call: &Call) -> Result<Answers, ConnectError> {
        if call.params.arguments.is_none() {
            return self.0.upstream.ask(ask).await;
        }
        let asked_at = Instant::now();
        let mut written = self.written(&ask, call);
        if written.is_none() {
            self.0.read(&ask, call, asked_at).await;
            written = self.written(&ask, call);
        }
        let written = written.unwrap_or_default();
        let again = Again {
            schemas: self.clone(),
            ask: Ask {
                owner: ask.owner,
                message: ask.message.clone(),
                fields: ask.fields.clone(),
            },
            written: written.clone(),
            asked_at,
        };
        ask.fields.extend(written);
        let answers = self.0.upstream.ask(ask).await?;
        let (sender, handed_on) = mpsc::channel(LINK_MESSAGES_MAX);
        tokio::spawn(again.hand_on(answers, sender));
        Ok(handed_on)
    }

    /// The fields for `call`; `None` where nothing is known of its tool.
    fn written(&self, ask: &Ask, call: &Call) -> Option<Vec<Field>> {
        let name = call.params.name.as_ref()?.as_str(&ask.message);
        let arguments = call.params.arguments.map(|span| span.of(&ask.message));
        let arguments = arguments.and_then(|arguments| str::from_utf8(arguments).ok());
        match self.0.look_up(name) {
            Lookup::Listed { params, .. } => Some(params.fields(arguments)),
            Lookup::Unlisted => Some(Vec::new()),
            Lookup::Unknown => None,
        }
    }
}

/// A call that may have to be written anew.
struct Again {
    schemas: WrittenParams,
    ask: Ask,
    written: Vec<Field>,
    asked_at: Instant,
}

impl Again {
    async fn hand_on(self, answers: Answers, sender: mpsc::Sender<Vec<u8>>) {
        tokio::select! {
            () = sender.closed() => {}
            () = self.answered(answers, &sender) => {}
        }
    }

    async fn answered(self, mut answers: Answers, sender: &mpsc::Sender<Vec<u8>>) {
        let Some(first) = answers.recv().await else {
            return;
        };
        if is_mismatch(&first)
            && let Some(ask) = self.rewritten().await
        {
            match self.schemas.0.upstream.ask(ask).await {
                Ok(again) => return hand_on(again, sender).await,
                Err(error) => tracing::debug!(%error, "a call could not be written anew"),
            }
        }
        if sender.send(first).await.is_ok() {
            hand_on(answers, sender).await;
        }
    }

    /// The call as the server's list is now; `None` where that changes nothing.
    async fn rewritten(&self) -> Option<Ask> {
        let Ok(Body::One(message)) = scan(&self.ask.message, &SCAN_LIMITS) else {
            return None;
        };
        let call = request(&message)?;
        self.schemas.0.read(&self.ask, call, self.asked_at).await;
        let written = self.schemas.written(&self.ask, call)?;
        (written != self.written).then(|| Ask {
            owner: self.ask.owner,
            message: self.ask.message.clone(),
            fields: [self.ask.fields.clone(), written].concat(),
        })
    }
}

async fn hand_on(mut answers: Answers, sender: &mpsc::Sender<Vec<u8>>) {
    while let Some(message) = answers.recv().await {
        if sender.send(message).await.is_err() {
            return;
        }
    }
}

/// Large answers are none: an error of this kind is short.
fn is_mismatch(message: &[u8]) -> bool {
    const ERROR_BYTES_MAX: usize = 16 << 10;
    if message.len() > ERROR_BYTES_MAX {
        return false;
    }
    let message = serde_json::from_slice::<serde_json::Value>(message);
    message.is_ok_and(|message| message["error"]["code"] == HEADER_MISMATCH)
}
