//! TLS for the client's connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::client_error::ClientError;

/// How long one address may take to accept, so that one which is silent does not use up the time of the others.
const ADDRESS_TIME: Duration = Duration::from_millis(2_500);

/// Shakes hands over `stream` as a client of `host`, a name or an address, whose certificate must be for it.
///
/// Errors: [`ClientError::Tls`], the peer's certificate among its reasons; the stream is closed.
pub(super) async fn handshake(
    stream: TcpStream,
    host: &str,
    config: &Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, ClientError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| ClientError::Tls(io::Error::other("host is no name that has certificates")))?;
    TlsConnector::from(Arc::clone(config))
        .connect(name, stream)
        .await
        .map_err(ClientError::Tls)
}

/// Connects to the first of `addresses` that accepts. Errors: that of the last one.
pub(super) async fn connect_any(addresses: &[SocketAddr]) -> Result<TcpStream, ClientError> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "name stands for no address");
    for address in addresses {
        match timeout(ADDRESS_TIME, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(ClientError::Connect)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(elapsed) => last = elapsed.into(),
        }
    }
    Err(ClientError::Connect(last))
}

#[cfg(test)]
#[path = "tls/tests.rs"]
mod tests;
