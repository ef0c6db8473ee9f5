//! Children of other clients' requests, for which an idle session makes room.

use std::sync::Arc;

use tokio::time::{Instant, sleep};

use super::admission::{LEAVE_WAIT, ROOM_PAUSE, ROOM_WAIT};
use super::rooms::{FrontId, Place, SessionRooms};
use crate::control::bridge::{BoxFuture, ConnectError, Connector, Link};
use crate::engine::session::Owner;

/// A connector whose links are no sessions of a front: they serve modern requests. Where a bound on children is reached, it
/// ends the session within that bound that has been idle longest, and waits for its room.
///
/// Without it, sessions that clients left behind would keep their own modern requests out until they time out.
pub(in crate::control) struct Yielding {
    connector: Arc<dyn Connector>,
    rooms: Arc<SessionRooms>,
    front: FrontId,
    server: Arc<str>,
}

impl Yielding {
    /// `connector`, which is of `server`.
    pub(in crate::control) fn new(
        connector: Arc<dyn Connector>,
        rooms: Arc<SessionRooms>,
        server: &str,
    ) -> Self {
        Self {
            front: rooms.new_front(),
            connector,
            rooms,
            server: server.into(),
        }
    }

    /// Errors: [`ConnectError::Full`] where no session is idle or none left in time; otherwise what the connector says.
    async fn connect_within(&self, owner: Owner) -> Result<Link, ConnectError> {
        let place = Place {
            front: self.front,
            server: Arc::clone(&self.server),
            owner,
        };
        let begun = Instant::now();
        let mut displaced_at: Option<Instant> = None;
        loop {
            let scope = match self.connector.connect(owner).await {
                Err(ConnectError::Full(scope)) => scope,
                connected => return connected,
            };
            let is_leaving = displaced_at.is_some_and(|at| at.elapsed() < LEAVE_WAIT);
            if !is_leaving && self.rooms.displace(scope, &place) {
                displaced_at = Some(Instant::now());
            }
            let is_hopeless = displaced_at.is_none() && !self.rooms.is_leaving(scope, &place);
            if is_hopeless || begun.elapsed() >= ROOM_WAIT {
                return Err(ConnectError::Full(scope));
            }
            sleep(ROOM_PAUSE).await;
        }
    }
}

impl Connector for Yielding {
    fn connect(&self, owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        Box::pin(self.connect_within(owner))
    }
}
