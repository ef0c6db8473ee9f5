//! Claims: what a token with a good signature is refused for.

use super::*;
use crate::engine::limits::IDENTITY_ID_BYTES_MAX;

/// What becomes of a token with `claims` beside the good ones, each of which gives way to one of the same name.
fn with(claims: &str) -> Option<TokenFault> {
    with_by(issuer(), claims)
}

fn with_by(issuer: JwtIssuer, claims: &str) -> Option<TokenFault> {
    let mut payload = format!("{{{claims}");
    for (name, value) in [
        ("iss", format!("\"{ISSUER}\"")),
        ("aud", format!("\"{AUDIENCE}\"")),
        ("exp", "1700000100".to_owned()),
        ("sub", "\"ann\"".to_owned()),
    ] {
        if !claims.contains(&format!("\"{name}\":")) {
            payload.push_str(&format!(",\"{name}\":{value}"));
        }
    }
    let payload = payload.replacen("{,", "{", 1).replace(",,", ",") + "}";
    check_by(issuer, &ring(), &token(HEADER, &payload)).err()
}

#[test]
fn a_token_holds_before_its_expiry_and_not_at_it() {
    use TokenFault::{Expired, NoExpiry};
    for (exp, expected) in [
        ("1700000001", None),
        ("1700000000", Some(Expired)),
        ("1699999999", Some(Expired)),
        ("1700000001.9", None),
        ("1700000000.9", Some(Expired)),
        ("1.700000001e9", None),
        ("0", Some(Expired)),
        ("253402300799", None),
        ("253402300800", Some(NoExpiry)),
        ("1e400", Some(NoExpiry)),
        ("18446744073709551616", Some(NoExpiry)),
        ("-1", Some(NoExpiry)),
        ("-0", Some(NoExpiry)),
        ("\"1700000100\"", Some(NoExpiry)),
        ("null", Some(NoExpiry)),
        ("true", Some(NoExpiry)),
        ("[1700000100]", Some(NoExpiry)),
        ("{}", Some(NoExpiry)),
    ] {
        assert_eq!(with(&format!("\"exp\":{exp}")), expected, "{exp}");
    }
    let without = format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"ann"}}"#);
    assert_eq!(fault(&token(HEADER, &without)), Some(NoExpiry));
}

#[test]
fn a_token_holds_from_its_beginning_on() {
    use TokenFault::{BadClaim, NotYetValid};
    for (claim, expected) in [
        ("\"nbf\":1700000000", None),
        ("\"nbf\":1700000001", Some(NotYetValid)),
        ("\"nbf\":1700000000.1", Some(NotYetValid)),
        ("\"nbf\":\"0\"", Some(BadClaim)),
        ("\"nbf\":null", Some(BadClaim)),
        ("\"nbf\":-1", Some(BadClaim)),
        ("\"iat\":1800000000", None),
        ("\"iat\":1.5", None),
        ("\"iat\":\"now\"", Some(BadClaim)),
        ("\"iat\":{}", Some(BadClaim)),
    ] {
        assert_eq!(with(claim), expected, "{claim}");
    }
}

#[test]
fn leeway_moves_both_ends() {
    let by = |claim: &str| {
        let issuer = JwtIssuer {
            leeway_secs: 30,
            ..issuer()
        };
        with_by(issuer, claim)
    };
    for (claim, expected) in [
        ("\"exp\":1699999971", None),
        ("\"exp\":1699999970", Some(TokenFault::Expired)),
        ("\"nbf\":1700000030", None),
        ("\"nbf\":1700000031", Some(TokenFault::NotYetValid)),
        ("\"nbf\":10", None),
    ] {
        assert_eq!(by(claim), expected, "{claim}");
    }
}

