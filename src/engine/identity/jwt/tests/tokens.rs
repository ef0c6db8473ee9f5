//! Shapes, headers and signatures: what is refused before a claim is looked at.

use super::*;
use crate::engine::limits::{CREDENTIAL_BYTES_MAX, KEY_ID_BYTES_MAX};

#[test]
fn a_good_token_proves_its_user_under_its_issuer() {
    let ann = check(&token(HEADER, &payload())).unwrap();
    assert_eq!(ann.id(), "ann");
    assert_eq!(ann.identity(), format!("jwt:{ISSUER} ann"));
    assert_eq!(ann.expires_at_secs(), Some(1_700_000_100));
    assert!(ann.granted().is_none());
}

#[test]
fn dots_make_the_shape_of_a_token() {
    for (token, expected) in [
        ("a.b.c", true),
        ("..", true),
        ("a.b", false),
        // Encrypted: never taken, and nothing to show to anybody.
        ("a.b.c.d.e", true),
        ("a.b.c.d", false),
        ("a.b.c.d.e.f", false),
        ("a.b.c.d.e.f.g", false),
        ("mcp_abc", false),
        ("", false),
    ] {
        assert_eq!(
            JwtIssuers::looks_like(token.as_bytes()),
            expected,
            "{token}"
        );
    }
}

#[test]
fn a_token_has_one_spelling() {
    let good = token(HEADER, &payload());
    let [header, payload, signature]: [&str; 3] =
        good.split('.').collect::<Vec<_>>().try_into().unwrap();
    // 32 bytes leave four bits over in the last character.
    let loose = {
        let last = signature.chars().last().unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let place = alphabet.find(last).unwrap();
        let other = &alphabet[place + 1..place + 2];
        format!("{}{other}", &signature[..signature.len() - 1])
    };
    for bad in [
        format!("{header}.{payload}.{signature}="),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}.{loose}"),
        format!("{header}.{payload}.{signature}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}."),
        format!(".{header}.{payload}.{signature}"),
        format!("{header}.{payload}"),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{header}.{payload}.{signature} "),
        format!("{header}.{payload}.{signature}\n"),
        format!("{header}.{}.{signature}", payload.replace('e', "+")),
        "..".to_owned(),
        String::new(),
        "a".repeat(CREDENTIAL_BYTES_MAX + 1),
        format!("{good}{}", "A".repeat(CREDENTIAL_BYTES_MAX)),
    ] {
        assert_eq!(fault(&bad), Some(TokenFault::Malformed), "{bad}");
    }
}

#[test]
fn an_altered_token_is_no_good() {
    let good = token(HEADER, &payload());
    let [header, claims, signature]: [&str; 3] =
        good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = encode(payload().replace("ann", "bob"));
    for bad in [
        format!("{header}.{other}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{}", &signature[..signature.len() - 3]),
        format!("{}.{claims}.{signature}", encode(HEADER.replace(',', ", "))),
        format!("{header}.{claims}.{}", encode([0; 64])),
    ] {
        assert_eq!(fault(&bad), Some(TokenFault::BadSignature), "{bad}");
    }
}

