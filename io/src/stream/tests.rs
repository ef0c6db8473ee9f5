//! Properties of a connection, on both drivers.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    cell::Cell,
    io::{ErrorKind, Read},
    rc::Rc,
};

use super::*;
use crate::{
    Either, join, select, spawn,
    testing::{on_each_driver, read_exact, tcp_pair, unix_pair},
    time,
};

mod tls;

#[test]
fn bytes_arrive_as_sent_over_tcp_and_unix() {
    on_each_driver(async || {
        for (near, far) in [tcp_pair().await, unix_pair()] {
            for round in 0..50_u8 {
                near.write_all(&[round; 580]).await.unwrap();
                assert_eq!(&*read_exact(&far, 580).await, [round; 580]);
                far.write_all_pair(&[round; 20], &[!round; 300])
                    .await
                    .unwrap();
                let answer = read_exact(&near, 320).await;
                assert_eq!(
                    (&answer[..20], &answer[20..]),
                    (&[round; 20][..], &[!round; 300][..])
                );
            }
        }
    });
}

#[test]
fn end_of_stream_is_zero_again_and_again() {
    on_each_driver(async || {
        for (near, far) in [tcp_pair().await, unix_pair()] {
            near.write_all(b"last").await.unwrap();
            near.shutdown_write().unwrap();
            let mut buffer = Buffer::new();
            assert_eq!(far.read(&mut buffer).await.unwrap(), 4);
            assert_eq!(far.read(&mut buffer).await.unwrap(), 0);
            assert_eq!(far.read(&mut buffer).await.unwrap(), 0);
            far.write_all(b"still open this way").await.unwrap();
        }
    });
}

#[test]
fn writer_waits_for_a_slow_reader_and_nothing_is_lost() {
    const LEN: usize = 16 << 20;
    on_each_driver(async || {
        for (near, far) in [tcp_pair().await, unix_pair()] {
            let content: Rc<[u8]> = (0..LEN).map(|n| (n / 7) as u8).collect();
            let (sent, finished) = (content.clone(), Rc::new(Cell::new(false)));
            let flag = finished.clone();
            let writer = spawn(async move {
                near.write_all_pair(&sent[..1000], &sent[1000..])
                    .await
                    .unwrap();
                flag.set(true);
            });
            time::sleep(Duration::from_millis(30)).await;
            assert!(!finished.get(), "{LEN} bytes fitted into socket buffers");
            let mut buffer = Buffer::with_capacity(64 << 10);
            let mut received = 0;
            loop {
                buffer.clear();
                let read = far.read(&mut buffer).await.unwrap();
                if read == 0 {
                    break;
                }
                assert_eq!(&*buffer, &content[received..received + read]);
                received += read;
            }
            assert_eq!(received, LEN);
            writer.await.unwrap();
        }
    });
}

#[test]
fn one_stream_is_read_and_written_at_once() {
    const LEN: usize = 4 << 20;
    on_each_driver(async || {
        let (near, far) = tcp_pair().await;
        let (out, back) = (vec![1; LEN], vec![2; LEN]);
        let near_side = join(near.write_all(&out), read_exact(&near, LEN));
        let far_side = join(far.write_all(&back), read_exact(&far, LEN));
        let ((near_wrote, near_read), (far_wrote, far_read)) = join(near_side, far_side).await;
        near_wrote.unwrap();
        far_wrote.unwrap();
        assert!(near_read.iter().all(|&byte| byte == 2) && far_read.iter().all(|&byte| byte == 1));
    });
}

#[test]
fn dropped_read_loses_no_bytes() {
    on_each_driver(async || {
        let (near, far) = tcp_pair().await;
        for round in 0..20_u8 {
            let mut buffer = Buffer::new();
            let early = select(far.read(&mut buffer), yield_now()).await;
            assert!(matches!(early, Either::Right(())));
            near.write_all(&[round; 8]).await.unwrap();
            assert_eq!(&*read_exact(&far, 8).await, [round; 8]);
        }
    });
}

