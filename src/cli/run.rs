//! `run`: the gateway itself.

use std::process::ExitCode;

use crate::cli::args::{Global, LogFormat, RunArgs};
use crate::control::logging::{self, LogControl, LogOptions};
use crate::control::{self, Run, Source};
use crate::worker;

/// Serves until told to end.
pub(super) fn run(global: &Global, args: &RunArgs) -> ExitCode {
    control::run(Run {
        source: Source::file(&global.config_path(), args.overrides()),
        log: log(global),
        bind: worker::bind,
        started: Box::new(|_| ()),
    })
}

/// Sets logging up as the flags say.
pub(super) fn log(global: &Global) -> LogControl {
    let format = match global.log_format {
        LogFormat::Text => logging::LogFormat::Text,
        LogFormat::Json => logging::LogFormat::Json,
    };
    let verbosity = global.verbose;
    logging::start(LogOptions { format, verbosity })
}
