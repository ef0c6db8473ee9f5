//! One server over HTTP: where it is, what every request to it carries, and how long each step may take.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use guard_io::http1::Method;
use guard_io::tls::ClientTls;
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::time::timeout;

use super::failed::HttpFailed;
use crate::control::http::{Client, ClientError, Incoming, Pool, encode_request};
use crate::engine::limits::Limits;
use crate::engine::snapshot::{InjectedHeader, ServerParts, UpstreamAddress};
use crate::mailbox::ServerState;

/// How long the rest of an answer that nobody waits for is read, so that its connection can be used again.
const RETIRE_TIME: Duration = Duration::from_secs(1);

/// How much of it, in bytes.
const RETIRE_BYTES_MAX: usize = 64 << 10;

/// A server that is asked over HTTP. Requests share a small pool of connections.
pub(in crate::control) struct HttpServer {
    /// Configured name.
    pub(in crate::control) name: Box<str>,
    /// Where it is; control keeps its addresses up to date.
    state: Arc<ServerState>,
    /// The request target of its endpoint: path and query.
    pub(super) target: Box<str>,
    pub(super) host_header: Box<str>,
    inject_headers: Vec<InjectedHeader>,
    pub(super) connect_time: Duration,
    /// Until the head of an answer, and from there until the end of a JSON body.
    pub(super) answer_time: Duration,
    write_stall: Duration,
    /// Largest message of the server, in bytes.
    pub(super) message_bytes_max: usize,
    pool: Pool,
    /// Whether the log was told that something is wrong, and not yet that it is right again.
    has_complained: AtomicBool,
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The target may hold a secret.
        f.debug_struct("HttpServer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub(in crate::control) struct HttpCall<'c> {
    /// POST, GET or DELETE.
    pub(in crate::control) method: Method,
    /// Path and query.
    pub(in crate::control) target: &'c str,
    /// What the protocol asks for beside Host, Accept, Content-Type and framing.
    pub(in crate::control) fields: &'c [(&'c str, &'c [u8])],
    /// The body of a POST.
    pub(in crate::control) body: &'c [u8],
}

/// A request that was written whole. Dropped, its connection closes.
#[derive(Debug)]
pub(in crate::control) struct Sent {
    client: Client,
    method: Method,
    patience: Duration,
}

impl Sent {
    /// Waits for the head of the answer. Errors: no head in time, none that can be read, or an encoded body.
    pub(in crate::control) async fn answer(self) -> Result<Incoming<Client>, HttpFailed> {
        let answer = timeout(self.patience, self.client.answer(self.method))
            .await
            .map_err(|_| HttpFailed::AnswerTimeout(self.patience))??;
        let is_plain = answer
            .header("content-encoding")
            .is_none_or(|coding| coding.eq_ignore_ascii_case(b"identity"));
        is_plain.then_some(answer).ok_or(HttpFailed::Encoded)
    }
}

impl HttpServer {
    /// The server as configured, reached as `state` says and within `limits`; `None` for a child process.
    pub(in crate::control) fn new(
        server: &ServerParts,
        state: Arc<ServerState>,
        limits: &Limits,
    ) -> Option<Self> {
        let idle_time = Duration::from_millis(limits.upstream_idle_timeout_ms);
        let is_http = !matches!(server.upstream.address, UpstreamAddress::Child(_));
        is_http.then(|| Self {
            name: server.name.clone(),
            state,
            target: server.upstream.target.clone(),
            host_header: server.upstream.host_header.clone(),
            inject_headers: server.inject_headers.clone(),
            connect_time: Duration::from_millis(server.connect_timeout_ms),
            answer_time: Duration::from_millis(server.timeout_ms),
            write_stall: Duration::from_millis(limits.write_stall_ms),
            message_bytes_max: limits.event_bytes,
            pool: Pool::new(limits.upstream_idle_connections, idle_time),
            has_complained: AtomicBool::new(false),
        })
    }

    /// Connects, and keeps the connection for the first request.
    pub(in crate::control) async fn reach(&self) -> Result<(), HttpFailed> {
        let client = self.open().await?;
        self.pool.put(client);
        Ok(())
    }

    /// Writes `call` on a connection of its own for the time.
    pub(in crate::control) async fn send(&self, call: HttpCall<'_>) -> Result<Sent, HttpFailed> {
        let request = self.encode(call)?;
        let mut client = self.open().await?;
        self.write(&mut client, &request).await?;
        Ok(Sent {
            client,
            method: call.method,
            patience: self.answer_time,
        })
    }

