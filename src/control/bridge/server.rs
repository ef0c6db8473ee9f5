//! One server's bridge: its fronts over its backs, chosen by transport and era.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backs::{Making, Rooms};
use super::modern::ModernFront;
use super::session::{FrontSettings, SessionFront, SseFront};
use super::upstream::{HttpServer, ProbedEra, probe_eras};
use crate::control::http::{Handler, Request, Response};
use crate::engine::admission::only_id;
use crate::engine::limits::Limits;
use crate::engine::mcp::revision::{Era, Revision};
use crate::engine::mcp::scan::{ScanLimits, scan};
use crate::engine::reply::{Failure, ReplyId, VersionData};
use crate::engine::session::Owner;
use crate::engine::snapshot::{Eras, HttpTransport, Instances, Server, Snapshot, UpstreamAddress};
use crate::mailbox::bridge::{FRONT_FIELD, OWNER_FIELD, VERDICT_FIELD};
use crate::mailbox::{Live, ServerState, Shared, Speaks};

/// How long a server may take for each question of a probe.
const PROBE_PATIENCE: Duration = Duration::from_secs(5);

/// Pause after a probe that found nothing.
const PROBE_PAUSE: Duration = Duration::from_secs(5);

/// One server's bridge. Its parts start nothing until they are asked.
pub(super) struct Bridge {
    snapshot: Arc<Snapshot>,
    server: usize,
    state: Arc<ServerState>,
    sessions: SessionFront,
    streams: SseFront,
    modern: ModernFront,
    /// Where the server is reached over HTTP, for probes.
    http: Option<Arc<HttpServer>>,
    /// When the last probe ended that found nothing.
    probing: tokio::sync::Mutex<Option<Instant>>,
}

impl Bridge {
    /// The bridge of `server`, which is of `live`.
    pub(super) fn new(
        live: &Live,
        server: &Server,
        shared: &Shared,
        rooms: &Rooms,
    ) -> Option<Self> {
        let state = Arc::clone(&live.servers[server.index().as_usize()]);
        declare(server, &state);
        let making = Making {
            live,
            server,
            state: &state,
            shared,
            rooms,
        };
        let backs = making.backs()?;
        let settings = || FrontSettings::new(&server.name, &live.snapshot.limits);
        let sessions = || Arc::clone(&rooms.sessions);
        Some(Self {
            sessions: SessionFront::new(Arc::clone(&backs.legacy), sessions(), settings()),
            streams: SseFront::new(backs.legacy, sessions(), settings()),
            modern: ModernFront::new(backs.modern),
            http: backs.http,
            probing: tokio::sync::Mutex::default(),
            snapshot: Arc::clone(&live.snapshot),
            server: server.index().as_usize(),
            state,
        })
    }

    fn server(&self) -> &Server {
        &self.snapshot.servers()[self.server]
    }

    /// Whether it still fits `server` of `live`.
    pub(super) fn is_for(&self, live: &Live, server: &Server) -> bool {
        let own = self.server();
        Arc::ptr_eq(&self.state, &live.servers[server.index().as_usize()])
            && own.upstream == server.upstream
            && own.inject_headers == server.inject_headers
            && (own.timeout_ms, own.connect_timeout_ms)
                == (server.timeout_ms, server.connect_timeout_ms)
            && own_limits(&self.snapshot.limits) == own_limits(&live.snapshot.limits)
    }

    /// Ends its sessions and children.
    pub(super) async fn shutdown(&self) {
        self.sessions.shutdown().await;
        self.streams.shutdown().await;
    }

    async fn answer(&self, owner: Owner, request: Request) -> Response {
        if request.header(FRONT_FIELD).is_some() {
            return self.streams.handle(owner, request).await;
        }
        let era = era_of(&request);
        let has_session = request.has_header("mcp-session-id");
        if !has_session {
            self.learn().await;
        }
        match (era, self.plan(era, has_session)) {
            (_, Plan::Direct) => Response::empty(204).with(VERDICT_FIELD, "direct"),
            (_, Plan::Refuse) => self.wrong_era(era, &request),
            (Era::Legacy, Plan::Serve) => self.sessions.handle(owner, request).await,
            (Era::Modern, Plan::Serve) => self.modern.handle(owner, request).await,
        }
    }

