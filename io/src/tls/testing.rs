//! Certificate authorities for tests.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyUsagePurpose,
    RevocationReason, RevokedCertParams, SerialNumber,
};
use rustls::SupportedProtocolVersion;

use super::{
    ClientAuth, ClientTls, ClientTlsSpec, KeyPair, MinVersion, ServerTls, ServerTlsSpec, Trust,
};

/// Both versions, for tables.
pub(crate) const VERSIONS: [(&str, &SupportedProtocolVersion); 2] = [
    ("TLSv1.2", &rustls::version::TLS12),
    ("TLSv1.3", &rustls::version::TLS13),
];

/// An hour.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A certificate with its chain and key, as PEM text.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Issued {
    pub(crate) fn pair(&self) -> KeyPair {
        KeyPair::from_pem(self.chain.as_bytes(), self.key.as_bytes()).unwrap()
    }

    /// Length of its certificates.
    pub(crate) fn chain_bytes(&self) -> usize {
        self.pair().chain.iter().map(|each| each.len()).sum()
    }
}

/// A certificate authority.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, rcgen::KeyPair>,
    /// What leads from it to its root, itself first; the root left out.
    chain: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(authority(name), key).unwrap(),
            chain: String::new(),
        }
    }

    /// An authority vouched for by this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::signed_by(authority(name), key, &self.issuer).unwrap();
        Self {
            chain: format!("{}{}", issuer.pem(), self.chain),
            issuer,
        }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::from_pem(self.pem().as_bytes(), None).unwrap()
    }

    pub(crate) fn trust_with(&self, revocations: &str) -> Trust {
        Trust::from_pem(self.pem().as_bytes(), Some(revocations.as_bytes())).unwrap()
    }

    /// A certificate for `names`, good for an hour for both sides, `altered`.
    pub(crate) fn issue(
        &self,
        names: &[&str],
        alter: impl FnOnce(&mut CertificateParams),
    ) -> Issued {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = leaf(names);
        alter(&mut params);
        let certificate: Certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued {
            chain: format!("{}{}", certificate.pem(), self.chain),
            key: key.serialize_pem(),
        }
    }

    /// A list of what this authority takes back, good until `until`.
    pub(crate) fn revokes(&self, serials: &[u64], until: SystemTime) -> String {
        let begun = SystemTime::now() - 48 * HOUR;
        let revoked = |&serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: begun.into(),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: begun.into(),
            next_update: until.into(),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A certificate that nobody has signed yet.
pub(crate) fn leaf(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "leaf");
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.not_before = (SystemTime::now() - HOUR).into();
    params.not_after = (SystemTime::now() + HOUR).into();
    params
}

/// A listener that shows `pairs`.
pub(crate) fn server(pairs: Vec<KeyPair>, client_auth: ClientAuth) -> ServerTls {
    ServerTls::new(ServerTlsSpec {
        certificates: pairs,
        client_auth,
        min_version: MinVersion::Tls12,
    })
    .unwrap()
}

/// A client of one version.
pub(crate) fn client(
    version: &'static SupportedProtocolVersion,
    trust: Trust,
    certificate: Option<&Issued>,
) -> ClientTls {
    let spec = ClientTlsSpec {
        trust,
        certificate: certificate.map(Issued::pair),
    };
    ClientTls::speaking(&[version], spec).unwrap()
}