#[test]
fn full_buffer_is_told_from_the_end_of_the_stream() {
    on_each_driver(async || {
        let (near, far) = tcp_pair().await;
        near.write_all(b"x").await.unwrap();
        let mut buffer = Buffer::with_capacity(1);
        let fill = vec![0; buffer.capacity()];
        buffer.extend_from_slice(&fill);
        assert_eq!(
            far.read(&mut buffer).await.unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        assert_eq!(buffer.len(), fill.len());
        buffer.consume_front(100);
        assert_eq!(far.read(&mut buffer).await.unwrap(), 1);
        assert_eq!(
            (buffer.capacity(), buffer.last()),
            (fill.len(), Some(&b'x'))
        );
    });
}

#[test]
fn waiting_read_holds_no_memory() {
    on_each_driver(async || {
        let (_near, far) = tcp_pair().await;
        let mut buffer = Buffer::new();
        far.socket.forget_hint();
        assert!(matches!(
            select(far.read(&mut buffer), yield_now()).await,
            Either::Right(())
        ));
        assert_eq!(buffer.capacity(), 0);
    });
}

#[test]
fn reader_that_is_always_fed_lets_others_run() {
    const LEN: usize = 64 << 10;
    on_each_driver(async || {
        let (near, far) = unix_pair();
        near.write_all(&[0; LEN]).await.unwrap();
        let turns = Rc::new(Cell::new(0));
        let counter = turns.clone();
        let others = spawn(async move {
            while counter.get() < 3 {
                yield_now().await;
                counter.set(counter.get() + 1);
            }
        });
        let (mut buffer, mut received) = (Buffer::with_capacity(4096), 0);
        while received < LEN {
            received += far.read(&mut buffer).await.unwrap();
            buffer.clear();
        }
        assert!(turns.get() > 0, "the reader kept the worker to itself");
        others.await.unwrap();
    });
}

#[test]
fn deadline_ends_a_read_from_a_silent_peer() {
    on_each_driver(async || {
        for (_near, far) in [tcp_pair().await, unix_pair()] {
            // The earlier one counts, although the wheel knows the later one already.
            far.set_deadline(Some(Duration::from_secs(60)));
            far.set_deadline(Some(Duration::from_millis(50)));
            let error = far.read(&mut Buffer::new()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert!(far.timed_out());
            assert_eq!(
                far.write_all(b"x").await.unwrap_err().kind(),
                ErrorKind::TimedOut
            );
        }
    });
}

#[test]
fn deadline_ends_a_write_to_a_stalled_peer() {
    on_each_driver(async || {
        for (near, _far) in [tcp_pair().await, unix_pair()] {
            near.set_deadline(Some(Duration::from_millis(50)));
            let error = near.write_all(&vec![0; 32 << 20]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
        }
    });
}

#[test]
fn deadline_of_a_write_counts_from_the_last_progress() {
    on_each_driver(async || {
        for (near, far) in [tcp_pair().await, unix_pair()] {
            let reader = spawn(async move {
                let mut read = 0;
                let mut buffer = Buffer::with_capacity(256 << 10);
                while read < 24 << 20 {
                    // Four times as long in all as the writer may stall.
                    time::sleep(Duration::from_millis(10)).await;
                    read += far.read(&mut buffer).await.unwrap();
                    buffer.clear();
                }
            });
            near.set_deadline(Some(Duration::from_millis(250)));
            near.write_all(&vec![0; 24 << 20]).await.unwrap();
            reader.await.unwrap();
        }
    });
}

#[test]
fn deadline_that_is_moved_or_taken_away_does_not_fire() {
    on_each_driver(async || {
        let (near, far) = tcp_pair().await;
        far.set_deadline(Some(Duration::from_millis(50)));
        far.set_deadline(Some(Duration::from_secs(60)));
        let (_near2, far2) = tcp_pair().await;
        far2.set_deadline(Some(Duration::from_millis(50)));
        far2.set_deadline(None);
        let (_near3, far3) = tcp_pair().await;
        far3.set_deadline(Some(Duration::from_millis(50)));
        assert_eq!(
            far3.read(&mut Buffer::new()).await.unwrap_err().kind(),
            ErrorKind::TimedOut
        );
        time::sleep(Duration::from_millis(250)).await;
        assert!(!far.timed_out() && !far2.timed_out());
        near.write_all(b"x").await.unwrap();
        assert_eq!(&*read_exact(&far, 1).await, b"x");
    });
}

#[test]
fn departure_is_noticed_while_another_stream_is_read() {
    on_each_driver(async || {
        for (client, downstream) in [tcp_pair().await, unix_pair()] {
            let (_server, upstream) = tcp_pair().await;
            let leave = spawn(async move {
                yield_now().await;
                drop(client);
            });
            let mut buffer = Buffer::new();
            let first = select(downstream.hangup(), upstream.read(&mut buffer)).await;
            assert!(matches!(first, Either::Left(())));
            leave.await.unwrap();
        }
    });
}

#[test]
fn reset_is_a_departure() {
    on_each_driver(async || {
        let (client, downstream) = tcp_pair().await;
        client.abort();
        downstream.hangup().await;
    });
}

#[test]
fn looking_out_for_departure_consumes_nothing() {
    on_each_driver(async || {
        let (client, downstream) = tcp_pair().await;
        for round in 0..20_u8 {
            assert!(matches!(
                select(downstream.hangup(), yield_now()).await,
                Either::Right(())
            ));
            client.write_all(&[round; 16]).await.unwrap();
            if round % 2 == 0 {
                assert!(matches!(
                    select(downstream.hangup(), yield_now()).await,
                    Either::Right(())
                ));
            }
            assert_eq!(&*read_exact(&downstream, 16).await, [round; 16]);
        }
    });
}

#[test]
fn departure_is_noticed_behind_unread_bytes() {
    on_each_driver(async || {
        let (client, downstream) = tcp_pair().await;
        client.write_all(b"pipelined").await.unwrap();
        let early = time::timeout(Duration::from_millis(20), downstream.hangup()).await;
        assert_eq!(early, Err(time::Elapsed));
        drop(client);
        downstream.hangup().await;
        assert_eq!(&*read_exact(&downstream, 9).await, b"pipelined");
    });
}

#[test]
fn idle_connection_is_stale_when_closed_reset_or_spoken_on() {
    on_each_driver(async || {
        let (near, far) = tcp_pair().await;
        assert!(!near.is_stale());
        far.write_all(b"x").await.unwrap();
        near.readable().await.unwrap();
        assert!(near.is_stale());

        let (near, far) = tcp_pair().await;
        drop(far);
        near.readable().await.unwrap();
        assert!(near.is_stale());

        let (near, far) = tcp_pair().await;
        far.abort();
        near.readable().await.unwrap();
        assert!(near.is_stale());
    });
}

#[test]
fn abort_resets_and_drop_does_not() {
    on_each_driver(async || {
        for (aborts, expected) in [(true, Err(ErrorKind::ConnectionReset)), (false, Ok(0))] {
            let (near, far) = tcp_pair().await;
            // A wait that is armed must not keep the socket open.
            assert!(matches!(
                select(near.hangup(), yield_now()).await,
                Either::Right(())
            ));
            match aborts {
                true => near.abort(),
                false => drop(near),
            }
            let outcome = far.read(&mut Buffer::new()).await;
            assert_eq!(outcome.map_err(|error| error.kind()), expected);
        }
    });
}

#[test]
fn write_to_a_peer_that_left_is_an_error_not_a_signal() {
    on_each_driver(async || {
        let (near, far) = tcp_pair().await;
        far.abort();
        near.readable().await.unwrap();
        let mut kinds = Vec::new();
        for _ in 0..2 {
            kinds.push(near.write_all(b"x").await.unwrap_err().kind());
        }
        let expected = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        assert!(
            kinds.iter().all(|kind| expected.contains(kind)),
            "{kinds:?}"
        );
    });
}

#[test]
fn small_pair_goes_out_in_one_segment() {
    on_each_driver(async || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = crate::Address::Tcp(listener.local_addr().unwrap());
        let stream = crate::connect(&address, Duration::from_secs(5))
            .await
            .unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        stream.write_all_pair(b"head", b"body").await.unwrap();
        let mut bytes = [0; 16];
        assert_eq!(peer.read(&mut bytes).unwrap(), 8);
    });
}
