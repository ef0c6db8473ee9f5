//! Properties of the pool of idle connections.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::testing::{on_each_driver, tcp_pair};

const BOUNDS: PoolBounds = PoolBounds {
    idle_max: 2,
    idle_age_max: Duration::from_secs(60),
};

#[test]
fn connection_used_last_is_used_next() {
    on_each_driver(async || {
        let pool = ConnectionPool::new(BOUNDS);
        let ((one, _far1), (two, _far2)) = (tcp_pair().await, tcp_pair().await);
        let newest = two.peer_addr();
        pool.checkin(one);
        pool.checkin(two);
        assert_eq!(pool.checkout().unwrap().peer_addr(), newest);
        assert!(pool.checkout().is_some());
        assert!(pool.checkout().is_none());
        assert_eq!(
            pool.counts(),
            PoolCounts {
                reused: 2,
                missed: 1,
                ..PoolCounts::default()
            }
        );
    });
}

#[test]
fn connection_closed_by_the_upstream_is_skipped() {
    on_each_driver(async || {
        let pool = ConnectionPool::new(BOUNDS);
        let ((fit, _far), (closed, gone)) = (tcp_pair().await, tcp_pair().await);
        let expected = fit.peer_addr();
        pool.checkin(fit);
        drop(gone);
        closed.readable().await.unwrap();
        pool.checkin(closed);
        assert_eq!(pool.checkout().unwrap().peer_addr(), expected);
        assert_eq!(pool.counts().stale, 1);
    });
}

#[test]
fn connection_with_unasked_bytes_is_never_reused() {
    on_each_driver(async || {
        let pool = ConnectionPool::new(BOUNDS);
        let (near, far) = tcp_pair().await;
        far.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        near.readable().await.unwrap();
        pool.checkin(near);
        assert!(pool.checkout().is_none());
    });
}

#[test]
fn oldest_makes_way_when_too_many_are_idle() {
    on_each_driver(async || {
        let pool = ConnectionPool::new(BOUNDS);
        let mut ends = Vec::new();
        for _ in 0..3 {
            let (near, far) = tcp_pair().await;
            pool.checkin(near);
            ends.push(far);
        }
        assert_eq!((pool.idle(), pool.counts().surplus), (2, 1));
        ends[0].hangup().await;
        assert!(!ends[1].is_stale());
    });
}

#[test]
fn old_connections_are_closed_on_use_and_on_sweep() {
    on_each_driver(async || {
        let pool = ConnectionPool::new(PoolBounds {
            idle_max: 9,
            idle_age_max: Duration::ZERO,
        });
        for close in [
            &|pool: &ConnectionPool| pool.sweep() as _,
            &|pool: &ConnectionPool| drop(pool.checkout()),
        ] as [&dyn Fn(&ConnectionPool); 2]
        {
            let (near, far) = tcp_pair().await;
            pool.checkin(near);
            crate::time::sleep(Duration::from_millis(20)).await;
            close(&pool);
            assert_eq!(pool.idle(), 0);
            far.hangup().await;
        }
        assert_eq!(pool.counts().aged, 2);
    });
}

#[test]
fn sweep_closes_what_the_upstream_closed_and_keeps_the_rest() {
    on_each_driver(async || {
        let pool = ConnectionPool::new(BOUNDS);
        let ((fit, _far), (closed, gone)) = (tcp_pair().await, tcp_pair().await);
        drop(gone);
        closed.readable().await.unwrap();
        pool.checkin(closed);
        pool.checkin(fit);
        pool.sweep();
        assert_eq!((pool.idle(), pool.counts().stale), (1, 1));
    });
}

#[test]
fn idle_connection_has_no_deadline() {
    on_each_driver(async || {
        let pool = ConnectionPool::new(BOUNDS);
        let (near, _far) = tcp_pair().await;
        near.set_deadline(Some(Duration::from_millis(50)));
        pool.checkin(near);
        crate::time::sleep(Duration::from_millis(250)).await;
        assert!(pool.checkout().is_some());
    });
}
