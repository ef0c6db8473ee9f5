//! What the tests of this package share.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{future::Future, time::Duration};

use crate::{AcceptMode, Address, Buffer, IoMode, IoRung, Stream, bind, connect, run, time};

/// A limit that is reached only when something hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Runs `test` on io_uring and on epoll, each on a thread of its own, and fails when it hangs.
pub(crate) fn on_each_driver<F: Future<Output = ()>>(test: impl Fn() -> F + Send + Sync) {
    for mode in [IoMode::Uring, IoMode::Epoll] {
        on_driver(mode, &test);
    }
}

fn on_driver<F: Future<Output = ()>>(mode: IoMode, test: &(impl Fn() -> F + Sync)) {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            run(mode, |rung| {
                assert_eq!(rung == IoRung::Epoll, mode == IoMode::Epoll);
                async { time::timeout(DEADLINE, test()).await }
            })
        });
        match thread.join() {
            Ok(outcome) => outcome
                .unwrap_or_else(|error| panic!("{error}"))
                .unwrap_or_else(|_| panic!("hung on {mode:?}")),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
}

/// The descriptors that this process has open.
pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Set in a process that runs one test alone.
const ALONE: &str = "GUARD_IO_TEST_ALONE";

/// Runs the rest of the test called `name` in a process of its own, with at most `files` open files, and passes when
/// that does. Returns true in that process. For tests of what belongs to the whole process.
pub(crate) fn is_alone(name: &str, files: u32) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let output = std::process::Command::new("sh")
        .args([
            "-c",
            &format!("ulimit -n {files} && exec \"$0\" --exact \"$1\" --nocapture"),
        ])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

/// Two ends of a TCP connection.
pub(crate) async fn tcp_pair() -> (Stream, Stream) {
    let seed = bind("127.0.0.1:0".parse().unwrap(), AcceptMode::Shared, 1)
        .unwrap()
        .remove(0);
    let listener = seed.open().unwrap();
    let near = connect(&Address::Tcp(listener.local_addr()), DEADLINE)
        .await
        .unwrap();
    let (far, _) = listener.accept().await.unwrap();
    (near, far)
}

/// Two ends of a connection over a Unix socket.
pub(crate) fn unix_pair() -> (Stream, Stream) {
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    (Stream::unix(near).unwrap(), Stream::unix(far).unwrap())
}

/// Reads from `stream` until `len` bytes are there.
pub(crate) async fn read_exact(stream: &Stream, len: usize) -> Buffer {
    let mut buffer = Buffer::with_capacity(len);
    while buffer.len() < len {
        assert_ne!(
            stream.read(&mut buffer).await.unwrap(),
            0,
            "the stream ended at {} of {len}",
            buffer.len()
        );
    }
    buffer
}
