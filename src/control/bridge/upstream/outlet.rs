//! Where a server's messages go, and which of them.

use tokio::sync::mpsc;

use crate::control::bridge::FromServer;
use crate::control::bridge::link::queue;
use crate::engine::bridge::upstream::received::{Received, ReceivedError, ReceivedKind, read};
use crate::engine::reply::{Failure, ReplyId};

/// Where messages go. A full queue makes the reader of the server wait.
#[derive(Clone, Debug)]
pub(super) enum Outlet {
    /// A legacy session, with the raw id of the request on whose exchange they come.
    Session {
        /// To the front.
        outbox: mpsc::Sender<FromServer>,
        /// Absent on a stream of its own.
        during: Option<Box<[u8]>>,
    },
    /// The answers to a modern request.
    Answers(mpsc::Sender<Vec<u8>>),
}

/// Nobody takes messages any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// Which responses belong on an exchange. The others are dropped: a response goes to the exchange that asked or nowhere.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected<'a> {
    /// The one to the request with this raw id.
    Response(&'a [u8]),
    /// None: a stream beside all requests.
    NoResponse,
    /// Any: the only stream that there is.
    Any,
}

impl Outlet {
    /// Hands on each message of `bytes`, one or a batch, that belongs here; returns whether the expected response was among
    /// them. Bytes that are no message are an error.
    pub(super) async fn put_all(
        &self,
        bytes: &[u8],
        expected: Expected<'_>,
    ) -> Result<bool, PutError> {
        let messages = read(bytes).map_err(PutError::NoMessage)?;
        let mut is_answered = false;
        for message in messages {
            let (answers, taken) = self.select(&message, bytes, expected);
            is_answered |= answers;
            if let Some(message) = taken {
                self.put(message).await.map_err(|Gone| PutError::Gone)?;
            }
        }
        Ok(is_answered)
    }

    /// Answers the request with the raw id `asked` with `failure`.
    pub(super) async fn fail(&self, asked: &[u8], failure: Failure) -> Result<(), Gone> {
        let mut message = Vec::new();
        failure.encode(ReplyId::Known(asked), "", &mut message);
        self.put(message).await
    }

    /// Whether `message` is the expected response, and what is handed on of it.
    fn select(
        &self,
        message: &Received,
        bytes: &[u8],
        expected: Expected<'_>,
    ) -> (bool, Option<Vec<u8>>) {
        let is_modern = matches!(self, Self::Answers(_));
        match (message.kind, expected) {
            // The modern era has no requests from servers.
            (ReceivedKind::Request, _) if is_modern => (false, None),
            (ReceivedKind::Request | ReceivedKind::Notification, _) | (_, Expected::Any) => {
                (false, Some(message.as_sent(bytes)))
            }
            (ReceivedKind::Response { .. }, Expected::Response(asked))
                if message.answers(bytes, asked) =>
            {
                (true, Some(message.with_id(bytes, asked)))
            }
            (ReceivedKind::Response { .. }, _) => {
                tracing::debug!("dropped a response to a request that was not asked here");
                (false, None)
            }
        }
    }

    async fn put(&self, message: Vec<u8>) -> Result<(), Gone> {
        let length = message.len();
        let is_put = match self {
            Self::Session { outbox, during } => {
                let during = during.clone();
                let message = FromServer::Message {
                    bytes: message,
                    during,
                };
                queue(outbox, length, message).await
            }
            Self::Answers(answers) => queue(answers, length, message).await,
        };
        is_put.then_some(()).ok_or(Gone)
    }
}

/// Why messages were not handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PutError {
    /// The bytes are no message.
    NoMessage(ReceivedError),
    /// Nobody takes messages any more.
    Gone,
}
