//! Log lines on standard error, with a level that can be changed while the process runs.

use std::fmt;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt as lines};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// How lines look.
    pub format: LogFormat,
    /// 0 starts at `info`, 1 at `debug`, more at `trace`.
    pub verbosity: u8,
}

/// Changes what is logged.
#[derive(Clone, Debug)]
pub struct LogControl(reload::Handle<EnvFilter, Registry>);

/// A level or filter that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFilter(String);

impl fmt::Display for BadFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "log filter is not understood: {}; accepted are error, warn, info, debug, trace, ",
            self.0
        )?;
        f.write_str("or a list such as info,mcp_guard::worker=debug")
    }
}

/// Longest filter, in bytes.
const FILTER_BYTES_MAX: usize = 1024;

/// Sets logging up for the process. Called once; a second call changes nothing and its control controls nothing.
#[must_use]
pub fn start(options: LogOptions) -> LogControl {
    let filter = EnvFilter::new(match options.verbosity {
        0 => "info",
        1 => "debug",
        _ => "trace",
    });
    let (filter, handle) = reload::Layer::new(filter);
    let lines = lines::layer().with_writer(std::io::stderr);
    let lines = match options.format {
        LogFormat::Json => lines.json().boxed(),
        LogFormat::Text => lines.with_target(false).with_ansi(is_terminal()).boxed(),
    };
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init();
    LogControl(handle)
}

fn is_terminal() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stderr())
}

impl LogControl {
    /// Puts `filter` in force: a level, or levels by module.
    pub fn set(&self, filter: &str) -> Result<(), BadFilter> {
        let filter = filter.trim();
        if filter.is_empty() || filter.len() > FILTER_BYTES_MAX {
            return Err(BadFilter("it is empty or too long".to_owned()));
        }
        let parsed = EnvFilter::builder()
            .parse(filter)
            .map_err(|error| BadFilter(error.to_string()))?;
        self.0
            .reload(parsed)
            .map_err(|error| BadFilter(error.to_string()))
    }

    /// A control over a filter that nothing uses.
    #[cfg(test)]
    pub(super) fn detached() -> (Self, reload::Layer<EnvFilter, Registry>) {
        let (layer, handle) = reload::Layer::new(EnvFilter::new("info"));
        (Self(handle), layer)
    }
}
