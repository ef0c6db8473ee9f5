//! Reloads, floods and silence at the worst moment: what was proven under other rules is worth nothing, and who has no part in it
//! notices nothing.

use std::time::{Duration, Instant};

use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::harness::client::{Answer, bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{Gateway, READER, Setup};
use crate::harness::issuer::{Issuer, Key, Publishing};
use crate::harness::upstream::{Step, Upstream, chunk, plain_server, sse_head};

const READS: &str = "scope_tool_mapping = { \"tools:read\" = [\"read_*\"] }";

fn behind(upstream: &Upstream, issuers: &str) -> Setup {
    let mut setup = Setup::in_front_of(&upstream.url());
    setup.config.push_str(issuers);
    setup
}

fn read_with(gateway: &Gateway, token: &str) -> Answer {
    gateway.post(token, &call(7, "read_a"))
}

/// Writes the configuration with `old` as `new`, and reloads.
fn change(gateway: &Gateway, old: &str, new: &str) {
    let text = std::fs::read_to_string(gateway.config_path()).unwrap();
    let changed = text.replace(old, new);
    assert_ne!(text, changed, "{old}");
    std::fs::write(gateway.config_path(), changed).unwrap();
    gateway.reload();
}

#[test]
fn what_was_proven_under_other_rules_is_worth_nothing() {
    let upstream = Upstream::start(plain_server);
    let (issuer, other) = (
        Issuer::start("https://issuer.test"),
        Issuer::start("https://issuer.test"),
    );
    let audience = "audience = \"https://gateway.test/mcp\"";
    let rows = [
        (
            audience.to_owned(),
            "audience = \"https://gateway.test\"".to_owned(),
            401,
            0,
        ),
        (
            READS.to_owned(),
            format!("denied_tools = [\"read_a\"]\n{READS}"),
            200,
            40302,
        ),
        (
            READS.to_owned(),
            READS.replace("read_*", "write_*"),
            200,
            40302,
        ),
        (
            READS.to_owned(),
            format!("require_at_jwt = true\n{READS}"),
            401,
            0,
        ),
        (
            READS.to_owned(),
            format!("algorithms = [\"RS256\"]\n{READS}"),
            401,
            0,
        ),
        (
            READS.to_owned(),
            format!("user_id_claim = \"email\"\n{READS}"),
            401,
            0,
        ),
        (
            READS.to_owned(),
            format!("scopes_claim = \"scp\"\n{READS}"),
            403,
            40301,
        ),
        // The same name of the issuer and of its key, at another place.
        (issuer.url(), other.url(), 401, 0),
        (
            "\"https://issuer.test\"".to_owned(),
            "\"https://moved.test\"".to_owned(),
            401,
            0,
        ),
    ];
    for (old, new, status, code) in rows {
        let gateway = behind(&upstream, &issuer.section(READS)).start();
        let token = issuer.token("alice", "tools:read");
        for _ in 0..8 {
            assert!(read_with(&gateway, &token).text().contains("called read_a"));
        }
        let before = upstream.count();
        change(&gateway, &old, &new);
        for _ in 0..8 {
            let answer = read_with(&gateway, &token);
            assert_eq!(answer.status, status, "{new}: {answer:?}");
            assert!(code == 0 || answer.code() == code, "{new}: {answer:?}");
        }
        assert_eq!(upstream.count(), before, "{new}");
        change(&gateway, &new, &old);
        assert!(read_with(&gateway, &token).text().contains("called read_a"));
    }
}

#[test]
fn an_issuer_that_goes_while_requests_wait_for_its_keys_leaves_nobody_waiting() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let section = issuer.section(READS);
    let gateway = behind(&upstream, &section).start();
    issuer.publish(Publishing::Nothing);
    let stranger = Key::new("unknown", Algorithm::ES256);
    let token = stranger.sign(&issuer.claims("mallory", "tools:read"));
    let mut waiting: Vec<_> = (0..20).map(|_| gateway.client()).collect();
    for client in &mut waiting {
        client.send(post("/mcp", &bearer(&token), &call(1, "read_a")));
    }
    eventually("the gateway asks", || (issuer.fetches() >= 2).then_some(()));
    let began = Instant::now();
    change(&gateway, &section, "");
    for client in &mut waiting {
        let answer = client.answer();
        assert!(matches!(answer.status, 401 | 503), "{answer:?}");
    }
    assert!(began.elapsed() < Duration::from_millis(2_900));
    assert_eq!(read_with(&gateway, &token).status, 401);
    assert_eq!(gateway.post(READER, &call(1, "read_a")).status, 200);
    // A storm of reloads that take it out and in again.
    issuer.publish(Publishing::Keys);
    for _ in 0..10 {
        let text = std::fs::read_to_string(gateway.config_path()).unwrap();
        std::fs::write(gateway.config_path(), text + &section).unwrap();
        gateway.reload();
        change(&gateway, &section, "");
    }
    let text = std::fs::read_to_string(gateway.config_path()).unwrap();
    std::fs::write(gateway.config_path(), text + &section).unwrap();
    gateway.reload();
    assert_eq!(
        read_with(&gateway, &issuer.token("alice", "tools:read")).status,
        200
    );
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_flood_of_unknown_keys_at_a_silent_issuer_holds_nobody_else_up() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = behind(&upstream, &issuer.section(READS)).start();
    let good = issuer.token("alice", "tools:read");
    assert_eq!(read_with(&gateway, &good).status, 200);
    issuer.publish(Publishing::Nothing);
    let stranger = Key::new("first", Algorithm::ES256);
    let claims = issuer.claims("mallory", "tools:read").to_string();
    let before = gateway.descriptors();
    let mut flood: Vec<_> = (0..700)
        .map(|n| {
            let header = json!({"alg": "ES256", "kid": format!("guess-{n}")}).to_string();
            let token = stranger.sign_raw(&header, &claims);
            let mut client = gateway.client();
            client.send(post("/mcp", &bearer(&token), &call(1, "read_a")));
            client
        })
        .collect();
    let began = Instant::now();
    let mut honest = gateway.client();
    for n in 0..50 {
        let answer = honest.exchange(post("/mcp", &bearer(&good), &call(n, "read_a")));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    for client in &mut flood {
        assert_eq!(client.answer().status, 401);
    }
    drop((flood, honest));
    assert!(issuer.fetches() <= 5, "{}", issuer.fetches());
    eventually("descriptors are given back", || {
        (gateway.descriptors() <= before + 4).then_some(())
    });
    assert_eq!(upstream.count(), 51);
}

#[test]
fn a_client_that_leaves_while_it_waits_leaves_nothing_behind() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = behind(&upstream, &issuer.section(READS)).start();
    issuer.publish(Publishing::Nothing);
    let stranger = Key::new("unknown", Algorithm::ES256);
    let token = stranger.sign(&issuer.claims("mallory", "tools:read"));
    let before = gateway.descriptors();
    for _ in 0..600 {
        let mut client = gateway.client();
        client.send(post("/mcp", &bearer(&token), &call(1, "read_a")));
        client.close();
    }
    eventually("descriptors are given back", || {
        (gateway.descriptors() <= before + 4).then_some(())
    });
    issuer.publish(Publishing::Keys);
    issuer.add(Key::new("second", Algorithm::ES256));
    let new = issuer.token("alice", "tools:read");
    eventually("the new key is known", || {
        (read_with(&gateway, &new).status == 200).then_some(())
    });
}

