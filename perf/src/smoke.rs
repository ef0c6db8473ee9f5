//! `smoke`: a check of seconds that the harness measures what it says. Asserts right answers, never speed.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use crate::failure::Failure;
use crate::load::{self, hold};
use crate::peers::{self, Credentials, Entry, Lab, Peer};
use crate::scenario::{ALL, Contest, Scenario, hold_template};

/// Counted time of each run.
const DURATION: Duration = Duration::from_millis(200);

/// Idle streams held at once.
const STREAMS: usize = 32;

/// Options of the check.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also go through this mcp-guard binary.
    #[arg(long, value_parser = peers::binary)]
    guard: Option<PathBuf>,
    /// Also go through nginx.
    #[arg(long)]
    nginx: bool,
    /// Also go through haproxy.
    #[arg(long)]
    haproxy: bool,
}

/// The `smoke` command.
pub(crate) fn command(args: &Args) -> Result<(), Failure> {
    load::prepare(None)?;
    let (mut fixture, upstream_port) = peers::start_fixture(None)?;
    let scratch = tempfile::tempdir().map_err(Failure::io("temporary folder"))?;
    let credentials = Credentials::make(&scratch.path().join("certificates")).map(Rc::new)?;
    let result = check_all(args, &|scenario: &Scenario| Lab {
        credentials: Rc::clone(&credentials),
        folder: scratch.path().join(scenario.name),
        upstream_port,
        upstream_path: scenario.upstream_path(),
        guard: args.guard.clone(),
        proxy_core: None,
    });
    peers::stop(&mut fixture);
    result
}

fn check_all(args: &Args, lab: &impl Fn(&Scenario) -> Lab) -> Result<(), Failure> {
    let mut peers = vec![Peer::Direct, Peer::Pump];
    peers.extend(args.nginx.then_some(Peer::BASELINE));
    peers.extend(args.haproxy.then_some(Peer::Haproxy));
    peers.extend(args.guard.is_some().then_some(Peer::GUARD));
    for peer in peers {
        for scenario in ALL
            .iter()
            .filter(|scenario| scenario.contest == Contest::Everyone)
        {
            check(peer, scenario, &lab(scenario))?;
        }
        check_streams(peer, &lab(&ALL[0]))?;
    }
    check_entries(args, lab)
}

/// Every other way to come to a proxy and prove oneself.
fn check_entries(args: &Args, lab: &impl Fn(&Scenario) -> Lab) -> Result<(), Failure> {
    for scenario in ALL {
        let Contest::Entry(entry) = scenario.contest else {
            continue;
        };
        let nginx = (args.nginx && entry != Entry::Token).then_some(Peer::nginx(entry));
        let guard = args.guard.is_some().then_some(Peer::guard(entry));
        for peer in nginx.into_iter().chain(guard) {
            check(peer, scenario, &lab(scenario))?;
        }
    }
    Ok(())
}

fn check(peer: Peer, scenario: &Scenario, lab: &Lab) -> Result<(), Failure> {
    let running = peers::start(peer, lab)?;
    let mut plan = scenario.plan(
        &running.endpoint,
        peer.tools_shown(scenario.tools),
        DURATION,
    );
    plan.warm_up = Duration::ZERO;
    let report = load::run(&plan)?;
    println!(
        "{:<10} {:<24} {} right answers",
        peer.name(),
        scenario.name,
        report.right
    );
    report.require_correct(&format!("{} through {}", scenario.name, peer.name()))
}

fn check_streams(peer: Peer, lab: &Lab) -> Result<(), Failure> {
    let running = peers::start(peer, lab)?;
    let held = hold::open(
        &running.endpoint.address,
        &hold_template(&running.endpoint),
        STREAMS,
    );
    let held = held.map_err(Failure::io(format!("idle streams through {}", peer.name())))?;
    println!(
        "{:<10} {:<24} {} open",
        peer.name(),
        "idle streams",
        held.len()
    );
    Ok(())
}
