//! Records that control writes itself.

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

/// The audit line of `event`, line end included.
#[must_use]
pub fn line(event: Event) -> Vec<u8> {
    let (event_type, success, message) = match event {
        Event::Start { after_unclean_stop: false } => ("lifecycle", true, "start".to_owned()),
        Event::Start { after_unclean_stop: true } => ("lifecycle", true, "start after an unclean stop".to_owned()),
        Event::Stop => ("lifecycle", true, STOP.to_owned()),
        Event::Reloaded { revision } => ("config", true, format!("revision {revision} is in force")),
        Event::ReloadRejected { errors } => ("config", false, format!("reload rejected with {errors} errors")),
    };
    let timestamp = format!("{:.6}", jiff::Timestamp::now());
    let record = serde_json::json!({
        "timestamp": timestamp, "event_type": event_type, "success": success, "message": message,
    });
    format!("{record}\n").into_bytes()
}
