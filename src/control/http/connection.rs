//! One server connection: request after request, one at a time.

use std::io;
use std::time::Duration;

use guard_io::http1::{
    BodyFraming, BodyReader, CHUNK_END, CONTINUE, ChunkRefusal, HeadIndex, HeadRefusal, HeadWriter,
    LAST_CHUNK, Method, Progress, RequestFraming, RequestHead, Version, chunk_header,
    parse_request,
};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::backlog::{self, Waiting};
use super::server::{Bounds, Handler};
use super::{Body, Request, Response};

/// Bytes read at once.
const READ_BYTES: usize = 8 << 10;

/// Bodies and pieces up to this size travel in one write with what is around them; larger ones are not copied for it.
const JOINED_BYTES_MAX: usize = 16 << 10;

/// Why a connection ends without another answer, or with a refusal.
#[derive(Debug)]
enum End {
    /// The peer closed, was silent, or the socket failed.
    Quiet,
    /// The request cannot be read; this is the answer.
    Refused(Response),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Quiet
    }
}

impl From<HeadRefusal> for End {
    fn from(refusal: HeadRefusal) -> Self {
        Self::Refused(Response::error(refusal.status(), &refusal.to_string()))
    }
}

impl From<ChunkRefusal> for End {
    fn from(refusal: ChunkRefusal) -> Self {
        Self::Refused(Response::error(400, &refusal.to_string()))
    }
}

/// Serves one connection until it ends.
pub(super) async fn run<S: AsyncRead + AsyncWrite>(
    stream: S,
    bounds: &Bounds,
    handler: &impl Handler,
) {
    let (reader, writer) = tokio::io::split(stream);
    let mut connection = Connection {
        reader,
        writer,
        bounds,
        received: Vec::new(),
    };
    while connection.exchange(handler).await {}
    let _ = connection.writer.shutdown().await;
}