#[test]
fn a_token_is_for_us() {
    use TokenFault::{BadClaim, WrongAudience};
    let us = format!("\"{AUDIENCE}\"");
    for (aud, expected) in [
        (format!("[{us}]"), None),
        (format!("[\"x\",{us},\"y\"]"), None),
        ("\"other\"".to_owned(), None),
        ("\"x\"".to_owned(), Some(WrongAudience)),
        ("[]".to_owned(), Some(WrongAudience)),
        ("\"\"".to_owned(), Some(WrongAudience)),
        (format!("\"{AUDIENCE}/\""), Some(WrongAudience)),
        (format!("\"{AUDIENCE} other\""), Some(WrongAudience)),
        (
            format!("\"{}\"", AUDIENCE.to_uppercase()),
            Some(WrongAudience),
        ),
        (format!("[[{us}]]"), Some(BadClaim)),
        (format!("[{us},7]"), Some(BadClaim)),
        (format!("{{\"aud\":{us}}}"), Some(BadClaim)),
        ("7".to_owned(), Some(BadClaim)),
        ("null".to_owned(), Some(BadClaim)),
    ] {
        assert_eq!(with(&format!("\"aud\":{aud}")), expected, "{aud}");
    }
    let without = format!(r#"{{"iss":"{ISSUER}","exp":1700000100,"sub":"ann"}}"#);
    assert_eq!(fault(&token(HEADER, &without)), Some(WrongAudience));
}

#[test]
fn an_issuer_is_known_by_its_exact_name() {
    use TokenFault::{BadClaim, Malformed, UnknownIssuer};
    for (iss, expected) in [
        ("\"https:\\/\\/login.example.com\\/\"", None),
        ("\"https://login.example.com\"", Some(UnknownIssuer)),
        ("\"https://LOGIN.example.com/\"", Some(UnknownIssuer)),
        ("\"https://login.example.com/\\u0000\"", Some(UnknownIssuer)),
        ("\"\"", Some(UnknownIssuer)),
        ("[\"https://login.example.com/\"]", Some(BadClaim)),
        ("null", Some(BadClaim)),
        (
            "\"https://login.example.com/\",\"iss\":\"x\"",
            Some(Malformed),
        ),
        (
            "\"https://login.example.com/\",\"Iss\":\"x\"",
            Some(Malformed),
        ),
        (
            "\"https://login.example.com/\",\"is\\u0073\":\"x\"",
            Some(Malformed),
        ),
    ] {
        assert_eq!(with(&format!("\"iss\":{iss}")), expected, "{iss}");
    }
}

#[test]
fn the_user_is_a_short_text() {
    let long = "u".repeat(IDENTITY_ID_BYTES_MAX);
    let over = format!("\"sub\":\"{long}u\"");
    let no_user = Some(TokenFault::NoUser);
    for (claim, expected) in [
        (&*format!("\"sub\":\"{long}\""), None),
        (&over, no_user),
        ("\"sub\":\"\"", no_user),
        ("\"sub\":7", no_user),
        ("\"sub\":null", no_user),
        ("\"sub\":[\"ann\"]", no_user),
        ("\"sub\":\"ann\\u0000bob\"", no_user),
        ("\"sub\":\"ann\\u2028bob\"", no_user),
        ("\"sub\":\"ann\\u202ebob\"", no_user),
        ("\"sub\":\"ann\\u2066bob\"", no_user),
        ("\"sub\":\"ann\\nbob\"", no_user),
        ("\"sub\":\"ann\\u0085\"", no_user),
        ("\"sub\":\"\\ud83d\\ude00\"", None),
        (
            "\"sub\":\"ann\",\"sub\":\"bob\"",
            Some(TokenFault::Malformed),
        ),
        (
            "\"sub\":\"ann\",\"Sub\":\"bob\"",
            Some(TokenFault::Malformed),
        ),
        (
            "\"sub\":\"ann\",\"ſub\":\"bob\"",
            Some(TokenFault::Malformed),
        ),
    ] {
        assert_eq!(with(claim), expected, "{claim}");
    }
}

#[test]
fn another_claim_can_name_the_user() {
    let by = |claim: &str| JwtIssuer {
        user_id_claim: claim.into(),
        ..issuer()
    };
    let claims = r#""email":"ann@example.com","https://x.example/id":"7","aud":"other","#;
    let rest = format!(r#""iss":"{ISSUER}","exp":1700000100}}"#);
    for (claim, expected) in [
        ("email", Ok("ann@example.com")),
        ("https://x.example/id", Ok("7")),
        // One claim may serve twice.
        ("aud", Ok("other")),
        ("sub", Err(TokenFault::NoUser)),
        ("exp", Err(TokenFault::NoUser)),
    ] {
        for claims in [claims.to_owned(), claims.replace('/', "\\/")] {
            let token = token(HEADER, &format!("{{{claims}{rest}"));
            let found = check_by(by(claim), &ring(), &token);
            let found = found.as_ref().map(Principal::id).map_err(|fault| *fault);
            assert_eq!(found, expected, "{claim}");
        }
    }
}

#[test]
fn claims_that_nobody_asks_for_are_free() {
    let claims = r#""azp":"x","resource_access":{"a":{"roles":["r"]}},"acr":null,"n":1e999,"emoji":"\ud83d\ude00""#;
    assert_eq!(with(claims), None);
    assert_eq!(with(r#""x":{"a":1,"a":2}"#), Some(TokenFault::Malformed));
    assert_eq!(with(r#""x":1,"x":2"#), Some(TokenFault::Malformed));
}

#[test]
fn each_issuer_answers_for_its_own_tokens_alone() {
    let other_source = SourceId::of("https://other.example/jwks", &[Algorithm::Es256]);
    let other = JwtIssuer {
        issuer: "https://other.example".into(),
        keys: KeySource::Jwks(other_source),
        ..issuer()
    };
    // The same name for another key.
    let others = Arc::new(parse(&set_of(&[ec_jwk("a", 7)])).unwrap().0);
    let keys = ring().with(other_source, Some(others));
    let issuers = JwtIssuers::compile(vec![issuer(), other]).unwrap();
    let proving = Proving {
        keys: &keys,
        ..Proving::bare(NOW)
    };
    let check = |token: String| issuers.check(token.as_bytes(), &proving);
    assert!(check(token(HEADER, &payload())).is_ok());
    let crossed = payload().replace(ISSUER, "https://other.example");
    let found = check(token(HEADER, &crossed)).unwrap_err();
    assert_eq!(found, AuthFailure::Token(TokenFault::BadSignature));
}

#[test]
fn issuers_are_told_apart_or_refused() {
    let named = |name: &str| JwtIssuer {
        issuer: name.into(),
        ..issuer()
    };
    let refused =
        |names: &[&str]| JwtIssuers::compile(names.iter().map(|name| named(name)).collect()).err();
    assert_eq!(refused(&["a", "b"]), None);
    let same = JwtIssuersError::SameIssuer { index: 1 };
    assert_eq!(refused(&["a", "a"]), Some(vec![same]));
    let bad = |index| JwtIssuersError::BadIssuer { index };
    assert_eq!(
        refused(&["", "a b", "a\n"]),
        Some(vec![bad(0), bad(1), bad(2)])
    );
    let many: Vec<_> = (0..65).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(|name| &**name).collect();
    assert_eq!(refused(&many[..64]), None);
    assert_eq!(refused(&many), Some(vec![JwtIssuersError::TooMany]));
}
