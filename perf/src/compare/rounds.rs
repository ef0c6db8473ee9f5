//! Interleaved rounds of one scenario.

use std::time::Duration;

use serde_json::{Value, json};

use crate::load::{self, Report};
use crate::peers::{self, Lab, Peer, Running};
use crate::scenario::Scenario;

use super::{median, progress};

/// A peer and what each round gave, or why it gave nothing.
pub(crate) struct Contender {
    /// Who.
    pub(crate) peer: Peer,
    /// One report a round.
    pub(crate) rounds: Vec<Result<Report, String>>,
}

/// One scenario, measured.
pub(crate) struct Contested {
    /// Which.
    pub(crate) scenario: &'static Scenario,
    /// Everyone who took part.
    pub(crate) contenders: Vec<Contender>,
}

/// What is read from a report.
pub(crate) type Figure = fn(&Report) -> Option<f64>;

/// CPU time of the proxy for one unit of work, in µs.
pub(crate) const CPU_US: Figure = |report| report.cpu_us_per_unit;
/// Median latency, in µs.
pub(crate) const P50_US: Figure = |report| Some(report.latency_us.p50);
/// 99th percentile of latency, in µs.
pub(crate) const P99_US: Figure = |report| Some(report.latency_us.p99);
/// Answers a second.
pub(crate) const PER_SECOND: Figure = |report| Some(report.per_second());
/// Resident memory at the end of a run, in bytes.
pub(crate) const RSS_BYTES: Figure = |report| report.rss_bytes.map(|bytes| bytes as f64);

/// Starts every peer, then runs them in turns. A peer that cannot start or answers wrongly is reported as such; the others go on.
pub(crate) fn contest(
    scenario: &'static Scenario,
    peers: &[Peer],
    lab: &Lab,
    rounds: usize,
    duration: Duration,
) -> Contested {
    let mut field: Vec<_> = peers
        .iter()
        .map(|&peer| {
            (
                Contender {
                    peer,
                    rounds: Vec::new(),
                },
                peers::start(peer, lab),
            )
        })
        .collect();
    let count = field.len();
    for round in 0..rounds {
        // Each round begins with another peer, so that none always follows the same one.
        for turn in 0..count {
            let (contender, running) = &mut field[(round + turn) % count];
            let outcome = match running {
                Ok(running) => measure(scenario, running, duration),
                Err(failure) => Err(failure.to_string()),
            };
            contender.rounds.push(outcome);
            progress(scenario, contender);
        }
    }
    Contested {
        scenario,
        contenders: field.into_iter().map(|(contender, _)| contender).collect(),
    }
}

fn measure(scenario: &Scenario, running: &Running, duration: Duration) -> Result<Report, String> {
    let mut plan = scenario.plan(
        &running.endpoint,
        running.peer.tools_shown(scenario.tools),
        duration,
    );
    plan.process = running.process();
    let report = load::run(&plan).map_err(|failure| failure.to_string())?;
    report
        .require_correct(running.peer.name())
        .map_err(|failure| failure.to_string())?;
    Ok(report)
}

impl Contender {
    /// The median of a figure over the rounds that succeeded.
    pub(crate) fn median(&self, figure: Figure) -> Option<f64> {
        median(self.rounds.iter().flatten().filter_map(figure).collect())
    }
}

impl Contested {
    /// The contender of `peer`.
    pub(crate) fn of(&self, peer: Peer) -> Option<&Contender> {
        self.contenders
            .iter()
            .find(|contender| contender.peer == peer)
    }

    /// The median over rounds of `combine(figure of peer, figure of base)`, both of the same round.
    pub(crate) fn against(
        &self,
        peer: Peer,
        base: Peer,
        figure: Figure,
        combine: fn(f64, f64) -> f64,
    ) -> Option<f64> {
        let pairs = self.of(peer)?.rounds.iter().zip(&self.of(base)?.rounds);
        let combined = pairs.filter_map(|(own, base)| {
            let (own, base) = (own.as_ref().ok()?, base.as_ref().ok()?);
            Some(combine(figure(own)?, figure(base)?))
        });
        median(combined.collect())
    }

    /// The ratio of CPU time per unit to `base`.
    pub(crate) fn cpu_ratio(&self, peer: Peer, base: Peer) -> Option<f64> {
        self.against(peer, base, CPU_US, |own, base| own / base)
    }

    /// Everything that was measured.
    pub(crate) fn to_json(&self) -> Value {
        let contender = |contender: &Contender| {
            let rounds = contender.rounds.iter().map(|round| match round {
                Ok(report) => report.to_json(),
                Err(failure) => json!({ "failure": failure }),
            });
            json!({
                "peer": contender.peer.name(),
                "cpu_us_per_unit": contender.median(CPU_US),
                "cpu_ratio_to_nginx": self.cpu_ratio(contender.peer, self.scenario.contest.baseline()),
                "requests_per_second": contender.median(PER_SECOND),
                "p50_us": contender.median(P50_US),
                "p99_us": contender.median(P99_US),
                "rounds": rounds.collect::<Vec<_>>(),
            })
        };
        json!({
            "scenario": self.scenario.name,
            "about": self.scenario.about,
            "peers": self.contenders.iter().map(contender).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::load::report::Latency;

    fn report(cpu_us: f64) -> Result<Report, String> {
        Ok(Report {
            answers: 1,
            seconds: 1.0,
            latency_us: Latency {
                p50: 0.0,
                p99: 0.0,
                p999: 0.0,
                max: 0.0,
            },
            cpu_us_per_unit: Some(cpu_us),
            rss_bytes: None,
            right: 1,
            faults: BTreeMap::new(),
        })
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let rounds = |cpu: [f64; 3]| cpu.map(report).into();
        let contested = Contested {
            scenario: &crate::scenario::ALL[0],
            contenders: vec![
                Contender {
                    peer: Peer::BASELINE,
                    rounds: rounds([10.0, 20.0, 40.0]),
                },
                Contender {
                    peer: Peer::Pump,
                    rounds: vec![report(5.0), Err("broke".to_owned()), report(30.0)],
                },
            ],
        };
        assert_eq!(contested.cpu_ratio(Peer::Pump, Peer::BASELINE), Some(0.625));
        assert_eq!(contested.cpu_ratio(Peer::GUARD, Peer::BASELINE), None);
    }
}
