//! `run`: the gateway itself, which the control plane starts.

use std::process::ExitCode;

use crate::cli::args::{Global, RunArgs};
use crate::cli::failure::Failure;

/// Serves until told to end.
pub(super) fn run(_global: &Global, _args: &RunArgs) -> ExitCode {
    Failure::NotBuilt { command: "run" }.print()
}
