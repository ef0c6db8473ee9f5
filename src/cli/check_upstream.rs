//! `check-upstream`: a real MCP round trip to each upstream.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::cli::answer::Answer;
use crate::cli::args::{CheckUpstreamArgs, Global};
use crate::cli::failure::Failure;
use crate::cli::{load, run};
use crate::config::compile;
use crate::control::round_trip::{Failed, Found, round_trip};
use crate::engine::snapshot::{Server, Snapshot, UpstreamAddress};

/// One upstream and what became of it.
struct Checked<'a> {
    server: &'a Server,
    outcome: Result<Found, Failed>,
}

/// Checks every upstream, or the one that was named, one after another.
pub(super) fn run(global: &Global, args: &CheckUpstreamArgs) -> Result<Answer, Failure> {
    let (loaded, materials) = load::sound_with_certificates(global)?;
    let (config, tls) = (loaded.config, materials.upstreams());
    let snapshot =
        compile(&config, config.server.port, 0).map_err(|findings| Failure::KeyRefused {
            reason: findings
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        })?;
    let servers = chosen(&snapshot, args.server.as_deref())?;
    let cause = |error: std::io::Error| Failure::Runtime {
        cause: error.to_string(),
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(cause)?;
    let patience = Duration::from_secs(args.timeout);
    if servers.iter().any(|server| is_child(server)) {
        // What a child writes to standard error is half of the answer where it does not start.
        let _ = run::log(global);
    }
    let check = |server: &'_ Server| {
        let tls = tls.get(server.index().as_usize()).and_then(Option::as_ref);
        runtime.block_on(round_trip(server, tls, patience))
    };
    let checked: Vec<_> = servers
        .into_iter()
        .map(|server| Checked {
            server,
            outcome: check(server),
        })
        .collect();
    runtime.shutdown_background();
    Ok(answer(&checked, args.json))
}

fn is_child(server: &Server) -> bool {
    matches!(server.upstream.address, UpstreamAddress::Child(_))
}

fn chosen<'s>(snapshot: &'s Snapshot, name: Option<&str>) -> Result<Vec<&'s Server>, Failure> {
    let Some(name) = name else {
        return Ok(snapshot.servers().iter().collect());
    };
    let known = || {
        snapshot
            .servers()
            .iter()
            .map(|server| &*server.name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let server = snapshot.server_named(name);
    let server = server.ok_or_else(|| Failure::NoServer {
        name: name.to_owned(),
        known: known(),
    })?;
    Ok(vec![server])
}

fn answer(checked: &[Checked<'_>], as_json: bool) -> Answer {
    let failed: Vec<&str> = checked
        .iter()
        .filter(|one| one.outcome.is_err())
        .map(|one| &*one.server.name)
        .collect();
    let failure = (!failed.is_empty()).then(|| Failure::Upstreams {
        failed: failed.join(", "),
        all: checked.len(),
    });
    let answer = if as_json {
        let servers: Vec<Value> = checked.iter().map(to_json).collect();
        Answer::json(&json!({ "ok": failure.is_none(), "servers": servers }))
    } else {
        Answer::text(checked.iter().map(to_line).collect::<String>())
    };
    answer.but(failure)
}

fn to_line(checked: &Checked<'_>) -> String {
    let name = &checked.server.name;
    match &checked.outcome {
        Ok(Found {
            server,
            revisions,
            tools,
            latency,
        }) => {
            let (revisions, ms) = (revisions.join(", "), latency.as_secs_f64() * 1e3);
            format!("{name}: ok: {server}, revisions {revisions}, {tools} tools, {ms:.1} ms\n")
        }
        Err(failed) => format!("{name}: failed: {failed}\n"),
    }
}

fn to_json(checked: &Checked<'_>) -> Value {
    let name = &*checked.server.name;
    match &checked.outcome {
        Ok(Found {
            server,
            revisions,
            tools,
            latency,
        }) => json!({
            "name": name, "ok": true, "server": server, "revisions": revisions, "tools": tools,
            "latency_ms": latency.as_secs_f64() * 1e3,
        }),
        Err(failed) => json!({ "name": name, "ok": false, "error": failed.to_string() }),
    }
}
