//! What a proxy tells of a client certificate, in any format: whatever the headers are, they give an identity that prints as
//! what it is, and only with the proxy's marker; from anybody else they give none. Certificates alone likewise.
#![no_main]

use std::net::IpAddr;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::identity::mtls::{
    CertificateOrigin, ClientCertificate, IdentitySource, MtlsAccess, MtlsRules, ProxyFormat,
};
use mcp_guard::engine::identity::{
    AddressRange, AuthFailure, Authenticator, AuthenticatorParts, Principal, Proving,
};
use mcp_guard::engine::limits::IDENTITY_ID_BYTES_MAX;
use mcp_guard::engine::mcp::headers::{CertificateField, HeaderDigest};

const FORMATS: [ProxyFormat; 5] = [
    ProxyFormat::Plain,
    ProxyFormat::Nginx,
    ProxyFormat::Envoy,
    ProxyFormat::Haproxy,
    ProxyFormat::Traefik,
];
const SOURCES: [IdentitySource; 4] = [
    IdentitySource::Cn,
    IdentitySource::SanDns,
    IdentitySource::SanEmail,
    IdentitySource::SanUri,
];
/// 2027-01-15, within the time of the certificates among the seeds.
const NOW_SECS: u64 = 1_800_000_000;
const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn rules(origin: CertificateOrigin, source: IdentitySource) -> MtlsRules {
    MtlsRules {
        origin,
        source,
        identities: Vec::new(),
        default: Some(MtlsAccess {
            grants: Arc::default(),
            quota: None,
        }),
        allow_bearer: false,
    }
}

fn check_name(principal: &Principal) {
    let id = principal.id();
    assert!((1..=IDENTITY_ID_BYTES_MAX).contains(&id.len()), "{id:?}");
    assert!(!id.chars().any(char::is_control), "{id:?}");
    assert_eq!(principal.identity(), format!("mtls:{id}"));
}

fn check_told(digest: &HeaderDigest, head: &[u8], format: ProxyFormat, source: IdentitySource) {
    let proxies = AddressRange::parse("10.0.0.0/8").into_iter().collect();
    let authenticator = Authenticator::new(AuthenticatorParts {
        mtls: Some(rules(CertificateOrigin::Header { proxies, format }, source)),
        ..AuthenticatorParts::default()
    });
    let told = digest.certificate.of(head);
    let from = |peer| Proving {
        told: Some(told),
        peer,
        ..Proving::bare(NOW_SECS)
    };
    let stranger = authenticator.authenticate(None, &from(STRANGER));
    assert!(matches!(stranger, Err(AuthFailure::Missing)));
    let Ok(principal) = authenticator.authenticate(None, &from(PROXY)) else {
        return;
    };
    check_name(&principal);
    let value = |field| told.value(field).expect("a repeated field is refused");
    match format {
        ProxyFormat::Plain => assert_eq!(
            value(CertificateField::PlainVerified),
            Some(&b"SUCCESS"[..])
        ),
        ProxyFormat::Nginx => assert_eq!(value(CertificateField::SslVerify), Some(&b"SUCCESS"[..])),
        ProxyFormat::Haproxy => {
            assert_eq!(value(CertificateField::SslUsed), Some(&b"1"[..]));
            assert_eq!(value(CertificateField::SslVerify), Some(&b"0"[..]));
        }
        ProxyFormat::Envoy | ProxyFormat::Traefik => {}
    }
}

fuzz_target!(|head: &[u8]| {
    let fields = head.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], &line[colon + 1..]))
    });
    if let Ok(digest) = HeaderDigest::read(head, fields) {
        for format in FORMATS {
            for source in SOURCES {
                check_told(&digest, head, format, source);
            }
        }
    }
    if let Ok(certificate) = ClientCertificate::parse(head) {
        for source in SOURCES {
            let found = rules(CertificateOrigin::Native, source).identify(&certificate, NOW_SECS);
            found.iter().for_each(check_name);
        }
    }
});
