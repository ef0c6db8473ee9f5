//! Answers as the load generator reads them: status, framing and the whole body, from any split of the bytes.

use super::chunks::Chunks;
use super::{HEAD_BYTES_MAX, decimal, field, head_len, lines};

/// Reads one answer at a time; [`AnswerReader::reset`] before the next one keeps the buffers.
#[derive(Debug, Default)]
pub(crate) struct AnswerReader {
    head: Vec<u8>,
    body: Vec<u8>,
    chunks: Chunks,
    framing: Framing,
    status: u16,
    close: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Framing {
    #[default]
    HeadAhead,
    Left(usize),
    Chunked,
    UntilClose,
}

/// Why an answer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The head has no end, or its first line or length is not HTTP/1.1.
    Head,
    /// The chunked coding is broken.
    Chunk,
    /// Bytes followed an answer that had ended.
    Surplus,
    /// The connection ended inside the answer.
    Truncated,
}

impl AnswerReader {
    /// Ready for the next answer; keeps allocations.
    pub(crate) fn reset(&mut self) {
        self.head.clear();
        self.body.clear();
        self.chunks = Chunks::default();
        self.framing = Framing::HeadAhead;
    }

    /// The status of an answer whose head has been read.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The body read so far.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The connection ends with this answer.
    pub(crate) fn closes(&self) -> bool {
        self.close || self.framing == Framing::UntilClose
    }

    /// The head is there and the body has ended.
    pub(crate) fn complete(&self) -> bool {
        match self.framing {
            Framing::Left(left) => left == 0,
            Framing::Chunked => self.chunks.done(),
            Framing::HeadAhead | Framing::UntilClose => false,
        }
    }

    /// Takes received bytes; true once the answer is complete.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Result<bool, Malformed> {
        let mut rest = input;
        while self.framing == Framing::HeadAhead && !rest.is_empty() {
            rest = self.feed_head(rest)?;
        }
        let used = match &mut self.framing {
            Framing::HeadAhead => 0,
            Framing::Left(left) => {
                let taken = rest.len().min(*left);
                self.body.extend_from_slice(&rest[..taken]);
                *left -= taken;
                taken
            }
            Framing::Chunked => self
                .chunks
                .feed(rest, &mut self.body)
                .map_err(|_| Malformed::Chunk)?,
            Framing::UntilClose => {
                self.body.extend_from_slice(rest);
                rest.len()
            }
        };
        if used < rest.len() {
            Err(Malformed::Surplus)
        } else {
            Ok(self.complete())
        }
    }

    /// Takes the end of the connection; an error where the answer needed more.
    pub(crate) fn feed_end(&self) -> Result<(), Malformed> {
        match self.framing {
            Framing::UntilClose => Ok(()),
            _ if self.complete() => Ok(()),
            _ => Err(Malformed::Truncated),
        }
    }

    fn feed_head<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let before = self.head.len();
        self.head.extend_from_slice(input);
        let Some(len) = head_len(&self.head) else {
            return if self.head.len() > HEAD_BYTES_MAX {
                Err(Malformed::Head)
            } else {
                Ok(&[])
            };
        };
        self.head.truncate(len);
        self.read_head()?;
        if (100..200).contains(&self.status) {
            self.reset();
        }
        Ok(&input[len - before..])
    }

    fn read_head(&mut self) -> Result<(), Malformed> {
        let mut lines = lines(&self.head);
        let status_line = lines
            .next()
            .and_then(|line| line.strip_prefix(b"HTTP/1.1 "))
            .ok_or(Malformed::Head)?;
        let status = status_line
            .get(..3)
            .and_then(decimal)
            .and_then(|status| u16::try_from(status).ok());
        self.status = status.ok_or(Malformed::Head)?;
        self.close = false;
        self.framing = if matches!(self.status, 204 | 304) {
            Framing::Left(0)
        } else {
            Framing::UntilClose
        };
        for line in lines {
            if let Some(length) = field(line, b"content-length") {
                self.framing = Framing::Left(decimal(length).ok_or(Malformed::Head)?);
            } else if field(line, b"transfer-encoding").is_some() {
                self.framing = Framing::Chunked;
            } else if let Some(value) = field(line, b"connection") {
                self.close = value.eq_ignore_ascii_case(b"close");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn check(wire: &[u8], status: u16, body: &[u8], closes: bool) {
        for split in 0..=wire.len() {
            let mut answer = AnswerReader::default();
            for part in [&wire[..split], &wire[split..]] {
                answer.feed(part).unwrap();
            }
            assert_eq!(answer.feed_end(), Ok(()));
            assert_eq!(
                (answer.status(), answer.body(), answer.closes()),
                (status, body, closes),
                "split {split}"
            );
        }
    }

    #[test]
    fn every_framing_is_read_in_every_split() {
        check(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            200,
            b"ok",
            false,
        );
        check(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            200,
            b"ok",
            false,
        );
        check(
            b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            401,
            b"",
            true,
        );
        check(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            204,
            b"",
            false,
        );
        check(
            b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
            200,
            b"until the end",
            true,
        );
    }

    #[test]
    fn surplus_and_missing_bytes_are_faults() {
        let mut answer = AnswerReader::default();
        assert_eq!(
            answer.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"),
            Err(Malformed::Surplus)
        );
        answer.reset();
        assert_eq!(
            answer.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"),
            Ok(false)
        );
        assert_eq!(answer.feed_end(), Err(Malformed::Truncated));
        answer.reset();
        assert_eq!(answer.feed(b"SMTP\r\n\r\n"), Err(Malformed::Head));
    }
}
