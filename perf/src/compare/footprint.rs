//! What a proxy takes when it does little: memory idle, memory after load, memory of an idle stream, time to its first answer.

use std::time::Duration;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::load::{self, hold};
use crate::peers::{self, Lab, Peer};
use crate::scenario::{ALL, hold_template};

use super::median;

/// Starts whose median is reported.
const STARTS: usize = 5;

/// Load before the memory under load is read.
const LOAD: Duration = Duration::from_secs(2);

/// Streams opened and kept before the measured ones, so that tables and pools have their first size.
const FIRST_STREAMS: usize = 64;

/// The footprint of one peer; what could not be measured is absent.
pub(crate) struct Footprint {
    /// Who.
    pub(crate) peer: Peer,
    /// Start to first right answer, in ms.
    pub(crate) first_answer_ms: Option<f64>,
    /// Resident after its first answer, in bytes.
    pub(crate) idle_bytes: Option<u64>,
    /// Resident after seconds of small calls, in bytes.
    pub(crate) loaded_bytes: Option<u64>,
    /// Resident memory that one idle stream adds, in bytes.
    pub(crate) stream_bytes: Option<f64>,
    /// Why something is absent.
    pub(crate) failure: Option<String>,
}

/// Measures `peer`. Failures become part of the result.
pub(crate) fn measure(peer: Peer, lab: &Lab, streams: usize) -> Footprint {
    let mut footprint = Footprint {
        peer,
        first_answer_ms: None,
        idle_bytes: None,
        loaded_bytes: None,
        stream_bytes: None,
        failure: None,
    };
    if peer != Peer::Direct {
        let outcome = fill(&mut footprint, lab, streams);
        footprint.failure = outcome.err().map(|failure| failure.to_string());
    }
    eprintln!("footprint {:<18} {}", peer.name(), footprint.to_json());
    footprint
}

fn fill(footprint: &mut Footprint, lab: &Lab, streams: usize) -> Result<(), Failure> {
    let starts: Result<Vec<_>, _> = (0..STARTS)
        .map(|_| peers::start(footprint.peer, lab))
        .collect();
    footprint.first_answer_ms = median(
        starts?
            .iter()
            .map(|running| running.first_answer.as_secs_f64() * 1e3)
            .collect(),
    );
    let running = peers::start(footprint.peer, lab)?;
    let Some(process) = running.process() else {
        return Ok(());
    };
    footprint.idle_bytes = Some(process.rss_bytes());
    footprint.stream_bytes =
        Some(stream_bytes(&running, streams).map_err(Failure::io("idle streams"))?);
    drop(running);
    let running = peers::start(footprint.peer, lab)?;
    let mut plan = ALL[0].plan(&running.endpoint, 0, LOAD);
    plan.process = running.process();
    footprint.loaded_bytes = load::run(&plan)?.rss_bytes;
    Ok(())
}

fn stream_bytes(running: &peers::Running, count: usize) -> std::io::Result<f64> {
    let template = hold_template(&running.endpoint);
    let rss_bytes = || running.process().map_or(0, |process| process.rss_bytes());
    let first = hold::open(&running.endpoint.address, &template, FIRST_STREAMS)?;
    let before = rss_bytes();
    let held = hold::open(&running.endpoint.address, &template, count)?;
    let grown = rss_bytes().saturating_sub(before);
    drop((first, held));
    Ok(grown as f64 / count as f64)
}

impl Footprint {
    /// As one JSON object.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "peer": self.peer.name(),
            "first_answer_ms": self.first_answer_ms,
            "idle_bytes": self.idle_bytes,
            "loaded_bytes": self.loaded_bytes,
            "idle_stream_bytes": self.stream_bytes,
            "failure": self.failure,
        })
    }
}
