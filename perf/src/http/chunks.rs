//! The chunked transfer coding, decoded in any split (RFC 9112 §7.1).

/// Longest chunk-size line, in bytes.
const SIZE_LINE_BYTES_MAX: usize = 256;

/// Where a chunked body stands.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    state: State,
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    SizeLine,
    Data(usize),
    DataEnd,
    Trailer,
    Done,
}

/// The coding was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

impl Chunks {
    /// The body has ended.
    pub(crate) fn done(&self) -> bool {
        self.state == State::Done
    }

    /// Appends the data in `input` to `body`; returns the bytes used, fewer than all only when the body has ended.
    pub(crate) fn feed(&mut self, input: &[u8], body: &mut Vec<u8>) -> Result<usize, Broken> {
        let mut used = 0;
        while used < input.len() && !self.done() {
            used += self.step(&input[used..], body)?;
        }
        Ok(used)
    }

    fn step(&mut self, input: &[u8], body: &mut Vec<u8>) -> Result<usize, Broken> {
        if let State::Data(left) = self.state {
            let taken = left.min(input.len());
            body.extend_from_slice(&input[..taken]);
            self.state = if taken == left {
                State::DataEnd
            } else {
                State::Data(left - taken)
            };
            return Ok(taken);
        }
        let end = memchr::memchr(b'\n', input).map_or(input.len(), |at| at + 1);
        self.line.extend_from_slice(&input[..end]);
        if self.line.ends_with(b"\n") {
            self.state = self.after_line()?;
            self.line.clear();
        } else if self.line.len() > SIZE_LINE_BYTES_MAX {
            return Err(Broken);
        }
        Ok(end)
    }

    fn after_line(&self) -> Result<State, Broken> {
        let line = self.line.strip_suffix(b"\r\n").ok_or(Broken)?;
        match self.state {
            State::SizeLine => match chunk_size(line)? {
                0 => Ok(State::Trailer),
                size => Ok(State::Data(size)),
            },
            State::DataEnd if line.is_empty() => Ok(State::SizeLine),
            State::Trailer if line.is_empty() => Ok(State::Done),
            State::Trailer => Ok(State::Trailer),
            _ => Err(Broken),
        }
    }
}

fn chunk_size(line: &[u8]) -> Result<usize, Broken> {
    let digits = line
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let text = str::from_utf8(digits).map_err(|_| Broken)?;
    usize::from_str_radix(text, 16).map_err(|_| Broken)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const WIRE: &[u8] = b"5;x=y\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n";

    #[test]
    fn every_split_gives_the_same_body() {
        for split in 0..WIRE.len() {
            let (mut chunks, mut body) = (Chunks::default(), Vec::new());
            for part in [&WIRE[..split], &WIRE[split..]] {
                assert_eq!(chunks.feed(part, &mut body).unwrap(), part.len());
            }
            assert!(chunks.done());
            assert_eq!(body, b"hello 0123456789");
        }
    }

    #[test]
    fn bytes_after_the_end_are_left() {
        let (mut chunks, mut body) = (Chunks::default(), Vec::new());
        assert_eq!(chunks.feed(b"0\r\n\r\nHTTP", &mut body), Ok(5));
    }

    #[test]
    fn broken_codings_are_named() {
        for wire in [
            &b"x\r\n"[..],
            b"\r\n",
            b"1\n",
            b"1\r\nab\r\n",
            &[b'1'; SIZE_LINE_BYTES_MAX + 1],
        ] {
            assert_eq!(
                Chunks::default().feed(wire, &mut Vec::new()),
                Err(Broken),
                "{wire:?}"
            );
        }
    }
}
