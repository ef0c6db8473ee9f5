//! Properties of mailboxes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    sync::mpsc::channel,
    thread::{sleep, spawn},
    time::Duration,
};

use super::*;
use crate::{testing::on_each_driver, time};

#[test]
fn message_from_another_thread_wakes_a_parked_worker() {
    on_each_driver(async || {
        let (sender, mut mailbox) = mailbox(4);
        let (parked, ask) = channel::<()>();
        let thread = spawn(move || {
            for n in 0..50 {
                ask.recv().unwrap();
                // Long enough, mostly, for the worker to sleep in the kernel. Nothing depends on it.
                sleep(Duration::from_millis(1));
                sender.try_send(n).unwrap();
            }
        });
        for n in 0..50 {
            parked.send(()).unwrap();
            assert_eq!(mailbox.recv().await, Some(n));
        }
        thread.join().unwrap();
        assert_eq!(mailbox.recv().await, None);
    });
}

#[test]
fn no_wake_up_is_lost_under_many_senders() {
    const EACH: u64 = 20_000;
    on_each_driver(async || {
        let (sender, mut mailbox) = mailbox(64);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let sender = sender.clone();
                spawn(move || (1..=EACH).for_each(|n| send_patiently(&sender, n)))
            })
            .collect();
        drop(sender);
        let mut sum = 0;
        while let Some(n) = mailbox.recv().await {
            sum += n;
        }
        assert_eq!(sum, 3 * EACH * (EACH + 1) / 2);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

fn send_patiently(sender: &MailboxSender<u64>, n: u64) {
    while sender.try_send(n) == Err(Rejected::Full(n)) {
        std::thread::yield_now();
    }
}

#[test]
fn full_and_closed_mailboxes_give_the_message_back() {
    let (sender, mut mailbox) = mailbox(2);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send(2), Ok(()));
    assert_eq!(sender.try_send(3), Err(Rejected::Full(3)));
    assert_eq!(mailbox.try_recv(), Some(1));
    assert_eq!(sender.try_send(3), Ok(()));
    drop(mailbox);
    assert_eq!(sender.try_send(4), Err(Rejected::Closed(4)));
}

#[test]
fn dropped_wait_loses_no_message() {
    on_each_driver(async || {
        let (sender, mut mailbox) = mailbox(2);
        assert!(
            time::timeout(Duration::from_millis(1), mailbox.recv())
                .await
                .is_err()
        );
        sender.try_send(5).unwrap();
        assert_eq!(mailbox.recv().await, Some(5));
    });
}

#[test]
fn unread_messages_are_dropped_with_the_mailbox() {
    let (sender, mailbox) = mailbox(2);
    let message = Arc::new(());
    sender.try_send(message.clone()).unwrap();
    drop(mailbox);
    assert_eq!(Arc::strong_count(&message), 1);
}
