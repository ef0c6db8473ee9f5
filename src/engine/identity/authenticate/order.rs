//! Which of several credentials decides (tests).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod lifetime;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::engine::identity::jwt::{
    Algorithm, BadKey, JwtIssuer, KeyMaterial, KeySet, KeySource, Signatures, VerifySignature,
};
use crate::engine::identity::mtls::testing::{BEGIN_SECS, END_SECS, Says, certify, head};
use crate::engine::identity::mtls::{
    CertificateError, CertificateOrigin, IdentityPattern, IdentitySource, MtlsAccess, MtlsIdentity,
    ProxyFormat,
};
use crate::engine::identity::{AddressRange, ApiKey, ChallengeError, KeyHash, ProofVersion};
use crate::engine::mcp::headers::HeaderDigest;

const KEY: &[u8] = b"Bearer mcp_good";
const BAD_KEY: &[u8] = b"Bearer mcp_bad";

/// A token for `bob` in three parts: with [`Trusting`], any signature but none is good.
fn token(issuer: &str) -> String {
    let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let head = encode(r#"{"alg":"HS256"}"#);
    let claims = format!(
        r#"{{"iss":"{issuer}","aud":"gw","sub":"bob","exp":{}}}"#,
        BEGIN_SECS + 60
    );
    format!("Bearer {head}.{}.{}", encode(&claims), encode("signed"))
}

/// Takes `signed` for a signature: what is tested here comes before and after the mathematics.
#[derive(Debug)]
struct Trusting;

impl Signatures for Trusting {
    fn key(&self, _: Algorithm, _: KeyMaterial<'_>) -> Result<Box<dyn VerifySignature>, BadKey> {
        Ok(Box::new(Self))
    }
}

impl VerifySignature for Trusting {
    fn verify(&self, _: &[u8], signature: &[u8]) -> bool {
        signature == b"signed"
    }
}

fn issuers() -> JwtIssuers {
    let keys = KeySet::of_secret(&[7; 32], &[Algorithm::Hs256], &Trusting).unwrap();
    JwtIssuers::compile(vec![JwtIssuer {
        issuer: "https://login.example".into(),
        audiences: vec!["gw".into()],
        algorithms: vec![Algorithm::Hs256],
        keys: KeySource::Fixed(Arc::new(keys)),
        user_id_claim: "sub".into(),
        scopes_claim: "scope".into(),
        scopes: Arc::default(),
        grants: Arc::default(),
        quota: None,
        leeway_secs: 0,
        require_at_jwt: false,
        own: None,
    }])
    .unwrap()
}

/// `[auth.mtls]`: absent, or with this origin; `true` for `allow_bearer`.
fn authenticator(mtls: Option<(CertificateOrigin, bool)>, anonymous: bool) -> Authenticator {
    let key = ApiKey {
        id: "alice".to_owned(),
        key_hash: KeyHash::of(b"mcp_good"),
        grants: Arc::default(),
        quota: None,
        expires_at_secs: None,
    };
    let access = MtlsAccess {
        grants: Arc::default(),
        quota: None,
    };
    let identity = MtlsIdentity {
        pattern: IdentityPattern::parse("ali*").unwrap(),
        access,
    };
    Authenticator::new(AuthenticatorParts {
        opaque: None,
        keys: ApiKeys::compile(vec![key]).unwrap(),
        issuers: issuers(),
        mtls: mtls.map(|(origin, allow_bearer)| MtlsRules {
            origin,
            source: IdentitySource::Cn,
            identities: vec![identity],
            default: None,
            allow_bearer,
        }),
        anonymous: anonymous.then(|| AnonymousAccess {
            grants: Arc::default(),
            quota: None,
        }),
    })
}

fn certificate(cn: &str) -> ClientCertificate {
    ClientCertificate::parse(&certify(&[Says::Cn(cn)])).unwrap()
}

fn native(allow_bearer: bool) -> Option<(CertificateOrigin, bool)> {
    Some((CertificateOrigin::Native, allow_bearer))
}

fn from_proxy(allow_bearer: bool) -> Option<(CertificateOrigin, bool)> {
    let origin = CertificateOrigin::Header {
        proxies: vec![AddressRange::parse("10.0.0.0/8").unwrap()],
        format: ProxyFormat::Plain,
    };
    Some((origin, allow_bearer))
}

/// The identity, or the word for the failure.
fn outcome(result: Result<Principal, AuthFailure>) -> String {
    result.map_or_else(
        |failure| failure.as_str().to_owned(),
        |principal| principal.identity().to_owned(),
    )
}

#[test]
fn the_credential_that_was_presented_decides_and_no_other_is_tried() {
    let (alice, eve) = (certificate("alice"), certificate("eve"));
    let broken = ClientCertificate::unreadable(CertificateError::Malformed);
    let bob = token("https://login.example");
    let stranger = token("https://elsewhere.example");
    let forged = format!("{bob}x");
    let looks_like_both = format!("Bearer mcp_{}", bob.trim_start_matches("Bearer "));
    type Row<'a> = (
        Option<(CertificateOrigin, bool)>,
        Option<&'a [u8]>,
        Option<&'a ClientCertificate>,
        &'a str,
    );
    let rows: [Row<'_>; 28] = [
        // Not enabled: a transport check, and the bearer decides.
        (None, None, Some(&alice), "anonymous"),
        (None, Some(KEY), Some(&alice), "key:alice"),
        (None, Some(BAD_KEY), Some(&alice), "key_unknown"),
        (native(false), None, None, "anonymous"),
        (native(false), None, Some(&alice), "mtls:alice"),
        (native(false), None, Some(&eve), "certificate_unmapped"),
        (native(false), None, Some(&broken), "certificate_malformed"),
        (native(false), Some(KEY), None, "key:alice"),
        (
            native(false),
            Some(KEY),
            Some(&alice),
            "certificate_beside_bearer",
        ),
        (
            native(false),
            Some(BAD_KEY),
            Some(&alice),
            "certificate_beside_bearer",
        ),
        (
            native(false),
            Some(b"Basic x"),
            Some(&alice),
            "certificate_beside_bearer",
        ),
        (
            native(false),
            Some(b""),
            Some(&alice),
            "certificate_beside_bearer",
        ),
        (native(true), None, Some(&alice), "mtls:alice"),
        (native(true), Some(KEY), Some(&alice), "key:alice"),
        (native(true), Some(KEY), Some(&eve), "key:alice"),
        (native(true), Some(BAD_KEY), Some(&alice), "key_unknown"),
        (
            native(true),
            Some(b"Basic x"),
            Some(&alice),
            "credential_malformed",
        ),
        (
            native(true),
            Some(b"Bearer opaque"),
            Some(&alice),
            "not_an_api_key",
        ),
        // Each shape has its provider, and a refusal there is final.
        (
            None,
            Some(bob.as_bytes()),
            None,
            "jwt:https://login.example bob",
        ),
        (None, Some(forged.as_bytes()), None, "token_malformed"),
        (
            None,
            Some(stranger.as_bytes()),
            None,
            "token_issuer_unknown",
        ),
        (None, Some(b"Bearer a.b.c"), None, "token_malformed"),
        (None, Some(looks_like_both.as_bytes()), None, "key_unknown"),
        (None, Some(b"Bearer a.b"), None, "not_an_api_key"),
        (
            native(false),
            Some(bob.as_bytes()),
            Some(&alice),
            "certificate_beside_bearer",
        ),
        (
            native(true),
            Some(bob.as_bytes()),
            Some(&alice),
            "jwt:https://login.example bob",
        ),
        (
            native(true),
            Some(stranger.as_bytes()),
            Some(&alice),
            "token_issuer_unknown",
        ),
        // The handshake's certificate is the proxy's own where headers are the origin.
        (from_proxy(false), None, Some(&alice), "anonymous"),
    ];
    for (index, (mtls, authorization, shown, expected)) in rows.into_iter().enumerate() {
        let proving = Proving {
            certificate: shown,
            ..Proving::bare(BEGIN_SECS)
        };
        let found = authenticator(mtls, true).authenticate(authorization, &proving);
        assert_eq!(outcome(found), expected, "row {index}");
    }
}

