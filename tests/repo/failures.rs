//! The table of failures in `docs/lifecycle.md` is what the code answers with.

use std::collections::BTreeMap;

use mcp_guard::engine::identity::ChallengeError;
use mcp_guard::engine::reply::Failure;

use crate::files;

/// One of each variant; that none is missing is a test below.
fn all() -> Vec<Failure> {
    let (detail, allow, retry_after_secs) = ("", "", 1);
    let challenge = ChallengeError::None;
    vec![
        Failure::BadHead,
        Failure::HeadTooLarge,
        Failure::HeadTimeout,
        Failure::HttpVersion,
        Failure::ForeignHost,
        Failure::ForeignOrigin,
        Failure::BadPath,
        Failure::NotFound,
        Failure::MethodNotAllowed { allow },
        Failure::UpgradeRefused,
        Failure::ExpectationFailed,
        Failure::Unauthorized { challenge },
        Failure::InsufficientScope,
        Failure::AuthRateLimited { retry_after_secs },
        Failure::Denied { kind: None },
        Failure::RateLimited { retry_after_secs },
        Failure::TooManyStreams,
        Failure::ContentType,
        Failure::FormExpected,
        Failure::ContentEncoding,
        Failure::BodyTooLarge { limit_bytes: 1 },
        Failure::BodyTimeout,
        Failure::BadBody,
        Failure::NotJson { detail },
        Failure::NotAMessage { detail },
        Failure::BatchRefused,
        Failure::HeaderMismatch { detail },
        Failure::MetaMissing { detail },
        Failure::BadParams { detail },
        Failure::UnsupportedVersion,
        Failure::UnknownLegacyVersion,
        Failure::UnknownMethod,
        Failure::SessionMissing,
        Failure::SessionUnknown,
        Failure::BadHeader { detail },
        Failure::UpstreamRefused,
        Failure::UpstreamUnreachable,
        Failure::UpstreamTimeout,
        Failure::UpstreamBadAnswer,
        Failure::UpstreamBroke,
        Failure::Overloaded,
        Failure::Draining,
        Failure::AuditFull,
        Failure::KeysUnavailable,
        Failure::Internal,
    ]
}

fn name(failure: &Failure) -> String {
    let debug = format!("{failure:?}");
    debug.split(' ').next().unwrap().to_owned()
}

/// Status, code, and whether the connection ends, as the table writes them.
type Answer = [String; 3];

fn answer(failure: &Failure) -> Answer {
    let closes = if failure.closes() { "closes" } else { "" };
    [
        failure.status().to_string(),
        failure.rpc_code().to_string(),
        closes.to_owned(),
    ]
}

fn documented() -> BTreeMap<String, Answer> {
    let text = files::text("docs/lifecycle.md");
    let (_, section) = text.split_once("## Failures").unwrap();
    let rows = section.lines().filter_map(files::cells);
    rows.filter_map(|row| match row[..] {
        [names, status, code, closes, ..] => {
            let answer = [status, &code.replace('\u{2212}', "-"), closes].map(str::to_owned);
            Some((names.to_owned(), answer))
        }
        _ => None,
    })
    .flat_map(|(names, answer)| {
        let names: Vec<_> = files::quoted(&names)
            .into_iter()
            .map(str::to_owned)
            .collect();
        names.into_iter().map(move |name| (name, answer.clone()))
    })
    .collect()
}

#[test]
fn every_failure_is_documented_as_it_is_answered() {
    let defined: BTreeMap<_, _> = all()
        .iter()
        .map(|failure| (name(failure), answer(failure)))
        .collect();
    assert_eq!(documented(), defined);
}

#[test]
fn no_failure_is_missing_here() {
    let source = files::text("src/engine/reply/failure.rs");
    let (_, body) = source.split_once("pub enum Failure {\n").unwrap();
    let variants = body
        .lines()
        .take_while(|line| *line != "}")
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .count();
    assert_eq!(all().len(), variants);
}
