//! The numbers that the project must reach, each with how it is read from a comparison.

use serde_json::{Value, json};

use crate::peers::{Entry, Peer};

use super::Results;
use super::footprint::Footprint;
use super::rounds::{Contested, P50_US, P99_US, PER_SECOND};

/// One measure with its two bounds. Lower is better unless `higher` says so.
struct Goal {
    measure: &'static str,
    unit: &'static str,
    must: f64,
    aim: f64,
    higher: bool,
    of: Source,
}

/// Where a measure is read.
enum Source {
    /// CPU time for a unit of work in this scenario, divided by nginx's, which writes no log.
    CpuRatio(&'static str),
    /// Anything else of this scenario.
    Scenario(&'static str, fn(&Contested) -> Option<f64>),
    /// The gateway's footprint.
    Footprint(fn(&Footprint) -> Option<f64>),
    /// Its binary, in MB.
    Binary,
}

const KEYS: Peer = Peer::Guard {
    keys: 10_000,
    busy_poll_us: 0,
    entry: Entry::Key,
};
const POLLING: Peer = Peer::Guard {
    keys: 1,
    busy_poll_us: 20,
    entry: Entry::Key,
};

const fn cpu(measure: &'static str, scenario: &'static str, must: f64, aim: f64) -> Goal {
    Goal {
        measure,
        unit: "× nginx",
        must,
        aim,
        higher: false,
        of: Source::CpuRatio(scenario),
    }
}

const fn footprint(
    measure: &'static str,
    unit: &'static str,
    must: f64,
    aim: f64,
    read: fn(&Footprint) -> Option<f64>,
) -> Goal {
    Goal {
        measure,
        unit,
        must,
        aim,
        higher: false,
        of: Source::Footprint(read),
    }
}

const GOALS: &[Goal] = &[
    cpu("CPU, small tools/call", "tools-call", 1.0, 0.85),
    cpu("CPU, tools/list of 10, filtered", "tools-list-10", 1.3, 1.0),
    cpu(
        "CPU, tools/list of 500, filtered",
        "tools-list-500",
        2.5,
        1.2,
    ),
    cpu("CPU, 64 KB request body", "request-64k", 1.5, 1.1),
    cpu("CPU, 64 KB result", "result-64k", 1.2, 1.0),
    cpu("CPU, 1 MB result", "result-1m", 1.2, 0.9),
    cpu("CPU, SSE event, 1 ms apart", "sse-paced", 1.2, 1.0),
    cpu("CPU, SSE event, in a burst", "sse-burst", 3.0, 1.5),
    cpu(
        "CPU, connection per request",
        "connection-per-request",
        1.1,
        1.0,
    ),
    Goal {
        measure: "p50 at 5 000/s, over the byte pump",
        unit: "µs",
        must: 20.0,
        aim: 8.0,
        higher: false,
        of: Source::Scenario("latency-5000", |run| {
            run.against(Peer::GUARD, Peer::Pump, P50_US, |own, pump| own - pump)
        }),
    },
    Goal {
        measure: "p99 at 5 000/s, over the fixture alone",
        unit: "µs",
        must: 2000.0,
        aim: 2000.0,
        higher: false,
        of: Source::Scenario("latency-5000", |run| {
            run.against(Peer::GUARD, Peer::Direct, P99_US, |own, direct| {
                own - direct
            })
        }),
    },
    Goal {
        measure: "small calls a second, 1 worker",
        unit: "/s",
        must: 5000.0,
        aim: 5000.0,
        higher: true,
        of: Source::Scenario("tools-call", |run| run.of(Peer::GUARD)?.median(PER_SECOND)),
    },
    Goal {
        measure: "unloaded round trip, polling over not",
        unit: "×",
        must: 0.6,
        aim: 0.45,
        higher: false,
        of: Source::Scenario("unloaded", |run| {
            run.against(POLLING, Peer::GUARD, P50_US, |polling, not| polling / not)
        }),
    },
    Goal {
        measure: "CPU with 10 000 keys over 1",
        unit: "×",
        must: 1.03,
        aim: 1.03,
        higher: false,
        of: Source::Scenario("api-keys", |run| run.cpu_ratio(KEYS, Peer::GUARD)),
    },
    footprint("memory per idle SSE stream", "KB", 10.0, 5.0, |print| {
        print.stream_bytes.map(|bytes| bytes / 1e3)
    }),
    footprint("resident idle", "MB", 50.0, 12.0, |print| {
        print.idle_bytes.map(|bytes| bytes as f64 / 1e6)
    }),
    footprint("resident after load", "MB", 50.0, 20.0, |print| {
        print.loaded_bytes.map(|bytes| bytes as f64 / 1e6)
    }),
    footprint("start to first answer", "ms", 50.0, 10.0, |print| {
        print.first_answer_ms
    }),
    Goal {
        measure: "binary",
        unit: "MB",
        must: 15.0,
        aim: 10.0,
        higher: false,
        of: Source::Binary,
    },
];

/// One goal and what was measured.
pub(crate) struct Verdict {
    /// What is measured.
    pub(crate) measure: &'static str,
    /// Unit of the three figures.
    pub(crate) unit: &'static str,
    /// The bound that must hold.
    pub(crate) must: f64,
    /// The bound that is aimed at.
    pub(crate) aim: f64,
    /// What was measured, if it was.
    pub(crate) measured: Option<f64>,
    /// `aim`, `must`, `missed` or `not measured`.
    pub(crate) word: &'static str,
}

/// Every goal, in order.
pub(crate) fn verdicts(results: &Results) -> Vec<Verdict> {
    GOALS.iter().map(|goal| goal.verdict(results)).collect()
}

impl Goal {
    fn verdict(&self, results: &Results) -> Verdict {
        let measured = self.of.read(results);
        let Self {
            measure,
            unit,
            must,
            aim,
            ..
        } = *self;
        Verdict {
            measure,
            unit,
            must,
            aim,
            measured,
            word: measured.map_or("not measured", |measured| self.word(measured)),
        }
    }

    fn word(&self, measured: f64) -> &'static str {
        let reaches = |bound: f64| {
            if self.higher {
                measured >= bound
            } else {
                measured <= bound
            }
        };
        match (reaches(self.aim), reaches(self.must)) {
            (true, _) => "aim",
            (false, true) => "must",
            (false, false) => "missed",
        }
    }
}

impl Source {
    fn read(&self, results: &Results) -> Option<f64> {
        let contested = |name: &str| {
            results
                .contests
                .iter()
                .find(|contested| contested.scenario.name == name)
        };
        match self {
            Self::CpuRatio(name) => contested(name)?.cpu_ratio(Peer::GUARD, Peer::BASELINE),
            Self::Scenario(name, read) => read(contested(name)?),
            Self::Footprint(read) => read(
                results
                    .footprints
                    .iter()
                    .find(|footprint| footprint.peer == Peer::GUARD)?,
            ),
            Self::Binary => results.binary_bytes.map(|bytes| bytes as f64 / 1e6),
        }
    }
}

impl Verdict {
    /// As one JSON object.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "measure": self.measure,
            "unit": self.unit,
            "must": self.must,
            "aim": self.aim,
            "measured": self.measured,
            "verdict": self.word,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn every_goal_names_a_scenario_that_exists() {
        for goal in GOALS {
            if let Source::CpuRatio(name) | Source::Scenario(name, _) = goal.of {
                assert!(Scenario::named(name).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn a_verdict_changes_at_its_bounds() {
        let goal = cpu("", "", 1.0, 0.85);
        let words = [0.85, 0.86, 1.0, 1.01].map(|measured| goal.word(measured));
        assert_eq!(words, ["aim", "must", "must", "missed"]);
        let rate = Goal {
            higher: true,
            ..cpu("", "", 5000.0, 6000.0)
        };
        assert_eq!(
            [6000.0, 5000.0, 4999.0].map(|measured| rate.word(measured)),
            ["aim", "must", "missed"]
        );
    }
}
