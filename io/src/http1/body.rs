//! A body of any framing, read as it arrives.

use std::fmt;
use std::ops::Range;

use super::{ChunkRefusal, ChunkedDecoder, RequestFraming, ResponseFraming};

/// Reads one body, whatever delimits it, without copying: the caller forwards the ranges it names.
#[derive(Clone, Debug)]
pub struct BodyReader {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Length { left_bytes: u64 },
    Chunked(ChunkedDecoder),
    UntilClose,
}

/// What one call read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the input that are spent. Once the body is done, bytes after them are not part of it.
    pub consumed: usize,
    /// Body bytes, as a range of the input within what is consumed; may be empty.
    pub data: Range<usize>,
    /// Whether the body is complete.
    pub done: bool,
}

/// A body that the end of the connection cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncation {
    /// Content-Length announced more.
    Length {
        /// How much more, in bytes.
        missing_bytes: u64,
    },
    /// The last chunk, or its end, is missing.
    Chunked,
}

impl BodyReader {
    /// A reader of a request body.
    #[must_use]
    pub fn request(framing: RequestFraming) -> Self {
        Self::of(match framing {
            RequestFraming::None => Kind::Length { left_bytes: 0 },
            RequestFraming::Length(left_bytes) => Kind::Length { left_bytes },
            RequestFraming::Chunked => Kind::Chunked(ChunkedDecoder::new()),
        })
    }

    /// A reader of a response body.
    #[must_use]
    pub fn response(framing: ResponseFraming) -> Self {
        Self::of(match framing {
            ResponseFraming::None => Kind::Length { left_bytes: 0 },
            ResponseFraming::Length(left_bytes) => Kind::Length { left_bytes },
            ResponseFraming::Chunked => Kind::Chunked(ChunkedDecoder::new()),
            ResponseFraming::UntilClose => Kind::UntilClose,
        })
    }

    const fn of(kind: Kind) -> Self {
        Self { kind }
    }

    /// Reads the next run of body bytes from `input`; call again with the rest while there is any and the body is not done.
    ///
    /// Errors: a [`ChunkRefusal`] where the body is chunked and its framing is broken.
    #[inline]
    pub fn next(&mut self, input: &[u8]) -> Result<Step, ChunkRefusal> {
        match &mut self.kind {
            Kind::Length { left_bytes } => Ok(take_length(left_bytes, input.len())),
            Kind::UntilClose => Ok(Step {
                consumed: input.len(),
                data: 0..input.len(),
                done: false,
            }),
            Kind::Chunked(decoder) => {
                let decoded = decoder.decode(input)?;
                Ok(Step {
                    consumed: decoded.consumed,
                    data: decoded.data,
                    done: decoder.is_done(),
                })
            }
        }
    }

    /// Whether the body is complete without another byte.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match &self.kind {
            Kind::Length { left_bytes } => *left_bytes == 0,
            Kind::Chunked(decoder) => decoder.is_done(),
            Kind::UntilClose => false,
        }
    }

    /// Body bytes that are certain to follow: what is left of the length, or of the current chunk.
    #[must_use]
    pub fn announced_bytes(&self) -> u64 {
        match &self.kind {
            Kind::Length { left_bytes } => *left_bytes,
            Kind::Chunked(decoder) => decoder.announced_bytes(),
            Kind::UntilClose => 0,
        }
    }

    /// Judges the end of the connection: a clean end for a body that is complete or lasts until close, else a [`Truncation`],
    /// which must never look complete to whoever the body is relayed to (RFC 9112 §8).
    pub fn finish_on_eof(&self) -> Result<(), Truncation> {
        match &self.kind {
            Kind::UntilClose => Ok(()),
            _ if self.is_done() => Ok(()),
            Kind::Length { left_bytes } => Err(Truncation::Length {
                missing_bytes: *left_bytes,
            }),
            Kind::Chunked(_) => Err(Truncation::Chunked),
        }
    }
}

fn take_length(left_bytes: &mut u64, available: usize) -> Step {
    let taken = usize::try_from(*left_bytes).map_or(available, |left| left.min(available));
    *left_bytes -= taken as u64;
    Step {
        consumed: taken,
        data: 0..taken,
        done: *left_bytes == 0,
    }
}

impl fmt::Display for Truncation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { missing_bytes } => {
                write!(out, "body ends {missing_bytes} bytes before its length")
            }
            Self::Chunked => out.write_str("chunked body ends before its last chunk"),
        }
    }
}

impl std::error::Error for Truncation {}

#[cfg(test)]
mod tests;
