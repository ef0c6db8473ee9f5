//! Bytes on their way out: an own head and a shared body, so that a large answer is not copied.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::rc::Rc;

use crate::net::Stream;

/// Three parts that are written in order: own bytes, a range of shared bytes, a constant end.
#[derive(Default)]
pub(crate) struct Outbound {
    /// Bytes made for this answer.
    pub(crate) own: Vec<u8>,
    /// Bytes that many answers share.
    pub(crate) shared: Option<(Rc<[u8]>, Range<usize>)>,
    /// Bytes that every answer of a kind ends with.
    pub(crate) end: &'static [u8],
    sent: usize,
}

impl Outbound {
    /// Everything has been written, or there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Adds `Connection: close` behind the status line that the own part begins with.
    pub(crate) fn announce_close(&mut self) {
        if let Some(at) = memchr::memmem::find(&self.own, b"\r\n") {
            self.own.splice(at..at, *b"\r\nConnection: close");
        }
    }

    /// Writes as much as the socket takes; empties itself when all of it is out.
    pub(crate) fn write_to(&mut self, stream: &mut Stream) -> io::Result<()> {
        while self.sent < self.len() {
            match stream.write_slices_now(&self.unsent())? {
                Some(sent) => self.sent += sent,
                None => return Ok(()),
            }
        }
        self.own.clear();
        (self.shared, self.end, self.sent) = (None, b"", 0);
        Ok(())
    }

    fn parts(&self) -> [&[u8]; 3] {
        let shared = self
            .shared
            .as_ref()
            .map_or(&[][..], |(bytes, range)| &bytes[range.clone()]);
        [&self.own, shared, self.end]
    }

    fn len(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    fn unsent(&self) -> [IoSlice<'_>; 3] {
        let mut skip = self.sent;
        self.parts().map(|part| {
            let skipped = skip.min(part.len());
            skip -= skipped;
            IoSlice::new(&part[skipped..])
        })
    }

    /// All of it as one slice, for tests.
    #[cfg(test)]
    pub(crate) fn concatenated(&self) -> Vec<u8> {
        self.parts().concat()
    }
}
