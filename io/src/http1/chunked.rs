//! The chunked coding, decoded byte-exactly and for every split of its bytes alike. Source: RFC 9112 §7.1.

use std::fmt;
use std::ops::Range;

use super::grammar::{self, EXTENSION, TOKEN, VALUE};
use super::{CHUNK_EXTENSION_BYTES_MAX, CHUNK_LINE_BYTES_MAX, TRAILER_BYTES_MAX};

/// Decodes one chunked body. Extensions and trailers are checked, bounded and dropped; a refusal stays a refusal.
#[derive(Clone, Debug, Default)]
pub struct ChunkedDecoder {
    state: State,
    /// Size of the chunk being announced, then what is left of it, in bytes.
    chunk_bytes: u64,
    line_bytes: usize,
    extension_bytes: usize,
    trailer_bytes: usize,
}

/// What the next byte must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    FirstSizeDigit,
    SizeDigit,
    SpaceBeforeExtension,
    Extension,
    SizeLineFeed,
    Data,
    DataCarriageReturn,
    DataLineFeed,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    FinalLineFeed,
    Done,
    Refused(ChunkRefusal),
}

/// What one call decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes of the input that are spent. Bytes after them belong to the next call, or to the next message once the decoder
    /// is done.
    pub consumed: usize,
    /// Body bytes, as a range of the input within what is consumed; may be empty.
    pub data: Range<usize>,
}

/// What [`ChunkedDecoder::compact`] decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes of the input that are spent.
    pub consumed: usize,
    /// Body bytes that now stand at the start of the input.
    pub data_len: usize,
}

/// Why a chunked body is refused. A server answers 400 and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkRefusal {
    /// A chunk-size line without a digit, or with a byte that is not hexadecimal: sign, `0x`, white space, bare line feed.
    InvalidSize,
    /// The chunk size does not fit 64 bits.
    SizeOverflow,
    /// The chunk-size line exceeds [`CHUNK_LINE_BYTES_MAX`].
    LineTooLong,
    /// A control or non-ASCII byte in a chunk extension.
    InvalidExtension,
    /// The extensions of the body exceed [`CHUNK_EXTENSION_BYTES_MAX`].
    ExtensionsTooLong,
    /// A carriage return without line feed.
    MissingLineFeed,
    /// Chunk data is not followed by a line end: its size is wrong.
    MissingDataEnd,
    /// A trailer line that is not a field, or is folded.
    InvalidTrailer,
    /// The trailer fields exceed [`TRAILER_BYTES_MAX`].
    TrailersTooLong,
}

impl ChunkedDecoder {
    /// A decoder at the start of a body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Consumes framing up to one run of data, the data, and the framing behind it; call again with the rest while there is
    /// any and the body is not done.
    ///
    /// Copies and allocates nothing. Errors: the [`ChunkRefusal`] that the bytes deserve, at this and every later call.
    #[inline]
    pub fn decode(&mut self, input: &[u8]) -> Result<Decoded, ChunkRefusal> {
        let start = self.skip_framing(input, 0)?;
        let data = start..start + self.take_data(input.len() - start);
        let consumed = self.skip_framing(input, data.end)?;
        Ok(Decoded { consumed, data })
    }

    /// Decodes all of `input` in place: moves its body bytes to the front, in order, and says where the body ended. Bytes
    /// from `consumed` on are untouched.
    pub fn compact(&mut self, input: &mut [u8]) -> Result<Compacted, ChunkRefusal> {
        let mut total = Compacted {
            consumed: 0,
            data_len: 0,
        };
        while total.consumed < input.len() && !self.is_done() {
            let step = self.decode(&input[total.consumed..])?;
            let data = total.consumed + step.data.start..total.consumed + step.data.end;
            input.copy_within(data, total.data_len);
            total.data_len += step.data.len();
            total.consumed += step.consumed;
        }
        Ok(total)
    }

    /// Whether the last chunk and the trailers have been read: the body is complete.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Body bytes that the current chunk still announces; 0 between chunks.
    #[must_use]
    pub fn announced_bytes(&self) -> u64 {
        match self.state {
            State::Data => self.chunk_bytes,
            _ => 0,
        }
    }

    fn take_data(&mut self, available: usize) -> usize {
        if self.state != State::Data {
            return 0;
        }
        let taken = usize::try_from(self.chunk_bytes).map_or(available, |left| left.min(available));
        self.chunk_bytes -= taken as u64;
        if self.chunk_bytes == 0 {
            self.state = State::DataCarriageReturn;
        }
        taken
    }

    #[inline]
    fn skip_framing(&mut self, input: &[u8], mut at: usize) -> Result<usize, ChunkRefusal> {
        if let State::Refused(refusal) = self.state {
            return Err(refusal);
        }
        while at < input.len() && !matches!(self.state, State::Data | State::Done) {
            self.state = self.step(input[at]).inspect_err(|&refusal| {
                self.state = State::Refused(refusal);
            })?;
            at += 1;
        }
        Ok(at)
    }

