//! The worker's half of a request to an endpoint of OAuth, with a test in control's place.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::mpsc;

use zeroize::Zeroizing;

use super::*;
use crate::engine::admission::Verb;
use crate::engine::limits::OAUTH_BURST;
use crate::engine::oauth::OAuthSurface;
use crate::mailbox::{Ask, Told};
use crate::worker::testing::{Bench, answering, exchange, receive, until};

type Question = Ask<OAuthRequest, OAuthReply>;

/// A gateway with every endpoint.
fn bench() -> Bench {
    let mut parts = Bench::parts();
    parts.public_url = Some("https://gw.example".into());
    parts.quotas.unauthenticated = Some(Quota::DEFAULT);
    parts.oauth = OAuthSurface {
        login: true,
        server: true,
    };
    Bench::start(parts)
}

fn reply(outcome: OAuthOutcome, fields: &[(&'static str, &str)]) -> OAuthReply {
    OAuthReply {
        status: 200,
        fields: fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect(),
        body: Zeroizing::new(b"{\"a\":1}".to_vec()),
        told: Told {
            outcome,
            identity: Some("oauth:github 7".into()),
            message: Some("client c1".into()),
        },
    }
}

/// A form that `address` posts to the endpoint at `path`.
fn form(path: &str, address: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: gw.example\r\nX-Forwarded-For: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Questions that wait for the test to answer them.
fn held(bench: &Bench) -> mpsc::Receiver<Question> {
    let (sender, questions) = mpsc::channel();
    answering(&bench.shared.oauth, move |ask| drop(sender.send(ask)));
    questions
}

#[test]
fn a_request_is_handed_over_whole_and_the_reply_comes_back() {
    let bench = bench();
    let questions = held(&bench);
    let request = "POST /oauth/consent?state=SECRETQ HTTP/1.1\r\nHost: gw.example\r\nOrigin: https://gw.example\r\nSec-Fetch-Site: same-origin\r\nCookie: a=SECRETC\r\nCookie: b=2\r\nAuthorization: Basic SECRETA\r\nX-Forwarded-For: 192.0.2.7\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nSECRETB\r\n1\r\n!\r\n0\r\n\r\n";
    let mut stream = bench.send(request);
    let Ask {
        question,
        reply: to,
    } = questions.recv().unwrap();
    let text = |value: &Option<Box<[u8]>>| String::from_utf8(value.as_ref().unwrap().to_vec());
    assert_eq!(
        (question.endpoint, question.verb),
        (OAuthEndpoint::Consent, Verb::Post)
    );
    assert_eq!(&*question.query, b"state=SECRETQ");
    assert_eq!(&**question.body, b"SECRETB!");
    assert_eq!(&**question.cookie.as_ref().unwrap(), b"a=SECRETC; b=2");
    assert_eq!(
        &**question.authorization.as_ref().unwrap(),
        b"Basic SECRETA"
    );
    assert_eq!(text(&question.origin).unwrap(), "https://gw.example");
    assert_eq!(text(&question.fetch_site).unwrap(), "same-origin");
    assert_eq!(question.client.to_string(), "192.0.2.7");
    assert!(!format!("{question:?}").contains("SECRET"));
    to.with(reply(
        OAuthOutcome::Granted,
        &[("content-type", "application/json")],
    ));
    let answer = receive(&mut stream, false);
    assert_eq!((answer.status, &*answer.body), (200, "{\"a\":1}"));
    for line in [
        "content-type: application/json",
        "x-request-id: ",
        "cache-control: no-store",
    ] {
        assert!(answer.head.contains(line), "{line} in {}", answer.head);
    }
    let record = bench.records(1);
    for part in [
        "\"event_type\":\"auth_success\"",
        "\"method\":\"oauth/consent\"",
        "\"identity_id\":\"oauth:github 7\"",
        "\"auth_provider\":\"oauth\"",
        "\"message\":\"client c1\"",
        "\"peer\":\"192.0.2.7\"",
        "\"success\":true",
    ] {
        assert!(record.contains(part), "{part} in {record}");
    }
    assert!(!record.contains("SECRET"), "{record}");
}

#[test]
fn each_outcome_has_its_event_and_the_connection_goes_on() {
    let bench = bench();
    let outcomes = [
        (OAuthOutcome::Shown, "request"),
        (OAuthOutcome::Granted, "auth_success"),
        (OAuthOutcome::Denied, "auth_failure"),
        (OAuthOutcome::Refused, "request"),
        (OAuthOutcome::Failed, "request"),
    ];
    let mut turn = outcomes.into_iter();
    answering(&bench.shared.oauth, move |ask: Question| {
        ask.reply.with(reply(turn.next().unwrap().0, &[]));
    });
    let mut stream = bench.connect();
    for (outcome, event) in outcomes {
        let answer = exchange(&mut stream, &form("/oauth/token", "192.0.2.7", "a=b"));
        assert_eq!(answer.status, 200, "{outcome:?}");
        let record = bench.records(1 + outcome as u64);
        let expected = format!("\"event_type\":\"{event}\"");
        assert!(record.contains(&expected), "{outcome:?} {record}");
    }
    // The one that was denied counts against its address.
    assert_eq!(bench.shared.peers.len(), 1);
}

#[test]
fn head_has_no_body_and_get_has_none_either() {
    let bench = bench();
    answering(&bench.shared.oauth, |ask: Question| {
        ask.reply.with(reply(
            OAuthOutcome::Shown,
            &[("cache-control", "public, max-age=60")],
        ));
    });
    let head = bench.exchange("HEAD /oauth/jwks HTTP/1.1\r\nHost: gw.example\r\n\r\n");
    assert_eq!((head.status, &*head.body), (200, ""));
    assert!(head.head.contains("content-length: 7\r\n"));
    assert!(head.head.contains("cache-control: public, max-age=60\r\n"));
    let with_body = bench
        .exchange("GET /oauth/jwks HTTP/1.1\r\nHost: gw.example\r\nContent-Length: 2\r\n\r\n{}");
    assert_eq!(with_body.status, 400);
    assert!(
        with_body.body.starts_with("{\"error\":\"invalid_request\""),
        "{with_body:?}"
    );
}

#[test]
fn a_question_without_an_answer_or_with_a_bad_one_is_a_defect_of_ours() {
    let bench = bench();
    let mut turn = 0;
    answering(&bench.shared.oauth, move |ask: Question| {
        turn += 1;
        if turn == 2 {
            ask.reply.with(reply(
                OAuthOutcome::Granted,
                &[("location", "https://a\r\nx: y")],
            ));
        }
    });
    for _ in 0..2 {
        let answer = bench.exchange(&form("/oauth/token", "192.0.2.7", "a=b"));
        assert_eq!(answer.status, 500);
        assert!(
            answer.body.starts_with("{\"error\":\"server_error\""),
            "{answer:?}"
        );
        assert!(!answer.head.contains("x: y") && !answer.head.contains("location"));
    }
    assert!(!bench.records(2).contains("auth_success"));
}

#[test]
fn what_is_too_large_never_reaches_control() {
    let bench = bench();
    let questions = held(&bench);
    let long = "a".repeat(OAUTH_BODY_BYTES_MAX + 1);
    let answer = bench.exchange(&form("/oauth/token", "192.0.2.7", &long));
    assert_eq!(answer.status, 413);
    assert!(answer.head.contains("connection: close\r\n"));
    assert!(questions.try_recv().is_err());
    let mut stream = bench.send(&form("/oauth/token", "192.0.2.7", &long[1..]));
    let ask = questions.recv().unwrap();
    assert_eq!(ask.question.body.len(), OAUTH_BODY_BYTES_MAX);
    ask.reply.with(reply(OAuthOutcome::Refused, &[]));
    assert_eq!(receive(&mut stream, false).status, 200);
}

#[test]
fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let bench = bench();
    answering(&bench.shared.oauth, |ask: Question| {
        ask.reply.with(reply(OAuthOutcome::Shown, &[]));
    });
    let mut stream = bench.connect();
    let asked =
        |address: &str, stream: &mut _| exchange(stream, &form("/oauth/token", address, "a=b"));
    let mut served = 0;
    let refused = loop {
        let answer = asked("192.0.2.7", &mut stream);
        if answer.status != 200 {
            break answer;
        }
        served += 1;
        assert!(served < 10 * OAUTH_BURST, "nothing is refused");
    };
    assert!(served >= OAUTH_BURST);
    assert_eq!(refused.status, 429);
    assert!(refused.head.contains("retry-after: 1\r\n"));
    assert!(refused.body.contains("temporarily_unavailable"));
    assert_eq!(
        asked("192.0.2.8", &mut stream).status,
        200,
        "another address is none of its business"
    );
    assert!(
        !bench
            .records(u64::from(served) + 1)
            .contains("rate_limited")
    );
}

#[test]
fn places_are_shared_by_address_and_given_back() {
    let bench = bench();
    let questions = held(&bench);
    let ask = |host: usize| bench.send(&form("/oauth/token", &format!("192.0.2.{host}"), "a=b"));
    let mut waiting = Vec::new();
    for host in 0..OAUTH_WAITERS_PER_WORKER_MAX / OAUTH_WAITERS_PER_ADDRESS_MAX {
        for _ in 0..OAUTH_WAITERS_PER_ADDRESS_MAX {
            waiting.push((ask(host), questions.recv().unwrap()));
        }
        let one_more = receive(&mut ask(host), false);
        assert_eq!(one_more.status, 503, "{host}: its share is taken");
        assert!(one_more.head.contains("retry-after: 1\r\n"));
    }
    assert_eq!(
        receive(&mut ask(99), false).status,
        503,
        "every place is taken"
    );
    // One is answered, another leaves.
    let (mut stream, answered) = waiting.pop().unwrap();
    answered.reply.with(reply(OAuthOutcome::Shown, &[]));
    assert_eq!(receive(&mut stream, false).status, 200);
    let (stream, left) = waiting.pop().unwrap();
    drop(stream);
    until("control sees that nobody waits", || {
        left.reply.is_abandoned()
    });
    let again = [ask(98), ask(99)];
    for _ in &again {
        questions.recv().unwrap();
    }
    let gone = "\"status\":0";
    assert!(bench.records(7).contains(gone), "who left is recorded");
}

#[test]
fn a_drain_ends_the_wait_when_its_grace_is_over() {
    let bench = bench();
    let questions = held(&bench);
    let mut stream = bench.send(&form("/oauth/token", "192.0.2.7", "a=b"));
    let _ask = questions.recv().unwrap();
    bench.expire();
    let answer = receive(&mut stream, false);
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("connection: close\r\n"));
}
