//! The workers as the control thread sees them: bound, started, told, joined.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use guard_io::{
    AcceptMode, ConnectionCaps, Either, IoMode, ListenerSeed, Mailbox, MailboxSender, Stream,
    WorkerContext, WorkerExit, WorkerPool, WorkerSpec, mailbox, select, spawn, time,
};

use super::connection;
use super::state::Worker;
use super::streams::StreamCounts;
use crate::config::model::{Accept, IoDriver, Server};
use crate::engine::limits::{DRAIN_FINAL_MS_MAX, OPEN_FILES_RESERVED, WORKER_SWEEP_MS};
use crate::mailbox::{Bound, DataPlane, Phase, Shared, ToWorker};
use crate::metrics;

/// Messages that may wait for a worker: it is told of reloads and of one drain.
const MAILBOX_MESSAGES_MAX: usize = 64;

/// How often a draining worker looks whether its last task has ended.
const DRAIN_LOOK: Duration = Duration::from_millis(5);

/// Binds the main listener for so many workers. The error is a sentence for the operator.
pub fn bind(server: &Server, workers: usize) -> Result<Box<dyn Bound>, String> {
    let mode = match server.accept {
        Accept::ReusePort => AcceptMode::ReusePort,
        Accept::Shared => AcceptMode::Shared,
    };
    let io = match server.io {
        IoDriver::Auto => IoMode::Auto,
        IoDriver::Uring => IoMode::Uring,
        IoDriver::Epoll => IoMode::Epoll,
    };
    let seeds =
        guard_io::bind(server.address(), mode, workers).map_err(|error| error.to_string())?;
    let address = seeds
        .first()
        .map(ListenerSeed::local_addr)
        .ok_or("server.workers is 0; at least one is needed")?;
    let caps = ConnectionCaps::new(
        affordable(server.limits.connections),
        server.limits.connections_per_ip,
    );
    Ok(Box::new(Listeners {
        seeds,
        address,
        io,
        caps,
    }))
}

/// As many of `connections` as the process has files for. An unauthenticated crowd must not take the files that requests of
/// others need towards their upstreams.
fn affordable(connections: usize) -> usize {
    let open_files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let max = connections_for(open_files);
    if max < connections {
        tracing::warn!(
            connections,
            max,
            open_files,
            "fewer connections than server.limits.connections are taken; raise the limit of open files (ulimit -n)"
        );
    }
    connections.min(max)
}

/// Each connection may need a second file, towards its upstream.
fn connections_for(open_files: Option<u64>) -> usize {
    let files = open_files.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    });
    let reserved = OPEN_FILES_RESERVED.min(files / 2);
    ((files - reserved) / 2).max(1)
}

/// Bound listeners, one a worker.
struct Listeners {
    seeds: Vec<ListenerSeed>,
    address: SocketAddr,
    io: IoMode,
    caps: ConnectionCaps,
}

/// What one worker starts with.
struct Seat {
    listener: ListenerSeed,
    mailbox: Mailbox<ToWorker>,
    notice: EndNotice,
}

/// Counts a worker that ends, however it ends.
struct EndNotice {
    ended: Arc<AtomicUsize>,
    shared: Arc<Shared>,
}

impl Drop for EndNotice {
    fn drop(&mut self) {
        self.ended.fetch_add(1, Relaxed);
        self.shared.doorbell.ring();
    }
}

impl Bound for Listeners {
    fn local_addr(&self) -> SocketAddr {
        self.address
    }

    fn start(self: Box<Self>, shared: Arc<Shared>) -> Result<Box<dyn DataPlane>, String> {
        let Self {
            seeds, io, caps, ..
        } = *self;
        let ended = Arc::<AtomicUsize>::default();
        let mut senders = Vec::new();
        let mut seats = Vec::new();
        for listener in seeds {
            let (sender, mailbox) = mailbox(MAILBOX_MESSAGES_MAX);
            senders.push(sender);
            let notice = EndNotice {
                ended: Arc::clone(&ended),
                shared: Arc::clone(&shared),
            };
            seats.push(Seat {
                listener,
                mailbox,
                notice,
            });
        }
        let streams = StreamCounts::default();
        let pool = WorkerPool::start(WorkerSpec { io, pin: true }, seats, move |context, seat| {
            run(
                context,
                seat,
                Arc::clone(&shared),
                caps.clone(),
                streams.clone(),
            )
        })
        .map_err(|error| error.to_string())?;
        Ok(Box::new(Workers {
            pool,
            senders,
            ended,
        }))
    }
}

/// The running workers.
struct Workers {
    pool: WorkerPool,
    senders: Vec<MailboxSender<ToWorker>>,
    ended: Arc<AtomicUsize>,
}

impl DataPlane for Workers {
    fn io_mode(&self) -> String {
        self.pool
            .contexts()
            .first()
            .map(|context| context.rung.to_string())
            .unwrap_or_default()
    }

    fn post(&self, message: ToWorker) {
        for (index, sender) in self.senders.iter().enumerate() {
            if let Err(rejected) = sender.try_send(message) {
                tracing::warn!(worker = index, %rejected, "worker was not told");
            }
        }
    }

