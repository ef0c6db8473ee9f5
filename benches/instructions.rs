//! Instructions of each stage of the engine, counted by callgrind: the same on every run, so that one more is seen.
//!
//! `cargo bench --no-default-features --bench instructions`, with valgrind and `gungraun-runner` of gungraun's own version.

#![allow(
    missing_docs,
    unused_qualifications,
    reason = "gungraun's macros make public items and spell paths out"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "fixed inputs")]

mod work;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use mcp_guard::engine::identity::jwt::Algorithm;
use mcp_guard::engine::mcp::message::Body;
use mcp_guard::engine::mcp::scan::{ScanLimits, scan as scan_body};

use work::{Gate, TakesAll, TokenGate};

/// A gateway that has served one request, so that tables and buffers have their size.
fn warm(keys: usize) -> Gate {
    let mut gate = Gate::new(keys);
    gate.whole_request();
    gate
}

fn list(tools: usize) -> (Gate, Vec<u8>, Vec<u8>) {
    let list = work::list(tools);
    let out = Vec::with_capacity(list.len());
    (warm(1), list, out)
}

#[library_benchmark]
#[bench::ten_fields(warm(1))]
fn head_parse(mut gate: Gate) -> Gate {
    black_box(gate.parse_head());
    gate
}

#[library_benchmark]
#[bench::ten_fields(warm(1))]
fn head_digest(gate: Gate) -> Gate {
    black_box(gate.digest());
    gate
}

#[library_benchmark]
#[bench::small(work::call(64))]
#[bench::large(work::call(65_536))]
fn scan(body: Vec<u8>) -> (Vec<u8>, Body) {
    let scanned = scan_body(black_box(&body), &ScanLimits::default()).expect("fixed body");
    (body, scanned)
}

#[library_benchmark]
#[bench::keys_1(warm(1))]
#[bench::keys_10000(warm(10_000))]
fn authenticate(gate: Gate) -> Gate {
    black_box(gate.authenticate());
    gate
}

fn token_gate() -> TokenGate {
    TokenGate::new(Algorithm::Rs256, &TakesAll)
}

#[library_benchmark]
#[bench::rs256(token_gate())]
fn token_hit(gate: TokenGate) -> TokenGate {
    black_box(gate.hit());
    gate
}

// Without the signature, which is the library's.
#[library_benchmark]
#[bench::rs256(token_gate())]
fn token_miss(gate: TokenGate) -> TokenGate {
    black_box(gate.miss());
    gate
}

#[library_benchmark]
#[bench::call(warm(1))]
fn agree(gate: Gate) -> Gate {
    black_box(gate.agree());
    gate
}

#[library_benchmark]
#[bench::call(warm(1))]
fn decide(gate: Gate) -> Gate {
    let _ = black_box(gate.decide());
    gate
}

#[library_benchmark]
#[bench::call(warm(1))]
fn quota(mut gate: Gate) -> Gate {
    gate.charge();
    gate
}

#[library_benchmark]
#[bench::tools_10(list(10))]
#[bench::tools_500(list(500))]
fn filter((gate, list, mut out): (Gate, Vec<u8>, Vec<u8>)) -> (Gate, Vec<u8>, Vec<u8>) {
    black_box(gate.filter(black_box(&list), &mut out));
    (gate, list, out)
}

#[library_benchmark]
#[bench::call(warm(1))]
fn audit_encode(mut gate: Gate) -> Gate {
    black_box(gate.encode_record());
    gate
}

#[library_benchmark]
#[bench::call(warm(1))]
fn whole_request(mut gate: Gate) -> Gate {
    black_box(gate.whole_request());
    gate
}

library_benchmark_group!(
    name = engine,
    benchmarks = [
        head_parse,
        head_digest,
        scan,
        authenticate,
        token_hit,
        token_miss,
        agree,
        decide,
        quota,
        filter,
        audit_encode,
        whole_request
    ]
);

main!(library_benchmark_groups = engine);
