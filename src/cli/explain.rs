//! `explain`: whether a call would be allowed, and by which rule. It asks the same function that decides real calls.

use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::args::{ExplainArgs, Global};
use crate::cli::failure::Failure;
use crate::cli::load;
use crate::config::compile;
use crate::engine::policy::{Action, Subject, decide};
use crate::engine::snapshot::{Server, Snapshot};

pub(super) fn run(global: &Global, args: &ExplainArgs) -> Result<Answer, Failure> {
    let config = load::sound(global)?.config;
    let snapshot =
        compile(&config, config.server.port, 0).map_err(|findings| Failure::KeyRefused {
            reason: findings
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        })?;
    let server = server(&snapshot, args.server.as_deref())?;
    let unknown = || Failure::NoIdentity {
        id: args.identity.clone(),
    };
    let principal = snapshot
        .identity
        .explain_as(&args.identity)
        .ok_or_else(unknown)?;
    let now = u64::try_from(load::now_unix_secs()).unwrap_or_default();
    let (allowed, rule) = match decide(principal, server, Action::Use(Subject::tool(&args.tool))) {
        _ if principal.is_expired(now) => (false, "key has expired"),
        Ok(permit) => (true, permit.rule().label(principal.grants())),
        Err(denial) => (false, denial.rule.label(principal.grants())),
    };
    let verdict = if allowed { "allowed" } else { "denied" };
    let answer = if args.json {
        let identity = principal.identity();
        Answer::json(
            &json!({ "allowed": allowed, "identity": identity, "server": &*server.name, "tool": args.tool, "rule": rule }),
        )
    } else {
        Answer::text(format!(
            "{verdict}: {} calls {:?} on {}: {rule}\n",
            principal.identity(),
            args.tool,
            server.name
        ))
    };
    Ok(answer.but((!allowed).then(|| Failure::Denied {
        rule: rule.to_owned(),
    })))
}

/// The server called `name`, else the one that `/mcp` leads to.
fn server<'s>(snapshot: &'s Snapshot, name: Option<&str>) -> Result<&'s Server, Failure> {
    let Some(name) = name else {
        return Ok(snapshot.server(snapshot.routes().default_server()));
    };
    snapshot.server_named(name).ok_or_else(|| {
        let known: Vec<_> = snapshot
            .servers()
            .iter()
            .map(|server| server.name.to_string())
            .collect();
        Failure::NoServer {
            name: name.to_owned(),
            known: known.join(", "),
        }
    })
}
