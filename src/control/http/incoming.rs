//! An answer as it comes in, piece by piece.

use std::borrow::BorrowMut;

use guard_io::http1::{BodyReader, ResponseHead};

use super::client::Client;
use super::client_error::ClientError;

/// An answer whose body is still to be read, with the connection that it comes on.
#[derive(Debug)]
pub struct Incoming<C> {
    client: C,
    /// HTTP status.
    pub status: u16,
    reader: BodyReader,
    keep_alive: bool,
}

/// An answer that leaves its connection where it is.
pub type Answer<'a> = Incoming<&'a mut Client>;

impl<C: BorrowMut<Client>> Incoming<C> {
    pub(super) fn new(client: C, head: &ResponseHead) -> Self {
        Self {
            client,
            status: head.status,
            reader: BodyReader::response(head.framing),
            keep_alive: head.keep_alive,
        }
    }

    /// The value of the first field called `name`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let client: &Client = self.client.borrow();
        client.index.first(&client.head_bytes, name.as_bytes())
    }

    /// The next piece of the body; `None` at its end. Dropped while it waits, it loses nothing.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        let client: &mut Client = self.client.borrow_mut();
        while !self.reader.is_done() {
            if client.received.is_empty() && !client.receive().await? {
                self.keep_alive = false;
                return self
                    .reader
                    .finish_on_eof()
                    .map(|()| None)
                    .map_err(|_| ClientError::Closed);
            }
            let step = self.reader.next(&client.received);
            let step = step.map_err(|refusal| ClientError::BadAnswer(refusal.to_string()))?;
            let data = client.received[step.data].to_vec();
            client.received.drain(..step.consumed);
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The whole body, at most `bytes_max` bytes.
    pub async fn body(mut self, bytes_max: usize) -> Result<Vec<u8>, ClientError> {
        self.whole_body(bytes_max).await
    }

    /// As [`body`](Self::body), leaving the answer to be asked for its connection.
    pub async fn whole_body(&mut self, bytes_max: usize) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            body.extend_from_slice(&piece);
            if body.len() > bytes_max {
                return Err(ClientError::TooLarge { bytes_max });
            }
        }
        Ok(body)
    }
}

impl Incoming<Client> {
    /// The connection, where it can carry another exchange: the body was read to its end, nothing followed it, and the server
    /// keeps the connection open.
    #[must_use]
    pub fn into_client(self) -> Option<Client> {
        let is_spent = self.reader.is_done() && self.client.received.is_empty();
        (self.keep_alive && is_spent).then_some(self.client)
    }
}
