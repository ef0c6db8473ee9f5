//! The load generator: one thread, closed or open loop, every answer checked.
//!
//! [`Plan`] says what to send and how; [`run`] gives a [`Report`]. Open loop means that requests are due at fixed times and that a
//! latency counts from the time its request was due, so that a stalled proxy cannot hide by delaying the next request
//! (coordinated omission).

mod client;
pub(crate) mod exchange;
mod expectation;
pub(crate) mod hold;
mod pace;
pub(crate) mod report;
mod runner;
mod template;

use std::time::Duration;

use crate::failure::Failure;
use crate::net::Address;
use crate::process::Process;
use crate::scenario::{self, Endpoint, Scenario};

pub(crate) use expectation::Expectation;
pub(crate) use report::Report;
pub(crate) use template::Template;

/// How requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Each connection sends its next request when it has its answer.
    Closed,
    /// Requests are due at this rate, whatever the answers do.
    Open {
        /// Requests a second, over all connections.
        per_second: f64,
    },
}

/// One run: what is sent where, how, and for how long.
pub(crate) struct Plan {
    /// Where the connections go.
    pub(crate) address: Address,
    /// The request, with a place for its id.
    pub(crate) template: Template,
    /// What each answer must be.
    pub(crate) expectation: Expectation,
    /// Connections held at once.
    pub(crate) connections: usize,
    /// Closed or open loop.
    pub(crate) pace: Pace,
    /// Time before counting begins.
    pub(crate) warm_up: Duration,
    /// Time that is counted.
    pub(crate) duration: Duration,
    /// The process whose CPU time is divided by the answers.
    pub(crate) process: Option<Process>,
    /// Units of work in one answer (events, for a stream).
    pub(crate) units: usize,
}

/// Runs a plan. Errors: only where the harness itself cannot go on; wrong answers are counted in the report.
pub(crate) fn run(plan: &Plan) -> Result<Report, Failure> {
    let report = runner::Runner::new(plan).and_then(runner::Runner::run);
    report.map_err(Failure::io(format!("load on {}", plan.address)))
}

/// Options of the load command.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Target: http://HOST:PORT/path.
    #[arg(long)]
    target: String,
    /// A header line to send, `Name: value`; may be repeated.
    #[arg(long = "header")]
    headers: Vec<String>,
    /// What to send; see `--list`.
    #[arg(long, default_value = "tools-call")]
    scenario: String,
    /// List the scenarios and end.
    #[arg(long)]
    list: bool,
    /// Connections; the scenario's own number by default.
    #[arg(long)]
    connections: Option<usize>,
    /// Counted seconds, such as 3s or 500ms.
    #[arg(long, default_value = "3s", value_parser = parse_duration)]
    duration: Duration,
    /// Open loop at this many requests a second.
    #[arg(long)]
    rate: Option<f64>,
    /// A new connection for each request.
    #[arg(long)]
    connection_per_request: bool,
    /// Measure CPU time and memory of this process and its children.
    #[arg(long)]
    pid: Option<u32>,
    /// Tools that a list answer must show; what the fixture sends by default.
    #[arg(long)]
    tools_shown: Option<usize>,
    /// Run on this core only.
    #[arg(long)]
    core: Option<usize>,
    /// JSON on one line instead of the table.
    #[arg(long)]
    json: bool,
}

/// A duration with its unit: `3s`, `500ms`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = digits.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
    let seconds = seconds.ok_or_else(|| format!("{text} is not a duration such as 3s or 500ms"))?;
    Duration::try_from_secs_f64(seconds * unit).map_err(|error| error.to_string())
}

/// The `load` command.
pub(crate) fn command(args: &Args) -> Result<(), Failure> {
    if args.list {
        for scenario in scenario::ALL {
            println!("{:<22} {}", scenario.name, scenario.about);
        }
        return Ok(());
    }
    prepare(args.core)?;
    let scenario = Scenario::named(&args.scenario)?;
    let scenario = if args.connection_per_request {
        &scenario.with_connection_per_request()
    } else {
        scenario
    };
    let endpoint = Endpoint::from_url(&args.target, &args.headers)?;
    let mut plan = scenario.plan(
        &endpoint,
        args.tools_shown.unwrap_or(scenario.tools),
        args.duration,
    );
    plan.connections = args.connections.unwrap_or(plan.connections);
    plan.process = args.pid.map(Process);
    if let Some(per_second) = args.rate {
        plan.pace = Pace::Open { per_second };
    }
    let report = run(&plan)?;
    if args.json {
        println!("{}", report.to_json());
    } else {
        print!("{report}");
    }
    report.require_correct(scenario.name)
}

/// Readies the calling thread for measuring: descriptors, timers, its core.
pub(crate) fn prepare(core: Option<usize>) -> Result<(), Failure> {
    crate::os::open_files_to_the_maximum().map_err(Failure::io("descriptor limit"))?;
    crate::os::sharpen_timers();
    core.map_or(Ok(()), crate::os::pin)
        .map_err(Failure::io("core"))
}
