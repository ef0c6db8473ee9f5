//! Why an exchange with a server over HTTP failed.

use std::fmt;
use std::time::Duration;

use crate::control::bridge::ConnectError;
use crate::control::http::ClientError;
use crate::engine::reply::Failure;

/// Why there is no answer, or none that is of use.
#[derive(Debug)]
pub(in crate::control) enum HttpFailed {
    /// The host name stands for no address at the moment.
    Unresolved,
    /// No connection in time.
    ConnectTimeout(Duration),
    /// The server takes no more bytes of the request.
    WriteStalled(Duration),
    /// No head of an answer, or no whole body, in time.
    AnswerTimeout(Duration),
    /// The answer is encoded, although no encoding was offered.
    Encoded,
    /// The answer has a status that says no.
    Status(u16),
    /// The answer is neither JSON nor an event stream, as the request wanted it.
    ContentType,
    /// The session id that the server gives cannot be sent back.
    SessionId,
    /// Connection or HTTP.
    Http(ClientError),
}

impl HttpFailed {
    /// What a client is told.
    pub(super) const fn failure(&self) -> Failure {
        match self {
            Self::Unresolved
            | Self::ConnectTimeout(_)
            | Self::Http(ClientError::Connect(_) | ClientError::Tls(_)) => {
                Failure::UpstreamUnreachable
            }
            Self::AnswerTimeout(_) => Failure::UpstreamTimeout,
            Self::Status(401 | 403) => Failure::UpstreamRefused,
            Self::WriteStalled(_) | Self::Http(ClientError::Broken(_) | ClientError::Closed) => {
                Failure::UpstreamBroke
            }
            Self::Http(ClientError::BadField(_)) => Failure::Internal,
            Self::Encoded
            | Self::Status(_)
            | Self::ContentType
            | Self::SessionId
            | Self::Http(ClientError::BadAnswer(_) | ClientError::TooLarge { .. }) => {
                Failure::UpstreamBadAnswer
            }
        }
    }
}

impl fmt::Display for HttpFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved => f.write_str("upstream host name does not resolve; check url"),
            Self::ConnectTimeout(patience) => write!(
                f,
                "no connection within {patience:?} (upstream.connect_timeout)"
            ),
            Self::WriteStalled(patience) => {
                write!(f, "upstream took no bytes of the request for {patience:?}")
            }
            Self::AnswerTimeout(patience) => {
                write!(f, "no answer within {patience:?} (upstream.timeout)")
            }
            Self::Encoded => f.write_str("answer is encoded, which was not asked for"),
            Self::Status(status @ (401 | 403)) => write!(
                f,
                "status {status}: credentials refused; check bearer_token and headers"
            ),
            Self::Status(status @ 300..=399) => {
                write!(f, "status {status}: redirects are not followed; check url")
            }
            Self::Status(status) => write!(f, "status {status}; check url and transport"),
            Self::ContentType => f.write_str(
                "answer has another content type than asked for; check url and transport",
            ),
            Self::SessionId => {
                f.write_str("session id is not visible ASCII, or longer than can be sent back")
            }
            Self::Http(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for HttpFailed {}

impl From<ClientError> for HttpFailed {
    fn from(error: ClientError) -> Self {
        Self::Http(error)
    }
}

impl From<HttpFailed> for ConnectError {
    fn from(failed: HttpFailed) -> Self {
        Self::Unreachable(failed.to_string().into())
    }
}
