//! Tokens as attackers make them: none gets in, none reaches the upstream, and no answer says why.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{SCOPES, assert_called, call_with, setup};
use crate::harness::client::{bearer, call, post};
use crate::harness::gateway::Gateway;
use crate::harness::issuer::{Issuer, Key, now_secs, signed, unsigned};
use crate::harness::upstream::{Upstream, plain_server};

struct Scene {
    issuer: Issuer,
    upstream: Upstream,
    gateway: Gateway,
}

fn scene(key: Key) -> Scene {
    let (upstream, issuer) = (
        Upstream::start(plain_server),
        Issuer::start_with("https://issuer.test", key),
    );
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    Scene {
        issuer,
        upstream,
        gateway,
    }
}

impl Scene {
    fn claims(&self) -> String {
        self.issuer.claims("mallory", "tools:read").to_string()
    }

    /// Every one is answered alike, and nothing reaches the upstream; a good token still gets in.
    fn refuses(&self, tokens: impl IntoIterator<Item = (&'static str, String)>) {
        let mut seen: Option<(String, Value)> = None;
        for (what, token) in tokens {
            let answer = call_with(&self.gateway, &token, "read_a");
            assert_eq!(answer.status, 401, "{what}: {answer:?}");
            let challenge = answer.header("www-authenticate").unwrap().to_owned();
            assert!(challenge.contains("error=\"invalid_token\""), "{what}");
            let mut error = answer.json()["error"].clone();
            assert_eq!(error["code"], 40101, "{what}");
            error["data"].as_object_mut().unwrap().remove("requestId");
            let told = (challenge, error);
            assert_eq!(*seen.get_or_insert_with(|| told.clone()), told, "{what}");
        }
        assert_eq!(self.upstream.count(), 0, "nothing may reach the upstream");
        let good = self.issuer.token("alice", "tools:read");
        assert_called(&call_with(&self.gateway, &good, "read_a"), "read_a");
    }
}

#[test]
fn unsigned_tokens_and_confused_algorithms_are_refused() {
    let scene = scene(Key::new("first", Algorithm::RS256));
    let claims = scene.claims();
    let key = scene.issuer.key();
    let none = |name: &str, signature: &str| {
        let header = json!({"alg": name, "kid": "first"}).to_string();
        format!("{}.{signature}", unsigned(&header, &claims))
    };
    let hmac_with = |secret: &[u8]| {
        let header = json!({"alg": "HS256", "kid": "first", "typ": "JWT"}).to_string();
        let key = EncodingKey::from_secret(secret);
        signed(&header, &claims, &key, Algorithm::HS256)
    };
    let der: Vec<u8> = key
        .public_pem
        .lines()
        .filter(|line| !line.starts_with('-'))
        .fold(Vec::new(), |mut all, line| {
            all.extend(
                base64::engine::general_purpose::STANDARD
                    .decode(line)
                    .unwrap(),
            );
            all
        });
    let modulus = URL_SAFE_NO_PAD
        .decode(key.public["n"].as_str().unwrap())
        .unwrap();
    let named = |header: Value| key.sign_raw(&header.to_string(), &claims);
    let stranger = Key::new("first", Algorithm::ES256);
    scene.refuses([
        ("none", none("none", "")),
        ("None", none("None", "")),
        ("nOnE", none("nOnE", "")),
        ("NONE with a signature", none("NONE", "c2ln")),
        (
            "the public key in PEM as secret",
            hmac_with(key.public_pem.as_bytes()),
        ),
        (
            "without its last line end",
            hmac_with(key.public_pem.trim_end().as_bytes()),
        ),
        ("the public key in DER as secret", hmac_with(&der)),
        ("the modulus as secret", hmac_with(&modulus)),
        ("nothing as secret", hmac_with(b"")),
        ("no algorithm", named(json!({"kid": "first"}))),
        (
            "an algorithm that is no text",
            named(json!({"alg": ["RS256"], "kid": "first"})),
        ),
        ("lower case", named(json!({"alg": "rs256", "kid": "first"}))),
        (
            "an algorithm that is not taken",
            named(json!({"alg": "RS384", "kid": "first"})),
        ),
        (
            "another kind of key under the name",
            stranger.sign(&serde_json::from_str(&claims).unwrap()),
        ),
    ]);
}

#[test]
fn keys_that_a_token_brings_along_are_not_looked_at() {
    let scene = scene(Key::new("first", Algorithm::ES256));
    let claims = scene.claims();
    let own = Key::new("own", Algorithm::ES256);
    let attacker = Issuer::start_with("https://attacker.test", own.clone());
    let own = &own;
    let with = |header: Value| own.sign_raw(&header.to_string(), &claims);
    let long = "k".repeat(10 << 10);
    let kids = [
        ("a path", json!("../../../../dev/null")),
        ("an address", json!(attacker.url())),
        ("a query", json!("x' UNION SELECT 'secret'--")),
        ("a command", json!("|/usr/bin/id")),
        ("a long one", json!(long)),
        ("a zero byte", json!("first\0")),
        ("a number", json!(1)),
        ("null", Value::Null),
        ("an array", json!(["first"])),
        ("the right one, for another key", json!("first")),
    ];
    let kids = kids.map(|(what, kid)| (what, with(json!({"alg": "ES256", "kid": kid}))));
    let places = [
        ("jwk", json!({"alg": "ES256", "jwk": own.public})),
        (
            "jku",
            json!({"alg": "ES256", "kid": "own", "jku": attacker.url()}),
        ),
        (
            "x5u",
            json!({"alg": "ES256", "kid": "own", "x5u": attacker.url()}),
        ),
        ("x5c", json!({"alg": "ES256", "x5c": ["AAAA"]})),
        (
            "all beside the right kid",
            json!({"alg": "ES256", "kid": "first", "jwk": own.public, "jku": attacker.url()}),
        ),
    ];
    let places = places.map(|(what, header)| (what, with(header)));
    scene.refuses(kids.into_iter().chain(places));
    assert_eq!(
        attacker.fetches(),
        0,
        "nothing is fetched from where a token says"
    );
}

#[test]
fn headers_that_mean_something_else_are_refused() {
    let scene = scene(Key::new("first", Algorithm::ES256));
    let (claims, key) = (scene.claims(), scene.issuer.key());
    let raw = |header: &str| key.sign_raw(header, &claims);
    scene.refuses([
        (
            "crit",
            raw(r#"{"alg":"ES256","kid":"first","crit":["exp"],"exp":1}"#),
        ),
        (
            "empty crit",
            raw(r#"{"alg":"ES256","kid":"first","crit":[]}"#),
        ),
        (
            "b64",
            raw(r#"{"alg":"ES256","kid":"first","crit":["b64"],"b64":false}"#),
        ),
        (
            "another type",
            raw(r#"{"alg":"ES256","kid":"first","typ":"secevent+jwt"}"#),
        ),
        (
            "a type that is no text",
            raw(r#"{"alg":"ES256","kid":"first","typ":1}"#),
        ),
        (
            "two algorithms",
            raw(r#"{"alg":"none","alg":"ES256","kid":"first"}"#),
        ),
        (
            "two kids",
            raw(r#"{"alg":"ES256","kid":"other","kid":"first"}"#),
        ),
        (
            "look-alikes",
            raw(r#"{"alg":"ES256","Alg":"none","kid":"first"}"#),
        ),
        ("no object", raw(r#"["ES256"]"#)),
        ("no JSON", raw("alg=ES256")),
        (
            "a byte order mark",
            raw("\u{feff}{\"alg\":\"ES256\",\"kid\":\"first\"}"),
        ),
        (
            "more than one value",
            raw(r#"{"alg":"ES256","kid":"first"}{}"#),
        ),
    ]);
}

#[test]
fn claims_that_are_not_exactly_right_are_refused() {
    let scene = scene(Key::new("first", Algorithm::ES256));
    let now = now_secs();
    let issuer = &scene.issuer;
    let claims = [
        ("no issuer", json!({"iss": null})),
        ("another issuer", json!({"iss": "https://issuer.test/"})),
        ("upper case", json!({"iss": "https://ISSUER.test"})),
        ("several issuers", json!({"iss": ["https://issuer.test"]})),
        ("no audience", json!({"aud": null})),
        (
            "another audience",
            json!({"aud": "https://gateway.test/mcp/other"}),
        ),
        (
            "a part of the audience",
            json!({"aud": "https://gateway.test"}),
        ),
        ("other audiences", json!({"aud": ["a", "b"]})),
        ("no audiences", json!({"aud": []})),
        (
            "an audience inside of another array",
            json!({"aud": [["https://gateway.test/mcp"]]}),
        ),
        ("a number", json!({"aud": 1})),
        (
            "an object",
            json!({"aud": {"https://gateway.test/mcp": true}}),
        ),
        ("no end", json!({"exp": null})),
        ("over", json!({"exp": now - 1})),
        ("at the end", json!({"exp": now})),
        ("an end in text", json!({"exp": (now + 300).to_string()})),
        ("a negative end", json!({"exp": -1})),
        ("an end that is true", json!({"exp": true})),
        ("an end in an array", json!({"exp": [now + 300]})),
        ("not yet", json!({"nbf": now + 100})),
        ("a beginning in text", json!({"nbf": "0"})),
        ("an issue in text", json!({"iat": "0"})),
        ("no user", json!({"sub": null})),
        ("an empty user", json!({"sub": ""})),
        ("a user that is a number", json!({"sub": 7})),
        ("a user with a zero byte", json!({"sub": "admin\0"})),
        ("a user with a line end", json!({"sub": "a\nb"})),
        ("a long user", json!({"sub": "u".repeat(5000)})),
        ("a scope that is a number", json!({"scope": 1})),
        (
            "a scope in an object",
            json!({"scope": {"tools:read": true}}),
        ),
    ];
    let raw = |what, from: &str, to: &str| {
        let text = scene.claims().replacen(from, to, 1);
        assert_ne!(text, scene.claims(), "{what}");
        let header = r#"{"alg":"ES256","kid":"first"}"#;
        (what, issuer.key().sign_raw(header, &text))
    };
    let texts = [
        raw("two users", "{", r#"{"sub":"admin","#),
        raw(
            "two users, the last by an escape",
            "}",
            r#","s\u0075b":"admin"}"#,
        ),
        raw("look-alike users", "{", r#"{"Sub":"admin","#),
        raw("two ends", "{", r#"{"exp":9999999999,"#),
        raw("two audiences", "{", r#"{"aud":"x","#),
        raw("no object", "{", "[{"),
        raw("half an object", "}", ""),
        raw("more after it", "}", "}}"),
    ];
    let ends = [
        "1e400",
        "-0",
        "0x7fffffff",
        "99999999999999999999999999",
        "NaN",
        "1.",
    ]
    .map(|end| {
        let text = scene
            .claims()
            .replacen("\"exp\":", &format!("\"exp\":{end},\"x\":"), 1);
        (
            "an end that is no time",
            issuer
                .key()
                .sign_raw(r#"{"alg":"ES256","kid":"first"}"#, &text),
        )
    });
    let deep = scene.claims().replacen(
        '{',
        &format!("{{\"x\":{}{},", "[".repeat(2000), "]".repeat(2000)),
        1,
    );
    let deep = (
        "a deep one",
        issuer
            .key()
            .sign_raw(r#"{"alg":"ES256","kid":"first"}"#, &deep),
    );
    let claims = claims.map(|(what, claims)| (what, issuer.token_with(claims)));
    scene.refuses(claims.into_iter().chain(texts).chain(ends).chain([deep]));
}

#[test]
fn altered_tokens_are_refused() {
    let scene = scene(Key::new("first", Algorithm::ES256));
    let good = scene.issuer.token("mallory", "tools:read");
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("{good}");
    };
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let with = |signature: &str| format!("{header}.{claims}.{signature}");
    let encoded = |bytes: &[u8]| with(&URL_SAFE_NO_PAD.encode(bytes));
    // 64 bytes leave four unused bits in the last letter.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet
        .chars()
        .nth(alphabet.find(last).unwrap() + 1)
        .unwrap();
    let trailing = format!("{}{next}", &signature[..signature.len() - 1]);
    let evil = scene.claims().replace("mallory", "admin");
    let mut flipped = bytes.clone();
    flipped[5] ^= 1;
    scene.refuses([
        ("without a signature", with("")),
        ("without its last part", format!("{header}.{claims}")),
        ("five parts", format!("{good}.e30.e30")),
        ("four parts", format!("{good}.")),
        ("empty parts", "..".to_owned()),
        ("empty header", format!(".{claims}.{signature}")),
        ("padding", format!("{good}==")),
        (
            "letters of the other alphabet",
            with(&STANDARD_NO_PAD.encode([0xff_u8; 64])),
        ),
        ("unused bits that are set", with(&trailing)),
        ("half a signature", encoded(&bytes[..32])),
        (
            "more than a signature",
            encoded(&[&bytes[..], b"x"].concat()),
        ),
        ("a signature of zeros", encoded(&[0; 64])),
        ("one bit of the signature", encoded(&flipped)),
        ("a signature in DER", encoded(&der_of(&bytes))),
        (
            "other claims",
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(evil)),
        ),
        (
            "another header",
            format!(
                "{}.{claims}.{signature}",
                URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#)
            ),
        ),
    ]);
}

/// An ECDSA signature in the form that TLS has and JWS has not.
fn der_of(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let lead: &[u8] = if bytes[0] >= 0x80 { &[0] } else { &[] };
        let length = u8::try_from(lead.len() + bytes.len()).unwrap();
        [&[2, length][..], lead, bytes].concat()
    };
    let (r, s) = signature.split_at(32);
    let body = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()][..], &body].concat()
}

#[test]
fn a_huge_token_is_refused_and_costs_the_gateway_nothing() {
    let scene = scene(Key::new("first", Algorithm::ES256));
    for size in [9 << 10, 20 << 10, 40 << 10, 1 << 20] {
        let token = scene.issuer.token_with(json!({"x": "x".repeat(size)}));
        let answer = call_with(&scene.gateway, &token, "read_a");
        assert!([401, 431].contains(&answer.status), "{size}: {answer:?}");
    }
    scene.refuses([]);
}

#[test]
fn the_reason_is_in_records_and_metrics_and_not_in_the_answer() {
    let scene = scene(Key::new("first", Algorithm::ES256));
    let expired = scene
        .issuer
        .token_with(json!({"exp": now_secs() - 60, "sub": "secretive"}));
    let other = scene
        .issuer
        .token_with(json!({"aud": "https://elsewhere.test"}));
    for (token, reason) in [(expired, "token_expired"), (other, "token_audience")] {
        let answer = call_with(&scene.gateway, &token, "read_a");
        assert_eq!(answer.status, 401);
        for word in [
            "expire",
            "audience",
            "aud",
            "elsewhere",
            "secretive",
            "issuer.test",
        ] {
            let text = format!("{answer:?}").to_lowercase();
            assert!(!text.contains(word), "{word}: {text}");
        }
        let sample = format!("mcp_guard_auth_total{{provider=\"jwt\",result=\"{reason}\"}}");
        assert_eq!(scene.gateway.metric(&sample), 1.0, "{reason}");
        let record = scene
            .gateway
            .record(reason, |record| record.to_string().contains(reason));
        assert_eq!(record["event_type"], "auth_failure", "{record}");
        assert!(!record.to_string().contains(&token), "{record}");
    }
}

#[test]
fn a_token_anywhere_but_in_one_authorization_header_is_none() {
    let scene = scene(Key::new("first", Algorithm::ES256));
    let token = scene.issuer.token("alice", "tools:read");
    for (fields, status) in [
        (format!("Cookie: token={token}\r\n"), 401),
        (format!("X-Api-Key: {token}\r\n"), 401),
        (format!("Authorization: {token}\r\n"), 401),
        (format!("Authorization: Basic {token}\r\n"), 401),
        (format!("{}{}", bearer(&token), bearer(&token)), 400),
    ] {
        let answer = scene
            .gateway
            .client()
            .exchange(post("/mcp", &fields, &call(1, "read_a")));
        assert_eq!(answer.status, status, "{fields}: {answer:?}");
    }
    scene.refuses([]);
    let seen = scene.upstream.requests();
    assert!(!seen[0].head.contains(&token), "the token stays here");
}
