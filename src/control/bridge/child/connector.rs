//! A child for each session.

use std::sync::Arc;

use super::super::{BoxFuture, ConnectError, Connector, Link};
use super::attendant::{Patience, Terms, attend};
use super::launcher::Launcher;
use super::rooms::ChildRooms;
use crate::engine::limits::Limits;
use crate::engine::session::Owner;
use crate::engine::snapshot::ChildCommand;
use crate::mailbox::ServerState;

/// Starts a child of one server for each session. Must be used on the control thread: children end with the thread that
/// started them.
#[derive(Clone, Debug)]
pub(in crate::control) struct StdioConnector {
    launcher: Arc<Launcher>,
    rooms: ChildRooms,
    line_bytes_max: usize,
    patience: Patience,
}

impl StdioConnector {
    /// Starts children of `command` for the server that `state` is of, counted in `rooms` together with everybody's; no line
    /// of theirs may exceed `limits.line_bytes`.
    pub(in crate::control) fn new(
        state: Arc<ServerState>,
        command: Arc<ChildCommand>,
        rooms: ChildRooms,
        limits: &Limits,
    ) -> Self {
        Self {
            launcher: Arc::new(Launcher::new(state, command)),
            rooms,
            line_bytes_max: limits.line_bytes,
            patience: Patience::DEFAULT,
        }
    }

    /// As this one, with other waits when a child is stopped.
    #[cfg(test)]
    pub(in crate::control) fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Starts a child whose life is that of the link. Errors: [`ConnectError::Full`], [`ConnectError::BackingOff`] while children
    /// fail, [`ConnectError::Unreachable`] where this one did.
    pub(super) fn start(&self, owner: Owner) -> Result<Link, ConnectError> {
        let launcher = &self.launcher;
        // Asked first: no session is to be ended for a child that is not started then.
        if !launcher.may_start() {
            return Err(ConnectError::BackingOff);
        }
        let max_children = launcher.command.max_children;
        let room = self
            .rooms
            .enter(&launcher.name, max_children, owner)
            .map_err(ConnectError::Full)?;
        let failed = |why: String| ConnectError::Unreachable(why.into());
        let (group, pipes, trace) = launcher.spawn().map_err(|why| failed(why.to_string()))?;
        let terms = Terms {
            rooms: self.rooms.clone(),
            room,
            line_bytes_max: self.line_bytes_max,
            patience: self.patience,
        };
        attend(group, pipes, trace, terms).map_err(|why| failed(why.to_string()))
    }
}

impl Connector for StdioConnector {
    fn connect(&self, owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        Box::pin(async move { self.start(owner) })
    }
}
