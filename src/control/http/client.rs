//! One request at a time to a server, with bounds.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use guard_io::http1::{
    BodyFraming, HeadIndex, HeadLimits, HeadWriter, INTERIM_RESPONSES_MAX, Method, ResponseHead,
    ResponseProgress, parse_response,
};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::client_error::ClientError;
use super::incoming::{Answer, Incoming};
use super::tls;
use crate::engine::limits::{UPSTREAM_HEAD_BYTES_MAX, UPSTREAM_HEADERS_MAX};

/// Bounds on the head of an answer.
const HEAD_LIMITS: HeadLimits = HeadLimits {
    head_bytes_max: UPSTREAM_HEAD_BYTES_MAX,
    request_line_bytes_max: UPSTREAM_HEAD_BYTES_MAX,
    headers_max: UPSTREAM_HEADERS_MAX,
};

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Endpoint {
    /// Host name or address, and port. Names are resolved off the runtime's thread.
    Tcp(String, u16),
    /// The same under TLS. The server must prove to be the host.
    Tls {
        /// Host name or address, without brackets.
        host: String,
        /// Port.
        port: u16,
        /// Whom to trust, and what to prove oneself with.
        config: Arc<ClientConfig>,
    },
    /// Path of a socket.
    Unix(PathBuf),
}

/// A connection that carries one exchange after another.
pub struct Client {
    stream: Box<dyn Stream>,
    /// What it was secured with; `None` in clear, and where whoever made it secured it.
    secured: Option<Arc<ClientConfig>>,
    pub(super) received: Vec<u8>,
    pub(super) index: HeadIndex,
    pub(super) head_bytes: Vec<u8>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Opens a connection. Whoever calls bounds the time.
    pub async fn connect(endpoint: &Endpoint) -> Result<Self, ClientError> {
        let stream: Box<dyn Stream> = match endpoint {
            Endpoint::Tcp(host, port) => Box::new(connect_tcp(host, *port).await?),
            Endpoint::Tls { host, port, config } => {
                let stream = connect_tcp(host, *port).await?;
                Box::new(tls::handshake(stream, host, config).await?)
            }
            Endpoint::Unix(path) => Box::new(
                UnixStream::connect(path)
                    .await
                    .map_err(ClientError::Connect)?,
            ),
        };
        Ok(Self::boxed(stream))
    }

    /// Opens a connection to the first of `addresses` that accepts: no name is looked up. With `secure`, TLS is spoken with
    /// the host of that name, by whatever address it was reached. Whoever calls bounds the time.
    pub async fn connect_to(
        addresses: &[SocketAddr],
        secure: Option<(&str, &Arc<ClientConfig>)>,
    ) -> Result<Self, ClientError> {
        let stream = tls::connect_any(addresses).await?;
        Ok(match secure {
            None => Self::over(stream),
            Some((host, config)) => Self::over_tls(stream, host, config).await?,
        })
    }

    /// A connection over `stream` under TLS with `host`, a name or an address. Whoever calls bounds the time.
    pub async fn over_tls(
        stream: TcpStream,
        host: &str,
        config: &Arc<ClientConfig>,
    ) -> Result<Self, ClientError> {
        let mut client = Self::over(tls::handshake(stream, host, config).await?);
        client.secured = Some(Arc::clone(config));
        Ok(client)
    }

