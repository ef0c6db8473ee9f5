#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{AuditLane, AuditWriter, LaneBounds, Overflow, RING_AT_BYTES};
use crate::mailbox::Doorbell;

const RECORD: &[u8] = b"{\"n\":0123}\n";

fn lane(records: usize, overflow: Overflow) -> Arc<AuditLane> {
    let bounds = LaneBounds {
        queued_bytes_max: records * RECORD.len(),
        rooms_max: records,
        record_bytes_max: RECORD.len(),
    };
    Arc::new(AuditLane::new(
        bounds,
        overflow,
        Arc::new(Doorbell::default()),
    ))
}

fn write(writer: &AuditWriter) -> bool {
    let Some(mut ticket) = writer.reserve() else {
        return false;
    };
    ticket.write(|out| out.extend_from_slice(RECORD))
}

#[test]
fn a_ticket_is_good_even_when_the_lane_has_filled_meanwhile() {
    let lane = lane(2, Overflow::Refuse);
    let writer = AuditWriter::claim(&lane).unwrap();
    let mut early = writer.reserve().unwrap();
    assert!(write(&writer));
    assert!(write(&writer));
    assert!(writer.reserve().is_none(), "the lane is full");
    assert!(early.write(|out| out.extend_from_slice(RECORD)));
    assert_eq!((lane.records(), lane.refused(), lane.dropped()), (3, 1, 0));
    assert_eq!(lane.queued_bytes(), 3 * RECORD.len());
}

#[test]
fn promises_are_bounded_too() {
    let lane = lane(2, Overflow::Refuse);
    let writer = AuditWriter::claim(&lane).unwrap();
    let _first = writer.reserve().unwrap();
    let _second = writer.reserve().unwrap();
    assert!(writer.reserve().is_none());
}

#[test]
fn an_unused_ticket_gives_its_room_back() {
    let lane = lane(1, Overflow::Refuse);
    let writer = AuditWriter::claim(&lane).unwrap();
    for _ in 0..3 {
        drop(writer.reserve().unwrap());
    }
    assert!(write(&writer));
}

#[test]
fn a_batch_is_reserved_whole_or_not_at_all() {
    let lane = lane(4, Overflow::Refuse);
    let writer = AuditWriter::claim(&lane).unwrap();
    assert!(writer.reserve_many(5).is_none());
    let batch = writer.reserve_many(4).unwrap();
    assert_eq!(batch.rooms(), 4);
    assert!(writer.reserve().is_none());
    drop(batch);
    assert!(writer.reserve_many(4).is_some());
}

#[test]
fn a_full_lane_drops_and_counts_where_the_operator_chose_so() {
    let lane = lane(1, Overflow::Drop);
    let writer = AuditWriter::claim(&lane).unwrap();
    assert!(write(&writer));
    assert!(!write(&writer));
    assert_eq!((lane.records(), lane.refused(), lane.dropped()), (1, 0, 1));
    lane.set_overflow(Overflow::Refuse);
    assert!(writer.reserve().is_none());
}

#[test]
fn a_lossy_ticket_writes_when_room_has_come_meanwhile() {
    let lane = lane(1, Overflow::Drop);
    let writer = AuditWriter::claim(&lane).unwrap();
    assert!(write(&writer));
    let mut lossy = writer.reserve().unwrap();
    lane.take(&mut lane.spare());
    assert!(lossy.write(|out| out.extend_from_slice(RECORD)));
    assert_eq!(lane.dropped(), 0);
}

#[test]
fn a_lane_has_one_writer() {
    let lane = lane(1, Overflow::Refuse);
    let _writer = AuditWriter::claim(&lane).unwrap();
    assert!(AuditWriter::claim(&lane).is_none());
}

#[test]
fn steady_state_keeps_the_same_two_buffers() {
    let lane = lane(8, Overflow::Refuse);
    let writer = AuditWriter::claim(&lane).unwrap();
    let mut spare = lane.spare();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..10 {
        seen.insert(spare.as_ptr());
        assert!(write(&writer));
        assert_eq!(lane.take(&mut spare), RECORD.len());
        spare.clear();
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test(flavor = "current_thread")]
async fn the_doorbell_rings_once_a_fill() {
    let doorbell = Arc::new(Doorbell::default());
    let bounds = LaneBounds {
        queued_bytes_max: 4 * RING_AT_BYTES,
        rooms_max: 4,
        record_bytes_max: RING_AT_BYTES,
    };
    let lane = Arc::new(AuditLane::new(
        bounds,
        Overflow::Refuse,
        Arc::clone(&doorbell),
    ));
    let writer = AuditWriter::claim(&lane).unwrap();
    let half = vec![b'x'; RING_AT_BYTES / 2];
    let fill = |times: usize| {
        for _ in 0..times {
            writer
                .reserve()
                .unwrap()
                .write(|out| out.extend_from_slice(&half));
        }
    };
    let rung = || tokio::time::timeout(std::time::Duration::ZERO, doorbell.rung());
    fill(1);
    assert!(rung().await.is_err());
    fill(1);
    assert!(rung().await.is_ok());
    fill(2);
    assert!(rung().await.is_err());
}

/// One worker writes numbered lines as fast as it is let; control takes them meanwhile. Every admitted line arrives, once,
/// whole and in order.
#[test]
fn every_admitted_record_arrives_once_whole_and_in_order() {
    const RECORDS: u32 = 200_000;
    let lane = lane(64, Overflow::Refuse);
    let done = Arc::new(AtomicBool::new(false));
    let worker = std::thread::spawn({
        let (lane, done) = (Arc::clone(&lane), Arc::clone(&done));
        move || {
            use std::io::Write as _;
            let writer = AuditWriter::claim(&lane).unwrap();
            for number in 0..RECORDS {
                let mut ticket = loop {
                    match writer.reserve() {
                        Some(ticket) => break ticket,
                        None => std::thread::yield_now(),
                    }
                };
                assert!(ticket.write(|out| writeln!(out, "{number}").unwrap()));
            }
            done.store(true, Ordering::Release);
        }
    });
    let (mut spare, mut received) = (lane.spare(), Vec::new());
    loop {
        let finished = done.load(Ordering::Acquire);
        lane.take(&mut spare);
        received.append(&mut spare);
        if finished && lane.queued_bytes() == 0 {
            break;
        }
    }
    worker.join().unwrap();
    let text = String::from_utf8(received).unwrap();
    let numbers: Vec<u32> = text.lines().map(|line| line.parse().unwrap()).collect();
    assert!(numbers.iter().copied().eq(0..RECORDS));
    assert_eq!(lane.records(), u64::from(RECORDS));
}
