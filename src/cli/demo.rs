//! `demo`: a gateway in front of the built-in MCP server, with two fresh keys.

use std::process::ExitCode;

use crate::cli::args::{DemoArgs, Global};
use crate::cli::failure::Failure;
use crate::cli::run::log;
use crate::control::{self, Run};
use crate::demo::{Demo, DemoError};
use crate::worker;

/// Runs until Ctrl-C.
pub(super) fn run(global: &Global, args: &DemoArgs) -> ExitCode {
    let outcome = if args.server_only {
        Demo::serve_alone(args.port).map(|()| ExitCode::SUCCESS)
    } else {
        both(global, args)
    };
    outcome.unwrap_or_else(|error| Failure::Demo { error }.print())
}

fn both(global: &Global, args: &DemoArgs) -> Result<ExitCode, DemoError> {
    let demo = Demo::start()?;
    let source = demo.source(args.port);
    Ok(control::run(Run {
        source,
        log: log(global),
        bind: worker::bind,
        started: Box::new(move |addresses| println!("{}", demo.introduction(addresses))),
    }))
}
