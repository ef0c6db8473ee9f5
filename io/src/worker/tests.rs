//! Properties of the workers.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::HashSet,
    io::Read,
    net::{SocketAddr, TcpStream},
    sync::{Barrier, mpsc::channel},
};

use super::*;
use crate::{AcceptMode, Either, ListenerSeed, Stop, bind, select, spawn, testing::is_alone};

const WORKERS: usize = 3;

const UNPINNED: WorkerSpec = WorkerSpec {
    io: IoMode::Auto,
    pin: false,
};

#[test]
fn worker_is_named_and_pinned_round_the_allowed_cores() {
    let cores = sys::affinity::allowed_cores().unwrap();
    let workers = cores.len() + 1;
    let (sender, seen) = channel();
    let seats = vec![sender; workers];
    let pool = WorkerPool::start(
        WorkerSpec {
            io: IoMode::Auto,
            pin: true,
        },
        seats,
        async |context, sender| {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            sender
                .send((
                    context.index,
                    name,
                    context.core,
                    sys::affinity::allowed_cores().unwrap(),
                ))
                .unwrap();
        },
    )
    .unwrap();
    pool.join().unwrap();
    let mut seen: Vec<_> = seen.iter().collect();
    seen.sort();
    for (index, (found, name, core, allowed)) in seen.into_iter().enumerate() {
        let expected = cores[index % cores.len()];
        assert_eq!(
            (found, name, core),
            (index, format!("worker-{index}"), Some(expected))
        );
        assert_eq!(allowed, [expected]);
    }
}

#[test]
fn panicking_worker_is_reported_while_others_run() {
    let stop = Stop::new();
    let mut pool = WorkerPool::start(
        UNPINNED,
        vec![stop.clone(), stop.clone()],
        async |context, stop: Stop| {
            assert_ne!(context.index, 1, "on purpose");
            stop.raised().await;
        },
    )
    .unwrap();
    match pool.wait_exit().unwrap() {
        WorkerExit::Panicked { index: 1, message } => {
            assert!(message.contains("on purpose"), "{message}")
        }
        other => panic!("{other:?}"),
    }
    stop.raise();
    assert_eq!(pool.wait_exit(), Some(WorkerExit::Finished { index: 0 }));
    assert_eq!(pool.wait_exit(), None);
}

#[test]
fn start_that_fails_is_an_error_and_runs_no_body() {
    if !is_alone(
        "worker::tests::start_that_fails_is_an_error_and_runs_no_body",
        24,
    ) {
        return;
    }
    for io in [IoMode::Auto, IoMode::Uring, IoMode::Epoll] {
        let outcome = WorkerPool::start(
            WorkerSpec { io, pin: false },
            vec![(); 16],
            async |_, ()| {
                panic!("a body ran");
            },
        );
        let text = outcome.map(drop).unwrap_err().to_string();
        assert!(text.contains("Too many open files"), "{text}");
    }
}

/// Serves 60 connections with three workers and counts how many each of them answered.
fn serve(mode: AcceptMode, io: IoMode) -> [usize; WORKERS] {
    let seeds = bind("127.0.0.1:0".parse().unwrap(), mode, WORKERS).unwrap();
    let addresses: HashSet<_> = seeds.iter().map(ListenerSeed::local_addr).collect();
    assert_eq!(addresses.len(), 1);
    let address: SocketAddr = *addresses.iter().next().unwrap();
    let stop = Stop::new();
    let all_run = Arc::new(Barrier::new(WORKERS + 1));
    let seats = seeds
        .into_iter()
        .map(|seed| (seed, all_run.clone(), stop.clone()))
        .collect();
    let pool = WorkerPool::start(WorkerSpec { io, pin: false }, seats, accept_until).unwrap();
    all_run.wait();
    let mut answered = [0; WORKERS];
    for _ in 0..60 {
        answered[answer_of(address)] += 1;
    }
    stop.raise();
    pool.join().unwrap();
    assert!(
        TcpStream::connect(address).is_err(),
        "the port is still open"
    );
    answered
}

async fn accept_until(
    context: WorkerContext,
    (seed, all_run, stop): (ListenerSeed, Arc<Barrier>, Stop),
) {
    let listener = seed.open().unwrap();
    all_run.wait();
    let accepting = listener.accept_each(|stream, _| {
        drop(spawn(async move {
            stream.write_all(&[context.index as u8]).await
        }));
    });
    assert!(matches!(
        select(stop.raised(), accepting).await,
        Either::Left(())
    ));
}

fn answer_of(address: SocketAddr) -> usize {
    let mut answer = [0];
    TcpStream::connect(address)
        .unwrap()
        .read_exact(&mut answer)
        .unwrap();
    answer[0].into()
}

#[test]
fn workers_share_a_port_and_close_it() {
    for io in [IoMode::Uring, IoMode::Epoll] {
        let idle = serve(AcceptMode::ReusePort, io)
            .iter()
            .filter(|&&answered| answered == 0)
            .count();
        assert!(
            idle < WORKERS - 1,
            "one worker of {WORKERS} answered all connections"
        );
    }
}

#[test]
fn shared_socket_deals_connections_in_turn() {
    for io in [IoMode::Uring, IoMode::Epoll] {
        // A worker that is slow to come back is passed over, so the deal is even but not exact.
        let answered = serve(AcceptMode::Shared, io);
        assert!(
            answered.iter().all(|&count| count >= 5),
            "{io:?}: {answered:?}"
        );
    }
}