    /// The state after one byte of framing.
    #[inline]
    fn step(&mut self, byte: u8) -> Result<State, ChunkRefusal> {
        match self.state {
            State::FirstSizeDigit => self.size_digit(byte),
            State::SizeDigit | State::SpaceBeforeExtension | State::Extension => {
                self.size_line(byte)
            }
            State::SizeLineFeed => line_feed(byte).map(|()| self.after_size()),
            State::DataCarriageReturn if byte == b'\r' => Ok(State::DataLineFeed),
            State::DataLineFeed if byte == b'\n' => Ok(State::FirstSizeDigit),
            State::DataCarriageReturn | State::DataLineFeed => Err(ChunkRefusal::MissingDataEnd),
            State::TrailerStart | State::TrailerName | State::TrailerValue => self.trailer(byte),
            State::TrailerLineFeed => line_feed(byte).map(|()| State::TrailerStart),
            State::FinalLineFeed => line_feed(byte).map(|()| State::Done),
            State::Data | State::Done => Ok(self.state),
            State::Refused(refusal) => Err(refusal),
        }
    }

    fn size_line(&mut self, byte: u8) -> Result<State, ChunkRefusal> {
        if byte == b'\r' && self.state != State::SpaceBeforeExtension {
            return Ok(State::SizeLineFeed);
        }
        if self.line_bytes == CHUNK_LINE_BYTES_MAX {
            return Err(ChunkRefusal::LineTooLong);
        }
        match (self.state, byte) {
            (State::Extension, _) => self.extension(byte),
            (_, b';') => self.extension(byte),
            // Bad white space, which a recipient must be able to skip (RFC 9112 §7.1.1), but only before an extension.
            (_, b' ' | b'\t') => self.extension(byte).map(|_| State::SpaceBeforeExtension),
            (State::SizeDigit, _) => self.size_digit(byte),
            _ => Err(ChunkRefusal::InvalidSize),
        }
    }

    fn size_digit(&mut self, byte: u8) -> Result<State, ChunkRefusal> {
        let digit = char::from(byte)
            .to_digit(16)
            .ok_or(ChunkRefusal::InvalidSize)?;
        if self.chunk_bytes >> 60 != 0 {
            return Err(ChunkRefusal::SizeOverflow);
        }
        self.chunk_bytes = self.chunk_bytes << 4 | u64::from(digit);
        self.line_bytes += 1;
        Ok(State::SizeDigit)
    }

    fn extension(&mut self, byte: u8) -> Result<State, ChunkRefusal> {
        if !grammar::is(byte, EXTENSION) {
            return Err(ChunkRefusal::InvalidExtension);
        }
        if self.extension_bytes == CHUNK_EXTENSION_BYTES_MAX {
            return Err(ChunkRefusal::ExtensionsTooLong);
        }
        self.line_bytes += 1;
        self.extension_bytes += 1;
        Ok(State::Extension)
    }

    fn after_size(&mut self) -> State {
        self.line_bytes = 0;
        match self.chunk_bytes {
            0 => State::TrailerStart,
            _ => State::Data,
        }
    }

    fn trailer(&mut self, byte: u8) -> Result<State, ChunkRefusal> {
        if self.trailer_bytes == TRAILER_BYTES_MAX {
            return Err(ChunkRefusal::TrailersTooLong);
        }
        self.trailer_bytes += 1;
        match (self.state, byte) {
            (State::TrailerStart, b'\r') => Ok(State::FinalLineFeed),
            (State::TrailerValue, b'\r') => Ok(State::TrailerLineFeed),
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerValue, _) if grammar::is(byte, VALUE) => Ok(State::TrailerValue),
            (State::TrailerStart | State::TrailerName, _) if grammar::is(byte, TOKEN) => {
                Ok(State::TrailerName)
            }
            _ => Err(ChunkRefusal::InvalidTrailer),
        }
    }
}

fn line_feed(byte: u8) -> Result<(), ChunkRefusal> {
    match byte {
        b'\n' => Ok(()),
        _ => Err(ChunkRefusal::MissingLineFeed),
    }
}

impl ChunkRefusal {
    /// The status that a server answers to a request with this refusal.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::SizeOverflow => 413,
            Self::TrailersTooLong => 431,
            _ => 400,
        }
    }
}

impl fmt::Display for ChunkRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidSize => out.write_str("chunk size is not hexadecimal digits"),
            Self::SizeOverflow => out.write_str("chunk size does not fit 64 bits"),
            Self::LineTooLong => write!(
                out,
                "chunk-size line is over its limit of {CHUNK_LINE_BYTES_MAX} bytes"
            ),
            Self::InvalidExtension => out.write_str("chunk extension has a foreign byte"),
            Self::ExtensionsTooLong => write!(
                out,
                "chunk extensions are over their limit of {CHUNK_EXTENSION_BYTES_MAX} bytes"
            ),
            Self::MissingLineFeed => {
                out.write_str("chunk framing has a carriage return without line feed")
            }
            Self::MissingDataEnd => out.write_str("chunk data does not end where its size says"),
            Self::InvalidTrailer => out.write_str("trailer line is not a field"),
            Self::TrailersTooLong => write!(
                out,
                "trailer fields are over their limit of {TRAILER_BYTES_MAX} bytes"
            ),
        }
    }
}

impl std::error::Error for ChunkRefusal {}

#[cfg(test)]
mod tests;
