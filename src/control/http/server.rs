//! Accepts connections and hands requests to a handler.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use guard_io::http1::HeadLimits;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::connection;
use super::{Request, Response};

/// The bounds of a server.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Request heads.
    pub head: HeadLimits,
    /// Largest request body, in bytes.
    pub body_bytes_max: usize,
    /// Open connections; more wait in the kernel's queue.
    pub connections_max: usize,
    /// From the first byte of a request to its last.
    pub request_time: Duration,
    /// Between requests on one connection.
    pub idle_time: Duration,
    /// How long a write may make no progress.
    pub write_time: Duration,
    /// The same where readers keep too much waiting, all connections together.
    pub crowded_time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            head: HeadLimits {
                head_bytes_max: 16 << 10,
                request_line_bytes_max: 4 << 10,
                headers_max: 64,
            },
            body_bytes_max: 64 << 10,
            connections_max: 128,
            request_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(60),
            write_time: Duration::from_secs(10),
            crowded_time: Duration::from_secs(5),
        }
    }
}

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// The answer to `request`.
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send;
}

/// A socket that accepts.
pub trait Accept: Send {
    /// The accepted stream.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection.
    fn next(&mut self) -> impl Future<Output = std::io::Result<Self::Stream>> + Send;
}

impl Accept for TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn next(&mut self) -> std::io::Result<Self::Stream> {
        let (stream, _) = self.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Accept for UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn next(&mut self) -> std::io::Result<Self::Stream> {
        self.accept().await.map(|(stream, _)| stream)
    }
}

/// Pause after an accept that failed, which is how running out of descriptors shows: no spinning.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `listener` until the future is dropped; connections that are open then run on by themselves.
pub async fn serve<H: Handler>(mut listener: impl Accept, bounds: Bounds, handler: Arc<H>) {
    let room = Arc::new(Semaphore::new(bounds.connections_max));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        match listener.next().await {
            Ok(stream) => {
                let handler = Arc::clone(&handler);
                tokio::spawn(async move {
                    connection::run(stream, &bounds, &*handler).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "accept failed");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection that was made already, until it ends.
pub async fn serve_connection<H: Handler>(
    stream: impl AsyncRead + AsyncWrite,
    bounds: &Bounds,
    handler: &H,
) {
    connection::run(stream, bounds, handler).await;
}
