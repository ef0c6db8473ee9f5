//! guard-perf: black-box load for mcp-guard and its peers.
//!
//! A fixture upstream, a load generator and a byte pump, each one thread on epoll, and `compare`, which puts proxies between the first
//! two and measures them side by side. **Invariant:** shares no code with guard-io or the engine, so that a mistake in either cannot
//! hide itself. Read [`load::Plan`] first. Method and meaning of every figure: `perf/README.md`.

mod compare;
mod failure;
mod http;
mod jsonrpc;
mod load;
mod net;
mod os;
mod peers;
mod process;
mod pump;
mod scenario;
mod smoke;
mod tls;
mod upstream;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

#[derive(Parser)]
#[command(
    name = "guard-perf",
    version,
    about = "Measures mcp-guard and its peers on the same work"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the fixture MCP server: answers of chosen size, lists, event streams.
    Upstream(upstream::Args),
    /// Forward bytes between two sockets and parse nothing: the floor for any proxy.
    Pump(pump::Args),
    /// Drive one target with one scenario and report.
    Load(load::Args),
    /// Run mcp-guard, nginx, haproxy and the byte pump in interleaved rounds and write a result folder.
    Compare(compare::Args),
    /// Check in seconds that fixture, load generator and (with `--guard`) the gateway answer correctly. Asserts no speed.
    Smoke(smoke::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("guard-perf: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Upstream(args) => upstream::serve(&args),
        Command::Pump(args) => pump::serve(&args),
        Command::Load(args) => load::command(&args),
        Command::Compare(args) => compare::command(&args),
        Command::Smoke(args) => smoke::command(&args),
    }
}
