//! HTTP as a server of 2026-07-28 speaks it: one POST a request, no sessions, nothing to resume.

use std::sync::Arc;

use guard_io::http1::Method as HttpMethod;

use super::answer::{answer, refuse};
use super::param_check::is_param;
use crate::control::bridge::{Ask, ConnectError, ModernUpstream};
use crate::control::http::{Request, Response};
use crate::engine::mcp::limits::JSON_DEPTH_CAP;
use crate::engine::mcp::message::{Body, Call, Kind};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::revision::{Era, Revision};
use crate::engine::mcp::scan::{ScanErrorKind, ScanLimits, scan};
use crate::engine::reply::{Failure, ReplyId, VersionData};
use crate::engine::session::Owner;

/// Fields beside `Mcp-Param-*` that go on to the upstream.
const TRACE_FIELDS: [&str; 2] = ["traceparent", "tracestate"];

const SCAN_LIMITS: ScanLimits = ScanLimits {
    depth_max: JSON_DEPTH_CAP,
    batch_max: 1,
};

/// Modern clients in front of a [`ModernUpstream`].
pub(in crate::control) struct ModernFront {
    upstream: Arc<dyn ModernUpstream>,
}

impl ModernFront {
    /// In front of `upstream`.
    pub(in crate::control) fn new(upstream: Arc<dyn ModernUpstream>) -> Self {
        Self { upstream }
    }

    /// The answer to `request` of `owner`. Dropping the future, or the body of the answer, cancels the request.
    ///
    /// `Mcp-Session-Id` and `Last-Event-ID` mean nothing in this era and are not looked at.
    pub(in crate::control) async fn handle(&self, owner: Owner, request: Request) -> Response {
        if request.method() != HttpMethod::Post {
            let allow = "POST";
            let failure = Failure::MethodNotAllowed { allow };
            return refuse(&failure, ReplyId::Omitted).with("Allow", allow);
        }
        let body = match scan(&request.body, &SCAN_LIMITS) {
            Ok(body) => body,
            Err(error) => {
                let id = error.id.map(|id| id.raw(&request.body));
                let id = id.map_or(ReplyId::Omitted, ReplyId::Known);
                return refuse(&unreadable(error.kind), id);
            }
        };
        let Body::One(message) = &body else {
            return refuse(&Failure::BatchRefused, ReplyId::Omitted);
        };
        match &message.kind {
            Kind::Request { id, call } if call.is_gone() => {
                let id = ReplyId::Known(id.raw(&request.body));
                refuse(&Failure::UnknownMethod, id)
            }
            Kind::Request { id, call } => {
                let id: Box<[u8]> = id.raw(&request.body).into();
                self.forward(owner, request, call, id).await
            }
            // No notification means anything to a server that keeps nothing between requests: leaving is what cancels.
            Kind::Notification { .. } => Response::empty(202),
            Kind::Response { .. } => {
                let detail = "responses are not accepted in this protocol version";
                refuse(&Failure::NotAMessage { detail }, ReplyId::Omitted)
            }
        }
    }

    async fn forward(
        &self,
        owner: Owner,
        mut request: Request,
        call: &Call,
        id: Box<[u8]>,
    ) -> Response {
        let requested = call.params.meta.protocol_version.as_ref();
        let requested: Option<Vec<u8>> =
            requested.map(|version| version.as_bytes(&request.body).to_vec());
        let ask = Ask {
            owner,
            fields: forwarded(&request),
            message: std::mem::take(&mut request.body),
        };
        match self.upstream.ask(ask).await {
            Ok(answers) => {
                let is_listen = call.method == Method::SubscriptionsListen;
                answer(answers, id, is_listen).await
            }
            Err(ConnectError::WrongEra) => wrong_era(&id, requested.as_deref()),
            Err(error) => {
                tracing::debug!(%error, "request not forwarded");
                refuse(&failure_of(&error), ReplyId::Known(&id))
            }
        }
    }
}

fn unreadable(kind: ScanErrorKind) -> Failure {
    match kind {
        ScanErrorKind::Syntax(_) | ScanErrorKind::InvalidUtf8 => Failure::NotJson {
            detail: "body is not JSON",
        },
        _ => Failure::NotAMessage {
            detail: "body is not a single request or notification",
        },
    }
}

fn failure_of(error: &ConnectError) -> Failure {
    match error {
        ConnectError::Full(_) => Failure::Overloaded,
        ConnectError::BackingOff | ConnectError::Unreachable(_) => Failure::UpstreamUnreachable,
        ConnectError::WrongEra => Failure::UnsupportedVersion,
    }
}

/// The server speaks the other era alone, whose versions are named.
fn wrong_era(id: &[u8], requested: Option<&[u8]>) -> Response {
    let supported: Vec<&str> = Revision::ALL
        .iter()
        .rev()
        .filter(|revision| revision.era() == Era::Legacy)
        .map(|revision| revision.as_str())
        .collect();
    let versions = VersionData {
        supported: &supported,
        requested,
    };
    let failure = Failure::UnsupportedVersion;
    let mut body = Vec::new();
    failure.encode_with(ReplyId::Known(id), "", &versions, &mut body);
    Response::json(failure.status(), body)
}

fn forwarded(request: &Request) -> Vec<(Box<str>, Box<[u8]>)> {
    let named = |name: &str| {
        is_param(name)
            || TRACE_FIELDS
                .iter()
                .any(|field| field.eq_ignore_ascii_case(name))
    };
    request
        .fields()
        .filter_map(|(name, value)| Some((str::from_utf8(name).ok()?, value)))
        .filter(|(name, _)| named(name))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

#[cfg(test)]
mod tests;
