//! What the bridge of one server is made of, by transport and configuration: see the tables of the folder.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::child::{ChildRooms, StdioConnector};
use super::fallback::Fallback;
use super::modern::{CheckedParams, SharedChild, Sharing, ToolsEpoch};
use super::session::{SessionRooms, Yielding};
use super::switch::{ModernOnly, Switch};
use super::translate::{AsLegacy, AsModern, Bounds};
use super::upstream::{HttpConnector, HttpServer, ModernHttp, SseConnector, WrittenParams};
use super::{Connector, ModernUpstream};
use crate::engine::limits::Limits;
use crate::engine::session::Owner;
use crate::engine::snapshot::{ChildCommand, HttpTransport, Instances, Server, UpstreamAddress};
use crate::mailbox::{Live, ServerState, Shared};
use crate::metrics::SessionCells;

/// What every bridge of the process shares.
pub(super) struct Rooms {
    pub(super) children: ChildRooms,
    pub(super) sessions: Arc<SessionRooms>,
}

impl Rooms {
    pub(super) fn new(limits: &Limits, counts: Arc<SessionCells>) -> Self {
        let (sessions, per_owner) = (limits.sessions, limits.sessions_per_principal);
        Self {
            children: ChildRooms::new(limits),
            sessions: SessionRooms::new(sessions, per_owner, counts),
        }
    }
}

/// The parts of a server's bridge.
pub(super) struct Backs {
    /// For legacy clients.
    pub(super) legacy: Arc<dyn Connector>,
    /// For modern clients.
    pub(super) modern: Arc<dyn ModernUpstream>,
    /// Where the server is reached over HTTP.
    pub(super) http: Option<Arc<HttpServer>>,
}

/// What the backs of a bridge are made of.
pub(super) struct Making<'a> {
    pub(super) live: &'a Live,
    pub(super) server: &'a Server,
    pub(super) state: &'a Arc<ServerState>,
    pub(super) shared: &'a Shared,
    pub(super) rooms: &'a Rooms,
}

impl Making<'_> {
    /// The backs of the server; `None` for an address of no known kind.
    pub(super) fn backs(&self) -> Option<Backs> {
        let limits = &self.live.snapshot.limits;
        let http = || HttpServer::new(self.server, Arc::clone(self.state), limits);
        match &self.server.upstream.address {
            UpstreamAddress::Child(command) => Some(self.child(command)),
            _ => http().map(|http| self.http(http)),
        }
    }

    fn child(&self, command: &Arc<ChildCommand>) -> Backs {
        let snapshot = &self.live.snapshot;
        let children: Arc<dyn Connector> = Arc::new(StdioConnector::new(
            Arc::clone(self.state),
            Arc::clone(command),
            self.rooms.children.clone(),
            &snapshot.limits,
        ));
        let yielding: Arc<dyn Connector> = Arc::new(Yielding::new(
            Arc::clone(&children),
            Arc::clone(&self.rooms.sessions),
            &self.server.name,
        ));
        let modern_children = Arc::new(ModernOnly {
            children: Arc::clone(&yielding),
            state: Arc::clone(self.state),
            is_known: self.server.upstream.speech.eras.is_some(),
            payer: (command.instances != Some(Instances::Session)).then(Owner::gateway),
            is_last: !command.restarts && command.instances != Some(Instances::Session),
            started: AtomicBool::new(false),
            asked: tokio::sync::Mutex::default(),
        });
        let sharing = match command.instances {
            Some(Instances::Session) => Sharing::PerOwner {
                idle_time: Duration::from_millis(snapshot.limits.session_idle_timeout_ms),
            },
            Some(Instances::Shared) | None => Sharing::All(Owner::gateway()),
        };
        let shared_child: Arc<dyn ModernUpstream> = Arc::new(SharedChild::new(
            &self.server.name,
            Arc::clone(&modern_children) as Arc<dyn Connector>,
            self.shared.sealer(snapshot).clone(),
            sharing,
        ));
        let switch = Switch {
            children: modern_children,
            modern: Arc::clone(&shared_child),
            translated: self.translates().then(|| self.checked(yielding)),
        };
        let translated: Arc<dyn Connector> = Arc::new(AsLegacy::new(shared_child));
        let legacy = match command.instances {
            Some(Instances::Shared) => translated,
            _ if self.translates() => self.fallback(children, translated),
            _ => children,
        };
        Backs {
            legacy,
            modern: Arc::new(switch),
            http: None,
        }
    }

    fn http(&self, http: HttpServer) -> Backs {
        let http = Arc::new(http);
        let plain: Arc<dyn Connector> = match self.server.upstream.speech.transport {
            HttpTransport::Sse => Arc::new(SseConnector::new(Arc::clone(&http))),
            HttpTransport::Streamable => Arc::new(HttpConnector::new(Arc::clone(&http))),
        };
        let modern = self.checked(Arc::clone(&plain));
        let legacy = match self.server.upstream.speech.transport {
            HttpTransport::Streamable if self.translates() => {
                let plain_http = ModernHttp::new(Arc::clone(&http));
                let upstream = Arc::new(WrittenParams::new(&self.server.name, plain_http));
                self.fallback(plain, Arc::new(AsLegacy::new(upstream)))
            }
            _ => plain,
        };
        Backs {
            legacy,
            modern,
            http: Some(http),
        }
    }

    fn translates(&self) -> bool {
        self.server.upstream.speech.translates
    }

    fn fallback(
        &self,
        legacy: Arc<dyn Connector>,
        translated: Arc<dyn Connector>,
    ) -> Arc<dyn Connector> {
        Arc::new(Fallback {
            legacy,
            translated,
            state: Arc::clone(self.state),
        })
    }

    /// Neither a child nor a server of the earlier era knows of `Mcp-Param`: what tools say of it is the gateway's to check.
    fn checked(&self, legacy: Arc<dyn Connector>) -> Arc<dyn ModernUpstream> {
        let upstream = self.as_modern(legacy);
        let tools = ToolsEpoch::default();
        Arc::new(CheckedParams::new(&self.server.name, upstream, tools))
    }

    fn as_modern(&self, connector: Arc<dyn Connector>) -> AsModern {
        let snapshot = &self.live.snapshot;
        let sealer = self.shared.sealer(snapshot).clone();
        let bounds = Bounds::of(&snapshot.limits);
        AsModern::new(connector, sealer, self.server.name.clone(), bounds)
    }
}
