//! The command line: flags in [`args`], a file for each command.
//!
//! Exit codes: 0 done, 1 refused or failed with one line on standard error, 2 wrong usage. A command that ends by itself
//! computes an answer; printing it is done here alone.

mod answer;
pub mod args;
mod check_upstream;
mod demo;
mod explain;
mod failure;
mod hash_key;
mod init;
mod keygen;
mod load;
mod replace;
mod run;
mod template;
mod validate;
mod version;

use std::process::ExitCode;

use clap::Parser;

use answer::Answer;
use args::{Cli, Command};

/// Runs the command named by the process arguments.
pub fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let answer = match command {
        Command::Init(args) => init::run(&global, &args),
        Command::Validate(args) => Ok(validate::run(&global, &args)),
        Command::Keygen(args) => keygen::run(&global, &args),
        Command::HashKey(args) => hash_key::run(&args),
        Command::Explain(args) => explain::run(&global, &args),
        Command::Version(args) => Ok(version::run(&args)),
        Command::Run(args) => return run::run(&global, &args),
        Command::CheckUpstream(args) => check_upstream::run(&global, &args),
        Command::Demo(args) => return demo::run(&global, &args),
    };
    answer.unwrap_or_else(Answer::from).print()
}
