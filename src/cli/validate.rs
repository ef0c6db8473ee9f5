//! `validate`: everything that is wrong, at once.

use serde_json::{Value, json};

use crate::cli::answer::Answer;
use crate::cli::args::{Global, ValidateArgs};
use crate::cli::failure::Failure;
use crate::cli::load;
use crate::config::Diagnostic;

pub(super) fn run(global: &Global, args: &ValidateArgs) -> Answer {
    let (diagnostics, failure) = match load::with_certificates(global) {
        Ok((loaded, _)) => (loaded.warnings, None),
        Err(refused) => {
            let failure = Failure::configuration(global.config_path(), &refused);
            (refused.diagnostics, Some(failure))
        }
    };
    let path = global.config_path().display().to_string();
    let answer = if args.json {
        Answer::json(&as_json(&path, &diagnostics))
    } else {
        Answer::text(as_text(&path, &diagnostics))
    };
    // Each error has its line already; the summary says how many.
    let summary = failure.map(|failure| match failure {
        Failure::Configuration { path, errors, .. } => Failure::Invalid { path, errors },
        other => other,
    });
    answer.but(summary)
}

fn as_text(path: &str, diagnostics: &[Diagnostic]) -> String {
    let mut text: String = diagnostics
        .iter()
        .map(|found| format!("{found}\n"))
        .collect();
    if !diagnostics.iter().any(Diagnostic::is_error) {
        let plural = if diagnostics.len() == 1 { "" } else { "s" };
        text.push_str(&format!(
            "{path}: ok, {} warning{plural}\n",
            diagnostics.len()
        ));
    }
    text
}

fn as_json(path: &str, diagnostics: &[Diagnostic]) -> Value {
    let errors = diagnostics.iter().filter(|found| found.is_error()).count();
    json!({
        "ok": errors == 0,
        "file": path,
        "errors": errors,
        "warnings": diagnostics.len() - errors,
        "diagnostics": diagnostics.iter().map(Diagnostic::to_json).collect::<Vec<_>>(),
    })
}
