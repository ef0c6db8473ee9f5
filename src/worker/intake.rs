//! Reading a request: its head, then its body, into one buffer.

use std::io::ErrorKind;
use std::time::Duration;

use guard_io::http1::{
    BodyReader, ChunkRefusal, HeadIndex, HeadLimits, HeadRefusal, Progress, RequestFraming,
    RequestHead, parse_request,
};
use guard_io::{Buffer, Stream};

use crate::engine::limits::Limits;

/// First read of a head: an ordinary request fits.
const FIRST_READ_BYTES: usize = 4 << 10;

/// Why there is no head.
#[derive(Debug)]
pub(super) enum HeadFault {
    /// The client closed, failed, or sent nothing in time: nobody is there to be told.
    Gone,
    /// It began and did not finish in time.
    TimedOut,
    /// What came is no head.
    Refused(HeadRefusal),
}

/// Why there is no body.
#[derive(Debug)]
pub(super) enum BodyFault {
    /// The client closed or failed.
    Gone,
    /// It did not come whole in time.
    TimedOut,
    /// It is larger than `server.max_request_size`.
    TooLarge,
    /// Its chunks are malformed.
    Refused(ChunkRefusal),
}

/// The bounds of heads in the codec's terms.
pub(super) fn head_limits(limits: &Limits) -> HeadLimits {
    HeadLimits {
        head_bytes_max: limits.head_bytes,
        headers_max: limits.headers,
        ..HeadLimits::default()
    }
}

/// Reads until the head at the front of `buffer` is whole. Its deadline runs from its first byte.
pub(super) async fn read_head(
    stream: &Stream,
    buffer: &mut Buffer,
    limits: &Limits,
    index: &mut HeadIndex,
) -> Result<RequestHead, HeadFault> {
    let bounds = head_limits(limits);
    let mut scanned = 0;
    let mut has_deadline = false;
    loop {
        if !buffer.is_empty() {
            match parse_request(buffer, scanned, &bounds, index).map_err(HeadFault::Refused)? {
                Progress::Complete(head) => return Ok(head),
                Progress::Partial => scanned = buffer.len(),
            }
        }
        if scanned > 0 && !has_deadline {
            stream.set_deadline(Some(Duration::from_millis(limits.header_timeout_ms)));
            has_deadline = true;
        }
        buffer.reserve(if buffer.spare() == 0 {
            FIRST_READ_BYTES
        } else {
            1
        });
        match stream.read(buffer).await {
            Ok(0) => return Err(HeadFault::Gone),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::TimedOut && scanned > 0 => {
                return Err(HeadFault::TimedOut);
            }
            Err(_) => return Err(HeadFault::Gone),
        }
    }
}

/// Whether the body is too large by what the head says of it, so that the client need not send it.
pub(super) fn announces_too_much(head: &RequestHead, limits: &Limits) -> bool {
    matches!(head.framing, RequestFraming::Length(length) if length > limits.body_bytes as u64)
}

/// Reads the body that follows `head_len` bytes of `buffer` and leaves it, free of chunk framing, right behind the head.
/// Returns its length; what the client sent ahead of its next request stays behind it.
pub(super) async fn read_body(
    stream: &Stream,
    buffer: &mut Buffer,
    head: &RequestHead,
    limits: &Limits,
) -> Result<usize, BodyFault> {
    match head.framing {
        RequestFraming::None => Ok(0),
        RequestFraming::Length(length) => {
            read_length(stream, buffer, head.head_len, length, limits).await
        }
        RequestFraming::Chunked => read_chunks(stream, buffer, head.head_len, limits).await,
    }
}

async fn read_length(
    stream: &Stream,
    buffer: &mut Buffer,
    head_len: usize,
    length: u64,
    limits: &Limits,
) -> Result<usize, BodyFault> {
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= limits.body_bytes)
        .ok_or(BodyFault::TooLarge)?;
    let whole = head_len + length;
    if buffer.len() >= whole {
        return Ok(length);
    }
    stream.set_deadline(Some(Duration::from_millis(limits.body_timeout_ms)));
    while buffer.len() < whole {
        // Memory follows what has arrived, so that announcing a large body costs its sender the bytes.
        let missing = whole - buffer.len();
        buffer.reserve(missing.min(buffer.len().max(FIRST_READ_BYTES)));
        receive(stream, buffer).await?;
    }
    Ok(length)
}

async fn read_chunks(
    stream: &Stream,
    buffer: &mut Buffer,
    head_len: usize,
    limits: &Limits,
) -> Result<usize, BodyFault> {
    let mut reader = BodyReader::request(RequestFraming::Chunked);
    let mut length = 0;
    stream.set_deadline(Some(Duration::from_millis(limits.body_timeout_ms)));
    loop {
        length += decode(&mut reader, buffer, head_len + length)?;
        if length > limits.body_bytes
            || reader.announced_bytes() > (limits.body_bytes - length) as u64
        {
            return Err(BodyFault::TooLarge);
        }
        if reader.is_done() {
            return Ok(length);
        }
        buffer.reserve(
            buffer
                .len()
                .clamp(FIRST_READ_BYTES, limits.body_bytes.max(FIRST_READ_BYTES)),
        );
        receive(stream, buffer).await?;
    }
}

/// Decodes what lies at `at` and beyond, moves the data there, and closes the gap that the framing leaves. Returns how much
/// data there was.
pub(super) fn decode(
    reader: &mut BodyReader,
    buffer: &mut Buffer,
    at: usize,
) -> Result<usize, BodyFault> {
    let bytes = buffer.as_mut_vec();
    let (mut read, mut written) = (at, at);
    while read < bytes.len() && !reader.is_done() {
        let step = reader.next(&bytes[read..]).map_err(BodyFault::Refused)?;
        let data = step.data.start + read..step.data.end + read;
        written += data.len();
        if data.end != written {
            bytes.copy_within(data.clone(), written - data.len());
        }
        read += step.consumed;
        if step.consumed == 0 {
            break;
        }
    }
    if read != written {
        let unread = bytes.len() - read;
        bytes.copy_within(read.., written);
        bytes.truncate(written + unread);
    }
    Ok(written - at)
}

async fn receive(stream: &Stream, buffer: &mut Buffer) -> Result<(), BodyFault> {
    match stream.read(buffer).await {
        Ok(0) => Err(BodyFault::Gone),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::TimedOut => Err(BodyFault::TimedOut),
        Err(_) => Err(BodyFault::Gone),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use guard_io::Buffer;
    use guard_io::http1::{BodyReader, RequestFraming};

    use super::decode;

    #[test]
    fn chunks_are_joined_in_place_and_the_next_request_stays_behind_them() {
        let wire = b"HEAD3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\nNEXT";
        for split in 4..=wire.len() {
            let mut reader = BodyReader::request(RequestFraming::Chunked);
            let mut buffer = Buffer::new();
            buffer.extend_from_slice(&wire[..split]);
            let mut length = decode(&mut reader, &mut buffer, 4).unwrap();
            buffer.extend_from_slice(&wire[split..]);
            length += decode(&mut reader, &mut buffer, 4 + length).unwrap();
            assert!(reader.is_done(), "{split}");
            assert_eq!(&buffer[..4 + length], b"HEADabcde", "{split}");
            assert_eq!(&buffer[4 + length..], b"NEXT", "{split}");
        }
    }
}
