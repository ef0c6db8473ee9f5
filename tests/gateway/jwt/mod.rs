//! Tokens that issuers sign, as clients and issuers meet the gateway.

mod attacks;
mod keys;
mod outages;
mod scopes;

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

use crate::harness::client::{Answer, bearer, call, post};
use crate::harness::gateway::{Gateway, READER, Setup};
use crate::harness::issuer::{AUDIENCE, Issuer, Key, now_secs, signed};
use crate::harness::upstream::{Upstream, plain_server};

/// A shared secret of 32 bytes.
const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Keys of an issuer whose scopes allow reading, writing and nothing.
const SCOPES: &str =
    "scope_tool_mapping = { \"tools:read\" = [\"read_*\"], \"tools:write\" = [\"delete_*\"] }";

/// Reader, admin and what `issuers` says, in front of `upstream`.
fn setup(upstream: &Upstream, issuers: &str) -> Setup {
    let mut setup = Setup::in_front_of(&upstream.url());
    setup.config.push_str(issuers);
    setup
}

/// `mode = "simple"` with [`SECRET`].
fn simple(issuer: &str, keys: &str) -> String {
    format!(
        "\n[[auth.jwt]]\nmode = \"simple\"\nsecret = \"{SECRET}\"\nissuer = \"{issuer}\"\naudience = \"{AUDIENCE}\"\n{keys}\n"
    )
}

/// A token signed with `secret`.
fn hmac(algorithm: Algorithm, secret: &str, issuer: &str, user: &str) -> String {
    let header = json!({"alg": format!("{algorithm:?}"), "typ": "JWT"});
    let claims = json!({
        "iss": issuer, "aud": [AUDIENCE, "https://other.test"], "sub": user,
        "exp": now_secs() + 300, "scope": "tools:read",
    });
    let key = EncodingKey::from_secret(secret.as_bytes());
    signed(&header.to_string(), &claims.to_string(), &key, algorithm)
}

/// The tool is called with `token`, on a connection of its own.
fn call_with(gateway: &Gateway, token: &str, tool: &str) -> Answer {
    gateway.post(token, &call(7, tool))
}

#[track_caller]
fn assert_called(answer: &Answer, tool: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.json()["result"]["content"][0]["text"],
        format!("called {tool}"),
        "{answer:?}"
    );
}

#[test]
fn a_shared_secret_lets_in_what_is_signed_with_it_alone() {
    let upstream = Upstream::start(plain_server);
    let gateway = setup(&upstream, &simple("https://issuer.test", SCOPES)).start();
    let issuer = "https://issuer.test";
    let good = hmac(Algorithm::HS256, SECRET, issuer, "alice");
    assert_called(&call_with(&gateway, &good, "read_a"), "read_a");
    let other_secret = SECRET.replace('0', "1");
    for bad in [
        hmac(Algorithm::HS256, &other_secret, issuer, "alice"),
        hmac(Algorithm::HS256, SECRET, "https://other.test", "alice"),
        // Signed with the secret, by an algorithm that is not taken.
        hmac(Algorithm::HS384, SECRET, issuer, "alice"),
        hmac(Algorithm::HS512, SECRET, issuer, "alice"),
    ] {
        assert_eq!(call_with(&gateway, &bad, "read_a").status, 401, "{bad}");
    }
    assert_eq!(upstream.count(), 1);
    assert_called(&gateway.post(READER, &call(1, "read_a")), "read_a");
    let record = gateway.record("a record of the call", |record| {
        record["event_type"] == "tool_call" && record["auth_provider"] == "jwt"
    });
    assert_eq!(record["identity_id"], "jwt:https://issuer.test alice");
    assert!(!record.to_string().contains(&good));
}

#[test]
fn every_kind_of_key_is_taken() {
    let upstream = Upstream::start(plain_server);
    for algorithm in [
        Algorithm::RS256,
        Algorithm::PS512,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ] {
        let issuer = Issuer::start_with("https://issuer.test", Key::new("k", algorithm));
        let keys = format!("algorithms = [\"{algorithm:?}\"]\n{SCOPES}");
        let gateway = setup(&upstream, &issuer.section(&keys)).start();
        let token = issuer.token("alice", "tools:read");
        assert_called(&call_with(&gateway, &token, "read_a"), "read_a");
        assert_called(&call_with(&gateway, &token, "read_b"), "read_b");
        assert_eq!(issuer.fetches(), 1, "once at the start");
    }
}

