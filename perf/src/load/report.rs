//! What a run measured.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::failure::Failure;

use super::expectation::Fault;

/// Longest latency told apart from longer ones, in ns.
const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// Significant digits kept of each latency.
const DIGITS: u8 = 3;

/// Counts while a run goes on.
pub(crate) struct Tally {
    latencies_ns: Histogram<u64>,
    right: u64,
    faults: BTreeMap<Fault, u64>,
}

impl Tally {
    /// Nothing counted.
    pub(crate) fn new() -> Self {
        let latencies_ns = Histogram::new_with_max(LATENCY_NS_MAX, DIGITS);
        // The two constants are a valid pair: three digits, and a maximum of at least two.
        let latencies_ns =
            latencies_ns.unwrap_or_else(|_| unreachable!("constant histogram bounds"));
        Self {
            latencies_ns,
            right: 0,
            faults: BTreeMap::new(),
        }
    }

    /// Drops the latencies of the warm-up. Faults stay: a wrong answer is wrong at any time.
    pub(crate) fn forget_answers(&mut self) {
        self.latencies_ns.reset();
    }

    /// Counts a right answer.
    pub(crate) fn answer(&mut self, latency: Duration) {
        self.right += 1;
        self.latencies_ns
            .saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LATENCY_NS_MAX));
    }

    /// Counts a wrong one.
    pub(crate) fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }
}

/// The figures of one run.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Right answers in the counted time.
    pub(crate) answers: u64,
    /// The counted time.
    pub(crate) seconds: f64,
    /// Latency quantiles, in µs.
    pub(crate) latency_us: Latency,
    /// CPU time of the measured process for one unit of work, in µs.
    pub(crate) cpu_us_per_unit: Option<f64>,
    /// Its resident memory at the end, in bytes.
    pub(crate) rss_bytes: Option<u64>,
    /// Right answers, those of the warm-up and after the counted time included.
    pub(crate) right: u64,
    /// Wrong answers by kind, warm-up included.
    pub(crate) faults: BTreeMap<Fault, u64>,
}

/// Latency quantiles, in µs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    /// Half were faster.
    pub(crate) p50: f64,
    /// 99 % were faster.
    pub(crate) p99: f64,
    /// 99.9 % were faster.
    pub(crate) p999: f64,
    /// The slowest.
    pub(crate) max: f64,
}

impl Report {
    /// The figures of `tally` over `seconds`. What needs the last answers is added by
    /// [`Report::close`].
    pub(crate) fn new(
        tally: &Tally,
        units: usize,
        seconds: f64,
        cpu_ns: Option<u64>,
        rss_bytes: Option<u64>,
    ) -> Self {
        let latencies = &tally.latencies_ns;
        let answers = latencies.len();
        let quantile_us = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
        let done = (answers > 0).then_some(answers as f64 * units as f64);
        Self {
            answers,
            seconds,
            latency_us: Latency {
                p50: quantile_us(0.5),
                p99: quantile_us(0.99),
                p999: quantile_us(0.999),
                max: latencies.max() as f64 / 1e3,
            },
            cpu_us_per_unit: cpu_ns.zip(done).map(|(ns, units)| ns as f64 / 1e3 / units),
            rss_bytes,
            right: 0,
            faults: BTreeMap::new(),
        }
    }

    /// Adds what is known only when the last answers are in.
    pub(crate) fn close(&mut self, tally: &Tally) {
        self.right = tally.right;
        self.faults = tally.faults.clone();
    }

    /// Answers a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.answers as f64 / self.seconds
    }

    /// The figures as one JSON object.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "answers": self.answers,
            "seconds": self.seconds,
            "requests_per_second": self.per_second(),
            "latency_us": {
                "p50": self.latency_us.p50,
                "p99": self.latency_us.p99,
                "p99_9": self.latency_us.p999,
                "max": self.latency_us.max,
            },
            "cpu_us_per_unit": self.cpu_us_per_unit,
            "rss_bytes": self.rss_bytes,
            "faults": self.faults.iter().map(|(fault, count)| (format!("{fault:?}"), json!(count))).collect::<serde_json::Map<_, _>>(),
        })
    }

    /// Refuses a run whose figures mean nothing: one with a wrong answer, or with none.
    pub(crate) fn require_correct(&self, run: &str) -> Result<(), Failure> {
        if !self.faults.is_empty() {
            return Err(Failure::WrongAnswers {
                run: run.to_owned(),
                faults: format!("{:?}", self.faults),
            });
        }
        match self.right {
            0 => Err(Failure::NoAnswers {
                run: run.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let latency = &self.latency_us;
        writeln!(
            out,
            "answers       {} in {:.2} s, {:.0}/s",
            self.answers,
            self.seconds,
            self.per_second()
        )?;
        writeln!(
            out,
            "latency µs    p50 {:.1}, p99 {:.1}, p99.9 {:.1}, max {:.1}",
            latency.p50, latency.p99, latency.p999, latency.max
        )?;
        if let Some(cpu) = self.cpu_us_per_unit {
            writeln!(out, "CPU           {cpu:.2} µs a unit")?;
        }
        if let Some(rss) = self.rss_bytes {
            writeln!(out, "resident      {:.1} MB", rss as f64 / 1e6)?;
        }
        writeln!(out, "faults        {:?}", self.faults)
    }
}
