#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use super::*;
use crate::engine::identity::AddressRange;
use crate::engine::identity::mtls::testing::{BEGIN_SECS, END_SECS, Says, certify, head};
use crate::engine::identity::mtls::{IdentityPattern, IdentitySource, MtlsIdentity};
use crate::engine::policy::Grants;
use crate::engine::quota::Quota;

fn access(tools: &[&str]) -> MtlsAccess {
    let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
    MtlsAccess {
        grants: Arc::new(Grants::compile(&tools, &[]).unwrap()),
        quota: Quota::new(5.0, 3).ok(),
    }
}

fn rules(origin: CertificateOrigin, patterns: &[&str], default: Option<MtlsAccess>) -> MtlsRules {
    let identities = patterns.iter().map(|pattern| MtlsIdentity {
        pattern: IdentityPattern::parse(pattern).unwrap(),
        access: access(&[pattern]),
    });
    MtlsRules {
        origin,
        source: IdentitySource::SanUri,
        identities: identities.collect(),
        default,
        allow_bearer: false,
    }
}

fn from_proxies(proxies: &[&str]) -> CertificateOrigin {
    CertificateOrigin::Header {
        proxies: proxies
            .iter()
            .map(|range| AddressRange::parse(range).unwrap())
            .collect(),
        format: ProxyFormat::Plain,
    }
}

#[test]
fn the_first_entry_that_matches_counts_and_nobody_else_gets_in() {
    let patterns = [
        "spiffe://td/agent/admin",
        "spiffe://td/agent/*",
        "spiffe://td/[ab]",
    ];
    let strict = rules(CertificateOrigin::Native, &patterns, None);
    let open = rules(
        CertificateOrigin::Native,
        &patterns,
        Some(access(&["default"])),
    );
    let rows = [
        ("spiffe://td/agent/admin", Some(0)),
        ("spiffe://td/agent/x", Some(1)),
        ("spiffe://td/agent/x/y", Some(1)),
        ("spiffe://td/a", Some(2)),
        ("spiffe://td/c", None),
        ("spiffe://td/agent", None),
        ("spiffe://td/AGENT/x", None),
        ("xspiffe://td/agent/x", None),
    ];
    for (name, expected) in rows {
        let certificate = ClientCertificate::parse(&certify(&[Says::Uri(name)])).unwrap();
        let found = strict.identify(&certificate, BEGIN_SECS);
        match expected {
            Some(index) => {
                let principal = found.unwrap();
                assert_eq!(principal.identity(), format!("mtls:{name}"));
                assert_eq!(principal.provider(), Provider::Mtls);
                assert_eq!(principal.expires_at_secs(), Some(END_SECS + 1));
                assert!(principal.quota().is_some());
                assert!(std::ptr::eq(
                    principal.grants(),
                    &*strict.identities[index].access.grants
                ));
            }
            None => {
                assert_eq!(found.unwrap_err(), CertificateFault::Unmapped, "{name}");
                let principal = open.identify(&certificate, BEGIN_SECS).unwrap();
                let default = open.default.as_ref().unwrap();
                assert!(std::ptr::eq(principal.grants(), &*default.grants));
            }
        }
        assert_eq!(strict.principal_for(name).is_some(), expected.is_some());
        assert_eq!(strict.maps(name), expected.is_some());
    }
}

#[test]
fn the_time_is_checked_at_each_request() {
    let rules = rules(CertificateOrigin::Native, &["*"], None);
    let der = certify(&[Says::Uri("spiffe://td/a")]);
    let certificate = ClientCertificate::parse(&der).unwrap();
    for (now_secs, is_good) in [
        (BEGIN_SECS - 1, false),
        (BEGIN_SECS, true),
        (END_SECS, true),
        (END_SECS + 1, false),
    ] {
        let found = rules.identify(&certificate, now_secs);
        assert_eq!(found.is_ok(), is_good, "{now_secs}");
        if let Ok(principal) = found {
            assert!(!principal.is_expired(END_SECS) && principal.is_expired(END_SECS + 1));
        }
    }
}

#[test]
fn only_a_configured_proxy_is_believed() {
    let rules = rules(from_proxies(&["10.0.0.0/8", "fd00::1"]), &["*"], None);
    let (digest, bytes) = head(&[
        ("X-Client-Cert-Verified", "SUCCESS"),
        ("X-Client-Cert-SAN-URI", "spiffe://td/a"),
    ]);
    let rows = [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("fd00::1", true),
        ("fd00::2", false),
        ("11.0.0.1", false),
        ("::ffff:11.0.0.1", false),
        ("127.0.0.1", false),
        ("::1", false),
    ];
    for (peer, is_believed) in rows {
        let proving = Proving {
            told: Some(digest.certificate.of(&bytes)),
            peer: peer.parse().unwrap(),
            ..Proving::bare(BEGIN_SECS)
        };
        let shown = rules.shown(&proving).unwrap();
        assert_eq!(shown.is_some(), is_believed, "{peer}");
        if let Some(shown) = shown {
            let principal = rules.prove(shown, &proving).unwrap();
            assert_eq!(principal.identity(), "mtls:spiffe://td/a");
            assert_eq!(principal.expires_at_secs(), None);
        }
    }
}

#[test]
fn one_origin_is_never_mixed_with_the_other() {
    let der = certify(&[Says::Uri("spiffe://td/a")]);
    let certificate = ClientCertificate::parse(&der).unwrap();
    let (digest, bytes) = head(&[
        ("X-Client-Cert-Verified", "SUCCESS"),
        ("X-Client-Cert-SAN-URI", "spiffe://td/eve"),
    ]);
    let proving = Proving {
        certificate: Some(&certificate),
        told: Some(digest.certificate.of(&bytes)),
        peer: "10.0.0.1".parse().unwrap(),
        ..Proving::bare(BEGIN_SECS)
    };
    let native = rules(CertificateOrigin::Native, &["*"], None);
    let shown = native.shown(&proving).unwrap().unwrap();
    assert_eq!(native.prove(shown, &proving).unwrap().id(), "spiffe://td/a");
    let told = rules(from_proxies(&["10.0.0.1"]), &["*"], None);
    let shown = told.shown(&proving).unwrap().unwrap();
    assert_eq!(told.prove(shown, &proving).unwrap().id(), "spiffe://td/eve");
    let elsewhere = rules(from_proxies(&["10.0.0.2"]), &["*"], None);
    assert!(elsewhere.shown(&proving).unwrap().is_none());
}
