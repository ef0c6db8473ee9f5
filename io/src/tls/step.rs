//! One call of rustls: what it hands out, and where that goes.

use rustls::{
    Error,
    unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus},
};

use crate::Buffer;

/// Content type, version, length.
pub(super) const RECORD_HEADER_BYTES: usize = 5;

/// Most bytes that a record is longer than its content as we send it: header, explicit nonce, content type, tag.
const RECORD_OVERHEAD_BYTES_MAX: usize = RECORD_HEADER_BYTES + 8 + 1 + 16;

/// What is to be sent when it is our turn.
#[derive(Clone, Copy)]
pub(super) enum Send<'a> {
    Nothing,
    Data(&'a [u8]),
    CloseNotify,
}

/// What one call of rustls came to.
pub(super) enum Step {
    /// A record's content was taken out.
    Plaintext,
    /// Call again.
    Onward,
    /// The peer has sent everything.
    PeerClosed,
    /// Nothing more without more bytes.
    Blocked,
    /// The same, and what was to be sent is encrypted.
    Turn,
}

/// Where results go.
pub(super) struct Work<'a> {
    pub(super) into: Option<&'a mut Buffer>,
    pub(super) plain: &'a mut Buffer,
    pub(super) outgoing: &'a mut Buffer,
    pub(super) send: Send<'a>,
}

impl Work<'_> {
    /// Does what `status` asks for, and says how many bytes are worked off.
    pub(super) fn handle<Data>(
        &mut self,
        status: UnbufferedStatus<'_, '_, Data>,
    ) -> (usize, Result<Step, Error>) {
        let UnbufferedStatus { mut discard, state } = status;
        let step = state.and_then(|state| match state {
            ConnectionState::ReadTraffic(mut traffic) => {
                while let Some(record) = traffic.next_record() {
                    let record = record?;
                    discard += record.discard;
                    self.deliver(record.payload);
                }
                Ok(Step::Plaintext)
            }
            ConnectionState::EncodeTlsData(mut data) => {
                append(self.outgoing, 0, |room| {
                    data.encode(room).map_err(|error| match error {
                        EncodeError::InsufficientSize(need) => Some(need.required_size),
                        EncodeError::AlreadyEncoded => None,
                    })
                })?;
                Ok(Step::Onward)
            }
            ConnectionState::TransmitTlsData(data) => {
                // It is in `outgoing`, which is sent in order before anything else.
                data.done();
                Ok(Step::Onward)
            }
            ConnectionState::PeerClosed => Ok(Step::PeerClosed),
            ConnectionState::WriteTraffic(mut traffic) => {
                match self.send {
                    Send::Nothing => {}
                    Send::Data(bytes) => {
                        append(
                            self.outgoing,
                            bytes.len() + RECORD_OVERHEAD_BYTES_MAX,
                            |room| traffic.encrypt(bytes, room).map_err(required),
                        )?;
                    }
                    Send::CloseNotify => append(self.outgoing, 0, |room| {
                        traffic.queue_close_notify(room).map_err(required)
                    })?,
                }
                Ok(Step::Turn)
            }
            // Early data is never accepted; rustls reports none.
            ConnectionState::ReadEarlyData(_)
            | ConnectionState::BlockedHandshake
            | ConnectionState::Closed => Ok(Step::Blocked),
            _ => Ok(Step::Blocked),
        });
        (discard, step)
    }

    fn deliver(&mut self, mut bytes: &[u8]) {
        if let Some(into) = self.into.as_deref_mut().filter(|_| self.plain.is_empty()) {
            if into.len() < into.capacity() || into.capacity() == 0 {
                into.reserve(1);
            }
            let (now, later) = bytes.split_at(bytes.len().min(into.spare()));
            into.extend_from_slice(now);
            bytes = later;
        }
        if !bytes.is_empty() {
            self.plain.extend_from_slice(bytes);
        }
    }
}

fn required(error: EncryptError) -> Option<usize> {
    match error {
        EncryptError::InsufficientSize(need) => Some(need.required_size),
        EncryptError::EncryptExhausted => None,
    }
}

/// Appends what `write` puts into a slice of `expected` bytes, or of as many as it then says that it needs.
fn append(
    buffer: &mut Buffer,
    expected: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> Result<(), Error> {
    let mut bytes = expected;
    for _ in 0..2 {
        buffer.reserve(bytes);
        let tail = buffer.as_mut_vec();
        let start = tail.len();
        tail.resize(start + bytes, 0);
        let outcome = write(&mut tail[start..]);
        tail.truncate(start + outcome.unwrap_or(0));
        match outcome {
            Ok(_) => return Ok(()),
            Err(Some(required)) => bytes = required,
            Err(None) => break,
        }
    }
    Err(Error::EncryptError)
}