#[test]
fn issuers_stand_side_by_side_and_sign_for_themselves_alone() {
    let upstream = Upstream::start(plain_server);
    let (one, two) = (
        Issuer::start("https://one.test"),
        Issuer::start("https://two.test"),
    );
    let sections = one.section(SCOPES)
        + &two.section("allowed_tools = [\"delete_all\"]")
        + &simple("https://three.test", SCOPES);
    let gateway = setup(&upstream, &sections).start();
    let first = one.token("alice", "tools:read");
    assert_called(&call_with(&gateway, &first, "read_a"), "read_a");
    let second = two.token("alice", "tools:read");
    assert_called(&call_with(&gateway, &second, "delete_all"), "delete_all");
    assert_eq!(
        call_with(&gateway, &second, "read_a").code(),
        40302,
        "scopes mean what their own issuer's section says"
    );
    let third = hmac(Algorithm::HS256, SECRET, "https://three.test", "alice");
    assert_called(&call_with(&gateway, &third, "read_a"), "read_a");
    let before = upstream.count();
    // Each claims to be of the other: same algorithm, same kid, another's key.
    for (signer, named) in [(&one, &two), (&two, &one)] {
        let forged = signer.key().sign(&named.claims("alice", "tools:read"));
        assert_eq!(call_with(&gateway, &forged, "read_a").status, 401);
    }
    assert_eq!(upstream.count(), before);
    let identities: std::collections::BTreeSet<String> = ["one", "two", "three"]
        .map(|issuer| format!("jwt:https://{issuer}.test alice"))
        .into();
    for identity in identities {
        gateway.record(&identity, |record| record["identity_id"] == *identity);
    }
}

#[test]
fn one_name_of_two_issuers_and_a_key_are_three_identities() {
    let upstream = Upstream::start(plain_server);
    let (one, two) = (
        Issuer::start("https://one.test"),
        Issuer::start("https://two.test"),
    );
    let sections = one.section(SCOPES) + &two.section(SCOPES);
    let gateway = setup(&upstream, &sections)
        .rate_limit("requests_per_second = 0.01\nburst_size = 2")
        .start();
    for credential in [
        one.token("reader", "tools:read"),
        two.token("reader", "tools:read"),
        READER.to_owned(),
    ] {
        let statuses = [0; 3].map(|_| call_with(&gateway, &credential, "read_a").status);
        assert_eq!(statuses, [200, 200, 429], "{credential}");
    }
    // Another token of the same user is in the same quota.
    let again = one.token_with(json!({"sub": "reader", "jti": "2"}));
    assert_eq!(call_with(&gateway, &again, "read_a").status, 429);
}

#[test]
fn a_session_is_of_one_issuers_user() {
    let upstream = Upstream::start(|request| match request.body.contains("initialize\"") {
        true => crate::harness::upstream::answer(
            200,
            "Content-Type: application/json\r\nMcp-Session-Id: upstream-1\r\n",
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ),
        false => plain_server(request),
    });
    let (one, two) = (
        Issuer::start("https://one.test"),
        Issuer::start("https://two.test"),
    );
    let sections = one.section(SCOPES) + &two.section(SCOPES);
    let gateway = setup(&upstream, &sections).start();
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let opened = gateway.post(&one.token("reader", "tools:read"), initialize);
    let session = opened.header("mcp-session-id").unwrap().to_owned();
    let status = |token: &str| {
        let fields = format!("{}Mcp-Session-Id: {session}\r\n", bearer(token));
        gateway
            .client()
            .exchange(post("/mcp", &fields, &call(2, "read_a")))
            .status
    };
    assert_eq!(status(&one.token("reader", "tools:read")), 200);
    for other in [
        one.token("writer", "tools:read"),
        two.token("reader", "tools:read"),
        READER.to_owned(),
    ] {
        assert_eq!(status(&other), 404, "{other}");
    }
}

#[test]
fn a_token_ends_with_its_time_on_a_connection_that_stays() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let token = issuer.token_with(json!({"exp": now_secs() + 3}));
    let request = post("/mcp", &bearer(&token), &call(1, "read_a"));
    let mut client = gateway.client();
    assert_eq!(client.exchange(&request).status, 200);
    crate::harness::eventually("the token ends", || {
        (client.exchange(&request).status == 401).then_some(())
    });
    let fresh = post(
        "/mcp",
        &bearer(&issuer.token("a", "tools:read")),
        &call(1, "read_a"),
    );
    assert_eq!(client.exchange(fresh).status, 200, "the connection stays");
    assert_eq!(
        gateway.metric("mcp_guard_auth_total{provider=\"jwt\",result=\"token_expired\"}"),
        1.0
    );
}

#[test]
fn users_of_an_issuer_have_the_quota_of_its_section_each() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let keys = format!("rate_limit = 0.01\nburst_size = 3\n{SCOPES}");
    let gateway = setup(&upstream, &issuer.section(&keys))
        .rate_limit("requests_per_second = 0.01\nburst_size = 1")
        .start();
    for user in ["alice", "bob"] {
        let statuses = [0; 4].map(|_| {
            let token = issuer.token(user, "tools:read");
            call_with(&gateway, &token, "read_a").status
        });
        assert_eq!(statuses, [200, 200, 200, 429], "{user}");
    }
    let statuses = [0; 2].map(|_| call_with(&gateway, READER, "read_a").status);
    assert_eq!(statuses, [200, 429], "the default is for others");
}
