//! What an HTTP server owes for `Mcp-Param-*`, in front of one that knows nothing of HTTP (2026-07-28, Server Behavior for
//! Custom Headers; SEP-2243).
//!
//! A call is held against the schema of its tool ([`Schemas`]). Where the server lists no such tool, or no list at all,
//! nothing is known and nothing checked: the call is the server's to refuse.

use std::sync::Arc;

use tokio::time::Instant;

use super::catalogue::Lookup;
use super::driver::single;
use super::schemas::{Schemas, ToolsEpoch};
use crate::control::bridge::{Answers, Ask, BoxFuture, ConnectError, ModernUpstream};
use crate::engine::mcp::limits::JSON_DEPTH_CAP;
use crate::engine::mcp::message::{Body, Call, Kind};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::param_headers::{PARAM_PREFIX, ParamHeaders, ParamMismatch};
use crate::engine::mcp::scan::{ScanLimits, scan};
use crate::engine::reply::Failure;

/// A server with its calls held against its schemas.
#[derive(Clone)]
pub(in crate::control) struct CheckedParams(Arc<Schemas>);

impl CheckedParams {
    /// `upstream`, the server named `server`, whose tools change when `tools` advances.
    pub(in crate::control) fn new(
        server: &str,
        upstream: impl ModernUpstream,
        tools: ToolsEpoch,
    ) -> Self {
        Self(Schemas::new(server, upstream, tools))
    }

    /// Whether nobody else holds it.
    pub(super) fn is_unused(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl ModernUpstream for CheckedParams {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        let schemas = &self.0;
        Box::pin(async move {
            let Ok(Body::One(message)) = scan(&ask.message, &SCAN_LIMITS) else {
                return schemas.upstream.ask(ask).await;
            };
            let Kind::Request { call, .. } = &message.kind else {
                return schemas.upstream.ask(ask).await;
            };
            match call.method {
                Method::ToolsCall => self.call(ask, call).await,
                Method::ToolsList => {
                    let answers = schemas.upstream.ask(ask).await?;
                    Ok(schemas.pruned(answers))
                }
                _ => schemas.upstream.ask(ask).await,
            }
        })
    }
}

const SCAN_LIMITS: ScanLimits = ScanLimits {
    depth_max: JSON_DEPTH_CAP,
    batch_max: 1,
};

impl CheckedParams {
    async fn call(&self, ask: Ask, call: &Call) -> Result<Answers, ConnectError> {
        let subject = CallSubject::of(&ask, call);
        let mismatch = match subject.is_plain() {
            true => None,
            false => self.mismatch(&ask, call, &subject).await,
        };
        match mismatch {
            None => self.0.upstream.ask(ask).await,
            Some(mismatch) => {
                let detail = mismatch.message();
                Ok(single(Failure::HeaderMismatch { detail }, &ask.message))
            }
        }
    }

    /// Holds the call against what is known of its tool; what is old is read anew before the call is refused for it.
    async fn mismatch(
        &self,
        ask: &Ask,
        call: &Call,
        subject: &CallSubject<'_>,
    ) -> Option<ParamMismatch> {
        let (params, is_fresh) = match self.0.look_up(subject.tool) {
            Lookup::Listed { params, is_fresh } => (params, is_fresh),
            Lookup::Unlisted => return None,
            Lookup::Unknown => {
                self.0.read(ask, call, Instant::now()).await;
                match self.0.look_up(subject.tool) {
                    Lookup::Listed { params, .. } => (params, true),
                    Lookup::Unlisted | Lookup::Unknown => return None,
                }
            }
        };
        let mismatch = subject.check(&params).err()?;
        if is_fresh {
            return Some(mismatch);
        }
        self.0.read(ask, call, Instant::now()).await;
        match self.0.look_up(subject.tool) {
            Lookup::Listed { params, .. } => subject.check(&params).err(),
            Lookup::Unlisted | Lookup::Unknown => None,
        }
    }
}

/// A call as far as its fields are held against it.
struct CallSubject<'a> {
    tool: &'a str,
    arguments: Option<&'a str>,
    fields: &'a [(Box<str>, Box<[u8]>)],
}

impl<'a> CallSubject<'a> {
    fn of(ask: &'a Ask, call: &'a Call) -> Self {
        let arguments = call.params.arguments.map(|span| span.of(&ask.message));
        Self {
            tool: call
                .params
                .name
                .as_ref()
                .map_or("", |name| name.as_str(&ask.message)),
            arguments: arguments.and_then(|arguments| str::from_utf8(arguments).ok()),
            fields: &ask.fields,
        }
    }

    /// Whether there is nothing to compare: no arguments and no fields.
    fn is_plain(&self) -> bool {
        let is_empty = |arguments: &str| {
            arguments
                .strip_prefix('{')
                .is_none_or(|rest| rest.trim_start().starts_with('}'))
        };
        self.arguments.is_none_or(is_empty) && !self.fields.iter().any(|(name, _)| is_param(name))
    }

    fn check(&self, params: &ParamHeaders) -> Result<(), ParamMismatch> {
        let fields = self.fields.iter().map(|(name, value)| (&**name, &**value));
        params.agree(self.arguments, fields)
    }
}

/// Whether a field called `name` mirrors a parameter.
pub(super) fn is_param(name: &str) -> bool {
    name.get(..PARAM_PREFIX.len())
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(PARAM_PREFIX))
}

#[cfg(test)]
mod tests;
