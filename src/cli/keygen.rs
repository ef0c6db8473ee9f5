//! `keygen`: a new API key. Only its hash is kept; the key is shown once.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::answer::Answer;
use crate::cli::args::{Global, KeygenArgs};
use crate::cli::failure::Failure;
use crate::cli::{load, replace};
use crate::config::{Diagnostic, Fixed, Format, NewKey, Overrides, Problem, Surroundings, System};
use crate::engine::identity::{KeyHash, generate_key};

pub(super) fn run(global: &Global, args: &KeygenArgs) -> Result<Answer, Failure> {
    let key = fresh_key()?;
    let new = new_key(args, &key);
    let path = global.config_path();
    let format = Format::of(&path).unwrap_or(Format::Toml);
    check(&new)?;
    if args.apply_to_config {
        apply(&path, &new)?;
    }
    if args.json {
        return Ok(Answer::json(&json!({
            "id": new.id, "key": key.as_str(), "key_hash": new.key_hash, "expires_at": new.expires_at,
            "applied_to": args.apply_to_config.then(|| path.display().to_string()),
        })));
    }
    let next = if args.apply_to_config {
        format!(
            "Added to {}. A running gateway takes it on SIGHUP.\n",
            path.display()
        )
    } else {
        format!(
            "Put this into {}:\n\n{}",
            path.display(),
            new.snippet(format)
        )
    };
    let nothing = if new.allowed_tools.is_empty() {
        "\nIt may use no tools: name some with --tools.\n"
    } else {
        ""
    };
    Ok(Answer::text(format!(
        "The key, shown this once:\n\n  {}\n\n{next}{nothing}",
        key.as_str()
    )))
}

/// A key of 32 bytes of the system's randomness.
pub(super) fn fresh_key() -> Result<Zeroizing<String>, Failure> {
    let mut random = Zeroizing::new([0_u8; 32]);
    getrandom::fill(random.as_mut()).map_err(|error| Failure::NoRandomness {
        cause: error.to_string(),
    })?;
    Ok(generate_key(&random))
}

fn new_key(args: &KeygenArgs, key: &str) -> NewKey {
    let expires_at = args.expires.map(|after| {
        let after = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        let at = load::now_unix_secs().saturating_add(after);
        Timestamp::from_second(at)
            .unwrap_or(Timestamp::MAX)
            .to_string()
    });
    NewKey {
        id: args.user_id.clone(),
        key_hash: KeyHash::of(key.as_bytes()).to_string(),
        allowed_tools: args
            .tools
            .iter()
            .map(|tool| tool.trim().to_owned())
            .filter(|tool| !tool.is_empty())
            .collect(),
        rate_limit: args.rate_limit,
        expires_at,
    }
}

/// Checks the key in a configuration of its own: whatever is wrong with id, tools or rate is told before it is shown.
fn check(new: &NewKey) -> Result<(), Failure> {
    let text = format!(
        "{}[upstream]\nurl = 'http://localhost'\n[audit]\nstdout = true\n",
        new.snippet(Format::Toml)
    );
    let mut alone = Fixed::default();
    alone.files.insert("new-key.toml".into(), (text, 0o600));
    let refused = crate::config::load(
        "new-key.toml".as_ref(),
        &Overrides::default(),
        &alone,
        load::now_unix_secs(),
    );
    let errors = refused
        .err()
        .map(|refused| refused.diagnostics)
        .unwrap_or_default();
    // Servers are those of the real file.
    let error = errors
        .iter()
        .find(|found| found.is_error() && !matches!(found.problem, Problem::UnknownServer { .. }));
    error.map_or(Ok(()), |error| {
        Err(Failure::KeyRefused {
            reason: sentence(error),
        })
    })
}

fn sentence(found: &Diagnostic) -> String {
    let key = found
        .key_path
        .strip_prefix("auth.api_keys[0].")
        .unwrap_or(&found.key_path);
    let remedy = found
        .problem
        .remedy()
        .map(|remedy| format!("; {remedy}"))
        .unwrap_or_default();
    format!("{key}: {}{remedy}", found.problem)
}

/// Puts the key into the file at `path`, unless that would make the configuration bad.
fn apply(path: &Path, new: &NewKey) -> Result<(), Failure> {
    let unreadable = |cause| Failure::File {
        path: path.to_owned(),
        cause,
    };
    let edit = replace::Edit::begin(path)?;
    let before = System.file(path).map_err(unreadable)?;
    let format = Format::of(path).ok_or_else(|| Failure::FormatDiffers {
        path: path.to_owned(),
    })?;
    let after = new
        .add_to(&before.text, format)
        .map_err(|error| Failure::Edit {
            path: path.to_owned(),
            error,
        })?;
    accept(path, &after, new)?;
    edit.commit(&after)
}

/// Accepts the edited text. Secrets that this user cannot read are no reason to refuse: the gateway may.
fn accept(path: &Path, text: &str, new: &NewKey) -> Result<(), Failure> {
    let world = Edited { path, text };
    let Err(refused) =
        crate::config::load(path, &Overrides::default(), &world, load::now_unix_secs())
    else {
        return Ok(());
    };
    let elsewhere = |problem: &Problem| {
        matches!(
            problem,
            Problem::EnvMissing { .. } | Problem::SecretFile { .. }
        )
    };
    let mut diagnostics = refused.diagnostics;
    diagnostics.retain(|found| found.is_error() && !elsewhere(&found.problem));
    let same_id = |found: &Diagnostic| {
        found.key_path.ends_with("].id") && matches!(found.problem, Problem::SameAs { .. })
    };
    match diagnostics.iter().find(|found| same_id(found)) {
        _ if diagnostics.is_empty() => Ok(()),
        Some(_) => Err(Failure::SameId { id: new.id.clone() }),
        None => Err(Failure::configuration(
            path.to_owned(),
            &crate::config::Refused { diagnostics },
        )),
    }
}

/// The real surroundings, but for the one file that is being edited.
struct Edited<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Surroundings for Edited<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        System.variable(name)
    }

    fn file(&self, path: &Path) -> Result<crate::config::FileText, String> {
        let mut file = System.file(path)?;
        if path == self.path {
            file.text = Zeroizing::new(self.text.to_owned());
        }
        Ok(file)
    }

    fn is_file(&self, path: &Path) -> bool {
        System.is_file(path)
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        System.absolute(path)
    }
}
