//! Key sets as issuers publish them.

use super::*;
use crate::engine::limits::{JWKS_BYTES_MAX, JWKS_KEYS_MAX};

#[test]
fn one_bad_key_does_not_spoil_the_set() {
    let n = encode(rsa_modulus(3));
    let short = encode(&rsa_modulus(3)[..255]);
    let long = encode([0xFF; 1025]);
    let mut even = rsa_modulus(3);
    even[255] = 2;
    let even = encode(even);
    let zeros = encode([&[0, 0][..], &rsa_modulus(3)].concat());
    let x = encode([1; 32]);
    let rows = [
        (r#"7"#.to_owned(), Some("key is no object")),
        ("{}".to_owned(), Some("kty is none that is known")),
        (
            r#"{"kty":7}"#.to_owned(),
            Some("a member is of the wrong type"),
        ),
        (
            format!(r#"{{"kty":"oct","k":"{x}"}}"#),
            Some("key is a secret or private key"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","d":"AA"}}"#),
            Some("key is a secret or private key"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","use":"enc"}}"#),
            Some("use is not sig"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","use":"sig"}}"#),
            None,
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","key_ops":["sign"]}}"#),
            Some("key_ops has no verify"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","key_ops":["verify"]}}"#),
            None,
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","key_ops":"verify"}}"#),
            Some("key_ops is no array"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"RS256"}}"#),
            None,
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"RS512"}}"#),
            Some("alg is not allowed, or not for keys of this type"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"ES256"}}"#),
            Some("alg is not allowed, or not for keys of this type"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"RSA-OAEP"}}"#),
            Some("alg is not allowed, or not for keys of this type"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"none"}}"#),
            Some("alg is not allowed, or not for keys of this type"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"HS256"}}"#),
            Some("alg is not allowed, or not for keys of this type"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{zeros}","e":"AAEAAQ"}}"#),
            None,
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{short}","e":"AQAB"}}"#),
            Some("key is too short"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{long}","e":"AQAB"}}"#),
            Some("key is too long"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{even}","e":"AQAB"}}"#),
            Some("key is malformed"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQ"}}"#),
            Some("RSA exponent is too small"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":""}}"#),
            Some("RSA exponent is too small"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AA"}}"#),
            Some("RSA exponent is too small"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"BA"}}"#),
            Some("RSA exponent is even"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAAAAE"}}"#),
            Some("RSA exponent is too large"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}"}}"#),
            Some("a member is missing"),
        ),
        (
            format!(r#"{{"kty":"RSA","n":"{n}=","e":"AQAB"}}"#),
            Some("a member is not base64url without padding"),
        ),
        (
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{x}"}}"#),
            None,
        ),
        (
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}"}}"#),
            Some("a member is missing"),
        ),
        (
            format!(r#"{{"kty":"EC","crv":"P-384","x":"{x}","y":"{x}"}}"#),
            Some("no algorithm is allowed for keys of this type"),
        ),
        (
            format!(r#"{{"kty":"EC","crv":"secp256k1","x":"{x}","y":"{x}"}}"#),
            Some("crv is none that is known"),
        ),
        (
            format!(r#"{{"kty":"EC","x":"{x}","y":"{x}"}}"#),
            Some("crv is none that is known"),
        ),
        (
            r#"{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}"#.to_owned(),
            Some("a coordinate is not of the curve's length"),
        ),
        (
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#),
            None,
        ),
        (
            format!(r#"{{"kty":"OKP","crv":"X25519","x":"{x}"}}"#),
            Some("crv is none that is known"),
        ),
        (
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","d":"{x}"}}"#),
            Some("key is a secret or private key"),
        ),
    ];
    for (key, expected) in rows {
        // Beside a good key, before and after.
        for keys in [
            [ec_jwk("good", 9), key.clone()],
            [key.clone(), ec_jwk("good", 9)],
        ] {
            let (set, skipped) = parse(&set_of(&keys)).unwrap();
            assert_eq!(set.len(), 2 - usize::from(expected.is_some()), "{key}");
            let reasons: Vec<_> = skipped.iter().map(|skipped| skipped.reason).collect();
            assert_eq!(reasons, Vec::from_iter(expected), "{key}");
        }
    }
}

#[test]
fn a_document_is_a_set_or_nothing() {
    let key = ec_jwk("a", 1);
    let padded = |bytes: usize| {
        let set = set_of(std::slice::from_ref(&key));
        let blank = " ".repeat(bytes - set.len());
        set + &blank
    };
    let many = |count: usize| set_of(&vec!["{}".to_owned(); count]);
    let rows = [
        (set_of(std::slice::from_ref(&key)), None),
        (format!(r#"{{"x":[1,{{}}],"keys":[{key}]}}"#), None),
        (padded(JWKS_BYTES_MAX), None),
        (padded(JWKS_BYTES_MAX + 1), Some(JwksError::TooLarge)),
        (String::new(), Some(JwksError::NotJson)),
        ("<html>".to_owned(), Some(JwksError::NotJson)),
        (format!(r#"{{"keys":[{key}]"#), Some(JwksError::NotJson)),
        (format!(r#"{{"keys":[{key}]}} x"#), Some(JwksError::NotJson)),
        (
            format!(r#"{{"keys":[],"keys":[{key}]}}"#),
            Some(JwksError::NotJson),
        ),
        (
            format!(r#"{{"keys":[],"key\u0073":[{key}]}}"#),
            Some(JwksError::NotJson),
        ),
        (
            r#"{"keys":[{"kty":"EC","kty":"RSA"}]}"#.to_owned(),
            Some(JwksError::NotJson),
        ),
        (
            format!("{}{}", "[".repeat(9_999), "]".repeat(9_999)),
            Some(JwksError::NotJson),
        ),
        (format!("[{key}]"), Some(JwksError::NotASet)),
        (key.clone(), Some(JwksError::NotASet)),
        (r#"{"keys":{}}"#.to_owned(), Some(JwksError::NotASet)),
        (r#"{"keys":null}"#.to_owned(), Some(JwksError::NotASet)),
        ("null".to_owned(), Some(JwksError::NotASet)),
        (r#"{"keys":[]}"#.to_owned(), Some(JwksError::NoKeys)),
        (many(JWKS_KEYS_MAX), Some(JwksError::NoKeys)),
        (many(JWKS_KEYS_MAX + 1), Some(JwksError::TooManyKeys)),
    ];
    for (document, expected) in rows {
        assert_eq!(parse(&document).err(), expected, "{:.99}", document);
    }
    let not_utf8 = KeySet::parse_jwks(b"{\"keys\":[\"\xff\"]}", &[Algorithm::Es256], 1, &Toy);
    assert_eq!(not_utf8.err(), Some(JwksError::NotJson));
}

#[test]
fn of_two_keys_with_one_name_and_type_the_first_counts() {
    let keys = |keys: &[String]| {
        let (set, skipped) = parse(&set_of(keys)).unwrap();
        (set.len(), skipped.first().map(|skipped| skipped.reason))
    };
    let earlier = Some("kid is that of an earlier key");
    assert_eq!(keys(&[ec_jwk("a", 1), ec_jwk("a", 2)]), (1, earlier));
    let again = Some("the set has this key already");
    assert_eq!(keys(&[ec_jwk("a", 1), ec_jwk("a", 1)]), (1, again));
    assert_eq!(keys(&[ec_jwk("a", 1), rsa_jwk("a", 2)]), (2, None));
    let nameless = |number| ec_jwk("", number).replace(r#""kid":"","#, "");
    assert_eq!(keys(&[nameless(1), nameless(2)]), (2, None));
    assert_eq!(keys(&[nameless(1), nameless(1)]), (1, again));
    assert_eq!(keys(&[nameless(1), nameless(2), nameless(2)]), (2, again));
}

#[test]
fn a_name_whose_key_is_unusable_is_no_reason_to_ask_again() {
    let x = encode([1; 32]);
    let unusable = format!(
        r#"{{"kty":"OKP","crv":"X25519","kid":"u\u0007{}","x":"{x}"}}"#,
        "v".repeat(99)
    );
    let (_, skipped) = parse(&set_of(&[unusable, ec_jwk("a", 1)])).unwrap();
    assert_eq!(skipped[0].kid, Some(format!("u?{}", "v".repeat(62))));
    let unusable = format!(r#"{{"kty":"OKP","crv":"X25519","kid":"u","x":"{x}"}}"#);
    let (set, _) = parse(&set_of(&[unusable, ec_jwk("a", 1)])).unwrap();
    let ring = KeyRing::EMPTY.with(source(), Some(Arc::new(set)));
    let by = |kid: &str| {
        let header = format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#);
        check_by(issuer(), &ring, &token(&header, &payload())).err()
    };
    assert_eq!(by("a"), None);
    assert_eq!(by("u"), Some(TokenFault::Algorithm));
    assert_eq!(by("v"), Some(TokenFault::UnknownKey(source())));
}

#[test]
fn sets_are_the_same_whatever_the_order() {
    let set = |keys: &[String]| parse(&set_of(keys)).unwrap().0;
    let (a, b, r) = (ec_jwk("a", 1), ec_jwk("b", 2), rsa_jwk("r", 3));
    let all = set(&[a.clone(), b.clone(), r.clone()]);
    assert!(all.is_same_as(&set(&[r.clone(), "{}".to_owned(), a.clone(), b.clone()])));
    for other in [
        set(&[a.clone(), b.clone()]),
        set(&[a.clone(), b.clone(), rsa_jwk("r", 4)]),
        set(&[a.clone(), b.clone(), rsa_jwk("s", 3)]),
        set(&[a.clone(), b.clone(), r.clone(), ec_jwk("c", 5)]),
    ] {
        assert!(!all.is_same_as(&other) && !other.is_same_as(&all));
    }
    // The same key for other algorithms.
    let allowed = [Algorithm::Rs256, Algorithm::Ps256];
    let parse = |keys: &str| {
        KeySet::parse_jwks(keys.as_bytes(), &allowed, 1, &Toy)
            .unwrap()
            .0
    };
    let both = parse(&set_of(std::slice::from_ref(&r)));
    let one = parse(&set_of(&[r.replace("\"e\"", "\"alg\":\"PS256\",\"e\"")]));
    assert!(!both.is_same_as(&one));
}

#[test]
fn a_secret_is_as_long_as_its_digest() {
    use Algorithm::{Es256, Hs256, Hs384, Hs512};
    let secret = [7; 64];
    for (length, algorithms, expected) in [
        (32, &[Hs256][..], None),
        (31, &[Hs256], Some(BadKey::TooShort)),
        (0, &[Hs256], Some(BadKey::TooShort)),
        (48, &[Hs256, Hs384], None),
        (47, &[Hs256, Hs384], Some(BadKey::TooShort)),
        (64, &[Hs512], None),
        (63, &[Hs512], Some(BadKey::TooShort)),
        (64, &[Hs256, Es256], Some(BadKey::WrongType)),
        (64, &[], Some(BadKey::WrongType)),
    ] {
        let found = KeySet::of_secret(&secret[..length], algorithms, &Toy);
        assert_eq!(found.err(), expected, "{length} {algorithms:?}");
    }
}

#[test]
fn a_secret_has_no_name() {
    let secret = [7; 32];
    let set = KeySet::of_secret(&secret, &[Algorithm::Hs256], &Toy).unwrap();
    let issuer = || JwtIssuer {
        algorithms: vec![Algorithm::Hs256],
        keys: KeySource::Fixed(Arc::new(
            KeySet::of_secret(&secret, &[Algorithm::Hs256], &Toy).unwrap(),
        )),
        ..issuer()
    };
    assert_eq!(set.len(), 1);
    for header in [r#"{"alg":"HS256"}"#, r#"{"alg":"HS256","kid":"x"}"#] {
        let signed = format!("{}.{}", encode(header), encode(payload()));
        let good = encode(sign(Algorithm::Hs256, &secret, signed.as_bytes()));
        let check = |signature: &str| {
            check_by(issuer(), &KeyRing::EMPTY, &format!("{signed}.{signature}")).err()
        };
        assert_eq!(check(&good), None);
        assert_eq!(check(""), Some(TokenFault::BadSignature));
        assert_eq!(check(&encode([0; 32])), Some(TokenFault::BadSignature));
    }
}

#[test]
fn an_issuer_stands_by_whom_its_present_keys_vouch_for() {
    use crate::engine::identity::{Authenticator, AuthenticatorParts};

    let authenticator = |keys: KeySource| {
        let issuer = JwtIssuer { keys, ..issuer() };
        Authenticator::new(AuthenticatorParts {
            issuers: JwtIssuers::compile(vec![issuer]).unwrap(),
            ..AuthenticatorParts::default()
        })
    };
    let principal = check(&token(HEADER, &payload())).unwrap();
    let with = |keys: &[String]| {
        let set = parse(&set_of(keys)).unwrap().0;
        KeyRing::EMPTY.with(source(), Some(Arc::new(set)))
    };
    for (ring, expected) in [
        (ring(), true),
        (with(&[ec_jwk("b", 2), ec_jwk("a", 1)]), true),
        // Whatever it is called now.
        (with(&[ec_jwk("c", 1)]), true),
        (with(&[ec_jwk("a", 2)]), false),
        (with(&[rsa_jwk("a", 1)]), false),
        (KeyRing::EMPTY, false),
    ] {
        let holds = authenticator(KeySource::Jwks(source())).still_holds(&principal, &ring, NOW);
        assert_eq!(holds, expected, "{ring:?}");
    }
    let secret = KeySet::of_secret(&[7; 32], &[Algorithm::Hs256], &Toy).unwrap();
    let moved = authenticator(KeySource::Fixed(Arc::new(secret)));
    assert!(!moved.still_holds(&principal, &ring(), NOW));
}
