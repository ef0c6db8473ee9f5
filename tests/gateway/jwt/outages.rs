//! Issuers that do not answer, or not as they should.

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{SCOPES, assert_called, call_with, setup};
use crate::harness::client::{bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{Gateway, READER};
use crate::harness::issuer::{Issuer, Key, Publishing, now_secs};
use crate::harness::upstream::{Step, Upstream, chunk, plain_server, sse_head};

/// `GET /ready` on the admin listener.
fn readiness(gateway: &Gateway) -> (u16, String) {
    let answer = gateway.admin_get("/ready");
    (answer.status, answer.text())
}

#[test]
fn the_last_good_set_serves_through_an_outage() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let old = issuer.token("alice", "tools:read");
    issuer.publish(Publishing::Other(500, "no".to_owned()));
    issuer.add(Key::new("second", Algorithm::ES256));
    // The key cannot be fetched now: its tokens are refused, and those of the first are not.
    let new = issuer.token("alice", "tools:read");
    let refused = call_with(&gateway, &new, "read_a");
    assert_eq!(refused.status, 401, "{refused:?}");
    assert!(issuer.fetches() >= 2);
    assert_called(&call_with(&gateway, &old, "read_a"), "read_a");
    assert_eq!(readiness(&gateway).0, 200);
    let failed = gateway.admin_get("/metrics").text();
    assert!(
        failed
            .lines()
            .any(|line| line.starts_with("mcp_guard_jwks_fetches_total{")
                && !line.contains("\"ok\"")
                && !line.ends_with(" 0")),
        "{failed}"
    );
    issuer.publish(Publishing::Keys);
    eventually("the new key is known", || {
        (call_with(&gateway, &new, "read_a").status == 200).then_some(())
    });
}

#[test]
fn without_keys_the_gateway_is_not_ready_and_recovers_by_itself() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    issuer.publish(Publishing::Other(503, String::new()));
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let token = issuer.token("alice", "tools:read");
    let answer = call_with(&gateway, &token, "read_a");
    assert_eq!((answer.status, answer.code()), (503, -32603), "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    // Right after its start it may say that it is starting.
    eventually("the reason is that keys are missing", || {
        let (status, reason) = readiness(&gateway);
        assert_eq!(status, 503, "{reason}");
        reason.contains("keys_missing").then_some(())
    });
    // Other credentials do not wait for it.
    assert_called(&gateway.post(READER, &call(1, "read_a")), "read_a");
    issuer.publish(Publishing::Keys);
    eventually("it is ready", || {
        (readiness(&gateway).0 == 200).then_some(())
    });
    assert_called(&call_with(&gateway, &token, "read_a"), "read_a");
}

#[test]
fn an_issuer_that_says_nothing_delays_nobody_else() {
    let upstream = Upstream::start(plain_server);
    let (silent, good) = (
        Issuer::start("https://silent.test"),
        Issuer::start("https://good.test"),
    );
    silent.publish(Publishing::Nothing);
    let sections = silent.section(SCOPES) + &good.section(SCOPES);
    let gateway = setup(&upstream, &sections).start();
    let token = good.token("alice", "tools:read");
    assert_called(&call_with(&gateway, &token, "read_a"), "read_a");
    assert_called(&gateway.post(READER, &call(1, "read_a")), "read_a");
    let waiting = silent.token("alice", "tools:read");
    let answer = call_with(&gateway, &waiting, "read_a");
    assert_eq!(
        answer.status, 503,
        "a bounded wait, then an answer: {answer:?}"
    );
    assert_eq!(upstream.count(), 2);
}