    /// A connection over `stream`, which nothing was sent on yet.
    pub fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self::boxed(Box::new(stream))
    }

    fn boxed(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            secured: None,
            received: Vec::new(),
            index: HeadIndex::new(),
            head_bytes: Vec::new(),
        }
    }

    /// Sends one request and reads the head of its answer. Interim answers are skipped.
    pub async fn send(
        &mut self,
        method: Method,
        target: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer<'_>, ClientError> {
        let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
        let request = encode_request(method, target, fields, body)?;
        self.write(&request).await?;
        let head = self.answer_head(method).await?;
        Ok(Incoming::new(self, &head))
    }

    /// Writes a whole request, as [`encode_request`] makes it.
    pub async fn write(&mut self, request: &[u8]) -> Result<(), ClientError> {
        let stream = &mut self.stream;
        let written = async {
            stream.write_all(request).await?;
            // TLS takes more than the socket does, and reading does not send the rest.
            stream.flush().await
        };
        written.await.map_err(ClientError::Broken)
    }

    /// Reads the head of the answer to the request that was written, whose method is `method`. Interim answers are skipped.
    /// The answer takes the connection with it: [`Incoming::into_client`].
    pub async fn answer(mut self, method: Method) -> Result<Incoming<Self>, ClientError> {
        let head = self.answer_head(method).await?;
        Ok(Incoming::new(self, &head))
    }

    /// Whether it was made under `config`; `None` stands for one in clear.
    #[must_use]
    pub fn is_under(&self, config: Option<&Arc<ClientConfig>>) -> bool {
        match (&self.secured, config) {
            (None, None) => true,
            (Some(own), Some(config)) => Arc::ptr_eq(own, config),
            _ => false,
        }
    }

    /// Whether the idle connection is as it was left: the server has neither closed it nor sent what nobody asked for.
    pub async fn is_quiet(&mut self) -> bool {
        let mut space = [0];
        let mut buffer = ReadBuf::new(&mut space);
        let stream = &mut self.stream;
        let is_silent = poll_fn(|context| {
            let polled = Pin::new(&mut *stream).poll_read(context, &mut buffer);
            Poll::Ready(polled.is_pending())
        });
        self.received.is_empty() && is_silent.await
    }

    async fn answer_head(&mut self, method: Method) -> Result<ResponseHead, ClientError> {
        let head = self.head(method).await?;
        let rest = self.received.split_off(head.head_len);
        self.head_bytes = std::mem::replace(&mut self.received, rest);
        Ok(head)
    }

    async fn head(&mut self, method: Method) -> Result<ResponseHead, ClientError> {
        let (mut scanned, mut interims) = (0, 0);
        loop {
            let progress = parse_response(
                &self.received,
                scanned,
                method,
                &HEAD_LIMITS,
                &mut self.index,
            );
            match progress.map_err(|refusal| ClientError::BadAnswer(refusal.to_string()))? {
                ResponseProgress::Complete(head) => return Ok(head),
                ResponseProgress::Interim { head_len, .. } if interims < INTERIM_RESPONSES_MAX => {
                    interims += 1;
                    scanned = 0;
                    self.received.drain(..head_len);
                    if !self.received.is_empty() {
                        continue;
                    }
                }
                ResponseProgress::Interim { .. } => {
                    return Err(ClientError::BadAnswer("too many interim answers".into()));
                }
                ResponseProgress::Partial => scanned = self.received.len(),
            }
            if !self.receive().await? {
                return Err(ClientError::Closed);
            }
        }
    }

    /// Reads once; `false` at the end of input.
    pub(super) async fn receive(&mut self) -> Result<bool, ClientError> {
        self.received.reserve(8 << 10);
        let bytes = self
            .stream
            .read_buf(&mut self.received)
            .await
            .map_err(ClientError::Broken)?;
        Ok(bytes > 0)
    }
}

async fn connect_tcp(host: &str, port: u16) -> Result<TcpStream, ClientError> {
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(ClientError::Connect)?;
    stream.set_nodelay(true).map_err(ClientError::Connect)?;
    Ok(stream)
}

/// The bytes of a request with `fields`, framing included.
pub fn encode_request<'f>(
    method: Method,
    target: &str,
    fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    body: &[u8],
) -> Result<Vec<u8>, ClientError> {
    let mut out = Vec::with_capacity(512 + body.len());
    let bad = |name: &str| ClientError::BadField(name.to_owned());
    let mut head = HeadWriter::request(&mut out, method.name(&[]), target.as_bytes())
        .map_err(|_| bad("target"))?;
    for (name, value) in fields {
        head.field(name.as_bytes(), value).map_err(|_| bad(name))?;
    }
    let framing = if body.is_empty() && method != Method::Post {
        BodyFraming::Unsaid
    } else {
        BodyFraming::Length(body.len() as u64)
    };
    head.finish(framing);
    out.extend_from_slice(body);
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use guard_io::http1::Method;
    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::{Client, ClientError, encode_request};

    /// Reads the body of `answer`, unless it `leaves` it; returns whether the connection can be used again.
    async fn is_left_usable(answer: &str, leaves: bool) -> Result<bool, ClientError> {
        let (near, mut far) = duplex(1 << 10);
        far.write_all(answer.as_bytes()).await.unwrap();
        let mut incoming = Client::over(near).answer(Method::Post).await?;
        if !leaves {
            incoming.whole_body(64).await?;
        }
        Ok(incoming.into_client().is_some())
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_connection_goes_on_only_after_exactly_one_answer() {
        for (answer, leaves, expected) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
                false,
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
                true,
                false,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
                false,
                false,
            ),
            ("HTTP/1.1 204 No Content\r\n\r\n", false, true),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                false,
                false,
            ),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false, false),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                false,
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
                false,
                false,
            ),
        ] {
            let usable = is_left_usable(answer, leaves).await.unwrap();
            assert_eq!(usable, expected, "{answer:?} {leaves}");
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_body_may_be_as_large_as_its_bound_and_no_larger() {
        let answer = |length: usize| {
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}",
                "x".repeat(length)
            )
        };
        assert!(is_left_usable(&answer(64), false).await.is_ok());
        let refused = is_left_usable(&answer(65), false).await;
        assert!(matches!(
            refused,
            Err(ClientError::TooLarge { bytes_max: 64 })
        ));
    }

    #[test]
    fn a_field_cannot_add_another() {
        let encode = |target: &str, name: &str, value: &[u8]| {
            encode_request(Method::Post, target, [(name, value)], b"{}").is_ok()
        };
        assert!(encode("/", "A", b"b"));
        for (target, name, value) in [
            ("/", "A", &b"b\r\nC: d"[..]),
            ("/", "A\r\nC", b"d"),
            ("/", "Content-Length", b"7"),
            ("/", "Connection", b"close"),
            ("/ HTTP/1.1\r\nC: d", "A", b"b"),
            ("", "A", b"b"),
        ] {
            assert!(!encode(target, name, value), "{target:?} {name:?}");
        }
    }
}
