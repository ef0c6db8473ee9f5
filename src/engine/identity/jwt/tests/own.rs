//! Tokens of the gateway's own: whose they are, what they are for, and what is refused.

use super::*;
use crate::engine::identity::mtls::IdentityPattern;
use crate::engine::identity::opaque::{UserAccess, UserRule, UserRules};
use crate::engine::identity::{Authenticator, AuthenticatorParts, ProofCache, Provider};
use crate::engine::oauth::{GrantId, OwnClaims, Signing};
use crate::engine::quota::Quota;
use crate::engine::route::{PublicBase, Resource, Routes};
use crate::engine::snapshot::ServerParts;

const BASE: &str = "https://gw.example/base";
const AT_JWT: &str = r#"{"alg":"ES256","kid":"a","typ":"at+jwt"}"#;
const GRANT: &str = "000000000000000000000000000000a1";

fn grants(allowed: &[&str]) -> Arc<Grants> {
    let allowed: Vec<_> = allowed.iter().map(|&entry| entry.to_owned()).collect();
    Arc::new(Grants::compile(&allowed, &[]).unwrap())
}

fn map() -> Arc<ScopeMap> {
    let scope = |name: &str, allowed: &[&str]| ScopeGrants {
        scope: name.into(),
        grants: grants(allowed),
    };
    Arc::new(ScopeMap::new(vec![
        scope("read", &["read_*"]),
        scope("write", &["write_*"]),
        scope("admin", &["admin::*"]),
    ]))
}

/// Users `guest*` may count on `read` alone.
fn users() -> Arc<UserRules> {
    Arc::new(UserRules {
        rules: vec![UserRule {
            pattern: IdentityPattern::parse("guest*").unwrap(),
            access: UserAccess {
                grants: grants(&["hello"]),
                quota: Quota::new(1.0, 1).ok(),
                scopes: Some([true, false, false].into()),
            },
        }],
        default: UserAccess {
            grants: grants(&["ping"]),
            quota: None,
            scopes: None,
        },
    })
}

fn own() -> JwtIssuer {
    JwtIssuer {
        issuer: BASE.into(),
        // Whatever is here means nothing.
        audiences: vec!["api".into()],
        keys: KeySource::Jwks(SourceId::own()),
        scopes: map(),
        own: Some(OwnTokens {
            realm: "github".into(),
            base: PublicBase::parse(BASE).unwrap(),
            users: users(),
            is_offered: true,
        }),
        ..issuer()
    }
}

/// The gateway and another issuer.
fn gateway(own: JwtIssuer) -> Authenticator {
    Authenticator::new(AuthenticatorParts {
        issuers: JwtIssuers::compile(vec![own, issuer()]).unwrap(),
        ..AuthenticatorParts::default()
    })
}

/// Key `a` is the gateway's, and key `b` is another issuer's.
fn keys() -> KeyRing {
    let set = |jwk: String| Some(Arc::new(parse(&set_of(&[jwk])).unwrap().0));
    let own = KeyRing::EMPTY.with(SourceId::own(), set(ec_jwk("a", 1)));
    own.with(source(), set(ec_jwk("b", 2)))
}

/// The claims of a good token for `/mcp`, each of which gives way to one of the same name in `claims`.
fn claims(claims: &str) -> String {
    let mut payload = format!("{{{claims}");
    for (name, value) in [
        ("iss", format!("\"{BASE}\"")),
        ("aud", format!("\"{BASE}/mcp\"")),
        ("exp", "1700000100".to_owned()),
        ("iat", "1699999900".to_owned()),
        ("sub", "\"583231\"".to_owned()),
        ("gid", format!("\"{GRANT}\"")),
        ("scope", "\"read\"".to_owned()),
    ] {
        if !claims.contains(&format!("\"{name}\":")) {
            payload.push_str(&format!(",\"{name}\":{value}"));
        }
    }
    payload.replacen("{,", "{", 1) + "}"
}

