//! The task that keeps audit records flowing.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::complaint::Complaint;
use super::lifecycle::{Event, line};
use super::sink::{OpenError, Sink};
use super::tail::Tail;
use super::writer::{WriteError, Writer};
use crate::config::model::Audit;
use crate::mailbox::{AuditLane, Doorbell};
use crate::metrics::ControlMetrics;

/// Pause before a failed write is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// A write that takes longer is a stall: `/ready` says so.
const STALL_AFTER: Duration = Duration::from_secs(1);

/// Commands that wait at most.
const COMMANDS_MAX: usize = 16;

/// Where records go and how soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// File to append to.
    pub file: Option<PathBuf>,
    /// Whether lines also go to standard output.
    pub stdout: bool,
    /// How long a record may wait before it is written.
    pub flush_interval: Duration,
}

impl From<&Audit> for AuditSettings {
    fn from(audit: &Audit) -> Self {
        Self {
            file: audit.file.clone().filter(|_| audit.enabled),
            stdout: audit.stdout && audit.enabled,
            flush_interval: audit.flush_interval,
        }
    }
}

/// What the pump reads and writes beside its sinks.
#[derive(Clone, Debug)]
pub struct AuditSources {
    /// Every worker's lane.
    pub lanes: Vec<Arc<AuditLane>>,
    /// Rung when a lane fills.
    pub doorbell: Arc<Doorbell>,
    /// Where bytes, errors and lag are counted.
    pub metrics: Arc<ControlMetrics>,
}

/// Moves records from lanes to sinks until it is told to stop.
#[derive(Debug)]
pub struct AuditPump {
    sources: AuditSources,
    settings: AuditSettings,
    /// Absent only while a write is under way.
    writer: Option<Writer>,
    commands: mpsc::Receiver<Command>,
    stalled: Arc<AtomicBool>,
    complaint: Complaint,
    caught_up: Instant,
}

/// What the rest of control asks of the pump.
#[derive(Clone, Debug)]
pub struct AuditHandle {
    commands: mpsc::Sender<Command>,
    stalled: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Command {
    Note(Event),
    Reopen,
    Use(AuditSettings, oneshot::Sender<Result<(), OpenError>>),
    Stop(oneshot::Sender<Result<(), Unwritten>>),
}

/// Audit records could not be written before the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwritten;

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("audit records could not be written before the end; look for the disk or pipe that stalls")
    }
}

impl AuditPump {
    /// Opens the sinks and queues the start record. Fails where the file cannot be opened.
    pub fn open(
        sources: AuditSources,
        settings: AuditSettings,
    ) -> Result<(Self, AuditHandle), OpenError> {
        let (sinks, tail) = open_sinks(&settings)?;
        let unclean = matches!(tail, Tail::Unclean { .. });
        if unclean {
            tracing::warn!(
                "the audit log does not end with a stop record: the last run did not stop in order"
            );
        }
        let mut writer = Writer::new(&sources.lanes, sinks);
        writer.push(&line(Event::Start {
            after_unclean_stop: unclean,
        }));
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        let stalled = Arc::new(AtomicBool::new(false));
        let handle = AuditHandle {
            commands: sender,
            stalled: Arc::clone(&stalled),
        };
        let complaint = Complaint::default();
        let (writer, caught_up) = (Some(writer), Instant::now());
        Ok((
            Self {
                sources,
                settings,
                writer,
                commands,
                stalled,
                complaint,
                caught_up,
            },
            handle,
        ))
    }

    /// Runs until [`AuditHandle::stop`], or until every handle is gone.
    pub async fn run(mut self) {
        loop {
            let (pause, stalled) = (self.pause(), self.is_stalled());
            let command = tokio::select! {
                command = self.commands.recv() => Some(command),
                () = self.sources.doorbell.rung(), if !stalled => None,
                () = sleep(pause) => None,
            };
            match command {
                Some(Some(Command::Stop(done))) => return self.finish(done).await,
                Some(Some(command)) => self.obey(command),
                Some(None) => return,
                None => {}
            }
            self.flush().await;
        }
    }

