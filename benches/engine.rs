//! Wall-clock time of each stage of the engine, and of the JSON readers that it does without.
//!
//! `cargo bench --no-default-features --bench engine`; with the default features tokens are verified with real signatures too.
//! For changes compare instruction counts first (`--bench instructions`): they do not depend on what else the machine does.

#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "fixed inputs")]

mod work;

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mcp_guard::engine::identity::jwt::Algorithm;
use mcp_guard::engine::mcp::scan::{ScanLimits, scan};

use work::{Gate, TakesAll, TokenGate};

fn stages(criterion: &mut Criterion) {
    let mut gate = Gate::new(1);
    let mut group = criterion.benchmark_group("stage");
    group.bench_function("head_parse", |bench| bench.iter(|| gate.parse_head()));
    group.bench_function("head_digest", |bench| bench.iter(|| gate.digest()));
    group.bench_function("agree", |bench| bench.iter(|| gate.agree()));
    group.bench_function("decide", |bench| bench.iter(|| gate.decide()));
    group.bench_function("quota", |bench| bench.iter(|| gate.charge()));
    group.bench_function("audit_encode", |bench| bench.iter(|| gate.encode_record()));
    group.bench_function("whole_request", |bench| bench.iter(|| gate.whole_request()));
    group.finish();
}

fn authenticate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("authenticate");
    for keys in [1, 10_000] {
        let gate = Gate::new(keys);
        group.bench_function(BenchmarkId::new("keys", keys), |bench| {
            bench.iter(|| gate.authenticate())
        });
    }
    group.finish();
}

/// A token that was proven before; one that was not, without its signature; and, in a build with the library, with it.
fn tokens(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("token");
    let gate = TokenGate::new(Algorithm::Rs256, &TakesAll);
    group.bench_function("hit", |bench| bench.iter(|| gate.hit()));
    group.bench_function("miss/no_signature", |bench| bench.iter(|| gate.miss()));
    let Some(library) = mcp_guard::signatures::library() else {
        return;
    };
    for algorithm in [
        Algorithm::Hs256,
        Algorithm::Rs256,
        Algorithm::Es256,
        Algorithm::EdDsa,
    ] {
        let gate = TokenGate::new(algorithm, library);
        group.bench_function(BenchmarkId::new("miss", algorithm.as_str()), |bench| {
            bench.iter(|| gate.miss())
        });
    }
    group.finish();
}

fn json(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan");
    for argument_bytes in [64, 65_536] {
        let body = work::call(argument_bytes);
        let limits = ScanLimits::default();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_with_input(
            BenchmarkId::new("engine", body.len()),
            &body,
            |bench, body| bench.iter(|| scan(black_box(body), &limits)),
        );
        group.bench_with_input(
            BenchmarkId::new("serde_json_value", body.len()),
            &body,
            |bench, body| {
                bench.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(body)))
            },
        );
        group.bench_with_input(
            BenchmarkId::new("simd_json_tape", body.len()),
            &body,
            |bench, body| {
                // It writes into its input, so each run has a copy, whose making is not counted.
                bench.iter_batched_ref(
                    || body.clone(),
                    |body| simd_json::to_tape(body).map(|tape| tape.0.len()),
                    BatchSize::SmallInput,
                )
            },
        );
    }
    group.finish();
}

fn filter(criterion: &mut Criterion) {
    let gate = Gate::new(1);
    let mut group = criterion.benchmark_group("filter");
    for tools in [10, 500] {
        let (list, mut out) = (work::list(tools), Vec::new());
        group.throughput(Throughput::Bytes(list.len() as u64));
        group.bench_function(BenchmarkId::new("tools", tools), |bench| {
            bench.iter(|| gate.filter(black_box(&list), &mut out))
        });
    }
    group.finish();
}

criterion_group!(engine, stages, authenticate, tokens, json, filter);
criterion_main!(engine);
