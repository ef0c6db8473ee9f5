//! `compare`: every peer on the same work, side by side, in interleaved rounds.
//!
//! A figure of one proxy on one machine says little; the ratio of two that ran in turns, seconds apart, on the same cores says much.
//! So each round runs every peer once, ratios are taken within a round, and their median over the rounds is reported.

mod footprint;
mod goals;
mod machine;
mod rounds;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use crate::failure::Failure;
use crate::load;
use crate::peers::{self, Credentials, Entry, Lab, Peer};
use crate::scenario::{self, Contest, Scenario};

use rounds::Contender;

/// Options of the comparison.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The mcp-guard binary; without it the peers are compared with each other.
    #[arg(long, value_parser = peers::binary)]
    guard: Option<PathBuf>,
    /// Counted time of each run.
    #[arg(long, default_value = "2s", value_parser = load::parse_duration)]
    duration: Duration,
    /// Rounds; each runs every peer once.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Scenarios, separated by commas; all by default. `none` measures footprints only.
    #[arg(long, value_delimiter = ',')]
    scenarios: Vec<String>,
    /// Peers, separated by commas; all by default.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// Idle streams opened to measure the memory of one.
    #[arg(long, default_value_t = 2000)]
    streams: usize,
    /// Skip memory, start and size.
    #[arg(long)]
    no_footprint: bool,
    /// Folder in which a result folder is made.
    #[arg(long, default_value = "perf/results")]
    out: PathBuf,
    /// Name of the result folder; date and commit by default.
    #[arg(long)]
    name: Option<String>,
}

/// All that a comparison measured.
pub(crate) struct Results {
    /// Throughput and latency, a scenario each.
    pub(crate) contests: Vec<rounds::Contested>,
    /// Memory, start, size, a peer each.
    pub(crate) footprints: Vec<footprint::Footprint>,
    /// Bytes of the gateway's binary.
    pub(crate) binary_bytes: Option<u64>,
}

/// The `compare` command.
pub(crate) fn command(args: &Args) -> Result<(), Failure> {
    let cores = crate::os::allowed_cores().map_err(Failure::io("cores"))?;
    let (proxy_core, load_core) = (cores.first().copied(), cores.last().copied());
    load::prepare(load_core)?;
    let (mut fixture, upstream_port) = peers::start_fixture(load_core)?;
    let scratch = tempfile::tempdir().map_err(Failure::io("temporary folder"))?;
    let credentials = Rc::new(Credentials::make(&scratch.path().join("certificates"))?);
    let lab = |scenario: &Scenario| Lab {
        credentials: Rc::clone(&credentials),
        folder: scratch.path().join(scenario.name),
        upstream_port,
        upstream_path: scenario.upstream_path(),
        guard: args.guard.clone(),
        proxy_core,
    };
    let result = measure(args, &lab);
    peers::stop(&mut fixture);
    let results = result?;
    let table = table::render(&results);
    print!("{table}");
    let folder = args
        .out
        .join(args.name.clone().unwrap_or_else(machine::result_name));
    write(args, &folder, &results, &table, scratch.path())?;
    println!("\nwritten to {}", folder.display());
    Ok(())
}

fn measure(args: &Args, lab: &impl Fn(&Scenario) -> Lab) -> Result<Results, Failure> {
    let mut contests = Vec::new();
    for scenario in chosen(&args.scenarios)? {
        let peers = invited(args, scenario.contest);
        contests.push(rounds::contest(
            scenario,
            &peers,
            &lab(scenario),
            args.rounds,
            args.duration,
        ));
    }
    let mut footprints = Vec::new();
    if !args.no_footprint {
        for peer in footprinted(args) {
            footprints.push(footprint::measure(
                peer,
                &lab(&scenario::ALL[0]),
                args.streams,
            ));
        }
    }
    let binary = args.guard.as_ref().and_then(|path| fs::metadata(path).ok());
    Ok(Results {
        contests,
        footprints,
        binary_bytes: binary.map(|metadata| metadata.len()),
    })
}

/// Whose memory is looked at.
fn footprinted(args: &Args) -> Vec<Peer> {
    let encrypted = invited(args, Contest::Entry(Entry::Tls))
        .into_iter()
        .filter(|peer| peer.entry().is_encrypted());
    invited(args, Contest::Everyone)
        .into_iter()
        .chain(encrypted)
        .collect()
}

