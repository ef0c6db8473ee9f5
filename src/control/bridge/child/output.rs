//! From the child's standard output and error to link and log.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, watch};

use super::super::link::queue;
use super::super::{FromServer, LinkEnd};
use super::attendant::Phase;
use super::chatter::Beginnings;
use super::launcher::Trace;
use super::lines::{LineKind, Lines, READ_BYTES, flatten};

/// What is taken out of a pipe after its child has ended, in bytes: the largest pipe that the kernel gives to ordinary users.
/// Others who hold the pipe may write for ever.
const REMAINS_BYTES_MAX: usize = 1_024 * 1_024;

/// Gives every message of `pipe` to `to`, in order, waiting while it is full, until the output or the child ends; what is in
/// the pipe then is still given. Where nobody listens any more, it goes on reading: a child that is told to end must not hang
/// in a write.
pub(super) async fn deliver(
    mut pipe: pipe::Receiver,
    to: mpsc::Sender<FromServer>,
    mut phase: watch::Receiver<Phase>,
    mut delivery: Delivery,
) -> LinkEnd {
    loop {
        let read = tokio::select! {
            read = pipe.read_buf(delivery.lines.space()) => read,
            _ = phase.wait_for(|phase| *phase == Phase::Ended) => break,
        };
        match read {
            Ok(1..) => {}
            Ok(0) | Err(_) => return delivery.finish(&to).await,
        }
        if let Err(end) = delivery.pass(&to).await {
            return end;
        }
    }
    let Ok(mut rest) = remains(pipe) else {
        return delivery.finish(&to).await;
    };
    let mut taken = 0;
    while taken < REMAINS_BYTES_MAX {
        match read_now(&mut rest, delivery.lines.space()) {
            Ok(0) | Err(_) => break,
            Ok(read) => taken += read,
        }
        if let Err(end) = delivery.pass(&to).await {
            return end;
        }
    }
    delivery.finish(&to).await
}

/// The pipe without the runtime, whose idea of readiness may be older than the last bytes.
fn remains(pipe: pipe::Receiver) -> io::Result<File> {
    pipe.into_nonblocking_fd().map(File::from)
}

/// One read, into the spare room of `into`.
fn read_now(from: &mut File, into: &mut Vec<u8>) -> io::Result<usize> {
    let before = into.len();
    into.resize(before + READ_BYTES, 0);
    let outcome = loop {
        match from.read(&mut into[before..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => break outcome,
        }
    };
    into.truncate(before + outcome.as_ref().copied().unwrap_or(0));
    outcome
}

/// The state of one child's output.
pub(super) struct Delivery {
    lines: Lines,
    trace: Arc<Trace>,
    is_heard: bool,
}

impl Delivery {
    pub(super) fn new(line_bytes_max: usize, trace: Arc<Trace>) -> Self {
        Self {
            lines: Lines::new(line_bytes_max),
            trace,
            is_heard: true,
        }
    }

    /// Passes every whole line on. The error is a line that is too large.
    async fn pass(&mut self, to: &mpsc::Sender<FromServer>) -> Result<(), LinkEnd> {
        while self.is_heard {
            let line = self.lines.next().map_err(|_| LinkEnd::TooLarge)?;
            let Some(line) = line else { return Ok(()) };
            self.is_heard = give(line, to, &self.trace).await;
        }
        self.lines.clear();
        Ok(())
    }

    /// The output has ended: a message without a line feed is one all the same.
    async fn finish(&mut self, to: &mpsc::Sender<FromServer>) -> LinkEnd {
        if self.is_heard {
            give(self.lines.rest(), to, &self.trace).await;
        }
        LinkEnd::Exited
    }
}

/// Gives a message to the link, noise to the log. Returns whether the link is there.
async fn give(line: &[u8], to: &mpsc::Sender<FromServer>, trace: &Trace) -> bool {
    match LineKind::of(line) {
        LineKind::Blank => true,
        LineKind::Noise => {
            trace.noise(line);
            true
        }
        LineKind::Message => {
            trace.answered();
            let mut bytes = line.to_vec();
            flatten(&mut bytes);
            let (length, during) = (bytes.len(), None);
            queue(to, length, FromServer::Message { bytes, during }).await
        }
    }
}

/// Logs what the child writes to its standard error until that or the child ends. It is always read: a full pipe would stop
/// the child.
pub(super) async fn log_errors(
    mut pipe: pipe::Receiver,
    mut phase: watch::Receiver<Phase>,
    trace: Arc<Trace>,
) {
    let mut beginnings = Beginnings::default();
    let mut bytes = Vec::with_capacity(READ_BYTES / 4);
    loop {
        bytes.clear();
        let read = tokio::select! {
            read = pipe.read_buf(&mut bytes) => read,
            _ = phase.wait_for(|phase| *phase == Phase::Ended) => break,
        };
        match read {
            Ok(1..) => beginnings.take(&bytes, |line| trace.complaint(line)),
            Ok(0) | Err(_) => return beginnings.finish(|line| trace.complaint(line)),
        }
    }
    if let Ok(mut rest) = remains(pipe) {
        let mut taken = 0;
        while let Ok(read @ 1..) = read_now(&mut rest, &mut bytes) {
            beginnings.take(&bytes, |line| trace.complaint(line));
            bytes.clear();
            taken += read;
            if taken >= REMAINS_BYTES_MAX {
                break;
            }
        }
    }
    beginnings.finish(|line| trace.complaint(line));
}