#[test]
fn a_stream_ends_when_the_key_that_let_it_in_is_withdrawn() {
    let upstream = Upstream::start(|request| match request.head.starts_with("GET") {
        true => vec![sse_head(""), chunk(": open\n\n"), Step::AwaitClose],
        false => plain_server(request),
    });
    let issuer = Issuer::start("https://issuer.test");
    let sections = issuer.section(READS) + "[server.limits]\nsse_keepalive = \"1s\"\n";
    let gateway = behind(&upstream, &sections).start();
    let get = |token: &str| {
        format!(
            "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{}\r\n",
            bearer(token)
        )
    };
    let mut stream = gateway.client();
    let old = issuer.token("alice", "tools:read");
    stream.send(get(&old)).stream_until_head_and("open");
    issuer.add(Key::new("second", Algorithm::ES256));
    let new = issuer.token("bob", "tools:read");
    let mut lasting = gateway.client();
    lasting.send(get(&new)).stream_until_head_and("open");
    assert_eq!(upstream.closed_by_gateway(), 0, "its key is still there");
    issuer.add(Key::new("third", Algorithm::ES256));
    issuer.drop_key("first");
    let newest = issuer.token("carol", "tools:read");
    assert_eq!(read_with(&gateway, &newest).status, 200);
    let _ = stream.rest();
    eventually("the upstream is let go", || {
        (upstream.closed_by_gateway() == 1).then_some(())
    });
    assert_eq!(read_with(&gateway, &old).status, 401);
    assert!(upstream.open() >= 1, "the other stream lives on");
}

#[test]
fn whoever_waits_for_a_silent_issuer_takes_no_place_from_another_s_users() {
    let upstream = Upstream::start(plain_server);
    let (silent, good) = (
        Issuer::start("https://silent.test"),
        Issuer::start("https://good.test"),
    );
    let sections = silent.section(READS) + &good.section(READS);
    let gateway = behind(&upstream, &sections).start();
    silent.publish(Publishing::Nothing);
    let stranger = Key::new("unknown", Algorithm::ES256);
    let token = stranger.sign(&silent.claims("mallory", "tools:read"));
    let mut flood: Vec<_> = (0..700)
        .map(|_| {
            let mut client = gateway.client();
            client.send(post("/mcp", &bearer(&token), &call(1, "read_a")));
            client
        })
        .collect();
    eventually("the gateway asks", || (silent.fetches() >= 2).then_some(()));
    good.add(Key::new("second", Algorithm::ES256));
    let new = good.token("alice", "tools:read");
    let answer = read_with(&gateway, &new);
    assert_eq!(answer.status, 200, "{answer:?}");
    for client in &mut flood {
        assert_eq!(client.answer().status, 401);
    }
    assert_eq!(upstream.count(), 1);
}
