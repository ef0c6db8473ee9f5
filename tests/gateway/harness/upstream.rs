//! A recording upstream: keeps every byte of every request that reached it, and answers by script.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;

use super::client::{find, header};
use super::wire::Wire;
use super::{PATIENCE, eventually};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Recorded {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// What the upstream does about a request: writes, waits, or breaks off, in order.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Goes on once the gateway has closed the connection (or after a long time).
    AwaitClose,
    /// Goes on once the test has called [`Upstream::release`] for it.
    AwaitRelease,
    /// Resets the connection.
    Reset,
    /// Closes the connection.
    Close,
    /// Closes the connection below TLS, which says nothing of it: what anybody on the way can do.
    Cut,
}

type Script = dyn Fn(&Recorded) -> Vec<Step> + Send + Sync;

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<Recorded>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    closed_by_gateway: AtomicUsize,
    released: AtomicUsize,
    handshakes: AtomicUsize,
    resumed: AtomicUsize,
    refused: AtomicUsize,
}

/// A running upstream; its threads end with the test process.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    log: Arc<Log>,
}

impl Upstream {
    /// Starts one on a free port.
    pub(crate) fn start(script: impl Fn(&Recorded) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    /// Starts one on a listener of the test's own.
    pub(crate) fn start_on(
        listener: TcpListener,
        script: impl Fn(&Recorded) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self::accepting(listener, None, script)
    }

    /// Starts one that speaks TLS, on a free port.
    pub(crate) fn start_tls(
        tls: Arc<ServerConfig>,
        script: impl Fn(&Recorded) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::accepting(listener, Some(tls), script)
    }

    fn accepting(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&Recorded) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let log = Arc::<Log>::default();
        let script: Arc<Script> = Arc::new(script);
        let shared = Arc::clone(&log);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                shared.connections.fetch_add(1, SeqCst);
                shared.open.fetch_add(1, SeqCst);
                let (log, script, tls) = (Arc::clone(&shared), Arc::clone(&script), tls.clone());
                std::thread::spawn(move || {
                    if let Some(wire) = greet(stream, tls.as_ref(), &log) {
                        serve(wire, &log, &*script);
                    }
                    log.open.fetch_sub(1, SeqCst);
                });
            }
        });
        Self { address, log }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Its `https` URL under `host`.
    pub(crate) fn url_as(&self, host: &str) -> String {
        format!("https://{host}:{}/mcp", self.address.port())
    }

    /// TLS handshakes that ended in a connection.
    pub(crate) fn handshakes(&self) -> usize {
        self.log.handshakes.load(SeqCst)
    }

    /// Those of them that resumed a session.
    pub(crate) fn resumed(&self) -> usize {
        self.log.resumed.load(SeqCst)
    }

    /// TLS handshakes that failed.
    pub(crate) fn refused(&self) -> usize {
        self.log.refused.load(SeqCst)
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.log.requests.lock().unwrap().clone()
    }

    /// Requests that reached the upstream.
    pub(crate) fn count(&self) -> usize {
        self.log.requests.lock().unwrap().len()
    }

    /// Connections accepted.
    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(SeqCst)
    }

    /// Connections still open.
    pub(crate) fn open(&self) -> usize {
        self.log.open.load(SeqCst)
    }

    /// How often the gateway closed a connection while a step awaited it.
    pub(crate) fn closed_by_gateway(&self) -> usize {
        self.log.closed_by_gateway.load(SeqCst)
    }

    /// Lets one `AwaitRelease` go on.
    pub(crate) fn release(&self) {
        self.log.released.fetch_add(1, SeqCst);
    }

    /// Waits for the request number `count`.
    pub(crate) fn wait_for(&self, count: usize) -> Recorded {
        eventually("a request reaches the upstream", || {
            self.requests().get(count - 1).cloned()
        })
    }
}

/// The connection, once its handshake is over where it has one.
fn greet(stream: TcpStream, tls: Option<&Arc<ServerConfig>>, log: &Log) -> Option<Wire> {
    let Some(tls) = tls else {
        return Some(Wire::Plain(stream));
    };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let Ok(wire) = Wire::accept(stream, tls) else {
        log.refused.fetch_add(1, SeqCst);
        return None;
    };
    log.handshakes.fetch_add(1, SeqCst);
    if wire.was_resumed() {
        log.resumed.fetch_add(1, SeqCst);
    }
    wire.tcp().set_read_timeout(None).unwrap();
    Some(wire)
}

