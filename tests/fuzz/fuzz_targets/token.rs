//! Signed tokens, with a library that takes every signature: whatever is accepted says in `serde_json` what it was accepted for.
//!
//! The gateway's own tokens are among them: what proves a user at one resource must say so in `aud`, found again in the cache too.
//! And no bearer that has the form of a key, of a signed token, or of a secret of the gateway's is ever asked about elsewhere.
//!
//! Input: header and payload with a line feed between, put together here; and the same bytes as a token.
#![no_main]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::identity::jwt::{
    Algorithm, BadKey, JwtIssuer, JwtIssuers, KeyMaterial, KeyRing, KeySet, KeySource, OwnTokens,
    ScopeMap, Signatures, VerifySignature,
};
use mcp_guard::engine::identity::opaque::{OpaqueFault, OpaqueTokens, UserAccess, UserRules};
use mcp_guard::engine::identity::{
    AuthFailure, Authenticator, AuthenticatorParts, Principal, ProofCache, Provider, Proving,
};
use mcp_guard::engine::policy::Grants;
use mcp_guard::engine::route::{PublicBase, Resource};
use serde_json::Value;

const NOW: u64 = 1_700_000_000;

#[derive(Debug)]
struct TakesAll;

impl Signatures for TakesAll {
    fn key(&self, _: Algorithm, _: KeyMaterial<'_>) -> Result<Box<dyn VerifySignature>, BadKey> {
        Ok(Box::new(Self))
    }
}