    /// What becomes of a request of `era`.
    fn plan(&self, era: Era, has_session: bool) -> Plan {
        let speech = self.server().upstream.speech;
        let other = match era {
            Era::Legacy => Era::Modern,
            Era::Modern => Era::Legacy,
        };
        let is_plain_http = self.http.is_some() && speech.transport == HttpTransport::Streamable;
        match (self.state.speaks(era), self.state.speaks(other)) {
            // A session that began over the bridge goes on here, whatever was learnt since.
            _ if era == Era::Legacy && has_session => Plan::Serve,
            (Speaks::No, _) if !speech.translates => Plan::Refuse,
            (Speaks::No, _) => Plan::Serve,
            _ if !is_plain_http => Plan::Serve,
            // It refused `initialize` and answers modern requests.
            (Speaks::Unknown, Speaks::Yes) if era == Era::Legacy => Plan::Serve,
            _ => Plan::Direct,
        }
    }

    /// Asks an HTTP server for its eras, once for all who wait.
    async fn learn(&self) {
        let Some(http) = &self.http else {
            return;
        };
        let is_known = || self.state.speaks(Era::Modern) != Speaks::Unknown;
        if is_known() {
            return;
        }
        let mut failed = self.probing.lock().await;
        if is_known() || failed.is_some_and(|failed| failed.elapsed() < PROBE_PAUSE) {
            return;
        }
        let found = probe_eras(http, PROBE_PATIENCE).await;
        tracing::info!(
            server = &*self.state.name,
            ?found,
            "server was asked for its era"
        );
        match found {
            Ok(ProbedEra::Modern) => self.state.set_speaks(Era::Modern, Speaks::Yes),
            Ok(ProbedEra::Legacy) => {
                self.state.set_speaks(Era::Modern, Speaks::No);
                self.state.set_speaks(Era::Legacy, Speaks::Yes);
            }
            // Whoever asks learns it from the server itself.
            Ok(ProbedEra::Neither) | Err(_) => *failed = Some(Instant::now()),
        }
    }

    /// −32022 with the revisions that the server speaks.
    fn wrong_era(&self, era: Era, request: &Request) -> Response {
        let supported: Vec<&str> = Revision::ALL
            .iter()
            .filter(|revision| revision.era() != era)
            .map(|revision| revision.as_str())
            .collect();
        let versions = VersionData {
            supported: &supported,
            requested: request.header("mcp-protocol-version"),
        };
        let failure = Failure::UnsupportedVersion;
        let body = scan(&request.body, &ScanLimits::default()).ok();
        let id = body.as_ref().and_then(only_id);
        let id = id.map_or(ReplyId::Omitted, |id| ReplyId::Known(id.raw(&request.body)));
        let mut body = Vec::with_capacity(256);
        failure.encode_with(id, "", &versions, &mut body);
        Response::json(failure.status(), body)
    }
}

/// The bounds that a bridge was made with. Those of the whole process move under it.
const fn own_limits(limits: &Limits) -> [u64; 8] {
    [
        limits.line_bytes as u64,
        limits.event_bytes as u64,
        limits.json_depth as u64,
        limits.session_events_bytes as u64,
        limits.session_idle_timeout_ms,
        limits.write_stall_ms,
        limits.upstream_idle_connections as u64,
        limits.upstream_idle_timeout_ms,
    ]
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// A front answers it.
    Serve,
    /// The worker is to send it to the server itself.
    Direct,
    /// The server does not speak its era, and nobody is to translate.
    Refuse,
}

impl Handler for Bridge {
    async fn handle(&self, request: Request) -> Response {
        let owner = request.header(OWNER_FIELD).and_then(Owner::from_hex);
        match owner {
            Some(owner) => self.answer(owner, request).await,
            None => Response::empty(500),
        }
    }
}

/// A modern request names its revision in its head: the worker saw to that.
/// A worker lets no legacy request with an unknown version pass, so a version that nobody knows is a modern request's.
fn era_of(request: &Request) -> Era {
    request
        .header("mcp-protocol-version")
        .map_or(Era::Legacy, |version| {
            Revision::parse(version).map_or(Era::Modern, Revision::era)
        })
}

/// Keeps what the operator, or the transport, says of the server's eras.
fn declare(server: &Server, state: &ServerState) {
    let speech = server.upstream.speech;
    let eras = match speech.transport {
        HttpTransport::Sse => Some(Eras::Legacy),
        HttpTransport::Streamable => speech.eras,
    };
    let speaks = |yes: bool| if yes { Speaks::Yes } else { Speaks::No };
    if let UpstreamAddress::Child(command) = &server.upstream.address
        && command.instances == Some(Instances::Shared)
    {
        // One child for legacy clients is wrong, whatever it speaks: each would see the others' state.
        state.set_speaks(Era::Legacy, Speaks::No);
    }
    if let Some(eras) = eras {
        state.set_speaks(Era::Legacy, speaks(eras != Eras::Modern));
        state.set_speaks(Era::Modern, speaks(eras != Eras::Legacy));
    }
}
