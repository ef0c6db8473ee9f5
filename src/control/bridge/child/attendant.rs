//! The task that owns one child, from its start until nothing of its group is left.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use guard_io::process::{Pipes, ProcessGroup, Signal};
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::link::LINK_MESSAGES_MAX;
use super::super::{FromServer, Link, LinkEnd};
use super::exit::{ExitWatch, reap};
use super::input::{self, InputEnd};
use super::launcher::Trace;
use super::output::{self, Delivery};
use super::rooms::{ChildRoom, ChildRooms};
use crate::metrics::ChildEnd;

/// How long a child is waited for at each step of the stop ladder.
#[derive(Clone, Copy, Debug)]
pub(in crate::control) struct Patience {
    /// After its input was closed.
    pub(in crate::control) close: Duration,
    /// After SIGTERM.
    pub(in crate::control) terminate: Duration,
}

impl Patience {
    /// Two seconds each.
    pub(in crate::control) const DEFAULT: Self = Self {
        close: Duration::from_secs(2),
        terminate: Duration::from_secs(2),
    };
}

/// Where a child's life stands, for those who move its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// The session is on.
    Open,
    /// Its input is about to be closed.
    Leaving,
    /// It has ended: what its pipes hold now is the last of it.
    Ended,
}

/// What the attendant needs beside the child.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) rooms: ChildRooms,
    pub(super) room: ChildRoom,
    pub(super) line_bytes_max: usize,
    pub(super) patience: Patience,
}

/// Connects a started child with a new link and looks after it in the background. Errors: its pipes cannot be watched; the child
/// is killed.
pub(super) fn attend(
    group: ProcessGroup,
    pipes: Pipes,
    trace: Arc<Trace>,
    terms: Terms,
) -> io::Result<Link> {
    let (Some(stdin), Some(stdout), Some(stderr)) = (pipes.stdin, pipes.stdout, pipes.stderr)
    else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let stdin = pipe::Sender::from_owned_fd(stdin.into())?;
    let stdout = pipe::Receiver::from_owned_fd(stdout.into())?;
    let stderr = pipe::Receiver::from_owned_fd(stderr.into())?;
    let (to_server, messages) = mpsc::channel(LINK_MESSAGES_MAX);
    let (to_front, from_server) = mpsc::channel(LINK_MESSAGES_MAX);
    let phase = watch::Sender::new(Phase::Open);
    trace.begun();
    let delivery = Delivery::new(terms.line_bytes_max, Arc::clone(&trace));
    tokio::spawn(output::log_errors(
        stderr,
        phase.subscribe(),
        Arc::clone(&trace),
    ));
    let attendant = Attendant {
        exit: ExitWatch::new(&group),
        group,
        writer: tokio::spawn(input::write(messages, stdin, phase.subscribe())),
        patience: terms.patience,
        rooms: terms.rooms,
        phase,
        trace,
    };
    let reader = tokio::spawn(output::deliver(
        stdout,
        to_front.clone(),
        attendant.phase.subscribe(),
        delivery,
    ));
    tokio::spawn(attendant.run(reader, to_front, terms.room));
    Ok(Link {
        to_server,
        from_server,
    })
}

struct Attendant {
    group: ProcessGroup,
    exit: ExitWatch,
    writer: JoinHandle<InputEnd>,
    patience: Patience,
    rooms: ChildRooms,
    phase: watch::Sender<Phase>,
    trace: Arc<Trace>,
}

/// What ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    /// The link was dropped.
    Dropped,
    /// The child has ended, or does not listen or speak any more.
    Exited,
    /// A line was too large.
    TooLarge,
}

impl Attendant {
    /// Waits for the end of the session, then brings about the child's, and tells the link meanwhile.
    async fn run(
        mut self,
        mut reader: JoinHandle<LinkEnd>,
        to_front: mpsc::Sender<FromServer>,
        room: ChildRoom,
    ) {
        let rooms = self.rooms.clone();
        let (occasion, end) = tokio::select! {
            end = &mut reader => {
                let end = end.unwrap_or(LinkEnd::Broke);
                (Occasion::of(end), Some(end))
            }
            () = self.exit.ended(&self.group) => (Occasion::Exited, None),
            () = to_front.closed() => (Occasion::Dropped, None),
            // Whoever has the link still: the gateway ends.
            () = rooms.urgency() => (Occasion::Dropped, None),
            end = &mut self.writer => match end {
                Ok(InputEnd::Said) => (Occasion::Dropped, None),
                Ok(InputEnd::Refused) | Err(_) => (Occasion::Exited, None),
            },
        };
        if occasion == Occasion::Exited {
            self.trace.left_early();
        }
        let telling = async {
            let end = match end {
                Some(end) => end,
                None => reader.await.unwrap_or(LinkEnd::Broke),
            };
            let _ = to_front.send(FromServer::Ended(end)).await;
        };
        let ending = async {
            let how = self.end(occasion).await;
            let status = reap(&mut self.group).await;
            self.trace.ended(how, status);
            drop(room);
        };
        tokio::join!(telling, ending);
    }

    /// Ends the leader, politely where there is time, and kills what is left of its group.
    async fn end(&mut self, occasion: Occasion) -> ChildEnd {
        self.phase.send_replace(Phase::Leaving);
        let rooms = self.rooms.clone();
        let how = match occasion {
            Occasion::TooLarge => ChildEnd::LineTooLarge,
            Occasion::Dropped | Occasion::Exited => tokio::select! {
                how = self.persuade(occasion) => how,
                () = rooms.urgency() => ChildEnd::Killed,
            },
        };
        self.group.signal(Signal::Kill);
        self.writer.abort();
        self.exit.ended(&self.group).await;
        self.phase.send_replace(Phase::Ended);
        how
    }

    /// Climbs the stop ladder: what was sent goes out and the input is closed, SIGTERM, and no more.
    async fn persuade(&mut self, occasion: Occasion) -> ChildEnd {
        if occasion == Occasion::Exited {
            self.writer.abort();
        }
        let leaving = async {
            if !self.writer.is_finished() {
                let _ = (&mut self.writer).await;
            }
            self.exit.ended(&self.group).await;
        };
        if timeout(self.patience.close, leaving).await.is_ok() {
            return match occasion {
                Occasion::Dropped => ChildEnd::Closed,
                Occasion::Exited | Occasion::TooLarge => ChildEnd::Exited,
            };
        }
        self.writer.abort();
        self.group.signal(Signal::Terminate);
        let ended = self.exit.ended(&self.group);
        match timeout(self.patience.terminate, ended).await {
            Ok(()) => ChildEnd::Terminated,
            Err(_) => ChildEnd::Killed,
        }
    }
}

impl Occasion {
    const fn of(end: LinkEnd) -> Self {
        match end {
            LinkEnd::TooLarge => Self::TooLarge,
            LinkEnd::Exited | LinkEnd::Broke | LinkEnd::SessionLost => Self::Exited,
        }
    }
}