fn told<'a>(digest: &'a HeaderDigest, bytes: &'a [u8], peer: &str) -> Proving<'a> {
    Proving {
        told: Some(digest.certificate.of(bytes)),
        peer: peer.parse().unwrap(),
        ..Proving::bare(BEGIN_SECS)
    }
}

#[test]
fn headers_are_a_credential_from_a_configured_proxy_alone() {
    let verified = ("X-Client-Cert-Verified", "SUCCESS");
    let alice = ("X-Client-Cert-CN", "alice");
    type Row<'a> = (
        Option<(CertificateOrigin, bool)>,
        Option<&'a [u8]>,
        &'a [(&'a str, &'a str)],
        &'a str,
        &'a str,
        u16,
    );
    let rows: [Row<'_>; 15] = [
        (
            from_proxy(false),
            None,
            &[verified, alice],
            "10.0.0.1",
            "mtls:alice",
            0,
        ),
        (
            from_proxy(false),
            None,
            &[verified, alice],
            "::ffff:10.0.0.1",
            "mtls:alice",
            0,
        ),
        (
            from_proxy(false),
            None,
            &[verified, alice],
            "192.0.2.1",
            "anonymous",
            2,
        ),
        (
            from_proxy(false),
            None,
            &[verified, alice],
            "::ffff:192.0.2.1",
            "anonymous",
            2,
        ),
        (
            from_proxy(false),
            None,
            &[verified, alice, alice],
            "192.0.2.1",
            "anonymous",
            3,
        ),
        (
            from_proxy(false),
            Some(KEY),
            &[verified, alice],
            "192.0.2.1",
            "key:alice",
            2,
        ),
        (None, None, &[verified, alice], "10.0.0.1", "anonymous", 2),
        (
            native(false),
            None,
            &[verified, alice],
            "10.0.0.1",
            "anonymous",
            2,
        ),
        (from_proxy(false), None, &[], "10.0.0.1", "anonymous", 0),
        (
            from_proxy(false),
            None,
            &[alice],
            "10.0.0.1",
            "certificate_unverified",
            0,
        ),
        (
            from_proxy(false),
            None,
            &[verified, alice, alice],
            "10.0.0.1",
            "certificate_headers",
            1,
        ),
        (
            from_proxy(false),
            Some(KEY),
            &[verified, alice],
            "10.0.0.1",
            "certificate_beside_bearer",
            0,
        ),
        (
            from_proxy(true),
            Some(KEY),
            &[verified, alice],
            "10.0.0.1",
            "key:alice",
            0,
        ),
        (
            from_proxy(true),
            Some(KEY),
            &[verified, alice, alice],
            "10.0.0.1",
            "certificate_headers",
            1,
        ),
        (
            from_proxy(false),
            None,
            &[("X-SSL-Client-Verify", "SUCCESS")],
            "10.0.0.1",
            "anonymous",
            1,
        ),
    ];
    for (index, (mtls, authorization, fields, peer, expected, disbelieved)) in
        rows.into_iter().enumerate()
    {
        let (digest, bytes) = head(fields);
        let authenticator = authenticator(mtls, true);
        let proving = told(&digest, &bytes, peer);
        let found = authenticator.authenticate(authorization, &proving);
        assert_eq!(outcome(found), expected, "row {index}");
        let counted = authenticator.disbelieved(digest.certificate.of(&bytes), proving.peer);
        assert_eq!(counted, disbelieved, "row {index}");
    }
}

#[test]
fn equal_names_of_two_providers_are_two_identities() {
    let both = authenticator(native(true), false);
    let shown = certificate("alice");
    let proving = Proving {
        certificate: Some(&shown),
        ..Proving::bare(BEGIN_SECS)
    };
    let by_certificate = both.authenticate(None, &proving).unwrap();
    let by_key = both.authenticate(Some(KEY), &proving).unwrap();
    assert_eq!(by_certificate.id(), by_key.id());
    assert_ne!(by_certificate.identity(), by_key.identity());
    assert!(by_certificate.owner() != by_key.owner());
    assert_eq!(
        both.explain_certificate("alice").unwrap().identity(),
        "mtls:alice"
    );
    assert!(both.explain_certificate("eve").is_none());
}

#[test]
fn a_refused_certificate_is_no_refused_token() {
    let rows = [
        (CertificateFault::Unmapped, ChallengeError::None),
        (CertificateFault::OutOfTime, ChallengeError::None),
        (CertificateFault::BadHeaders, ChallengeError::None),
        (CertificateFault::BesideBearer, ChallengeError::InvalidToken),
    ];
    for (fault, challenge) in rows {
        assert_eq!(AuthFailure::Certificate(fault).challenge(), challenge);
    }
}
