//! Handshakes over sockets, on both drivers.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use super::{
    testing::{Authority, Issued, VERSIONS, client, server},
    *,
};
use crate::{
    Buffer, Stream, join,
    testing::{DEADLINE, on_each_driver, read_exact, tcp_pair},
};

mod clients;
mod openssl;
mod resumption;
mod servers;
mod strangers;

/// What came of a handshake between two sockets, at the client and at the server.
async fn shake(
    client: &ClientTls,
    server: &ServerTls,
    name: &str,
) -> (
    Result<Stream, HandshakeFailure>,
    Result<Stream, HandshakeFailure>,
) {
    let (near, far) = tcp_pair().await;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    join(near.connect_tls(client, &name, DEADLINE), async {
        far.accept_tls(server, DEADLINE)
            .await
            .map_err(|(failure, _)| failure)
    })
    .await
}

/// A handshake that both sides are content with, and a byte each way, which carries tickets over.
async fn meet(client: &ClientTls, server: &ServerTls, name: &str) -> (Stream, Stream) {
    let (near, far) = shake(client, server, name).await;
    let (near, far) = (near.unwrap(), far.unwrap());
    far.write_all(b"x").await.unwrap();
    assert_eq!(&*read_exact(&near, 1).await, b"x");
    near.write_all(b"y").await.unwrap();
    assert_eq!(&*read_exact(&far, 1).await, b"y");
    (near, far)
}