fn bearer(header: &str, payload: &str) -> Vec<u8> {
    format!("Bearer {}", token(header, payload)).into_bytes()
}

fn routes() -> Routes {
    Routes::compile(&[ServerParts::nowhere("a"), ServerParts::nowhere("b")]).unwrap()
}

/// What the gateway makes of `bearer` at `path`; a page where it is empty. Asked twice, so that the second time is a hit.
fn told(gateway: &Authenticator, cache: &ProofCache, bearer: &[u8], path: &str) -> String {
    let (routes, keys) = (routes(), keys());
    let proving = Proving {
        keys: &keys,
        cache: Some(cache),
        resource: routes.resource(path.as_bytes()),
        ..Proving::bare(NOW)
    };
    let word = || match gateway.authenticate(Some(bearer), &proving) {
        Ok(principal) => principal.identity().to_owned(),
        Err(failure) => failure.as_str().to_owned(),
    };
    let first = word();
    assert_eq!(first, word(), "a hit says what its proof said");
    first
}

fn check_claims(text: &str, path: &str) -> String {
    let bearer = bearer(AT_JWT, &claims(text));
    told(&gateway(own()), &ProofCache::new(4), &bearer, path)
}

#[test]
fn a_token_is_for_its_resource_and_for_no_other() {
    let yes = "oauth:github 583231";
    let (no, bad) = ("token_audience", "token_claim");
    for (aud, path, expected) in [
        (r#""https://gw.example/base/mcp""#, "/mcp", yes),
        (r#""https://gw.example/base/mcp""#, "/mcp/", yes),
        (r#""https://gw.example/base/mcp""#, "/mcp/a", no),
        (r#""https://gw.example/base/mcp""#, "/mcp/nowhere", no),
        (r#""https://gw.example/base/mcp""#, "/sse", no),
        (r#""https://gw.example/base/mcp""#, "", yes),
        (r#""https://gw.example/base/mcp/a""#, "/mcp/a", yes),
        (r#""https://gw.example/base/mcp/a""#, "/mcp/a/x", yes),
        (r#""https://gw.example/base/mcp/a""#, "/mcp/b", no),
        (r#""https://gw.example/base/mcp/a""#, "/mcp/ab", no),
        (r#""https://gw.example/base/mcp/a""#, "/mcp", no),
        (r#""HTTPS://GW.example/base/mcp/""#, "/mcp", yes),
        (r#""https://gw.example/base/MCP""#, "/mcp", no),
        (r#""https://gw.example/base/mcp?x""#, "/mcp", no),
        (r#""https://gw.example/base/sse/a""#, "/message/a", yes),
        (r#""https://gw.example/base/sse/a""#, "/mcp/a", no),
        (r#""https://gw.example/base""#, "/mcp", yes),
        (r#""https://gw.example/base/""#, "/mcp/b", yes),
        (r#"["https://gw.example/base"]"#, "/mcp", yes),
        (r#""https://gw.example""#, "/mcp", no),
        (r#""https://gw.example/mcp""#, "/mcp", no),
        (r#""https://gw.example/basement""#, "/mcp", no),
        (r#""https://other.example/base/mcp""#, "/mcp", no),
        (r#""https://other.example/base/mcp""#, "", no),
        (r#""api""#, "/mcp", no),
        (r#""""#, "/mcp", no),
        ("[]", "/mcp", no),
        // One token for two resources is none that the gateway makes.
        (
            r#"["https://gw.example/base/mcp","https://gw.example/base/mcp/a"]"#,
            "/mcp",
            no,
        ),
        ("7", "/mcp", bad),
        ("null", "/mcp", bad),
    ] {
        assert_eq!(
            check_claims(&format!("\"aud\":{aud}"), path),
            expected,
            "{aud} at {path}"
        );
    }
}

#[test]
fn a_proof_of_one_resource_does_not_pass_at_another() {
    let (gateway, cache) = (gateway(own()), ProofCache::new(4));
    let bearer = bearer(AT_JWT, &claims(""));
    for (path, expected) in [
        ("/mcp", "oauth:github 583231"),
        ("/mcp/a", "token_audience"),
        ("/mcp", "oauth:github 583231"),
        ("/mcp/b", "token_audience"),
        ("/mcp/a", "token_audience"),
    ] {
        assert_eq!(told(&gateway, &cache, &bearer, path), expected, "{path}");
    }
    // Nor one that was made where it is refused.
    let cache = ProofCache::new(4);
    assert_eq!(told(&gateway, &cache, &bearer, "/mcp/a"), "token_audience");
    assert_eq!(
        told(&gateway, &cache, &bearer, "/mcp"),
        "oauth:github 583231"
    );
}

#[test]
fn what_the_gateway_does_not_sign_is_not_its_own() {
    let (gateway, cache) = (gateway(own()), ProofCache::new(4));
    let foreign = claims("").replace(BASE, ISSUER);
    let rows: [(&str, String, &str); 9] = [
        (AT_JWT, claims(""), "oauth:github 583231"),
        (
            r#"{"alg":"ES256","kid":"a","typ":"application/at+jwt"}"#,
            claims(""),
            "oauth:github 583231",
        ),
        // A token of another kind, which something else of the gateway's may have signed.
        (r#"{"alg":"ES256","kid":"a"}"#, claims(""), "token_type"),
        (
            r#"{"alg":"ES256","kid":"a","typ":"JWT"}"#,
            claims(""),
            "token_type",
        ),
        (
            r#"{"alg":"none","kid":"a","typ":"at+jwt"}"#,
            claims(""),
            "token_algorithm",
        ),
        (
            r#"{"alg":"HS256","kid":"a","typ":"at+jwt"}"#,
            claims(""),
            "token_algorithm",
        ),
        // Another issuer's key, in name, and the gateway's for another issuer's token.
        (
            r#"{"alg":"ES256","kid":"b","typ":"at+jwt"}"#,
            claims(""),
            "token_key_unknown",
        ),
        (AT_JWT, foreign, "token_key_unknown"),
        (
            AT_JWT,
            claims(r#""iss":"https://gw.example/base/""#),
            "token_issuer_unknown",
        ),
    ];
    for (header, payload, expected) in rows {
        let bearer = bearer(header, &payload);
        assert_eq!(
            told(&gateway, &cache, &bearer, "/mcp"),
            expected,
            "{header} {payload}"
        );
    }
}

/// A token with `claims` that is signed with key `b`, which is another issuer's, under the name of the gateway's.
#[test]
fn the_gateways_name_under_another_issuers_signature_is_a_forgery() {
    let signed = format!("{}.{}", encode(AT_JWT), encode(claims("")));
    let (x, y) = point(2, 32);
    let signature = sign(Algorithm::Es256, &[x, y].concat(), signed.as_bytes());
    let forged = format!("Bearer {signed}.{}", encode(signature)).into_bytes();
    let word = told(&gateway(own()), &ProofCache::new(4), &forged, "/mcp");
    assert_eq!(word, "token_signature");
}

#[test]
fn failures_of_own_tokens_are_told_apart_from_those_of_others() {
    let (gateway, keys) = (gateway(own()), keys());
    let proving = Proving {
        keys: &keys,
        ..Proving::bare(NOW)
    };
    let provider = |payload: &str| {
        let failure = gateway.authenticate(Some(&bearer(AT_JWT, payload)), &proving);
        failure.unwrap_err().provider()
    };
    let (own, foreign) = (claims("\"exp\":1"), claims("").replace(BASE, ISSUER));
    assert_eq!(provider(&own), Some(Provider::OAuth));
    assert_eq!(provider(&foreign), Some(Provider::Jwt));
}

#[test]
fn a_token_says_what_it_came_of() {
    let yes = "oauth:github 583231";
    for (text, expected) in [
        (format!("\"gid\":\"{GRANT}\""), yes),
        ("\"gid\":\"\"".to_owned(), "token_claim"),
        (
            format!("\"gid\":\"{}\"", GRANT.to_uppercase()),
            "token_claim",
        ),
        (format!("\"gid\":\"{GRANT}0\""), "token_claim"),
        ("\"gid\":7".to_owned(), "token_claim"),
        ("\"gid\":null".to_owned(), "token_claim"),
        (format!("\"GID\":\"{GRANT}\""), "token_malformed"),
        ("\"iat\":\"1\"".to_owned(), "token_claim"),
        ("\"sub\":7".to_owned(), "token_no_user"),
        ("\"sub\":\"\"".to_owned(), "token_no_user"),
        ("\"exp\":1700000000".to_owned(), "token_expired"),
    ] {
        assert_eq!(check_claims(&text, "/mcp"), expected, "{text}");
    }
    for missing in ["gid", "iat"] {
        let whole = claims("");
        let start = whole.find(&format!(",\"{missing}\":")).unwrap();
        let end = start + 1 + whole[start + 1..].find([',', '}']).unwrap();
        let payload = format!("{}{}", &whole[..start], &whole[end..]);
        let bearer = bearer(AT_JWT, &payload);
        let word = told(&gateway(own()), &ProofCache::new(4), &bearer, "/mcp");
        assert_eq!(word, "token_claim", "{payload}");
    }
}

fn prove(own: JwtIssuer, text: &str) -> Principal {
    let keys = keys();
    let proving = Proving {
        keys: &keys,
        ..Proving::bare(NOW)
    };
    let bearer = bearer(AT_JWT, &claims(text));
    gateway(own).authenticate(Some(&bearer), &proving).unwrap()
}

#[test]
fn what_the_gateway_writes_it_reads() {
    let (gateway, keys, routes) = (gateway(own()), keys(), routes());
    let scopes = ["write".into()];
    for (audience, path) in [
        (BASE.to_owned(), "/mcp/b"),
        (format!("{BASE}/mcp/a"), "/mcp/a"),
        (format!("{BASE}/sse"), "/message"),
    ] {
        let claims = OwnClaims {
            user: "a \"b\"",
            audience: &audience,
            client_id: "c",
            scopes: &scopes,
            grant: GrantId([7; 16]),
            expires_at_secs: 1_700_000_900,
        };
        let signing = Signing {
            issuer: BASE,
            token_id: "t",
            now_secs: NOW,
        };
        let payload = String::from_utf8(claims.payload(&signing)).unwrap();
        let proving = Proving {
            keys: &keys,
            resource: routes.resource(path.as_bytes()),
            ..Proving::bare(NOW)
        };
        let found = gateway.authenticate(Some(&bearer(AT_JWT, &payload)), &proving);
        let found = found.unwrap();
        assert_eq!(found.id(), "a \"b\"");
        assert_eq!(*found.granted().unwrap().held, [false, true, false]);
        assert_eq!(found.expires_at_secs(), Some(1_700_000_900));
    }
}

#[test]
fn a_users_rule_narrows_what_scopes_count() {
    let all = r#""scope":"read write admin x""#;
    let ann = prove(own(), all);
    let granted = ann.granted().unwrap();
    assert_eq!(*granted.held, [true, true, true]);
    assert_eq!(ann.quota(), None);
    assert_eq!((ann.realm(), ann.id()), (Some("github"), "583231"));

    let guest = prove(own(), &format!(r#"{all},"sub":"guest7""#));
    let granted = guest.granted().unwrap();
    assert_eq!(*granted.held, [true, false, false]);
    assert_eq!(guest.quota(), Quota::new(1.0, 1).ok());
    let gains = |principal: &Principal| {
        let granted = principal.granted().unwrap();
        [0, 1, 2].map(|place| granted.may_gain(place))
    };
    assert_eq!(gains(&guest), [false; 3], "what it lacks never counts");
    let fresh = prove(own(), r#""scope":"","sub":"guest7""#);
    assert_eq!(gains(&fresh), [true, false, false]);
    let fresh = prove(own(), r#""scope":"""#);
    assert_eq!(gains(&fresh), [true; 3]);

    // Where no client can ask for such tokens, nobody is sent to do it.
    let mut personal = own();
    personal.own.as_mut().unwrap().is_offered = false;
    assert_eq!(gains(&prove(personal, r#""scope":"""#)), [false; 3]);
}

#[test]
fn a_grant_that_is_revoked_takes_its_tokens_along() {
    let gateway = gateway(own());
    let revoking = |number: u128| {
        let mut revoked = RevokedGrants::default();
        revoked.revoke(GrantId(number.to_be_bytes()), 1_700_000_100, NOW);
        keys().refusing(Arc::new(revoked))
    };
    let (other, mine) = (revoking(0xa2), revoking(0xa1));
    let bearer = bearer(AT_JWT, &claims(""));
    let proving = |keys| Proving {
        keys,
        ..Proving::bare(NOW)
    };
    let ann = gateway
        .authenticate(Some(&bearer), &proving(&other))
        .unwrap();
    let failure = gateway
        .authenticate(Some(&bearer), &proving(&mine))
        .unwrap_err();
    assert_eq!(failure, AuthFailure::OwnToken(TokenFault::Revoked));
    assert!(gateway.still_holds(&ann, &other, NOW));
    assert!(!gateway.still_holds(&ann, &mine, NOW), "open streams end");
    assert!(!mine.is_same(&other));
    // It outlives a change of keys.
    let renewed = mine.with(source(), None);
    assert!(!gateway.still_holds(&ann, &renewed, NOW));
}

#[test]
fn an_open_stream_ends_with_its_key_its_issuer_and_its_provider() {
    let here = gateway(own());
    let ann = prove(own(), "");
    let keys = keys();
    assert!(here.still_holds(&ann, &keys, NOW));
    assert!(!here.still_holds(&ann, &keys, 1_700_000_100));
    assert!(!here.still_holds(&ann, &keys.with(SourceId::own(), None), NOW));
    assert!(!Authenticator::default().still_holds(&ann, &keys, NOW));
    let mut moved = own();
    moved.own.as_mut().unwrap().realm = "google".into();
    assert!(!gateway(moved).still_holds(&ann, &keys, NOW));
}

#[test]
fn tokens_of_others_are_for_every_resource() {
    let ring = ring();
    let cache = ProofCache::new(4);
    let routes = routes();
    let gateway = Authenticator::new(AuthenticatorParts {
        issuers: JwtIssuers::compile(vec![issuer()]).unwrap(),
        ..AuthenticatorParts::default()
    });
    let bearer = bearer(HEADER, &payload());
    for path in ["/mcp", "/mcp/a", "/mcp"] {
        let proving = Proving {
            keys: &ring,
            cache: Some(&cache),
            resource: routes.resource(path.as_bytes()),
            ..Proving::bare(NOW)
        };
        let ann = gateway.authenticate(Some(&bearer), &proving).unwrap();
        assert!(ann.resources().is_none() && ann.is_for(Some(Resource::DEFAULT)));
    }
}

#[test]
fn explain_names_users_by_their_provider() {
    let gateway = gateway(own());
    let ann = gateway.explain_token("github", "ann", &["read"]).unwrap();
    assert_eq!(ann.identity(), "oauth:github ann");
    assert_eq!(*ann.granted().unwrap().held, [true, false, false]);
    let other = gateway.explain_token(ISSUER, "ann", &[]).unwrap();
    assert_eq!(other.identity(), format!("jwt:{ISSUER} ann"));
    assert!(gateway.explain_token("google", "ann", &[]).is_none());
    assert!(gateway.explain_token("github", "", &[]).is_none());
}