fn chosen(names: &[String]) -> Result<Vec<&'static Scenario>, Failure> {
    match names {
        [] => Ok(scenario::ALL.iter().collect()),
        [none] if none == "none" => Ok(Vec::new()),
        _ => names.iter().map(|name| Scenario::named(name)).collect(),
    }
}

fn invited(args: &Args, contest: Contest) -> Vec<Peer> {
    let many_keys = Peer::Guard {
        keys: 10_000,
        busy_poll_us: 0,
        entry: Entry::Key,
    };
    let polling = Peer::Guard {
        keys: 1,
        busy_poll_us: 20,
        entry: Entry::Key,
    };
    let mut peers = match contest {
        Contest::Everyone => {
            vec![
                Peer::BASELINE,
                Peer::Nginx {
                    log: true,
                    entry: Entry::Key,
                },
                Peer::Haproxy,
                Peer::Pump,
                Peer::Direct,
                Peer::GUARD,
            ]
        }
        Contest::Keys => vec![Peer::GUARD, many_keys],
        Contest::Polling => vec![Peer::BASELINE, Peer::GUARD, polling],
        Contest::Entry(Entry::Token) => {
            vec![Peer::BASELINE, Peer::GUARD, Peer::guard(Entry::Token)]
        }
        Contest::Entry(entry) => vec![Peer::nginx(entry), Peer::GUARD, Peer::guard(entry)],
    };
    peers.retain(|peer| args.guard.is_some() || !matches!(peer, Peer::Guard { .. }));
    peers.retain(|peer| {
        !matches!(peer, Peer::Haproxy) || machine::version_of("haproxy", "-v").is_some()
    });
    peers.retain(|peer| args.peers.is_empty() || args.peers.iter().any(|name| name == peer.name()));
    peers
}

fn write(
    args: &Args,
    folder: &Path,
    results: &Results,
    table: &str,
    scratch: &Path,
) -> Result<(), Failure> {
    let json = json!({
        "date": machine::date(),
        "commit": machine::commit(),
        "duration_s": args.duration.as_secs_f64(),
        "rounds": args.rounds,
        "scenarios": results.contests.iter().map(rounds::Contested::to_json).collect::<Vec<_>>(),
        "footprints": results.footprints.iter().map(footprint::Footprint::to_json).collect::<Vec<_>>(),
        "guard_binary_bytes": results.binary_bytes,
        "goals": goals::verdicts(results).iter().map(goals::Verdict::to_json).collect::<Vec<_>>(),
    });
    let write = || {
        fs::create_dir_all(folder.join("configs"))?;
        fs::write(folder.join("results.json"), format!("{json:#}\n"))?;
        fs::write(folder.join("table.md"), table)?;
        fs::write(
            folder.join("machine.txt"),
            machine::describe(args.guard.as_deref()),
        )?;
        machine::keep_configs(scratch, &folder.join("configs"))
    };
    write().map_err(Failure::io(folder.display().to_string()))
}

/// The middle value; the mean of the two middle ones where their number is even.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    let lower = values.get((values.len() - 1) / 2)?;
    Some((upper + lower) / 2.0)
}

/// Prints progress where a person watches it, apart from the table.
fn progress(scenario: &Scenario, contender: &Contender) {
    match contender.rounds.last() {
        Some(Ok(report)) => eprintln!(
            "{:<24} {:<18} {:>9.0}/s {:>8.2} µs CPU {:>9.1} µs p50",
            scenario.name,
            contender.peer.name(),
            report.per_second(),
            report.cpu_us_per_unit.unwrap_or(0.0),
            report.latency_us.p50
        ),
        Some(Err(failure)) => eprintln!(
            "{:<24} {:<18} {failure}",
            scenario.name,
            contender.peer.name()
        ),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle() {
        let check = |values: &[f64], expected| assert_eq!(median(values.to_vec()), expected);
        check(&[], None);
        check(&[3.0], Some(3.0));
        check(&[9.0, 1.0, 2.0], Some(2.0));
        check(&[4.0, 1.0, 2.0, 9.0], Some(3.0));
    }
}