    fn obey(&mut self, command: Command) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        match command {
            Command::Note(event) => writer.push(&line(event)),
            Command::Reopen => match writer.reopen() {
                Ok(()) => tracing::info!("audit file reopened"),
                Err(error) => tracing::error!(%error, "audit file stays as it was"),
            },
            Command::Use(settings, done) => {
                let _ = done.send(self.use_settings(settings));
            }
            Command::Stop(_) => {}
        }
    }

    fn use_settings(&mut self, settings: AuditSettings) -> Result<(), OpenError> {
        let same_sinks =
            (&settings.file, settings.stdout) == (&self.settings.file, self.settings.stdout);
        if let (false, Some(writer)) = (same_sinks, &mut self.writer) {
            writer.set_sinks(open_sinks(&settings)?.0);
        }
        self.settings = settings;
        Ok(())
    }

    /// Writes everything that waits and then the stop record. Retries until whoever asked loses patience.
    async fn finish(mut self, mut done: oneshot::Sender<Result<(), Unwritten>>) {
        let mut written = self.flush_until_done(&mut done).await;
        if let (true, Some(writer)) = (written, &mut self.writer) {
            writer.push(&line(Event::Stop));
            written = self.flush_until_done(&mut done).await;
        }
        if let (false, Some(writer)) = (written, &mut self.writer) {
            writer.cut_half_line();
            tracing::error!(bytes = self.waiting_bytes(), "audit records are lost");
        }
        let _ = done.send(if written { Ok(()) } else { Err(Unwritten) });
    }

    async fn flush_until_done(
        &mut self,
        done: &mut oneshot::Sender<Result<(), Unwritten>>,
    ) -> bool {
        while !self.flush().await {
            tokio::select! {
                () = sleep(RETRY_PAUSE) => {}
                () = done.closed() => return false,
            }
        }
        true
    }

    /// Writes what waits; returns whether nothing waits any more.
    async fn flush(&mut self) -> bool {
        if self.waiting_bytes() == 0 {
            self.caught_up = Instant::now();
            self.sources.metrics.audit_lag_ms.set(0);
            return true;
        }
        let Some(mut writer) = self.writer.take() else {
            return false;
        };
        let task = spawn_blocking(move || {
            let (bytes, result) = writer.flush();
            (writer, bytes, result)
        });
        let Some((writer, bytes, result)) = self.watch(task).await else {
            return false;
        };
        self.writer = Some(writer);
        self.sources.metrics.audit_bytes.add(bytes as u64);
        self.judge(result)
    }

    /// Waits for a write, and says when it stalls.
    async fn watch<T>(&self, mut task: JoinHandle<T>) -> Option<T> {
        loop {
            if let Ok(joined) = timeout(STALL_AFTER, &mut task).await {
                return joined.ok();
            }
            self.stalled.store(true, Relaxed);
            self.note_lag();
        }
    }

    fn judge(&mut self, result: Result<(), WriteError>) -> bool {
        let now = Instant::now();
        self.stalled.store(result.is_err(), Relaxed);
        match result {
            Ok(()) => {
                self.caught_up = now;
                self.sources.metrics.audit_lag_ms.set(0);
                if self.complaint.resolve() {
                    tracing::info!("audit records are being written again");
                }
                true
            }
            Err(WriteError { sink, cause }) => {
                self.sources.metrics.audit_write_errors.inc();
                self.note_lag();
                if self.complaint.due(now) {
                    tracing::error!(sink, error = %cause, "audit records cannot be written; trying again");
                }
                false
            }
        }
    }

    fn note_lag(&self) {
        let lag_ms = i64::try_from(self.caught_up.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.sources.metrics.audit_lag_ms.set(lag_ms);
    }

    fn waiting_bytes(&self) -> usize {
        let queued: usize = self
            .sources
            .lanes
            .iter()
            .map(|lane| lane.queued_bytes())
            .sum();
        queued + self.writer.as_ref().map_or(0, Writer::pending_bytes)
    }

    fn is_stalled(&self) -> bool {
        self.stalled.load(Relaxed)
    }

    /// Half the promised delay, so that waiting and writing together keep it.
    fn pause(&self) -> Duration {
        if self.is_stalled() {
            RETRY_PAUSE
        } else {
            self.settings.flush_interval / 2
        }
    }
}

impl AuditHandle {
    /// Queues one of control's own records.
    pub async fn note(&self, event: Event) {
        let _ = self.commands.send(Command::Note(event)).await;
    }

    /// Opens the file again under its name.
    pub async fn reopen(&self) {
        let _ = self.commands.send(Command::Reopen).await;
    }

    /// Switches to other sinks, losing nothing on the way. The old ones stay where the new file cannot be opened.
    pub async fn use_settings(&self, settings: AuditSettings) -> Result<(), OpenError> {
        let (done, result) = oneshot::channel();
        let _ = self.commands.send(Command::Use(settings, done)).await;
        result.await.unwrap_or(Ok(()))
    }

    /// Whether records cannot be written at the moment.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.stalled.load(Relaxed)
    }

    /// Writes everything that waits and the stop record, within `patience`.
    pub async fn stop(&self, patience: Duration) -> Result<(), Unwritten> {
        let (done, result) = oneshot::channel();
        let asked = async {
            let _ = self.commands.send(Command::Stop(done)).await;
            result.await.unwrap_or(Ok(()))
        };
        timeout(patience, asked).await.unwrap_or(Err(Unwritten))
    }
}

fn open_sinks(settings: &AuditSettings) -> Result<(Vec<Sink>, Tail), OpenError> {
    let mut sinks = Vec::new();
    let mut tail = Tail::Empty;
    if let Some(path) = &settings.file {
        let (sink, end) = Sink::file(path)?;
        sinks.push(sink);
        tail = end;
    }
    if settings.stdout {
        sinks.push(Sink::stdout());
    }
    Ok((sinks, tail))
}

#[cfg(test)]
mod tests;
