//! Every command and every flag, each defined once.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::units::{parse_duration, parse_host};
use crate::config::{Format, Overrides, Workers};

/// Where the configuration is unless `-c` says otherwise.
pub const CONFIG_PATH_DEFAULT: &str = "mcp-guard.toml";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "mcp-guard",
    version,
    about = "A security gateway in front of any MCP server: authentication, per-tool authorization, rate limits, audit and metrics.",
    after_help = "Start here:\n  mcp-guard demo                 a gateway with a built-in MCP server and two keys\n  mcp-guard init                 write mcp-guard.toml with a fresh key\n  mcp-guard validate             tell everything that is wrong with it\n  mcp-guard run                  serve\n\nExit codes: 0 done, 1 refused or failed (one line on standard error says why), 2 wrong usage.",
    arg_required_else_help = true,
    disable_help_subcommand = true,
    propagate_version = false
)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Configuration file, TOML or YAML by its extension [default: mcp-guard.toml]
    #[arg(short, long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Log more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How log lines are written
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

impl Global {
    /// The configuration file that is meant.
    #[must_use]
    pub fn config_path(&self) -> PathBuf {
        self.config
            .clone()
            .unwrap_or_else(|| CONFIG_PATH_DEFAULT.into())
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented configuration with a fresh key
    #[command(
        after_help = "Examples:\n  mcp-guard init\n  mcp-guard init --format yaml\n  mcp-guard init --template stdio\n  mcp-guard -c team.toml init --template multi-server\n  mcp-guard init --list"
    )]
    Init(InitArgs),
    /// Tell every error and warning of the configuration
    #[command(
        after_help = "Examples:\n  mcp-guard validate\n  mcp-guard -c team.yaml validate --json"
    )]
    Validate(ValidateArgs),
    /// Make an API key; it is shown once
    #[command(
        after_help = "Examples:\n  mcp-guard keygen --user-id ci --tools 'read_*,search' --expires 90d\n  mcp-guard keygen --user-id ops --tools '*' --apply-to-config"
    )]
    Keygen(KeygenArgs),
    /// Print the hash of the key on standard input
    #[command(
        after_help = "Examples:\n  mcp-guard hash-key < key.txt\n  printf %s \"$KEY\" | mcp-guard hash-key\n\nThe key is never taken from the command line, where other users would see it."
    )]
    HashKey(HashKeyArgs),
    /// Run the gateway
    #[command(
        after_help = "Examples:\n  mcp-guard run\n  mcp-guard -c /etc/mcp-guard/mcp-guard.toml run --log-format json\n  mcp-guard run --port 0 --workers 2\n\nSIGHUP reloads the configuration, SIGTERM drains and ends."
    )]
    Run(RunArgs),
    /// Ask each upstream for its tools, as a client would
    #[command(
        after_help = "Examples:\n  mcp-guard check-upstream\n  mcp-guard check-upstream --server github --timeout 3 --json"
    )]
    CheckUpstream(CheckUpstreamArgs),
    /// Say whether a call would be allowed, and by which rule
    #[command(
        after_help = "Examples:\n  mcp-guard explain --as ci --tool delete_repo\n  mcp-guard explain --as anonymous --tool echo --server files --json\n  mcp-guard explain --as alice --issuer https://id.example.com/ --scope 'mcp:read' --tool search\n  mcp-guard explain --as 583231 --issuer github --scope 'mcp:read' --tool search\n  mcp-guard explain --certificate spiffe://example.com/agent --tool search\n\nExit code 0: allowed. Exit code 1: denied."
    )]
    Explain(ExplainArgs),
    /// Show version, features and what the kernel offers
    Version(VersionArgs),
    /// Run a gateway with a built-in MCP server and two keys
    #[command(after_help = "Examples:\n  mcp-guard demo\n  mcp-guard demo --port 8080")]
    Demo(DemoArgs),
}

/// Flags of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Format of the file [default: what the extension of the path says, else toml]
    #[arg(long, value_enum)]
    pub format: Option<FileFormat>,
    /// Which template to start from
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub template: String,
    /// List the templates and write nothing
    #[arg(long)]
    pub list: bool,
    /// Overwrite the file where it exists
    #[arg(long)]
    pub force: bool,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Format of a configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Toml => Self::Toml,
            FileFormat::Yaml => Self::Yaml,
        }
    }
}

