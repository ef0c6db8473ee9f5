//! Signed tokens: a hit in the cache of proofs, and all that a miss costs.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use jsonwebtoken::EncodingKey;
use mcp_guard::engine::identity::jwt::{
    Algorithm, BadKey, JwtIssuer, JwtIssuers, KeyMaterial, KeyRing, KeySet, KeySource, ScopeGrants,
    ScopeMap, Signatures, SourceId, VerifySignature,
};
use mcp_guard::engine::identity::{Principal, ProofCache, Proving};
use mcp_guard::engine::policy::Grants;

use super::{NOW_SECS, entries};

/// What an access token usually holds; about 600 bytes of token with an RSA signature.
const CLAIMS: &str = r#"{"iss":"https://login.example.com/","sub":"8d0f6a52-7a3e-4f0e-9d5e-1c2b3a4d5e6f","aud":["https://mcp.example.com/mcp","account"],"exp":1790000300,"iat":1790000000,"nbf":1790000000,"jti":"0b9d6f6e-3a7c-4b1f-8a51-5d7c2f1e9a33","azp":"agent","client_id":"agent","scope":"openid tools:read tools:write"}"#;

/// Takes every signature: what is measured with it is everything else.
#[derive(Debug)]
pub(crate) struct TakesAll;

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

/// An issuer, its keys, and one of its tokens.
pub(crate) struct TokenGate {
    issuers: JwtIssuers,
    keys: KeyRing,
    cache: ProofCache,
    token: String,
}

impl TokenGate {
    /// A gate with a token signed for `algorithm` by a new key, which `signatures` verifies.
    pub(crate) fn new(algorithm: Algorithm, signatures: &dyn Signatures) -> Self {
        let (token, jwk) = minted(algorithm);
        let source = SourceId::of("https://login.example.com/jwks", &[algorithm]);
        let fixed = || {
            let set = KeySet::of_secret(&[7; 32], &[algorithm], signatures);
            KeySource::Fixed(Arc::new(set.expect("long enough")))
        };
        let mut keys = KeyRing::EMPTY;
        if let Some(jwk) = &jwk {
            let set = format!(r#"{{"keys":[{jwk}]}}"#);
            let set = KeySet::parse_jwks(set.as_bytes(), &[algorithm], 1, signatures);
            keys = keys.with(source, Some(Arc::new(set.expect("a good key").0)));
        }
        let source = jwk.map_or_else(fixed, |_| KeySource::Jwks(source));
        let gate = Self {
            issuers: JwtIssuers::compile(vec![issuer(algorithm, source)]).expect("one issuer"),
            keys,
            cache: ProofCache::new(16),
            token,
        };
        let _ = gate.hit();
        gate
    }

    /// Proves what was proven before.
    pub(crate) fn hit(&self) -> Principal {
        self.check(Some(&self.cache))
    }

    /// Proves it as if it were new.
    pub(crate) fn miss(&self) -> Principal {
        self.check(None)
    }

    fn check(&self, cache: Option<&ProofCache>) -> Principal {
        let proving = Proving {
            now_secs: NOW_SECS,
            keys: &self.keys,
            cache,
            certificate: None,
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            told: None,
            resource: None,
            verdict: None,
            suspicion: None,
        };
        let checked = self.issuers.check(self.token.as_bytes(), &proving);
        checked.expect("a good token")
    }
}

fn issuer(algorithm: Algorithm, keys: KeySource) -> JwtIssuer {
    let scope = |scope: &str, tools: &str| ScopeGrants {
        scope: scope.into(),
        grants: Arc::new(Grants::compile(&entries(&[tools]), &[]).expect("valid entries")),
    };
    let scopes = ScopeMap::new(vec![
        scope("tools:read", "read_*"),
        scope("tools:write", "write_*"),
    ]);
    JwtIssuer {
        issuer: "https://login.example.com/".into(),
        audiences: vec!["https://mcp.example.com/mcp".into()],
        algorithms: vec![algorithm],
        keys,
        user_id_claim: "sub".into(),
        scopes_claim: "scope".into(),
        scopes: Arc::new(scopes),
        grants: Arc::default(),
        quota: None,
        leeway_secs: 0,
        require_at_jwt: false,
        own: None,
    }
}

/// A token for `algorithm` and what its issuer publishes, where that is anything.
fn minted(algorithm: Algorithm) -> (String, Option<String>) {
    let (key, jwk) = match algorithm {
        Algorithm::Hs256 => (EncodingKey::from_secret(&[7; 32]), None),
        Algorithm::Rs256 => rsa(),
        Algorithm::Es256 => ec(),
        _ => ed(),
    };
    let header = format!(
        r#"{{"alg":"{}","typ":"at+jwt","kid":"k"}}"#,
        algorithm.as_str()
    );
    let signed = format!("{}.{}", encode(header), encode(CLAIMS));
    let name = algorithm.as_str().parse().expect("an algorithm");
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, name);
    (format!("{signed}.{}", signature.expect("signed")), jwk)
}

fn rsa() -> (EncodingKey, Option<String>) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    // Both lie within their documents at places that the size of the key fixes.
    let key = EncodingKey::from_rsa_der(&pair.serialize_der()[26..]);
    let n = encode(&pair.public_key_raw()[9..265]);
    let jwk = format!(r#"{{"kty":"RSA","kid":"k","n":"{n}","e":"AQAB"}}"#);
    (key, Some(jwk))
}

fn ec() -> (EncodingKey, Option<String>) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let key = EncodingKey::from_ec_der(&pair.serialize_der());
    let (x, y) = pair.public_key_raw()[1..].split_at(32);
    let (x, y) = (encode(x), encode(y));
    let jwk = format!(r#"{{"kty":"EC","kid":"k","crv":"P-256","x":"{x}","y":"{y}"}}"#);
    (key, Some(jwk))
}

fn ed() -> (EncodingKey, Option<String>) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
    let key = EncodingKey::from_ed_der(&pair.serialize_der());
    let x = encode(pair.public_key_raw());
    let jwk = format!(r#"{{"kty":"OKP","kid":"k","crv":"Ed25519","x":"{x}"}}"#);
    (key, Some(jwk))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
