//! Whether a required stdio server works, before anybody has asked for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{ChildRooms, StdioConnector};
use crate::engine::limits::Limits;
use crate::engine::session::Owner;
use crate::engine::snapshot::ChildCommand;
use crate::mailbox::{Reach, ServerState};

/// A request that a server of either era may be asked first: an error is an answer too (2026-07-28 stdio, Backward
/// Compatibility).
const DISCOVER: &str = r#"{"jsonrpc":"2.0","id":"probe","method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"mcp-guard","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// Starts a child of `command`, asks it something and ends it again; stores in `state` whether it works. A child that runs and
/// says nothing within `patience` works: installers of packages take their time.
///
/// The child is beside those of `limits.children`: there is one for each required server that nobody knows to work.
pub(in crate::control) async fn probe_child(
    state: Arc<ServerState>,
    command: Arc<ChildCommand>,
    limits: &Limits,
    patience: Duration,
) {
    let rooms = ChildRooms::new(limits);
    let connector = StdioConnector::new(Arc::clone(&state), command, rooms, limits);
    // A failure is stored, and logged where it is news, by who notices it.
    let Some(Ok(mut link)) = Owner::from_hex(&[b'0'; 32]).map(|nobody| connector.start(nobody))
    else {
        return;
    };
    let _ = link.to_server.send(DISCOVER.into()).await;
    // It answers or ends: who moves its lines notices either.
    if timeout(patience, link.from_server.recv()).await.is_err() {
        state.set_reach(Reach::Up);
    }
}