    fn ended(&self) -> usize {
        self.ended.load(Relaxed)
    }

    fn join(mut self: Box<Self>) -> Vec<String> {
        let mut panicked = Vec::new();
        while let Some(exit) = self.pool.wait_exit() {
            if let WorkerExit::Panicked { .. } = exit {
                panicked.push(exit.to_string());
            }
        }
        panicked
    }
}

/// One worker, from its first connection to its last.
async fn run(
    context: WorkerContext,
    seat: Seat,
    shared: Arc<Shared>,
    caps: ConnectionCaps,
    streams: StreamCounts,
) {
    let Seat {
        listener,
        mut mailbox,
        notice,
    } = seat;
    let place = &shared.workers[context.index];
    place.metrics.set_thread_id(thread_id());
    let Some(worker) = Worker::new(context.index, Arc::clone(&shared), caps, streams).map(Rc::new)
    else {
        tracing::error!(
            worker = context.index,
            "worker has no random bytes or no audit lane"
        );
        return;
    };
    let listener = match listener.open() {
        Ok(listener) => listener,
        Err(error) => {
            return tracing::error!(worker = context.index, %error, "worker cannot listen");
        }
    };
    place.set_phase(Phase::Serving);
    let tasks = Rc::new(Cell::new(0));
    let accepting = listener.accept_each(|stream, peer| admit(&worker, &tasks, stream, peer));
    let deadline = match select(
        accepting,
        select(until_drain(&worker, &mut mailbox), keep_house(&worker)),
    )
    .await
    {
        Either::Left(error) => {
            tracing::error!(worker = context.index, %error, "worker no longer accepts");
            Instant::now()
        }
        Either::Right(Either::Left(deadline)) => deadline,
        Either::Right(Either::Right(())) => Instant::now(),
    };
    place.set_phase(Phase::Draining);
    worker.draining.raise();
    // Who is in the queue was told by the kernel that it is connected: it is served before the port closes.
    while let Ok(Some((stream, peer))) = listener.try_accept() {
        admit(&worker, &tasks, stream, peer);
    }
    drop(listener);
    drain(&worker, &tasks, deadline).await;
    place.set_phase(Phase::Stopped);
    drop(notice);
}

fn thread_id() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// Waits for the order to drain; returns when its grace ends. Configuration arrives by itself.
async fn until_drain(worker: &Worker, mailbox: &mut Mailbox<ToWorker>) -> Instant {
    loop {
        match mailbox.recv().await {
            Some(ToWorker::Reloaded) => worker.sweep(),
            Some(ToWorker::Drain { deadline }) => return deadline,
            None => return Instant::now(),
        }
    }
}

async fn keep_house(worker: &Worker) {
    loop {
        time::sleep(Duration::from_millis(WORKER_SWEEP_MS)).await;
        worker.sweep();
    }
}

/// Takes a connection, where the caps allow one more.
fn admit(worker: &Rc<Worker>, tasks: &Rc<Cell<usize>>, stream: Stream, peer: SocketAddr) {
    worker.metrics().connections_accepted.inc();
    let slot = match worker.caps.admit(peer.ip()) {
        Ok(slot) => slot,
        Err(reached) => {
            worker.metrics().bound(match reached {
                guard_io::CapReached::Total { .. } => metrics::Bound::Connections,
                guard_io::CapReached::Peer { .. } => metrics::Bound::ConnectionsPerIp,
            });
            return stream.abort();
        }
    };
    let (worker, tasks) = (Rc::clone(worker), Rc::clone(tasks));
    tasks.set(tasks.get() + 1);
    // The task outlives its handle.
    drop(spawn(async move {
        let _ending = TaskEnding(tasks);
        connection::serve(worker, stream, peer, slot).await;
    }));
}

/// Counts a task that ends, by return or by panic.
struct TaskEnding(Rc<Cell<usize>>);

impl Drop for TaskEnding {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Waits for the last task; when the grace is over, has what is left end at once.
async fn drain(worker: &Worker, tasks: &Cell<usize>, deadline: Instant) {
    let is_done = || tasks.get() == 0 && worker.detached.get() == 0;
    while !is_done() && Instant::now() < deadline {
        time::sleep(DRAIN_LOOK).await;
    }
    worker.expired.raise();
    let last = Instant::now() + Duration::from_millis(DRAIN_FINAL_MS_MAX);
    while !is_done() && Instant::now() < last {
        time::sleep(DRAIN_LOOK).await;
    }
    if !is_done() {
        tracing::warn!(
            worker = worker.index,
            tasks = tasks.get(),
            "worker ends with connections open"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::connections_for;

    #[test]
    fn connections_leave_files_for_their_upstreams() {
        for (open_files, connections) in [
            (None, (usize::MAX - 64) / 2),
            (Some(20_064), 10_000),
            (Some(1_024), 480),
            (Some(64), 16),
            (Some(1), 1),
            (Some(0), 1),
        ] {
            assert_eq!(connections_for(open_files), connections, "{open_files:?}");
        }
    }
}
