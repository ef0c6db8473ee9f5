//! Why a request to a server has no answer.

use std::fmt;
use std::io;

/// Why there is no answer.
#[derive(Debug)]
pub enum ClientError {
    /// No connection.
    Connect(io::Error),
    /// The TLS handshake failed: the certificate of the server is not trusted, is not for its host, or something else.
    Tls(io::Error),
    /// The connection failed before the answer was whole.
    Broken(io::Error),
    /// The server closed before the answer was whole.
    Closed,
    /// What came is not HTTP/1.1 that the gateway accepts.
    BadAnswer(String),
    /// The answer exceeds its bound.
    TooLarge {
        /// The bound.
        bytes_max: usize,
    },
    /// A field of the request cannot be written.
    BadField(String),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "no connection: {error}"),
            Self::Tls(error) => write!(f, "TLS handshake failed: {error}"),
            Self::Broken(error) => write!(f, "connection broke: {error}"),
            Self::Closed => f.write_str("server closed the connection before it answered"),
            Self::BadAnswer(why) => write!(f, "answer is not valid HTTP/1.1: {why}"),
            Self::TooLarge { bytes_max } => write!(f, "answer exceeds {bytes_max} bytes"),
            Self::BadField(name) => write!(f, "header {name} has a value that cannot be sent"),
        }
    }
}

impl std::error::Error for ClientError {}