struct Connection<'a, S> {
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    bounds: &'a Bounds,
    /// Bytes received and not yet used.
    received: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite> Connection<'_, S> {
    /// Reads one request and answers it; returns whether the connection goes on.
    async fn exchange(&mut self, handler: &impl Handler) -> bool {
        match self.request().await {
            Ok(request) => {
                let (keep_alive, head) = (request.head.keep_alive, request.head);
                let response = tokio::select! {
                    response = handler.handle(request) => response,
                    // Nobody waits for the answer any more.
                    () = self.peer_left() => return false,
                };
                self.answer(response, Some(&head), keep_alive).await.is_ok() && keep_alive
            }
            Err(End::Quiet) => false,
            Err(End::Refused(response)) => {
                let _ = self.answer(response, None, false).await;
                false
            }
        }
    }

    /// Returns when the peer has closed. What it sends meanwhile is kept, as far as it may keep something waiting.
    async fn peer_left(&mut self) {
        while self.received.len() <= self.bounds.head.head_bytes_max {
            match self.reader.read_buf(&mut self.received).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        std::future::pending().await
    }

    async fn request(&mut self) -> Result<Request, End> {
        if self.received.is_empty() {
            timeout(self.bounds.idle_time, self.receive())
                .await
                .map_err(|_| End::Quiet)??;
        }
        let bounds = self.bounds;
        let late = |_| End::Refused(Response::error(408, "the request did not arrive in time"));
        timeout(bounds.request_time, self.whole_request())
            .await
            .map_err(late)?
    }

    async fn whole_request(&mut self) -> Result<Request, End> {
        let mut index = HeadIndex::new();
        let head = self.head(&mut index).await?;
        let rest = self.received.split_off(head.head_len);
        let bytes = std::mem::replace(&mut self.received, rest);
        let body = self.body(&head).await?;
        Ok(Request {
            bytes,
            head,
            index,
            body,
        })
    }

    async fn head(&mut self, index: &mut HeadIndex) -> Result<RequestHead, End> {
        let mut scanned = 0;
        loop {
            match parse_request(&self.received, scanned, &self.bounds.head, index)? {
                Progress::Complete(head) => return Ok(head),
                Progress::Partial => scanned = self.received.len(),
            }
            self.receive().await?;
        }
    }

    async fn body(&mut self, head: &RequestHead) -> Result<Vec<u8>, End> {
        let bytes_max = self.bounds.body_bytes_max;
        let too_large = || {
            End::Refused(Response::error(
                413,
                &format!("request body exceeds {bytes_max} bytes"),
            ))
        };
        if matches!(head.framing, RequestFraming::Length(length) if length > bytes_max as u64) {
            return Err(too_large());
        }
        if head.expect_continue && self.received.is_empty() {
            self.write(CONTINUE).await?;
        }
        let mut reader = BodyReader::request(head.framing);
        let mut body = Vec::new();
        while !reader.is_done() {
            if self.received.is_empty() {
                self.receive().await?;
            }
            let step = reader.next(&self.received)?;
            body.extend_from_slice(&self.received[step.data]);
            self.received.drain(..step.consumed);
            if body.len() > bytes_max {
                return Err(too_large());
            }
        }
        Ok(body)
    }

    /// Reads once; an end of input is an end of the connection.
    async fn receive(&mut self) -> Result<(), End> {
        self.received.reserve(READ_BYTES);
        match self.reader.read_buf(&mut self.received).await? {
            0 => Err(End::Quiet),
            _ => Ok(()),
        }
    }

    async fn answer(
        &mut self,
        response: Response,
        head: Option<&RequestHead>,
        keep_alive: bool,
    ) -> io::Result<()> {
        let chunked = head.is_some_and(|head| head.version == Version::Http11);
        let bodiless = head.is_some_and(|head| head.method == Method::Head);
        let mut out = Vec::with_capacity(READ_BYTES);
        let framing = match &response.body {
            Body::Full(_) if response.status == 204 => BodyFraming::Unsaid,
            Body::Full(body) => BodyFraming::Length(body.len() as u64),
            Body::Stream(_) if chunked => BodyFraming::Chunked,
            Body::Stream(_) => BodyFraming::Unsaid,
        };
        let keep_alive = keep_alive && (framing != BodyFraming::Unsaid || response.status == 204);
        write_head(&mut out, &response, framing, keep_alive);
        match response.body {
            Body::Full(body) => {
                if bodiless {
                    self.write(&out).await?;
                } else if body.len() <= JOINED_BYTES_MAX {
                    out.extend_from_slice(&body);
                    self.write(&out).await?;
                } else {
                    self.write(&out).await?;
                    self.write(&body).await?;
                }
            }
            Body::Stream(pieces) => {
                self.write(&out).await?;
                self.stream(pieces, framing == BodyFraming::Chunked).await?;
            }
        }
        if keep_alive {
            Ok(())
        } else {
            Err(io::ErrorKind::ConnectionAborted.into())
        }
    }

    /// Writes pieces as they come. A client that goes away, or sends more than it may keep waiting, ends the stream.
    async fn stream(
        &mut self,
        mut pieces: mpsc::Receiver<Vec<u8>>,
        chunked: bool,
    ) -> io::Result<()> {
        loop {
            let piece = tokio::select! {
                piece = pieces.recv() => piece,
                received = self.reader.read_buf(&mut self.received) => {
                    let alive = received? > 0 && self.received.len() <= self.bounds.head.head_bytes_max;
                    if alive { continue } else { return Err(io::ErrorKind::ConnectionAborted.into()) }
                }
            };
            let Some(piece) = piece else { break };
            let mut out = Vec::with_capacity(piece.len().min(JOINED_BYTES_MAX) + 16);
            if chunked {
                chunk_header(&mut out, piece.len());
            }
            if piece.len() <= JOINED_BYTES_MAX {
                out.extend_from_slice(&piece);
            } else {
                self.write(&out).await?;
                self.write(&piece).await?;
                out.clear();
            }
            if chunked {
                out.extend_from_slice(CHUNK_END);
            }
            self.write(&out).await?;
        }
        self.write(if chunked { LAST_CHUNK } else { b"" }).await
    }

    /// Writes all of `bytes`. A reader that takes nothing for too long is an error; one that is slow is not.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let _waiting = Waiting::of(bytes.len());
        let Bounds {
            write_time,
            crowded_time,
            ..
        } = *self.bounds;
        let (mut rest, mut still) = (bytes, Duration::ZERO);
        while !rest.is_empty() {
            let pause = crowded_time.min(write_time - still);
            match timeout(pause, self.writer.write(rest)).await {
                Ok(written) => match written? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    written => (rest, still) = (&rest[written..], Duration::ZERO),
                },
                Err(_) => still += pause,
            }
            if still >= write_time || (!still.is_zero() && backlog::is_crowded()) {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }
}

fn write_head(out: &mut Vec<u8>, response: &Response, framing: BodyFraming, keep_alive: bool) {
    let mut head = HeadWriter::response(out, response.status);
    for (name, value) in &response.fields {
        // A value that cannot stand in a head is left out; the writer lets no line be added.
        let _ = head.field(name.as_bytes(), value.as_bytes());
    }
    if !keep_alive {
        head.close();
    }
    head.finish(framing);
}

#[cfg(test)]
mod tests;
