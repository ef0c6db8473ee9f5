//! Who is let in, and what happens to the credential.

use crate::harness::client::{bearer, call, post};
use crate::harness::gateway::{ADMIN, READER, Setup};
use crate::harness::upstream::{Upstream, plain_server};

#[test]
fn nobody_passes_without_exactly_one_good_credential() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let twice = format!("{}{}", bearer(READER), bearer(READER));
    for (fields, status) in [
        (String::new(), 401),
        (bearer("mcp_wrong"), 401),
        (bearer("sk-other"), 401),
        (bearer(&READER[..READER.len() - 1]), 401),
        (bearer(&format!("{READER} extra")), 401),
        ("Authorization: Basic cmVhZGVyOng=\r\n".to_owned(), 401),
        (format!("X-Api-Key: {READER}\r\n"), 401),
        (format!("Cookie: token={READER}\r\n"), 401),
        (twice, 400),
    ] {
        let answer = gateway
            .client()
            .exchange(post("/mcp", &fields, &call(7, "read_a")));
        assert_eq!(answer.status, status, "{fields}: {answer:?}");
        if status == 401 {
            assert!(
                answer
                    .header("www-authenticate")
                    .unwrap()
                    .starts_with("Bearer"),
                "{answer:?}"
            );
            assert_eq!(answer.code(), 40101);
        }
        assert!(!answer.text().contains(READER));
    }
    let answer = gateway.client().exchange(post(
        &format!("/mcp?access_token={READER}"),
        "",
        &call(7, "read_a"),
    ));
    assert_eq!(answer.status, 401);
    assert_eq!(upstream.count(), 0, "nothing may reach the upstream");
}

#[test]
fn a_challenge_names_an_error_only_when_a_token_was_sent() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let challenge = |fields: &str| {
        let answer = gateway
            .client()
            .exchange(post("/mcp", fields, &call(1, "read_a")));
        answer.header("www-authenticate").unwrap().to_owned()
    };
    assert!(!challenge("").contains("error="));
    assert!(challenge(&bearer("mcp_wrong")).contains("error=\"invalid_token\""));
}

#[test]
fn credentials_stay_on_their_side() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup {
        config: format!(
            "[upstream]\ntransport = \"http\"\nurl = \"{}\"\nbearer_token = \"upstream-secret\"\n[upstream.headers]\nX-Tenant = \"t1\"\n",
            upstream.url()
        ),
        ..Setup::in_front_of("")
    }
    .start();
    let fields = format!(
        "{}Cookie: a=b\r\nProxy-Authorization: Basic eA==\r\nX-Forwarded-For: 1.2.3.4\r\nX-Client-Cert-CN: root\r\nX_Tenant: evil\r\nX-Tenant: evil\r\nBaggage: k=v\r\nForwarded: for=1.2.3.4\r\nAccept-Encoding: gzip\r\nUser-Agent: test/1\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
        bearer(READER)
    );
    let answer = gateway
        .client()
        .exchange(post("/mcp", &fields, &call(1, "read_a")));
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = &upstream.requests()[0];
    assert_eq!(seen.header("authorization"), Some("Bearer upstream-secret"));
    assert_eq!(seen.header("x-tenant"), Some("t1"));
    assert_eq!(seen.header("user-agent"), Some("test/1"));
    assert!(
        seen.header("traceparent")
            .unwrap()
            .starts_with("00-4bf92f3577b34da6")
    );
    assert_eq!(
        seen.header("accept"),
        Some("application/json, text/event-stream")
    );
    let head = seen.head.to_ascii_lowercase();
    for hidden in [
        READER,
        "cookie",
        "proxy-auth",
        "forwarded",
        "x-client-cert",
        "x_tenant",
        "evil",
        "baggage",
        "accept-encoding",
    ] {
        assert!(
            !head.contains(&hidden.to_ascii_lowercase()),
            "{hidden} reached the upstream: {head}"
        );
    }
    assert!(!answer.head.contains("upstream-secret"));
    let record = gateway.record("a record of the call", |record| {
        record["event_type"] == "tool_call"
    });
    assert_eq!(record["identity_id"], "key:reader");
    for secret in [READER, "upstream-secret"] {
        assert!(!record.to_string().contains(secret));
    }
}

#[test]
fn failed_attempts_of_one_address_are_limited_and_good_keys_still_pass() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).rate_limit("enabled = true\nrequests_per_second = 100000\nburst_size = 100000\nunauthenticated_per_ip = 1").start();
    let mut statuses = Vec::new();
    for _ in 0..60 {
        statuses.push(
            gateway
                .client()
                .exchange(post("/mcp", &bearer("mcp_guess"), &call(1, "read_a")))
                .status,
        );
    }
    assert_eq!(statuses[0], 401);
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(gateway.post(ADMIN, &call(1, "read_a")).status, 200);
    assert_eq!(upstream.count(), 1);
}

#[test]
fn anonymous_callers_get_what_is_granted_and_bad_keys_never_fall_back() {
    let upstream = Upstream::start(plain_server);
    let mut setup = Setup::in_front_of(&upstream.url());
    setup
        .config
        .push_str("\n[auth.anonymous]\nallowed_tools = [\"read_a\"]\n");
    let gateway = setup.start();
    let anonymous = |tool: &str, fields: &str| {
        gateway
            .client()
            .exchange(post("/mcp", fields, &call(1, tool)))
    };
    assert_eq!(
        anonymous("read_a", "").json()["result"]["content"][0]["text"],
        "called read_a"
    );
    assert_eq!(anonymous("read_b", "").code(), 40302);
    assert_eq!(anonymous("read_a", &bearer("mcp_wrong")).status, 401);
}
