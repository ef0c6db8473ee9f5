//! The handshake, within its time. RFC 8446 §4, RFC 5246 §7.3.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
    time::Duration,
};

use rustls::{
    HandshakeKind, ProtocolVersion, client::UnbufferedClientConnection, pki_types::ServerName,
    server::UnbufferedServerConnection,
};

use super::{
    ClientTls, HandshakeFailure, ServerTls, Session, TlsPeer, names,
    records::{End, Records, Side},
    session::{flush, poll_flush, poll_receive},
};
use crate::{socket::Socket, time};

/// First byte of a record of the handshake.
const HANDSHAKE_RECORD: u8 = 22;

/// Answers a client's handshake on `socket`.
pub(crate) async fn accept(
    socket: &Socket,
    tls: &ServerTls,
    limit: Duration,
) -> Result<Session, HandshakeFailure> {
    // The future is large, and a connection's task would carry room for it to its end.
    let attempt = Box::pin(async {
        speaks_tls(socket).await?;
        let side = UnbufferedServerConnection::new(tls.config().clone())
            .map_err(|error| HandshakeFailure::of_error(&error))?;
        let mut shake = Shake::new(Side::Server(side));
        poll_fn(|cx| shake.poll(socket, cx)).await?;
        shake.finish_as_server(socket, tls)
    });
    time::timeout(limit, attempt)
        .await
        .unwrap_or(Err(HandshakeFailure::TimedOut))
}

/// Opens a handshake with the server called `name` on `socket`.
pub(crate) async fn connect(
    socket: &Socket,
    tls: &ClientTls,
    name: &ServerName<'static>,
    limit: Duration,
) -> Result<Session, HandshakeFailure> {
    let attempt = Box::pin(async {
        let side = UnbufferedClientConnection::new(tls.config().clone(), name.clone())
            .map_err(|error| HandshakeFailure::of_error(&error))?;
        let mut shake = Shake::new(Side::Client(side));
        poll_fn(|cx| shake.poll(socket, cx)).await?;
        Ok(shake.finish())
    });
    time::timeout(limit, attempt)
        .await
        .unwrap_or(Err(HandshakeFailure::TimedOut))
}

/// Looks at the first byte, and leaves it where it is.
async fn speaks_tls(socket: &Socket) -> Result<(), HandshakeFailure> {
    loop {
        poll_fn(|cx| socket.poll_readable(cx))
            .await
            .map_err(|error| HandshakeFailure::of_socket(&error))?;
        match socket.peek() {
            Ok(Some(HANDSHAKE_RECORD)) => return Ok(()),
            Ok(Some(_)) => return Err(HandshakeFailure::NotTls),
            Ok(None) => return Err(HandshakeFailure::Gone),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(HandshakeFailure::of_socket(&error)),
        }
    }
}

/// A handshake on its way.
struct Shake {
    records: Records,
    server_name: Option<Box<str>>,
}

impl Shake {
    fn new(side: Side) -> Self {
        Self {
            records: Records::new(side),
            server_name: None,
        }
    }

    fn poll(
        &mut self,
        socket: &Socket,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), HandshakeFailure>> {
        loop {
            self.records.work_off(None);
            if let Some(name) = names::take_named() {
                self.server_name = Some(name);
            }
            if let Some(failure) = self.failure() {
                // The alert is for the peer's benefit; nobody waits for a peer to take it.
                flush(&mut self.records, socket);
                return Poll::Ready(Err(failure));
            }
            ready!(poll_flush(&mut self.records, socket, cx))
                .map_err(|error| HandshakeFailure::of_socket(&error))?;
            if !self.records.common().is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            ready!(poll_receive(&mut self.records, socket, cx))
                .map_err(|error| HandshakeFailure::of_socket(&error))?;
        }
    }

    fn failure(&self) -> Option<HandshakeFailure> {
        Some(match self.records.end()? {
            End::Broken(error) => HandshakeFailure::of_error(error),
            End::Fruitless => HandshakeFailure::Protocol("messages are too long".into()),
            // Closed right behind the last message: that is for the first read to find.
            _ if !self.records.common().is_handshaking() => return None,
            End::Closed | End::Truncated => HandshakeFailure::Gone,
        })
    }

    /// A resumed session shows certificates that were verified when it began: they are verified again, since one may
    /// have expired while the ticket is good.
    fn finish_as_server(
        mut self,
        socket: &Socket,
        tls: &ServerTls,
    ) -> Result<Session, HandshakeFailure> {
        let common = self.records.common();
        let is_resumed = common.handshake_kind() == Some(HandshakeKind::Resumed);
        if is_resumed && !tls.trusts_now(common.peer_certificates().unwrap_or_default()) {
            self.records.close();
            flush(&mut self.records, socket);
            let why = "it was good when the session began and no longer is";
            return Err(HandshakeFailure::Certificate(why.into()));
        }
        Ok(self.finish())
    }

    fn finish(mut self) -> Session {
        let common = self.records.common();
        let peer = TlsPeer {
            server_name: self.server_name,
            version: match common.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
            is_resumed: common.handshake_kind() == Some(HandshakeKind::Resumed),
        };
        self.records.settle();
        Session::new(self.records, peer)
    }
}
