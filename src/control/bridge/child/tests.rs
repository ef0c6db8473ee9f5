//! Real children, from start to the last of their group.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::super::{ConnectError, Connector as _, FromServer, FullScope, Link, LinkEnd};
use super::attendant::Patience;
use super::testing::{shell, stdio_server};
use super::{ChildRooms, StdioConnector, probe_child};
use crate::engine::limits::Limits;
use crate::engine::session::Owner;
use crate::engine::snapshot::{ChildCommand, UpstreamAddress};
use crate::mailbox::{Reach, ServerState};
use crate::metrics::{ChildEnd, ChildStart};

mod bounds;
mod failures;
mod stopping;
mod traffic;

/// Longer than anything here takes, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(20);

/// A connector and what it reports to.
struct Bench {
    connector: StdioConnector,
    rooms: ChildRooms,
    state: Arc<ServerState>,
    command: Arc<ChildCommand>,
}

impl Bench {
    fn new(child: ChildCommand) -> Self {
        Self::within(child, &Limits::DEFAULT)
    }

    fn within(child: ChildCommand, limits: &Limits) -> Self {
        let child = Arc::new(child);
        let address = UpstreamAddress::Child(Arc::clone(&child));
        let state = Arc::new(ServerState::new("files", address, 1));
        let rooms = ChildRooms::new(limits);
        let connector = StdioConnector::new(
            Arc::clone(&state),
            Arc::clone(&child),
            rooms.clone(),
            limits,
        );
        let bench = Self {
            connector,
            rooms,
            state,
            command: child,
        };
        // A busy machine must not make a child look stubborn.
        bench.patient(DEADLINE, DEADLINE)
    }

    /// Waits at the steps of the stop ladder as long as told.
    fn patient(mut self, close: Duration, terminate: Duration) -> Self {
        let patience = Patience { close, terminate };
        self.connector = self.connector.with_patience(patience);
        self
    }

    async fn try_open(&self) -> Result<Link, ConnectError> {
        self.connector.connect(owner('a')).await
    }

    async fn open(&self) -> Link {
        self.try_open().await.unwrap()
    }

    async fn all_ended(&self) {
        within_deadline(self.rooms.all_ended()).await;
        assert_eq!(self.state.children.alive.value(), 0);
    }

    fn ends(&self, how: ChildEnd) -> u64 {
        self.state.children.ends(how)
    }
}

fn owner(digit: char) -> Owner {
    Owner::from_hex(digit.to_string().repeat(32).as_bytes()).unwrap()
}

async fn within_deadline<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("deadline")
}

async fn send(link: &Link, message: &str) {
    within_deadline(link.to_server.send(message.as_bytes().to_vec()))
        .await
        .unwrap();
}

async fn next(link: &mut Link) -> FromServer {
    within_deadline(link.from_server.recv()).await.unwrap()
}

async fn next_text(link: &mut Link) -> String {
    match next(link).await {
        FromServer::Message { bytes, during } => {
            assert_eq!(during, None);
            String::from_utf8(bytes).unwrap()
        }
        FromServer::Ended(end) => panic!("{end}"),
    }
}

async fn next_end(link: &mut Link) -> LinkEnd {
    match next(link).await {
        FromServer::Ended(end) => end,
        FromServer::Message { bytes, .. } => panic!("{}", String::from_utf8_lossy(&bytes)),
    }
}

/// Calls a tool of the fixture as a modern client does and gives the text of its answer.
async fn call(link: &mut Link, tool: &str, arguments: Value) -> String {
    send_call(link, tool, arguments).await;
    let answer: Value = serde_json::from_str(&next_text(link).await).unwrap();
    answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

async fn send_call(link: &Link, tool: &str, arguments: Value) {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    send(link, &request.to_string()).await;
}

async fn pid(link: &mut Link) -> String {
    let said: Value = serde_json::from_str(&call(link, "pid", json!({})).await).unwrap();
    said["pid"].to_string()
}

/// Whether there is a process, or a zombie, with that number.
fn is_known(pid: &str) -> bool {
    std::path::Path::new("/proc").join(pid).exists()
}

/// Whether nothing runs under that number, though its parent may not have taken notice.
fn has_ended(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = timeout(DEADLINE, async {
        while !is_so() {
            sleep(Duration::from_millis(2)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}
