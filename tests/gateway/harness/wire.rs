//! The bytes of a connection: in clear, or under TLS on either side.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ServerConfig, ServerConnection, StreamOwned,
};

/// One connection of a test.
pub(crate) enum Wire {
    /// Without TLS.
    Plain(TcpStream),
    /// The client's side of TLS.
    Client(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// The server's side of TLS.
    Server(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// What a handshake agreed on, as the client saw it.
#[derive(Clone, Debug)]
pub(crate) struct Agreed {
    pub(crate) version: rustls::ProtocolVersion,
    pub(crate) is_resumed: bool,
    /// `None` where none was agreed on.
    pub(crate) protocol: Option<Vec<u8>>,
    /// The server's own certificate.
    pub(crate) certificate: CertificateDer<'static>,
}

impl Wire {
    /// Speaks TLS as the client of `name` over `stream`, which has its deadlines. Errors: the handshake's.
    pub(crate) fn connect(
        mut stream: TcpStream,
        config: &Arc<ClientConfig>,
        name: &str,
    ) -> io::Result<Self> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(Self::Client(Box::new(StreamOwned::new(connection, stream))))
    }

    /// Speaks TLS as the server. Errors: the handshake's.
    pub(crate) fn accept(mut stream: TcpStream, config: &Arc<ServerConfig>) -> io::Result<Self> {
        let mut connection = ServerConnection::new(Arc::clone(config)).unwrap();
        while connection.is_handshaking() {
            if let Err(error) = connection.complete_io(&mut stream) {
                // The alert that says why.
                let _ = connection.write_tls(&mut stream);
                return Err(error);
            }
        }
        Ok(Self::Server(Box::new(StreamOwned::new(connection, stream))))
    }

    /// What the handshake agreed on; for a client under TLS alone.
    pub(crate) fn agreed(&self) -> Agreed {
        let Self::Client(stream) = self else {
            panic!("not a client under TLS");
        };
        Agreed {
            version: stream.conn.protocol_version().unwrap(),
            is_resumed: stream.conn.handshake_kind() == Some(HandshakeKind::Resumed),
            protocol: stream.conn.alpn_protocol().map(<[u8]>::to_vec),
            certificate: stream.conn.peer_certificates().unwrap()[0]
                .clone()
                .into_owned(),
        }
    }

    /// Whether a session of before was resumed; for a server under TLS alone.
    pub(crate) fn was_resumed(&self) -> bool {
        match self {
            Self::Server(stream) => stream.conn.handshake_kind() == Some(HandshakeKind::Resumed),
            _ => false,
        }
    }

    /// The socket below.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Client(stream) => &stream.sock,
            Self::Server(stream) => &stream.sock,
        }
    }

    /// Says that nothing more comes, and how: `Shutdown::Write` leaves the other direction open.
    pub(crate) fn shut(&mut self, how: Shutdown) {
        match self {
            Self::Plain(_) => {}
            Self::Client(stream) => stream.conn.send_close_notify(),
            Self::Server(stream) => stream.conn.send_close_notify(),
        }
        let _ = self.flush();
        let _ = self.tcp().shutdown(how);
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Client(stream) => stream.read(buffer),
            Self::Server(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Client(stream) => stream.write(bytes),
            Self::Server(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Client(stream) => stream.flush(),
            Self::Server(stream) => stream.flush(),
        }
    }
}
