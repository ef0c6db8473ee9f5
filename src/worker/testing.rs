//! A worker on a real port, for tests that take control's part.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::config::model::Server;
use crate::engine::identity::AddressRange;
use crate::engine::identity::jwt::KeyRing;
use crate::engine::seal::Sealer;
use crate::engine::snapshot::{ServerParts, Snapshot, SnapshotParts};
use crate::mailbox::{Ask, Asks, DataPlane, Live, Phase, ServerState, Shared, ToWorker};

/// Longest that anything in a test is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// One worker that serves, and what it shares with control.
pub(super) struct Bench {
    pub(super) shared: Arc<Shared>,
    address: SocketAddr,
    plane: Option<Box<dyn DataPlane>>,
}

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The head, in lower case.
    pub(super) head: String,
    pub(super) body: String,
}

impl Bench {
    /// One server that leads nowhere; X-Forwarded-For of loopback is believed.
    pub(super) fn parts() -> SnapshotParts {
        let mut parts = SnapshotParts::new(vec![ServerParts::nowhere("a")]);
        parts.trusted_proxies = vec![AddressRange::parse("127.0.0.0/8").unwrap()];
        parts
    }

    pub(super) fn start(parts: SnapshotParts) -> Self {
        let live = live(Snapshot::new(parts).unwrap());
        let shared = Arc::new(Shared::new(live, 1, Sealer::new(b"test"), |_| {
            String::new()
        }));
        let server = Server {
            port: 0,
            ..Server::default()
        };
        let bound = super::bind(&server, 1).unwrap();
        let address = bound.local_addr();
        let plane = bound.start(Arc::clone(&shared)).unwrap();
        until("the worker serves", || {
            shared.workers[0].phase() == Phase::Serving
        });
        Self {
            shared,
            address,
            plane: Some(plane),
        }
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends `request` on a connection of its own and reads the answer.
    pub(super) fn exchange(&self, request: &str) -> Answer {
        exchange(&mut self.connect(), request)
    }

    /// Sends `request` on a connection of its own and leaves it open.
    pub(super) fn send(&self, request: &str) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// The audit records so far, once there are `count`.
    pub(super) fn records(&self, count: u64) -> String {
        let lane = &self.shared.workers[0].lane;
        until("records", || lane.records() >= count);
        let mut taken = Vec::new();
        lane.take(&mut taken);
        String::from_utf8(taken).unwrap()
    }

    /// Begins a drain whose grace is over at once.
    pub(super) fn expire(&self) {
        let deadline = Instant::now();
        self.plane
            .as_ref()
            .unwrap()
            .post(ToWorker::Drain { deadline });
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.expire();
        let panicked = self.plane.take().unwrap().join();
        assert!(panicked.is_empty() || thread::panicking(), "{panicked:?}");
    }
}

/// Takes control's part: answers each question with `answer`, on a thread of its own.
pub(super) fn answering<Q: Send + 'static, A: Send + 'static>(
    asks: &Asks<Q, A>,
    mut answer: impl FnMut(Ask<Q, A>) + Send + 'static,
) {
    let mut questions = asks.take().unwrap();
    thread::spawn(move || {
        while let Some(ask) = questions.blocking_recv() {
            answer(ask);
        }
    });
}

/// Sends `request` and reads one answer, whose body has a length.
pub(super) fn exchange(stream: &mut TcpStream, request: &str) -> Answer {
    stream.write_all(request.as_bytes()).unwrap();
    let is_head = request.starts_with("HEAD ");
    receive(stream, is_head)
}

/// Reads one answer.
pub(super) fn receive(stream: &mut TcpStream, is_head: bool) -> Answer {
    let mut bytes = Vec::new();
    let head_end = loop {
        let found = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = found {
            break end + 4;
        }
        read_more(stream, &mut bytes);
    };
    let head = String::from_utf8(bytes[..head_end].to_vec())
        .unwrap()
        .to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let whole = head_end + if is_head { 0 } else { length };
    while bytes.len() < whole {
        read_more(stream, &mut bytes);
    }
    assert_eq!(bytes.len(), whole, "nothing follows an answer");
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        body: String::from_utf8(bytes[head_end..].to_vec()).unwrap(),
        head,
    }
}

fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) {
    let mut part = [0; 4_096];
    let read = stream.read(&mut part).unwrap();
    assert!(read > 0, "{}", String::from_utf8_lossy(bytes));
    bytes.extend_from_slice(&part[..read]);
}

/// Waits until `is_so`.
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn live(snapshot: Snapshot) -> Live {
    let state = |server: &crate::engine::snapshot::Server| {
        let address = server.upstream.address.clone();
        Arc::new(ServerState::new(&server.name, address, 1))
    };
    Live {
        servers: snapshot.servers().iter().map(state).collect(),
        upstream_tls: snapshot.servers().iter().map(|_| None).collect(),
        snapshot: Arc::new(snapshot),
        keys: Arc::new(KeyRing::EMPTY),
        keys_version: 0,
        tls: None,
    }
}