impl VerifySignature for TakesAll {
    fn verify(&self, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

thread_local! {
    static ISSUERS: JwtIssuers = issuers();
    static GATEWAY: Authenticator = gateway();
}

fn issuers() -> JwtIssuers {
    let algorithms = vec![Algorithm::Hs256];
    let keys = KeySet::of_secret(&[0; 32], &algorithms, &TakesAll).expect("long enough");
    let issuer = JwtIssuer {
        issuer: "i".into(),
        audiences: vec!["a".into()],
        algorithms,
        keys: KeySource::Fixed(Arc::new(keys)),
        user_id_claim: "sub".into(),
        scopes_claim: "scope".into(),
        scopes: Arc::new(ScopeMap::default()),
        grants: Arc::new(Grants::default()),
        quota: None,
        leeway_secs: 0,
        require_at_jwt: false,
        own: None,
    };
    JwtIssuers::compile(vec![own(&issuer), issuer]).expect("two issuers")
}

/// The gateway at `https://g`, which signs with the same keys.
fn own(other: &JwtIssuer) -> JwtIssuer {
    JwtIssuer {
        issuer: "https://g".into(),
        audiences: Vec::new(),
        algorithms: other.algorithms.clone(),
        keys: other.keys.clone(),
        user_id_claim: "sub".into(),
        scopes_claim: "scope".into(),
        scopes: Arc::new(ScopeMap::default()),
        grants: Arc::new(Grants::default()),
        quota: None,
        leeway_secs: 0,
        require_at_jwt: true,
        own: Some(OwnTokens {
            realm: "r".into(),
            base: base(),
            users: users(),
            is_offered: true,
        }),
    }
}

fn base() -> PublicBase {
    PublicBase::parse("https://g").expect("a URL")
}

fn users() -> Arc<UserRules> {
    Arc::new(UserRules {
        rules: Vec::new(),
        default: UserAccess {
            grants: Arc::new(Grants::default()),
            quota: None,
            scopes: None,
        },
    })
}

/// A gateway that takes opaque tokens as well.
fn gateway() -> Authenticator {
    Authenticator::new(AuthenticatorParts {
        issuers: issuers(),
        opaque: Some(OpaqueTokens {
            realm: "r".into(),
            client_id: "c".into(),
            audiences: Vec::new(),
            base: Some(base()),
            scopes: Arc::new(ScopeMap::default()),
            users: users(),
        }),
        ..AuthenticatorParts::default()
    })
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let header = parts.next().unwrap_or_default();
    let payload = parts.next().unwrap_or_default();
    let built = format!(
        "{}.{}.AA",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    if let Some(principal) = check(built.as_bytes()) {
        agrees(&principal, header, payload);
    }
    check(input);
    is_asked_about_only_where_it_is_nobodys(input);
});

fn is_asked_about_only_where_it_is_nobodys(token: &[u8]) {
    let header = [b"Bearer ", token].concat();
    let found = GATEWAY.with(|gateway| gateway.authenticate(Some(&header), &Proving::bare(NOW)));
    if !matches!(found, Err(AuthFailure::Opaque(OpaqueFault::Unasked))) {
        return;
    }
    let text = std::str::from_utf8(token).expect("a token68 is ASCII");
    let token = text.trim_ascii().to_ascii_lowercase();
    assert!(!token.starts_with("mcp_") && !token.starts_with("mcpg_"));
    let dots = token.matches('.').count();
    assert!(dots != 2 && dots != 4);
    let is_token68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    assert!(token.chars().all(is_token68));
}

/// The principal of `token`; the cache must say the same, then and at no time when it does not hold.
fn check(token: &[u8]) -> Option<Principal> {
    let cache = ProofCache::new(4);
    let ring = KeyRing::EMPTY;
    let proving = Proving {
        keys: &ring,
        cache: Some(&cache),
        ..Proving::bare(NOW)
    };
    ISSUERS.with(|issuers| {
        let first = issuers.check(token, &proving).ok();
        let again = issuers.check(token, &proving).ok();
        agrees_on_the_resource(issuers, token, &proving, first.as_ref());
        let identity =
            |proven: &Option<Principal>| proven.as_ref().map(|p| p.identity().to_owned());
        assert_eq!(identity(&first), identity(&again));
        let late = Proving {
            now_secs: u64::MAX,
            ..proving
        };
        assert!(issuers.check(token, &late).is_err());
        first
    })
}

/// A proof that was kept, and one that is made there, say the same of `/mcp`.
fn agrees_on_the_resource(
    issuers: &JwtIssuers,
    token: &[u8],
    proving: &Proving<'_>,
    anywhere: Option<&Principal>,
) {
    let at_default = Proving {
        resource: Some(Resource::DEFAULT),
        ..*proving
    };
    let anew = Proving {
        cache: None,
        ..at_default
    };
    let is_meant = anywhere.is_some_and(|principal| principal.is_for(Some(Resource::DEFAULT)));
    assert_eq!(issuers.check(token, &at_default).is_ok(), is_meant);
    assert_eq!(issuers.check(token, &anew).is_ok(), is_meant);
}

/// What a token of the gateway's own must say, beside what every token must.
fn agrees_as_own(principal: &Principal, header: &Value, claims: &Value) {
    assert_eq!(claims["iss"], "https://g");
    let typ = header["typ"].as_str().expect("typ is a text");
    assert!(typ.to_ascii_lowercase().ends_with("at+jwt"));
    let gid = claims["gid"].as_str().expect("gid is a text");
    assert!(gid.len() == 32 && gid.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(claims["iat"].is_number());
    let aud = match &claims["aud"] {
        Value::Array(all) if all.len() == 1 => &all[0],
        one => one,
    };
    let aud = aud.as_str().expect("one audience");
    let path = aud
        .get("https://g".len()..)
        .expect("a URL of the gateway's");
    assert!(aud[..9].eq_ignore_ascii_case("https://g"));
    let expected = matches!(path, "" | "/" | "/mcp" | "/mcp/");
    assert_eq!(principal.is_for(Some(Resource::DEFAULT)), expected, "{aud}");
}

fn agrees(principal: &Principal, header: &[u8], payload: &[u8]) {
    let header: Value = serde_json::from_slice(header).expect("a header is JSON");
    assert_eq!(header["alg"], "HS256");
    assert!(header.get("crit").is_none());
    let claims: Value = serde_json::from_slice(payload).expect("claims are JSON");
    assert_eq!(claims["sub"], principal.id());
    if principal.provider() == Provider::OAuth {
        agrees_as_own(principal, &header, &claims);
    } else {
        assert_eq!(claims["iss"], "i");
        let is_meant = match &claims["aud"] {
            Value::Array(all) => all.iter().any(|each| each == "a"),
            one => one == "a",
        };
        assert!(is_meant);
    }
    let exp = claims["exp"].as_f64().expect("exp is a number");
    assert!(exp > NOW as f64);
    if let Some(nbf) = claims.get("nbf") {
        assert!(nbf.as_f64().expect("nbf is a number") <= NOW as f64);
    }
}