#[test]
fn a_header_chooses_no_algorithm_that_the_key_is_not_for() {
    for (header, expected) in [
        (r#"{"alg":"none"}"#, TokenFault::Algorithm),
        (r#"{"alg":"None","kid":"a"}"#, TokenFault::Algorithm),
        (r#"{"alg":"nOnE","kid":"a"}"#, TokenFault::Algorithm),
        (r#"{"alg":"NONE","kid":"a"}"#, TokenFault::Algorithm),
        (r#"{"alg":"","kid":"a"}"#, TokenFault::Algorithm),
        (r#"{"kid":"a"}"#, TokenFault::Algorithm),
        (r#"{"alg":"es256","kid":"a"}"#, TokenFault::Algorithm),
        (r#"{"alg":"ES256K","kid":"a"}"#, TokenFault::Algorithm),
        // Not of the configuration.
        (r#"{"alg":"HS256","kid":"a"}"#, TokenFault::Algorithm),
        (r#"{"alg":"ES384","kid":"a"}"#, TokenFault::Algorithm),
        (r#"{"alg":"EdDSA","kid":"a"}"#, TokenFault::Algorithm),
        // Of the configuration, and not of the key.
        (r#"{"alg":"RS256","kid":"a"}"#, TokenFault::Algorithm),
        (r#"{"alg":"ES256","kid":"r"}"#, TokenFault::Algorithm),
        // Of the key, signed with another.
        (r#"{"alg":"ES256","kid":"b"}"#, TokenFault::BadSignature),
        (r#"{"alg":null,"kid":"a"}"#, TokenFault::Malformed),
        (r#"{"alg":["ES256"],"kid":"a"}"#, TokenFault::Malformed),
        (r#"{"alg":256,"kid":"a"}"#, TokenFault::Malformed),
        (
            r#"{"alg":"ES256","alg":"none","kid":"a"}"#,
            TokenFault::Malformed,
        ),
        (
            r#"{"alg":"ES256","\u0061lg":"none","kid":"a"}"#,
            TokenFault::Malformed,
        ),
        (
            r#"{"alg":"ES256","Alg":"none","kid":"a"}"#,
            TokenFault::Malformed,
        ),
        (
            r#"{"alg":"ES256","alg\u0000":"none","kid":"a"}"#,
            TokenFault::Malformed,
        ),
        (
            r#"{"alg":"ES256","ＡＬＧ":"none","kid":"a"}"#,
            TokenFault::Malformed,
        ),
    ] {
        assert_eq!(
            fault(&token(header, &payload())),
            Some(expected),
            "{header}"
        );
    }
}

#[test]
fn an_issuer_takes_its_algorithms_alone_whatever_keys_there_are() {
    let rsa_alone = JwtIssuer {
        algorithms: vec![Algorithm::Rs256],
        ..issuer()
    };
    let found = check_by(rsa_alone, &ring(), &token(HEADER, &payload()));
    assert_eq!(found.err(), Some(TokenFault::Algorithm));
}

#[test]
fn a_token_that_wants_what_we_do_not_know_is_refused() {
    for header in [
        r#"{"alg":"ES256","kid":"a","crit":["exp"]}"#,
        r#"{"alg":"ES256","kid":"a","crit":[]}"#,
        r#"{"alg":"ES256","kid":"a","crit":null}"#,
        r#"{"alg":"ES256","kid":"a","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"ES256","kid":"a","b64":false}"#,
    ] {
        assert_eq!(
            fault(&token(header, &payload())),
            Some(TokenFault::Critical),
            "{header}"
        );
    }
}

#[test]
fn keys_that_a_token_brings_are_not_looked_at() {
    let own = ec_jwk("mine", 9);
    let (x, y) = point(9, 32);
    for parameter in [
        format!(r#""jwk":{own}"#),
        r#""jku":"https://evil.example/jwks""#.to_owned(),
        r#""x5u":"https://evil.example/cert""#.to_owned(),
        r#""x5c":["MII="]"#.to_owned(),
        r#""jwk":7,"jku":[],"x5u":{},"x5c":null"#.to_owned(),
    ] {
        let header = format!(r#"{{"alg":"ES256","kid":"a",{parameter}}}"#);
        assert!(check(&token(&header, &payload())).is_ok(), "{header}");
        let signed = format!("{}.{}", encode(&header), encode(payload()));
        let signature = sign(Algorithm::Es256, &[&*x, &*y].concat(), signed.as_bytes());
        let forged = format!("{signed}.{}", encode(signature));
        assert_eq!(fault(&forged), Some(TokenFault::BadSignature), "{header}");
    }
}

#[test]
fn an_unknown_key_is_worth_a_look_at_the_issuer_and_no_more() {
    let unknown = Some(TokenFault::UnknownKey(source()));
    let long = "k".repeat(KEY_ID_BYTES_MAX);
    let huge = "k".repeat(5_000);
    for (kid, expected) in [
        (r#""new""#, unknown),
        (r#""A""#, unknown),
        (r#""a ""#, unknown),
        (r#""""#, unknown),
        (r#""../../../../dev/null""#, unknown),
        (r#""x' UNION SELECT 'secret""#, unknown),
        (r#""| id""#, unknown),
        (&*format!("\"{long}\""), unknown),
        (&*format!("\"{long}k\""), Some(TokenFault::Malformed)),
        (&*format!("\"{huge}\""), Some(TokenFault::Malformed)),
        (r#""a\u0000""#, Some(TokenFault::Malformed)),
        (r#""a\n""#, Some(TokenFault::Malformed)),
        (r#""\ud800""#, Some(TokenFault::Malformed)),
        ("7", Some(TokenFault::Malformed)),
        (r#"["a"]"#, Some(TokenFault::Malformed)),
        ("null", Some(TokenFault::Malformed)),
        // An escape in a value is the value.
        (r#""\u0061""#, None),
    ] {
        let header = format!(r#"{{"alg":"ES256","kid":{kid}}}"#);
        assert_eq!(fault(&token(&header, &payload())), expected, "{header}");
    }
}

#[test]
fn nothing_is_said_of_a_token_whose_keys_are_missing() {
    let good = token(HEADER, &payload());
    let found = check_by(issuer(), &KeyRing::EMPTY, &good).err();
    assert_eq!(found, Some(TokenFault::KeysMissing(source())));
    // What needs no key to be refused is refused.
    let found = check_by(
        issuer(),
        &KeyRing::EMPTY,
        &token(r#"{"alg":"none"}"#, &payload()),
    );
    assert_eq!(found.err(), Some(TokenFault::Algorithm));
}

#[test]
fn a_token_without_a_key_name_is_tried_with_few_keys() {
    let nameless = r#"{"alg":"ES256"}"#;
    assert!(check(&token(nameless, &payload())).is_ok());
    let by = |count: u8| {
        let keys: Vec<_> = (1..=count)
            .map(|number| ec_jwk(&format!("k{number}"), number))
            .collect();
        let ring = KeyRing::EMPTY.with(source(), Some(Arc::new(parse(&set_of(&keys)).unwrap().0)));
        check_by(issuer(), &ring, &token(nameless, &payload())).err()
    };
    assert_eq!(by(4), None);
    assert_eq!(by(5), Some(TokenFault::NoKeyId));
    // Its key may have been published since the set was fetched.
    let other = set_of(&[ec_jwk("b", 2)]);
    let ring = KeyRing::EMPTY.with(source(), Some(Arc::new(parse(&other).unwrap().0)));
    let found = check_by(issuer(), &ring, &token(nameless, &payload())).err();
    assert_eq!(found, Some(TokenFault::UnknownKey(source())));
}

#[test]
fn typ_is_a_token_or_nothing() {
    let strict = || JwtIssuer {
        require_at_jwt: true,
        ..issuer()
    };
    for (typ, loosely, strictly) in [
        ("", true, false),
        (r#","typ":"JWT""#, true, false),
        (r#","typ":"jwt""#, true, false),
        (r#","typ":"application/jwt""#, true, false),
        (r#","typ":"at+jwt""#, true, true),
        (r#","typ":"AT+JWT""#, true, true),
        (r#","typ":"Application/At+Jwt""#, true, true),
        (r#","typ":"application/application/at+jwt""#, false, false),
        (r#","typ":"dpop+jwt""#, false, false),
        (r#","typ":"logout+jwt""#, false, false),
        (r#","typ":"secevent+jwt""#, false, false),
        (r#","typ":"JOSE""#, false, false),
        (r#","typ":"""#, false, false),
        (r#","typ":"at+jwt ""#, false, false),
    ] {
        let token = token(&format!(r#"{{"alg":"ES256","kid":"a"{typ}}}"#), &payload());
        for (issuer, passes) in [(issuer(), loosely), (strict(), strictly)] {
            let expected = (!passes).then_some(TokenFault::WrongType);
            assert_eq!(check_by(issuer, &ring(), &token).err(), expected, "{typ}");
        }
    }
    let odd = token(r#"{"alg":"ES256","kid":"a","typ":7}"#, &payload());
    assert_eq!(fault(&odd), Some(TokenFault::Malformed));
}

#[test]
fn parts_are_strict_json_objects() {
    let deep = |depth: usize| {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"alg":"ES256","kid":"a","x":{nested}}}"#)
    };
    assert!(check(&token(&deep(31), &payload())).is_ok());
    for header in [
        "",
        "null",
        "[]",
        r#""alg""#,
        "{",
        r#"{"alg":"ES256","kid":"a"}x"#,
        r#"{"alg":"ES256","kid":"a"}{}"#,
        "\u{feff}{\"alg\":\"ES256\",\"kid\":\"a\"}",
        r#"{"alg":"ES256","kid":"a",}"#,
        r#"{"alg":"ES256","kid":"a","x":{"y":1,"y":2}}"#,
        r#"{"alg":"ES256","kid":"a","x":01}"#,
        r#"{'alg':'ES256'}"#,
        &deep(32),
        &deep(2_000),
    ] {
        assert_eq!(
            fault(&token(header, &payload())),
            Some(TokenFault::Malformed),
            "{header}"
        );
        assert!(fault(&token(HEADER, header)).is_some(), "{header}");
    }
    let not_utf8 = format!(
        "{}.{}.",
        encode(b"{\"alg\":\"ES256\",\"kid\":\"\xff\"}"),
        encode(payload())
    );
    assert_eq!(fault(&not_utf8), Some(TokenFault::Malformed));
}

#[test]
fn an_address_that_failed_too_often_gets_few_tries_and_what_was_proven_before() {
    use crate::engine::identity::{ProofCache, ProofVersion, Suspicion};
    use crate::engine::limits::SUSPECT_PROOFS_PER_SECOND;
    use crate::engine::quota::{Cell, PeerKey, PeerQuotas, Quota};

    let issuers = JwtIssuers::compile(vec![issuer()]).unwrap();
    let (ring, cache, peers, tries) = (ring(), ProofCache::new(8), PeerQuotas::new(), Cell::new());
    cache.align(ProofVersion::default());
    let quota = Quota::new(0.001, 2).unwrap();
    let [peer, other] = ["192.0.2.1", "192.0.2.2"]
        .map(|text| PeerKey::from(text.parse::<std::net::IpAddr>().unwrap()));
    let check = |peer, now_ns, token: &str| {
        let known = Suspicion {
            peers: &peers,
            peer,
            quota,
            tries: &tries,
            now_ns,
        };
        let proving = Proving {
            keys: &ring,
            cache: Some(&cache),
            suspicion: Some(known),
            ..Proving::bare(NOW)
        };
        issuers
            .check(token.as_bytes(), &proving)
            .map_err(AuthFailure::as_str)
    };
    let named = |user: u32| token(HEADER, &payload().replace("ann", &format!("ann-{user}")));
    let known = named(0);
    assert!(check(peer, 1, &known).is_ok());
    while peers.charge_failure(peer, quota, 1).is_ok() {}
    let forged = format!("{}A", &known[..known.len() - 1]);
    for _ in 0..SUSPECT_PROOFS_PER_SECOND {
        assert_eq!(check(peer, 1, &forged).unwrap_err(), "token_signature");
    }
    assert_eq!(check(peer, 1, &forged).unwrap_err(), "token_untried");
    assert_eq!(check(peer, 1, "no.token.x").unwrap_err(), "token_untried");
    assert_eq!(check(peer, 1, &named(1)).unwrap_err(), "token_untried");
    assert!(check(peer, 1, &known).is_ok(), "it was proven before");
    assert!(check(other, 1, &named(2)).is_ok(), "others pay nothing");
    assert!(
        check(peer, 1_000_000_000, &named(1)).is_ok(),
        "time brings tries"
    );
}