    /// `host:port` as configured, which an absolute URI of the server's own may name as well as Host.
    pub(super) fn configured_authority(&self) -> Option<String> {
        match &self.state.address {
            UpstreamAddress::Http { host, port, .. } if host.contains(':') => {
                Some(format!("[{host}]:{port}"))
            }
            UpstreamAddress::Http { host, port, .. } => Some(format!("{host}:{port}")),
            _ => None,
        }
    }

    /// Tells the log what is wrong with the server's answers, once until one is right again.
    pub(super) fn complain(&self, failed: &HttpFailed) {
        if !self.has_complained.swap(true, Relaxed) {
            tracing::warn!(server = &*self.name, %failed, "upstream answers are not usable");
        }
    }

    /// An answer was right.
    pub(super) fn content(&self) {
        self.has_complained.store(false, Relaxed);
    }

    /// Reads the rest of `answer` in the background, within bounds, and keeps its connection if the server does.
    pub(super) fn retire(&self, mut answer: Incoming<Client>) {
        let pool = self.pool.clone();
        tokio::spawn(async move {
            let rest = timeout(RETIRE_TIME, answer.whole_body(RETIRE_BYTES_MAX)).await;
            if let (Ok(Ok(_)), Some(client)) = (rest, answer.into_client()) {
                pool.put(client);
            }
        });
    }

    /// Keeps the connection of an answer that was read to its end.
    pub(super) fn keep(&self, answer: Incoming<Client>) {
        if let Some(client) = answer.into_client() {
            self.pool.put(client);
        }
    }

    fn encode(&self, call: HttpCall<'_>) -> Result<Vec<u8>, HttpFailed> {
        let accept: &[u8] = match call.method {
            Method::Get => b"text/event-stream",
            _ => b"application/json, text/event-stream",
        };
        let user_agent = concat!("mcp-guard/", env!("CARGO_PKG_VERSION")).as_bytes();
        let mut fields = vec![
            ("Host", self.host_header.as_bytes()),
            ("User-Agent", user_agent),
            ("Accept", accept),
        ];
        if call.method == Method::Post {
            fields.push(("Content-Type", b"application/json"));
        }
        let injected = self.inject_headers.iter();
        fields.extend(injected.map(|header| (&*header.name, header.value.as_slice())));
        fields.extend(call.fields);
        Ok(encode_request(call.method, call.target, fields, call.body)?)
    }

    async fn open(&self) -> Result<Client, HttpFailed> {
        while let Some(client) = self.pool.take().await {
            // Under load one lives on for long after its certificates, or those of its server, were replaced.
            let tls = self.state.tls.load();
            if client.is_under(tls.as_deref().map(ClientTls::config)) {
                return Ok(client);
            }
        }
        timeout(self.connect_time, self.connect())
            .await
            .map_err(|_| HttpFailed::ConnectTimeout(self.connect_time))?
    }

    /// Tries each address in turn.
    async fn connect(&self) -> Result<Client, HttpFailed> {
        if let UpstreamAddress::Unix { path } = &self.state.address {
            let stream = UnixStream::connect(path).await;
            return Ok(Client::over(stream.map_err(ClientError::Connect)?));
        }
        let mut failed = HttpFailed::Unresolved;
        let resolved = self.state.resolved.load_full();
        for address in resolved.addresses() {
            match self.connect_to(*address).await {
                Ok(client) => return Ok(client),
                Err(error) => failed = error.into(),
            }
        }
        Err(failed)
    }

    /// Under TLS where the server is https: never in clear what was to be encrypted.
    async fn connect_to(&self, address: SocketAddr) -> Result<Client, ClientError> {
        let stream = connect_tcp(address).await.map_err(ClientError::Connect)?;
        match &self.state.address {
            UpstreamAddress::Http {
                host,
                is_secure: true,
                ..
            } => {
                let tls = self.state.tls.load_full();
                let tls = tls.ok_or_else(|| ClientError::Tls(io::Error::other(NO_MATERIAL)))?;
                Client::over_tls(stream, host, tls.config()).await
            }
            _ => Ok(Client::over(stream)),
        }
    }

    /// Writes all of `request`; each write must make progress in time.
    async fn write(&self, client: &mut Client, request: &[u8]) -> Result<(), HttpFailed> {
        for part in request.chunks(WRITE_BYTES) {
            timeout(self.write_stall, client.write(part))
                .await
                .map_err(|_| HttpFailed::WriteStalled(self.write_stall))??;
        }
        Ok(())
    }
}

/// How much of a request is written at once, in bytes: what the bound on a stalled write applies to.
const WRITE_BYTES: usize = 64 << 10;

/// Why an https server without certificates to trust is not asked.
const NO_MATERIAL: &str = "there is nothing to verify the server with";

/// A stream may be silent for hours: the kernel finds out whether the server's host is still there.
async fn connect_tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_keepalive(true)?;
    socket.set_nodelay(true)?;
    socket.connect(address).await
}
