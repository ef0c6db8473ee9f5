//! The result as a page of Markdown: goals first, then every figure.

use std::fmt::Write;

use crate::peers::{Entry, Peer};

use super::Results;
use super::goals;
use super::rounds::{CPU_US, Contender, Contested, Figure, P50_US, P99_US, PER_SECOND, RSS_BYTES};

/// Renders everything. Writing into a string cannot fail.
pub(crate) fn render(results: &Results) -> String {
    let mut page = String::from("# Comparison\n\n");
    page.push_str("Ratios are medians of ratios within a round. CPU is the proxy's own, µs for a unit of work.\n");
    append_goals(results, &mut page);
    for contested in &results.contests {
        append_contest(contested, &mut page);
    }
    append_footprints(results, &mut page);
    page
}

fn append_goals(results: &Results, page: &mut String) {
    page.push_str("\n## Goals\n\n| Measure | Unit | Must | Aim | Measured | Reached |\n|---|---|---|---|---|---|\n");
    for verdict in goals::verdicts(results) {
        let measured = cell(verdict.measured, 2);
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {measured} | {} |",
            verdict.measure, verdict.unit, verdict.must, verdict.aim, verdict.word
        );
    }
}

fn append_contest(contested: &Contested, page: &mut String) {
    let _ = write!(
        page,
        "\n## {}\n\n{}.\n\n",
        contested.scenario.name, contested.scenario.about
    );
    page.push_str(
        "| Peer | CPU µs | × nginx | × nginx-log | req/s | p50 µs | p99 µs | RSS MB | Rounds |\n",
    );
    page.push_str("|---|---|---|---|---|---|---|---|---|\n");
    for contender in &contested.contenders {
        append_contender(contested, contender, page);
    }
    for failure in contested.contenders.iter().filter_map(first_failure) {
        let _ = writeln!(page, "\n{failure}");
    }
}

fn append_contender(contested: &Contested, contender: &Contender, page: &mut String) {
    let figure = |figure: Figure, digits| cell(contender.median(figure), digits);
    let ratio = |base| cell(contested.cpu_ratio(contender.peer, base), 2);
    let rss_mb = contender.median(RSS_BYTES).map(|bytes| bytes / 1e6);
    let good = contender
        .rounds
        .iter()
        .filter(|round| round.is_ok())
        .count();
    let _ = writeln!(
        page,
        "| {} | {} | {} | {} | {} | {} | {} | {} | {good}/{} |",
        contender.peer.name(),
        figure(CPU_US, 2),
        ratio(contested.scenario.contest.baseline()),
        ratio(Peer::Nginx {
            log: true,
            entry: Entry::Key,
        }),
        figure(PER_SECOND, 0),
        figure(P50_US, 1),
        figure(P99_US, 1),
        cell(rss_mb, 1),
        contender.rounds.len(),
    );
}

fn first_failure(contender: &Contender) -> Option<String> {
    let failure = contender
        .rounds
        .iter()
        .find_map(|round| round.as_ref().err())?;
    Some(format!("{} failed: {failure}", contender.peer.name()))
}

fn append_footprints(results: &Results, page: &mut String) {
    if results.footprints.is_empty() {
        return;
    }
    page.push_str("\n## Footprint\n\n| Peer | First answer ms | RSS idle MB | RSS after load MB | KB per idle stream |\n|---|---|---|---|---|\n");
    for footprint in results
        .footprints
        .iter()
        .filter(|footprint| footprint.peer != Peer::Direct)
    {
        let megabytes = |bytes: Option<u64>| cell(bytes.map(|bytes| bytes as f64 / 1e6), 1);
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            footprint.peer.name(),
            cell(footprint.first_answer_ms, 1),
            megabytes(footprint.idle_bytes),
            megabytes(footprint.loaded_bytes),
            cell(footprint.stream_bytes.map(|bytes| bytes / 1e3), 1),
        );
    }
    for footprint in &results.footprints {
        if let Some(failure) = &footprint.failure {
            let _ = writeln!(page, "\n{} failed: {failure}", footprint.peer.name());
        }
    }
}

fn cell(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}