#[test]
fn answers_that_are_no_key_set_are_not_taken() {
    let upstream = Upstream::start(plain_server);
    let elsewhere = Issuer::start("https://issuer.test");
    let huge = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(1 << 20));
    for publishing in [
        Publishing::Redirect(elsewhere.url()),
        Publishing::Other(200, "<html>".to_owned()),
        Publishing::Other(200, r#"{"keys":[]}"#.to_owned()),
        Publishing::Other(200, r#"{"keys":{}}"#.to_owned()),
        Publishing::Other(200, huge),
        Publishing::Other(204, String::new()),
        Publishing::Other(304, String::new()),
    ] {
        let issuer = Issuer::start("https://issuer.test");
        issuer.publish(publishing);
        let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
        let answer = call_with(&gateway, &issuer.token("alice", "tools:read"), "read_a");
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(readiness(&gateway).0, 503);
    }
    assert_eq!(elsewhere.fetches(), 0, "redirects are not followed");
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_stream_ends_with_the_token_that_opened_it() {
    let upstream = Upstream::start(|_| vec![sse_head(""), chunk(": open\n\n"), Step::AwaitClose]);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let get = |token: &str| {
        format!(
            "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{}\r\n",
            bearer(token)
        )
    };
    let (mut short, mut long) = (gateway.client(), gateway.client());
    let ending = issuer.token_with(json!({"exp": now_secs() + 3}));
    short.send(get(&ending)).stream_until_head_and("open");
    let lasting = issuer.token("alice", "tools:read");
    long.send(get(&lasting)).stream_until_head_and("open");
    let _ = short.rest();
    // The upstream counts what was closed a moment before what is open.
    eventually("the upstream is let go", || {
        (upstream.closed_by_gateway() == 1 && upstream.open() <= 1).then_some(())
    });
    assert_eq!(upstream.open(), 1, "the other stream lives on");
}

#[test]
fn clocks_may_differ_by_the_leeway_and_no_more() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(
        &upstream,
        &issuer.section(&format!("leeway_secs = 60\n{SCOPES}")),
    )
    .start();
    let now = now_secs();
    for (claims, status) in [
        (json!({"exp": now - 20}), 200),
        (json!({"exp": now - 61}), 401),
        (json!({"nbf": now + 40}), 200),
        (json!({"nbf": now + 120}), 401),
    ] {
        let token = issuer.token_with(claims.clone());
        assert_eq!(
            call_with(&gateway, &token, "read_a").status,
            status,
            "{claims}"
        );
    }
}

#[test]
fn access_tokens_alone_are_taken_where_that_is_asked_for() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let keys = format!("require_at_jwt = true\n{SCOPES}");
    let gateway = setup(&upstream, &issuer.section(&keys)).start();
    let claims = issuer.claims("alice", "tools:read").to_string();
    for (kind, status) in [
        (r#","typ":"at+jwt""#, 200),
        (r#","typ":"AT+JWT""#, 200),
        (r#","typ":"application/at+jwt""#, 200),
        (r#","typ":"JWT""#, 401),
        ("", 401),
    ] {
        let header = format!(r#"{{"alg":"ES256","kid":"first"{kind}}}"#);
        let token = issuer.key().sign_raw(&header, &claims);
        assert_eq!(
            call_with(&gateway, &token, "read_a").status,
            status,
            "{kind}"
        );
    }
}

#[test]
fn nobody_with_a_bad_credential_is_anonymous() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let anonymous = "[auth.anonymous]\nallowed_tools = [\"read_a\"]\n";
    let sections = issuer.section(SCOPES) + anonymous;
    let gateway = setup(&upstream, &sections).start();
    let good = issuer.token("alice", "tools:read");
    let stranger = Key::new("first", Algorithm::ES256);
    for token in [
        issuer.token_with(json!({"exp": now_secs() - 1})),
        issuer.token_with(json!({"iss": "https://other.test"})),
        stranger.sign(&issuer.claims("alice", "tools:read")),
        good[..good.len() - 4].to_owned(),
        "opaque".to_owned(),
        "mcp_wrong".to_owned(),
        "..".to_owned(),
    ] {
        assert_eq!(call_with(&gateway, &token, "read_a").status, 401, "{token}");
    }
    assert_eq!(upstream.count(), 0);
    let nobody = gateway
        .client()
        .exchange(post("/mcp", "", &call(1, "read_a")));
    assert_called(&nobody, "read_a");
}
