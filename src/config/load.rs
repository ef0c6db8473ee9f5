//! A file becomes a configuration, or the list of everything that is wrong with it.

use std::path::Path;

use crate::config::compile::{Finding, compile};
use crate::config::diagnostic::Diagnostic;
use crate::config::model::Config;
use crate::config::overrides::Overrides;
use crate::config::problem::Problem;
use crate::config::surroundings::{FILE_BYTES_MAX, FileText, Surroundings};
use crate::config::tree::{Fault, Parsed, Position, Positions};
use crate::config::{from_toml, from_yaml, read};

/// Permission bits with which everybody may read or change a file. The group is often that of the service.
const OTHERS: u32 = 0o007;

/// Permission bits with which others may change a file.
const OTHERS_WRITE: u32 = 0o022;

/// How a file is written, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.toml`
    Toml,
    /// `.yaml`, `.yml`
    Yaml,
}

impl Format {
    /// The format that the name of `path` says.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }
}

/// A configuration that was understood, with its warnings.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is probably not intended, in the order of the file.
    pub warnings: Vec<Diagnostic>,
    /// Where its keys are written.
    pub places: Places,
}

impl Loaded {
    /// The same with what was found in the files that it names. Errors: everything, where one of `findings` is an error.
    pub fn with(self, findings: Vec<Finding>) -> Result<Self, Refused> {
        let Self {
            config,
            warnings: mut diagnostics,
            places,
        } = self;
        let found = findings
            .into_iter()
            .map(|finding| places.diagnostic(finding.key_path, finding.problem));
        diagnostics.extend(found);
        finish(config, in_order(diagnostics), places)
    }
}

/// Where the keys of a file are written.
#[derive(Clone, Debug, Default)]
pub struct Places {
    file: String,
    positions: Positions,
}

impl Places {
    fn diagnostic(&self, key_path: String, problem: Problem) -> Diagnostic {
        diagnostic(
            &self.file,
            self.positions.find(&key_path),
            key_path,
            problem,
        )
    }
}

/// A configuration that was refused: every error and every warning, in the order of the file.
#[derive(Clone, Debug)]
pub struct Refused {
    /// At least one of them is an error.
    pub diagnostics: Vec<Diagnostic>,
}

/// Loads the file at `path` with what the command line overrides, as of `now_unix_secs`.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(
    path: &Path,
    overrides: &Overrides,
    surroundings: &dyn Surroundings,
    now_unix_secs: i64,
) -> Result<Loaded, Refused> {
    let name = path.display().to_string();
    match surroundings.file(path) {
        Ok(file) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            let cx = read::Context::new(surroundings, folder, now_unix_secs);
            interpret(&name, Format::of(path), &file, overrides, cx)
        }
        Err(cause) => Err(refused(&name, None, Problem::Unreadable { cause })),
    }
}

fn interpret(
    name: &str,
    format: Option<Format>,
    file: &FileText,
    overrides: &Overrides,
    cx: read::Context<'_>,
) -> Result<Loaded, Refused> {
    let Parsed { root, faults } = match format {
        _ if file.text.len() > FILE_BYTES_MAX => {
            return Err(refused(
                name,
                None,
                Problem::TooLarge {
                    bytes_max: FILE_BYTES_MAX,
                },
            ));
        }
        None => return Err(refused(name, None, Problem::UnknownFormat)),
        Some(Format::Toml) => from_toml::parse(&file.text),
        Some(Format::Yaml) => from_yaml::parse(&file.text),
    };
    let broken = faults
        .iter()
        .any(|fault| makes_tree_unsound(&fault.problem));
    let mut diagnostics: Vec<_> = faults
        .into_iter()
        .map(|fault| at_fault(name, fault))
        .collect();
    if broken {
        return Err(Refused {
            diagnostics: in_order(diagnostics),
        });
    }
    let config = read::config(&cx, &root, overrides);
    check_mode(&cx, file.mode);
    if let Err(findings) = compile(&config, config.server.port, 0) {
        findings
            .into_iter()
            .for_each(|finding| cx.report(finding.key_path, finding.problem));
    }
    let places = Places {
        file: name.to_owned(),
        positions: Positions::of(&root),
    };
    diagnostics.extend(found(&places, cx));
    finish(config, in_order(diagnostics), places)
}

fn finish(config: Config, diagnostics: Vec<Diagnostic>, places: Places) -> Result<Loaded, Refused> {
    if diagnostics.iter().any(Diagnostic::is_error) {
        Err(Refused { diagnostics })
    } else {
        Ok(Loaded {
            config,
            warnings: diagnostics,
            places,
        })
    }
}

/// Whether what follows from the tree would be guesswork. After a duplicate key the rest still stands.
fn makes_tree_unsound(problem: &Problem) -> bool {
    !matches!(problem, Problem::DuplicateKey { .. })
}

/// Secrets in the file must not be readable by others, and nobody else may change it.
fn check_mode(cx: &read::Context<'_>, mode: Option<u32>) {
    let Some(mode) = mode else { return };
    if cx.has_literal_secret.get() && mode & OTHERS != 0 {
        cx.report("", Problem::FileExposed { mode });
    } else if mode & OTHERS_WRITE != 0 {
        cx.report("", Problem::FileWritable { mode });
    }
}

fn found(places: &Places, cx: read::Context<'_>) -> Vec<Diagnostic> {
    let found = cx.into_found().into_iter();
    found
        .map(|(key_path, problem)| places.diagnostic(key_path, problem))
        .collect()
}

fn at_fault(name: &str, fault: Fault) -> Diagnostic {
    diagnostic(name, Some(fault.position), fault.key_path, fault.problem)
}

fn refused(name: &str, position: Option<Position>, problem: Problem) -> Refused {
    Refused {
        diagnostics: vec![diagnostic(name, position, String::new(), problem)],
    }
}

fn diagnostic(
    name: &str,
    position: Option<Position>,
    key_path: String,
    problem: Problem,
) -> Diagnostic {
    Diagnostic {
        severity: problem.severity(),
        key_path,
        file: name.to_owned(),
        position,
        problem,
    }
}

fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by(|left, right| {
        (left.position, &left.key_path).cmp(&(right.position, &right.key_path))
    });
    diagnostics.dedup();
    diagnostics
}
