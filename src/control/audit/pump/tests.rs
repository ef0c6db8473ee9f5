#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{AuditHandle, AuditPump, AuditSettings, AuditSources, Unwritten};
use crate::mailbox::{AuditLane, AuditWriter, Doorbell, LaneBounds, Overflow};
use crate::metrics::ControlMetrics;

const PATIENCE: Duration = Duration::from_secs(10);

struct Bench {
    lane: Arc<AuditLane>,
    end: AuditWriter,
    metrics: Arc<ControlMetrics>,
    handle: AuditHandle,
}

fn settings(path: &Path) -> AuditSettings {
    AuditSettings {
        file: Some(path.to_owned()),
        stdout: false,
        flush_interval: Duration::from_millis(10),
    }
}

fn start(path: &Path, records: usize) -> Bench {
    let doorbell = Arc::new(Doorbell::default());
    let bounds = LaneBounds {
        queued_bytes_max: records * 64,
        rooms_max: records,
        record_bytes_max: 64,
    };
    let lane = Arc::new(AuditLane::new(
        bounds,
        Overflow::Refuse,
        Arc::clone(&doorbell),
    ));
    let metrics = Arc::new(ControlMetrics::default());
    let sources = AuditSources {
        lanes: vec![Arc::clone(&lane)],
        doorbell,
        metrics: Arc::clone(&metrics),
    };
    let (pump, handle) = AuditPump::open(sources, settings(path)).unwrap();
    tokio::spawn(pump.run());
    let end = AuditWriter::claim(&lane).unwrap();
    Bench {
        lane,
        end,
        metrics,
        handle,
    }
}

impl Bench {
    fn put(&self, line: &str) -> bool {
        self.end
            .reserve()
            .is_some_and(|mut ticket| ticket.write(|out| out.extend_from_slice(line.as_bytes())))
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, waiting).await.is_ok(),
            "{what} did not happen"
        );
    }
}

fn messages(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let message = |line| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    text.lines().map(message).collect()
}

#[tokio::test(flavor = "current_thread")]
async fn a_run_is_framed_by_start_and_stop_records() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    for _ in 0..2 {
        let bench = start(&path, 10);
        assert!(bench.put("{\"message\":\"call\"}\n"));
        bench
            .until("the write", |bench| bench.lane.queued_bytes() == 0)
            .await;
        assert!(bench.put("{\"message\":\"last\"}\n"));
        bench.handle.stop(PATIENCE).await.unwrap();
    }
    let run = ["start", "call", "last", "stop"];
    assert_eq!(messages(&path), [run, run].concat());
}

#[tokio::test(flavor = "current_thread")]
async fn a_killed_run_is_noticed_by_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    std::fs::write(&path, "{\"message\":\"call\"}\n").unwrap();
    start(&path, 10).handle.stop(PATIENCE).await.unwrap();
    assert_eq!(
        messages(&path),
        ["call", "start after an unclean stop", "stop"]
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_moved_file_is_followed_after_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (
        dir.path().join("audit.jsonl"),
        dir.path().join("audit.jsonl.1"),
    );
    let bench = start(&path, 10);
    bench.put("{\"message\":\"before\"}\n");
    bench
        .until("the write", |bench| {
            bench.metrics.audit_lag_ms.value() == 0 && path.metadata().unwrap().len() > 0
        })
        .await;
    bench
        .until("the second write", |bench| bench.lane.queued_bytes() == 0)
        .await;
    std::fs::rename(&path, &moved).unwrap();
    bench.handle.reopen().await;
    bench
        .handle
        .note(super::Event::Reloaded { revision: 2 })
        .await;
    bench.handle.stop(PATIENCE).await.unwrap();
    assert_eq!(messages(&path).last().unwrap(), "stop");
    let all = [messages(&moved), messages(&path)].concat();
    assert_eq!(all, ["start", "before", "revision 2 is in force", "stop"]);
}

/// The disk is full from the start: the lane fills, workers are refused, and nothing that was admitted is lost when another
/// file takes over.
#[tokio::test(flavor = "current_thread")]
async fn a_full_disk_refuses_new_records_and_loses_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let bench = start("/dev/full".as_ref(), 10);
    bench
        .until("the stall", |bench| bench.handle.is_stalled())
        .await;
    let mut admitted = 0;
    while admitted < 100 && bench.put(&format!("{{\"message\":\"{admitted}\"}}\n")) {
        admitted += 1;
    }
    assert!(admitted >= 10);
    assert!(bench.lane.refused() > 0 && bench.metrics.audit_write_errors.value() > 0);
    bench.handle.use_settings(settings(&path)).await.unwrap();
    bench
        .until("the recovery", |bench| {
            !bench.handle.is_stalled() && bench.lane.queued_bytes() == 0
        })
        .await;
    assert!(bench.put("{\"message\":\"after\"}\n"));
    bench.handle.stop(PATIENCE).await.unwrap();
    let expected: Vec<_> = std::iter::once("start".to_owned())
        .chain((0..admitted).map(|number| number.to_string()))
        .chain(["after".to_owned(), "stop".to_owned()])
        .collect();
    assert_eq!(messages(&path), expected);
}

#[tokio::test(flavor = "current_thread")]
async fn stopping_with_a_full_disk_ends_and_says_so() {
    let bench = start("/dev/full".as_ref(), 10);
    assert_eq!(
        bench.handle.stop(Duration::from_millis(300)).await,
        Err(Unwritten)
    );
}
