//! The admin listener.
//!
//! **Invariant:** nothing but the health endpoints answers without the token where one is set; and nothing at all answers to a
//! web page: a request with `Origin` or with a foreign `Host` (DNS rebinding) is refused.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use guard_io::http1::Method;
use tokio::sync::{mpsc, oneshot};

use super::http::{Handler, Request, Response};
use super::logging::LogControl;
use super::oauth::OAuthService;
use super::reload::Reloaded;
use super::scrape;
use super::status::{self, Facts};
use crate::config::Secret;
use crate::engine::identity::Credential;
use crate::engine::route::{HostPolicy, HostSpec};
use crate::mailbox::Shared;
use crate::metrics::CONTENT_TYPE;

/// Reloads that may wait for each other.
pub(super) const RELOADS_MAX: usize = 4;

/// Asks the control loop for a reload.
pub(super) type ReloadRequest = oneshot::Sender<Reloaded>;

/// Who may use the admin listener.
#[derive(Debug)]
pub(super) struct Access {
    /// `server.admin.token`; replaced on reload.
    pub(super) token: ArcSwapOption<Secret>,
    hosts: HostPolicy,
    loopback: bool,
}

impl Access {
    /// The rules of a listener on `address`.
    pub(super) fn new(address: SocketAddr, token: Option<Secret>) -> Self {
        let spec = HostSpec {
            allowed_hosts: &[],
            public_url: None,
            bind: address.ip(),
            port: address.port(),
        };
        // Without configured entries there is nothing that could be refused.
        let hosts = HostPolicy::compile(spec).unwrap_or(HostPolicy::any());
        Self {
            token: ArcSwapOption::from_pointee(token),
            hosts,
            loopback: address.ip().is_loopback(),
        }
    }

    fn admits(&self, request: &Request) -> bool {
        match &*self.token.load() {
            Some(token) => presented(request).is_some_and(|given| token.matches(given.token())),
            None => self.loopback && !request.has_header("authorization"),
        }
    }
}

fn presented(request: &Request) -> Option<Credential<'_>> {
    Credential::parse(request.header("authorization")?).ok()
}

/// Answers the requests of operators and scrapers.
#[derive(Debug)]
pub(super) struct Admin {
    pub(super) shared: Arc<Shared>,
    pub(super) oauth: Arc<OAuthService>,
    pub(super) facts: Facts,
    pub(super) access: Arc<Access>,
    pub(super) log: LogControl,
    pub(super) reloads: mpsc::Sender<ReloadRequest>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Health,
    Live,
    Ready,
    Metrics,
    Status,
    Reload,
    LogLevel,
}

impl Page {
    fn find(path: &[u8]) -> Option<Self> {
        Some(match path {
            b"/health" => Self::Health,
            b"/live" => Self::Live,
            b"/ready" => Self::Ready,
            b"/metrics" => Self::Metrics,
            b"/status" => Self::Status,
            b"/reload" => Self::Reload,
            b"/log-level" => Self::LogLevel,
            _ => return None,
        })
    }

    const fn is_open(self) -> bool {
        matches!(self, Self::Health | Self::Live | Self::Ready)
    }

    const fn methods(self) -> &'static str {
        match self {
            Self::Reload => "POST",
            Self::LogLevel => "PUT",
            _ => "GET, HEAD",
        }
    }

    fn accepts(self, request: &Request) -> bool {
        match (self, request.method()) {
            (Self::Reload, method) => method == Method::Post,
            (Self::LogLevel, _) => request.method_name() == b"PUT",
            (_, method) => matches!(method, Method::Get | Method::Head),
        }
    }
}

impl Handler for Admin {
    async fn handle(&self, request: Request) -> Response {
        match self.judge(&request) {
            Ok(page) => self.answer(page, &request).await,
            Err(refusal) => refusal,
        }
    }
}

impl Admin {
    fn judge(&self, request: &Request) -> Result<Page, Response> {
        if !request
            .authority()
            .is_some_and(|host| self.access.hosts.allows(host))
        {
            return Err(Response::error(421, "this host is not served here"));
        }
        if request.has_header("origin") {
            return Err(Response::error(
                403,
                "the admin listener does not answer web pages",
            ));
        }
        let page = Page::find(request.path());
        if !page.is_some_and(Page::is_open) && !self.access.admits(request) {
            let refusal =
                Response::error(401, "a valid bearer token is needed (server.admin.token)");
            return Err(refusal.with("WWW-Authenticate", "Bearer"));
        }
        let page = page.ok_or_else(|| Response::error(404, "there is no such page"))?;
        if !page.accepts(request) {
            return Err(Response::error(405, "this method is not allowed here")
                .with("Allow", page.methods()));
        }
        Ok(page)
    }

    async fn answer(&self, page: Page, request: &Request) -> Response {
        let health = &self.shared.health;
        let mut body = Vec::new();
        match page {
            Page::Health => health.write_health(&mut body),
            Page::Live => health.write_live(&mut body),
            Page::Ready => {
                let status = health.write_ready(&mut body);
                return Response::json(status, body);
            }
            Page::Metrics => {
                return Response::new(200, CONTENT_TYPE, scrape::metrics(&self.shared));
            }
            Page::Status => {
                let mut status = status::status(&self.shared, &self.facts);
                status["oauth"] = self.oauth.report().await;
                return Response::json(200, status.to_string());
            }
            Page::Reload => return self.reload().await,
            Page::LogLevel => return self.set_log_level(&request.body),
        }
        Response::json(200, body)
    }

    async fn reload(&self) -> Response {
        let (reply, outcome) = oneshot::channel();
        if self.reloads.try_send(reply).is_err() {
            return Response::error(503, "other reloads are waiting");
        }
        match outcome.await {
            Ok(outcome) => Response::json(outcome.status(), outcome.to_json().to_string()),
            Err(_) => Response::error(503, "the gateway is draining"),
        }
    }

    fn set_log_level(&self, body: &[u8]) -> Response {
        let Ok(filter) = std::str::from_utf8(body) else {
            return Response::error(400, "log filter is not UTF-8");
        };
        match self.log.set(filter) {
            Ok(()) => {
                tracing::info!(filter = filter.trim(), "log level changed");
                Response::empty(204)
            }
            Err(error) => Response::error(400, &error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