/// Flags of `validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `keygen`.
#[derive(Debug, Args)]
pub struct KeygenArgs {
    /// Id of the identity that the key stands for
    #[arg(long, value_name = "ID")]
    pub user_id: String,
    /// What it may use, separated by commas: names, globs, server::name, prompt:NAME, resource:URI
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub tools: Vec<String>,
    /// Requests per second
    #[arg(long, value_name = "N")]
    pub rate_limit: Option<f64>,
    /// How long the key works: 90d, 12h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub expires: Option<Duration>,
    /// Put the key into the configuration file, comments kept
    #[arg(long)]
    pub apply_to_config: bool,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `hash-key`.
#[derive(Debug, Args)]
pub struct HashKeyArgs {
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Worker threads: auto, or a number
    #[arg(long, value_name = "N|auto", value_parser = workers)]
    pub workers: Option<Workers>,
    /// Address to listen on
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub host: Option<IpAddr>,
    /// Port to listen on; 0 lets the kernel choose
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}

impl RunArgs {
    /// What they decide over the file.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        Overrides {
            host: self.host,
            port: self.port,
            workers: self.workers,
        }
    }
}

/// Flags of `check-upstream`.
#[derive(Debug, Args)]
pub struct CheckUpstreamArgs {
    /// Check this server alone
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,
    /// Give up on a server after this long
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: u64,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Id of a key of the configuration, or `anonymous`; with --issuer, a user of it
    #[arg(
        long = "as",
        value_name = "ID",
        required_unless_present = "certificate"
    )]
    pub identity: Option<String>,
    /// Who vouches for the user: an `issuer` of [auth.jwt], or for users of [auth.oauth] `github`, `google` or its issuer
    #[arg(long, value_name = "ISSUER", requires = "identity")]
    pub issuer: Option<String>,
    /// Scopes of the token, separated by spaces
    #[arg(
        long,
        value_name = "SCOPES",
        requires = "issuer",
        value_delimiter = ' '
    )]
    pub scope: Vec<String>,
    /// Name in a client certificate, as `auth.mtls.identity_source` picks it
    #[arg(long, value_name = "NAME", conflicts_with = "identity")]
    pub certificate: Option<String>,
    /// Name of the tool
    #[arg(long, value_name = "NAME")]
    pub tool: String,
    /// Name of the server [default: the one that /mcp leads to]
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `version`.
#[derive(Debug, Args)]
pub struct VersionArgs {
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Port of the gateway; 0 lets the kernel choose
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    pub port: u16,
    /// Run the built-in MCP server alone, on this port
    #[arg(long, hide = true)]
    pub server_only: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .ok_or_else(|| "a duration is a whole number and a unit: 90d, 12h, 30m".to_owned())
}

fn host(text: &str) -> Result<IpAddr, String> {
    parse_host(text).ok_or_else(|| "an IP address, or localhost".to_owned())
}

fn workers(text: &str) -> Result<Workers, String> {
    if text == "auto" {
        return Ok(Workers::Auto);
    }
    let count = text
        .parse::<u16>()
        .ok()
        .filter(|count| (1..=Workers::COUNT_MAX).contains(count));
    count
        .map(Workers::Count)
        .ok_or_else(|| format!("auto, or 1 to {}", Workers::COUNT_MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use clap::{CommandFactory, Parser};

    use super::{Cli, Command, Workers};

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_after_the_command() {
        for line in [
            "mcp-guard -c a.toml validate",
            "mcp-guard validate -c a.toml",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(cli.global.config_path().to_str(), Some("a.toml"), "{line}");
        }
    }

    #[test]
    fn workers_are_auto_or_at_least_one() {
        for (text, expected) in [
            ("auto", Some(Workers::Auto)),
            ("2", Some(Workers::Count(2))),
            ("0", None),
            ("x", None),
        ] {
            let parsed = Cli::try_parse_from(["mcp-guard", "run", "--workers", text]).ok();
            let workers = parsed.and_then(|cli| match cli.command {
                Command::Run(args) => args.workers,
                _ => None,
            });
            assert_eq!(workers, expected, "{text}");
        }
    }
}
