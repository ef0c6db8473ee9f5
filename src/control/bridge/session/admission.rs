//! How a session gets its room and its link.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::mailbox::Handle;
use super::rooms::{FrontId, Place, Room, SessionRooms};
use crate::control::bridge::{ConnectError, Connector, Link};
use crate::engine::bridge::session::Settings;
use crate::engine::limits::Limits;
use crate::engine::mcp::scan::ScanLimits;
use crate::engine::reply::Failure;
use crate::engine::session::Owner;
use crate::metrics::SessionEvent;

/// How long a new session waits for the room that an ended one leaves. A child may take seconds to end.
pub(super) const ROOM_WAIT: Duration = Duration::from_secs(10);

/// Pause between two looks for room.
pub(super) const ROOM_PAUSE: Duration = Duration::from_millis(50);

/// How long one ended session is given to leave its room before another has to go.
pub(super) const LEAVE_WAIT: Duration = Duration::from_secs(3);

/// What a front is told by its configuration.
#[derive(Clone, Debug)]
pub(in crate::control) struct FrontSettings {
    /// Name of the server, for the log.
    pub(in crate::control) server: Box<str>,
    /// Each session.
    pub(in crate::control) session: Settings,
    /// Time after which a session ends that nothing uses, in milliseconds.
    pub(in crate::control) idle_timeout_ms: u64,
    /// How bodies are read.
    pub(in crate::control) scan: ScanLimits,
}

impl FrontSettings {
    /// The settings of a front for `server`.
    pub(in crate::control) fn new(server: &str, limits: &Limits) -> Self {
        Self {
            server: server.into(),
            session: Settings::new(limits.session_events_bytes),
            idle_timeout_ms: limits.session_idle_timeout_ms,
            scan: ScanLimits {
                depth_max: limits.json_depth,
                ..ScanLimits::default()
            },
        }
    }
}

/// What both fronts are made of.
pub(super) struct Front {
    id: FrontId,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) rooms: Arc<SessionRooms>,
    pub(super) settings: FrontSettings,
    /// Whether it shuts down. Each session's task listens, and ends with the front.
    pub(super) closing: watch::Sender<bool>,
    server: Arc<str>,
}

impl Front {
    pub(super) fn new(
        connector: Arc<dyn Connector>,
        rooms: Arc<SessionRooms>,
        settings: FrontSettings,
    ) -> Self {
        Self {
            id: rooms.new_front(),
            server: settings.server.as_ref().into(),
            connector,
            rooms,
            settings,
            closing: watch::Sender::new(false),
        }
    }

    /// Whether no new session begins.
    pub(super) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    fn place(&self, owner: Owner) -> Place {
        Place {
            front: self.id,
            server: Arc::clone(&self.server),
            owner,
        }
    }

    /// The session that is called `id`, where it is one of this front and of `owner`. Errors: [`Failure::SessionMissing`],
    /// [`Failure::SessionUnknown`].
    pub(super) fn find(&self, owner: Owner, id: Option<&[u8]>) -> Result<Handle, Failure> {
        let id = id.ok_or(Failure::SessionMissing)?;
        let handle = self.rooms.find(&self.place(owner), id);
        handle.ok_or(Failure::SessionUnknown)
    }

    /// A room and a link for a new session of `owner`. Where there is no room, the session within the scope that has been
    /// idle longest is ended, and its room is waited for. Errors: [`ConnectError::Full`] where none is idle or none left in
    /// time; otherwise what the connector says.
    pub(super) async fn connect(&self, owner: Owner) -> Result<(Room, Link), ConnectError> {
        let (begun, place) = (Instant::now(), self.place(owner));
        let mut room = None;
        let mut displaced_at: Option<Instant> = None;
        loop {
            let scope = match self.try_connect(&place, &mut room).await {
                Err(ConnectError::Full(scope)) => scope,
                Err(error) => return Err(error),
                Ok(link) => match room.take() {
                    Some(room) => return Ok((room, link)),
                    None => continue,
                },
            };
            let is_leaving = displaced_at.is_some_and(|at| at.elapsed() < LEAVE_WAIT);
            if !is_leaving && self.rooms.displace(scope, &place) {
                displaced_at = Some(Instant::now());
            }
            let is_hopeless = displaced_at.is_none() && !self.rooms.is_leaving(scope, &place);
            if is_hopeless || begun.elapsed() >= ROOM_WAIT {
                self.rooms.counts.count(SessionEvent::Refused);
                return Err(ConnectError::Full(scope));
            }
            sleep(ROOM_PAUSE).await;
        }
    }

    async fn try_connect(
        &self,
        place: &Place,
        room: &mut Option<Room>,
    ) -> Result<Link, ConnectError> {
        if room.is_none() {
            *room = Some(self.rooms.take(place).map_err(ConnectError::Full)?);
        }
        self.connector.connect(place.owner).await
    }

    /// What a client is told of a session that could not be connected; the log gets the rest.
    pub(super) fn failure_of(&self, error: &ConnectError) -> Failure {
        let server = &*self.server;
        match error {
            // Anybody can bring these about, as often as they like.
            ConnectError::Full(_) | ConnectError::BackingOff | ConnectError::WrongEra => {
                tracing::debug!(server, %error, "session not opened");
            }
            ConnectError::Unreachable(_) => {
                tracing::warn!(server, %error, "session not opened");
            }
        }
        match error {
            ConnectError::Full(_) => Failure::Overloaded,
            ConnectError::BackingOff | ConnectError::Unreachable(_) => Failure::UpstreamUnreachable,
            ConnectError::WrongEra => Failure::UnsupportedVersion,
        }
    }

    /// Ends every session and waits until their tasks are gone, a few seconds at most. None begins afterwards.
    pub(super) async fn shutdown(&self) {
        self.closing.send_replace(true);
        let _ = timeout(LEAVE_WAIT, self.closing.closed()).await;
    }
}

/// A fresh session id: 128 random bits in hexadecimal. `None`: the system has no random bytes.
pub(super) fn new_session_id() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(bytes)))
}
