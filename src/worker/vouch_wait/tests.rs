//! Requests with opaque tokens, with a test in the place of control that asks their issuer.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, mpsc};

use super::*;
use crate::engine::identity::jwt::ScopeMap;
use crate::engine::identity::opaque::{OpaqueTokens, UserAccess, UserRules, Vouched};
use crate::engine::identity::{Authenticator, AuthenticatorParts};
use crate::engine::quota::Quota;
use crate::mailbox::{Ask, Live};
use crate::worker::testing::{Bench, answering, exchange, receive, until};

type Question = Ask<VouchRequest, Verdict>;

/// Long after any test.
const FUTURE_SECS: u64 = 32_503_680_000;

/// A gateway that takes opaque tokens of `github`, and nothing else.
fn bench() -> Bench {
    bench_that_counts(None)
}

/// The same, where failures of an address count within `failures`.
fn bench_that_counts(failures: Option<Quota>) -> Bench {
    let mut parts = Bench::parts();
    parts.quotas.unauthenticated = failures;
    parts.identity = Authenticator::new(AuthenticatorParts {
        opaque: Some(OpaqueTokens {
            realm: "github".into(),
            client_id: "own".into(),
            audiences: Vec::new(),
            base: None,
            scopes: Arc::<ScopeMap>::default(),
            users: Arc::new(UserRules {
                rules: Vec::new(),
                default: UserAccess {
                    grants: Arc::default(),
                    quota: None,
                    scopes: None,
                },
            }),
        }),
        ..AuthenticatorParts::default()
    });
    Bench::start(parts)
}

fn good() -> Verdict {
    Verdict::Active(Arc::new(Vouched {
        user: "7".into(),
        scopes: Vec::new(),
        audiences: Vec::new(),
        client_id: Some("own".into()),
        expires_at_secs: None,
        ask_again_at_secs: FUTURE_SECS,
    }))
}

fn routes(token: &str, address: usize) -> String {
    format!(
        "GET /routes HTTP/1.1\r\nHost: gw.example\r\nX-Forwarded-For: 192.0.2.{address}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
}

/// Gives every question the verdict that its token names; counts them.
fn judging(bench: &Bench) -> Arc<AtomicUsize> {
    let asked = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&asked);
    answering(&bench.shared.vouching, move |ask: Question| {
        counter.fetch_add(1, Relaxed);
        let token = &**ask.question.token;
        let digest = ProofCache::digest(Provider::OAuth, token.as_bytes());
        assert_eq!(ask.question.digest, digest);
        match token {
            "good" => ask.reply.with(good()),
            "bad" => ask.reply.with(Verdict::Inactive),
            "away" => ask.reply.with(Verdict::Unavailable),
            _ => drop(ask.reply),
        }
    });
    asked
}

#[test]
fn an_issuer_is_asked_once_for_a_good_token_and_each_time_for_others() {
    let bench = bench();
    let asked = judging(&bench);
    let mut stream = bench.connect();
    let rows = [
        ("good", 200, 1),
        ("good", 200, 1),
        ("bad", 401, 2),
        ("bad", 401, 3),
        ("away", 503, 4),
        ("lost", 503, 5),
        ("good", 200, 5),
    ];
    for (token, status, questions) in rows {
        let answer = exchange(&mut stream, &routes(token, 7));
        assert_eq!(answer.status, status, "{token}");
        assert_eq!(asked.load(Relaxed), questions, "{token}");
        assert_eq!(
            answer.head.contains("retry-after"),
            status == 503,
            "{token}"
        );
    }
    let records = bench.records(4);
    assert!(!records.contains("\"bad\"") && records.contains("opaque_inactive"));
}

#[test]
fn keys_signed_tokens_and_own_secrets_are_shown_to_nobody() {
    let bench = bench();
    let asked = judging(&bench);
    for (host, token) in ["mcp_key", "MCP_key", "a.b.c", "mcpg_refresh_x", "a b", ""]
        .into_iter()
        .enumerate()
    {
        let answer = bench.exchange(&routes(token, host));
        assert_eq!(answer.status, 401, "{token}");
    }
    assert_eq!(asked.load(Relaxed), 0);
}

#[test]
fn an_address_that_fails_too_often_makes_nobody_ask() {
    let bench = bench_that_counts(Some(Quota::new(0.01, 2).unwrap()));
    let asked = judging(&bench);
    let statuses: Vec<_> = (0..4)
        .map(|_| bench.exchange(&routes("bad", 7)).status)
        .collect();
    assert_eq!(statuses, [401, 401, 429, 429]);
    assert!(
        asked.load(Relaxed) <= 3,
        "the third may be the one that exhausts it"
    );
    assert_eq!(bench.exchange(&routes("good", 8)).status, 200);
    assert_eq!(
        bench.exchange(&routes("good", 7)).status,
        200,
        "it is known by now"
    );
}

#[test]
fn places_are_shared_by_address_and_given_back() {
    let bench = bench();
    let (sender, questions) = mpsc::channel();
    answering(&bench.shared.vouching, move |ask: Question| {
        drop(sender.send(ask))
    });
    let mut waiting: Vec<_> = (0..VOUCH_WAITERS_PER_ADDRESS_MAX)
        .map(|_| (bench.send(&routes("good", 7)), questions.recv().unwrap()))
        .collect();
    let one_more = receive(&mut bench.send(&routes("good", 7)), false);
    assert_eq!(one_more.status, 503);
    let other = bench.send(&routes("good", 8));
    questions.recv().unwrap().reply.with(good());
    assert_eq!(receive(&mut { other }, false).status, 200);
    // The token is known now; another still waits, and gets its place when somebody leaves.
    let (stream, left) = waiting.pop().unwrap();
    drop(stream);
    until("control sees that nobody waits", || {
        left.reply.is_abandoned()
    });
    let mut stream = bench.send(&routes("another", 7));
    questions.recv().unwrap().reply.with(good());
    assert_eq!(receive(&mut stream, false).status, 200);
}

#[test]
fn a_proof_under_a_configuration_of_before_is_for_one_request() {
    let bench = bench();
    let (sender, questions) = mpsc::channel();
    answering(&bench.shared.vouching, move |ask: Question| {
        drop(sender.send(ask));
    });
    let mut first = bench.send(&routes("good", 7));
    let ask = questions.recv().unwrap();
    bench.shared.update(|live| Live {
        keys_version: live.keys_version + 1,
        ..live.clone()
    });
    ask.reply.with(good());
    assert_eq!(receive(&mut first, false).status, 200);
    let mut second = bench.send(&routes("good", 7));
    questions.recv().unwrap().reply.with(good());
    assert_eq!(receive(&mut second, false).status, 200);
    assert_eq!(bench.exchange(&routes("good", 7)).status, 200, "kept now");
}