fn serve(mut stream: Wire, log: &Log, script: &Script) {
    let mut unread = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut unread) {
        log.requests.lock().unwrap().push(request.clone());
        for step in script(&request) {
            if !perform(step, &mut stream, log) {
                return;
            }
        }
    }
}

fn perform(step: Step, stream: &mut Wire, log: &Log) -> bool {
    match step {
        Step::Send(bytes) => stream
            .write_all(&bytes)
            .and_then(|()| stream.flush())
            .is_ok(),
        Step::AwaitRelease => {
            let take = |permits: usize| permits.checked_sub(1);
            eventually("a release", || {
                log.released.fetch_update(SeqCst, SeqCst, take).ok()
            });
            true
        }
        Step::AwaitClose => {
            if awaits_close(stream) {
                log.closed_by_gateway.fetch_add(1, SeqCst);
            }
            false
        }
        Step::Reset => {
            socket2::SockRef::from(stream.tcp())
                .set_linger(Some(Duration::ZERO))
                .unwrap();
            false
        }
        Step::Cut => {
            let _ = stream.tcp().shutdown(Shutdown::Both);
            false
        }
        Step::Close => {
            stream.shut(Shutdown::Both);
            false
        }
    }
}

fn awaits_close(stream: &mut Wire) -> bool {
    stream
        .tcp()
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    match stream.read(&mut [0; 64]) {
        Ok(read) => read == 0,
        Err(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
        ),
    }
}

/// Reads one request framed by `Content-Length`, the only framing that the gateway uses upstream.
fn read_request(stream: &mut Wire, unread: &mut Vec<u8>) -> Option<Recorded> {
    let head_end = fill_until(stream, unread, |bytes| find(bytes, b"\r\n\r\n"))? + 4;
    let head = String::from_utf8(unread.drain(..head_end).collect()).unwrap();
    let length = header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
    fill_until(stream, unread, |bytes| (bytes.len() >= length).then_some(0))?;
    let body = String::from_utf8_lossy(&unread.drain(..length).collect::<Vec<u8>>()).into_owned();
    Some(Recorded { head, body })
}

fn fill_until(
    stream: &mut Wire,
    unread: &mut Vec<u8>,
    found: impl Fn(&[u8]) -> Option<usize>,
) -> Option<usize> {
    let mut buffer = [0; 16 << 10];
    loop {
        if let Some(position) = found(unread) {
            return Some(position);
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => unread.extend_from_slice(&buffer[..read]),
        }
    }
}

/// An answer with `Content-Length`.
pub(crate) fn answer(status: u16, fields: &str, body: &str) -> Vec<Step> {
    vec![Step::Send(
        format!(
            "HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n{fields}\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )]
}

/// A JSON answer.
pub(crate) fn json(body: &str) -> Vec<Step> {
    answer(200, "Content-Type: application/json\r\n", body)
}

/// The head of an SSE answer in chunks.
pub(crate) fn sse_head(fields: &str) -> Step {
    Step::Send(
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n{fields}\r\n")
            .into_bytes(),
    )
}

/// One chunk.
pub(crate) fn chunk(text: &str) -> Step {
    Step::Send(format!("{:x}\r\n{text}\r\n", text.len()).into_bytes())
}

/// The last chunk.
pub(crate) fn last_chunk() -> Step {
    Step::Send(b"0\r\n\r\n".to_vec())
}

/// Echoes id and tool of a `tools/call`, lists three tools, accepts notifications: enough of an MCP server for most tests.
pub(crate) fn plain_server(request: &Recorded) -> Vec<Step> {
    let message = request.json();
    let id = &message["id"];
    if request.head.starts_with("DELETE") {
        return answer(200, "", "");
    }
    match message["method"].as_str() {
        Some("tools/call") => json(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"called {}"}}]}}}}"#,
            message["params"]["name"].as_str().unwrap_or_default()
        )),
        Some("tools/list") => json(&tools_list(&id.to_string())),
        Some(_) if id.is_null() => answer(202, "", ""),
        _ => json(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)),
    }
}

/// A list of `read_a`, `read_b` and `delete_all`, with members that must survive.
pub(crate) fn tools_list(id: &str) -> String {
    let tool = |name: &str| {
        format!(
            r#"{{"name":"{name}","inputSchema":{{"type":"object","$defs":{{}},"maximum":9007199254740993}},"_meta":{{"x":1.0}}}}"#
        )
    };
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{},{},{}],"nextCursor":"c"}}}}"#,
        tool("read_a"),
        tool("delete_all"),
        tool("read_b")
    )
}
