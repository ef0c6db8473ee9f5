//! Records that control writes itself.

use crate::engine::audit::{EventType, Record};

/// The message of the record that ends every orderly run.
pub(super) const STOP: &str = "stop";

/// What happened to the process or its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The process begins to serve.
    Start {
        /// The run before did not end with a stop record.
        after_unclean_stop: bool,
    },
    /// The process ends in order.
    Stop,
    /// A new configuration is in force.
    Reloaded {
        /// Its revision.
        revision: u64,
    },
    /// A new configuration was refused; the old one stays.
    ReloadRejected {
        /// Errors found.
        errors: usize,
    },
}

/// The audit line of `event`, line end included, stamped with the time of the call.
#[must_use]
pub fn line(event: Event) -> Vec<u8> {
    let (event_type, success, message) = describe(event);
    let now_us = jiff::Timestamp::now().as_microsecond();
    let mut record = Record::new(event_type, u64::try_from(now_us).unwrap_or(0));
    record.success = Some(success);
    record.message = Some(message.as_bytes());
    let mut line = Vec::with_capacity(256);
    record.encode(&mut line);
    line
}

fn describe(event: Event) -> (EventType, bool, String) {
    match event {
        Event::Start {
            after_unclean_stop: false,
        } => (EventType::Lifecycle, true, "start".to_owned()),
        Event::Start {
            after_unclean_stop: true,
        } => (
            EventType::Lifecycle,
            true,
            "start after an unclean stop".to_owned(),
        ),
        Event::Stop => (EventType::Lifecycle, true, STOP.to_owned()),
        Event::Reloaded { revision } => (
            EventType::Config,
            true,
            format!("revision {revision} is in force"),
        ),
        Event::ReloadRejected { errors } => (
            EventType::Config,
            false,
            format!("reload rejected with {errors} errors"),
        ),
    }
}
