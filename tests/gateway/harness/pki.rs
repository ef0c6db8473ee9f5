//! Certificate authorities, and what they vouch for.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion, version::TLS12,
    version::TLS13,
};

/// A certificate authority with its key.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Certificates between those that it makes and the root.
    chain: Vec<CertificateDer<'static>>,
}

/// A certificate with its chain and its key.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    key: Arc<KeyPair>,
    serial: SerialNumber,
}

/// What a client certificate says of its holder.
#[derive(Default)]
pub(crate) struct Subject {
    /// Common names, in their order.
    pub(crate) names: Vec<&'static str>,
    pub(crate) dns: Vec<&'static str>,
    pub(crate) emails: Vec<&'static str>,
    pub(crate) uris: Vec<&'static str>,
    /// `None` for one that is good for long.
    pub(crate) ends_in: Option<Lifetime>,
    /// Made for servers only.
    pub(crate) is_for_servers: bool,
}

/// When a certificate ends.
#[derive(Clone, Copy)]
pub(crate) enum Lifetime {
    /// An hour ago.
    Over,
    /// It begins in an hour.
    NotYet,
    /// So long from now.
    For(Duration),
}

impl Subject {
    pub(crate) fn named(name: &'static str) -> Self {
        Self {
            names: vec![name],
            ..Self::default()
        }
    }

    pub(crate) fn ends(self, ends_in: Lifetime) -> Self {
        Self {
            ends_in: Some(ends_in),
            ..self
        }
    }
}

const HOUR: Duration = Duration::from_secs(3600);

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn serial() -> SerialNumber {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    static NEXT: AtomicU64 = AtomicU64::new(0x1000);
    SerialNumber::from_slice(&NEXT.fetch_add(1, Relaxed).to_be_bytes())
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = named(&[name]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    match names {
        [] => params
            .distinguished_name
            .push(DnType::OrganizationName, "nobody in particular"),
        [name, ..] => params.distinguished_name.push(DnType::CommonName, *name),
    }
    params.serial_number = Some(serial());
    params
}

impl Authority {
    /// A root.
    pub(crate) fn root(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(authority_params(name), key).unwrap(),
            chain: Vec::new(),
        }
    }

    /// An authority below this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::signed_by(authority_params(name), key, &self.issuer).unwrap();
        let mut chain = vec![issuer.der().clone()];
        chain.extend(self.chain.iter().cloned());
        Self { issuer, chain }
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server with `names`, which may be addresses.
    pub(crate) fn server(&self, names: &[&str]) -> Identity {
        self.server_that_ends(names, None)
    }

    /// The same, with an end of its own.
    pub(crate) fn server_that_ends(&self, names: &[&str], ends: Option<Lifetime>) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = named(&[]);
        params.subject_alt_names = CertificateParams::new(names).unwrap().subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params, ends)
    }

    /// A client that is called `name` in its subject.
    pub(crate) fn client(&self, name: &'static str) -> Identity {
        self.client_with(&Subject::named(name))
    }

    /// A client with the names of `subject`.
    pub(crate) fn client_with(&self, subject: &Subject) -> Identity {
        let mut params = named(&subject.names);
        let ia5 = |text: &&str| (*text).try_into().unwrap();
        params.subject_alt_names = (subject.dns.iter().map(ia5).map(SanType::DnsName))
            .chain(subject.emails.iter().map(ia5).map(SanType::Rfc822Name))
            .chain(subject.uris.iter().map(ia5).map(SanType::URI))
            .collect();
        params.extended_key_usages = vec![match subject.is_for_servers {
            true => ExtendedKeyUsagePurpose::ServerAuth,
            false => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        self.sign(params, subject.ends_in)
    }

    fn sign(&self, mut params: CertificateParams, ends: Option<Lifetime>) -> Identity {
        let at = |since_epoch: Duration| date_time_ymd(1970, 1, 1) + since_epoch;
        let now = since_epoch();
        match ends {
            None => {}
            Some(Lifetime::Over) => params.not_after = at(now - HOUR),
            Some(Lifetime::NotYet) => params.not_before = at(now + HOUR),
            Some(Lifetime::For(time)) => params.not_after = at(now + time),
        }
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut chain = vec![certificate.der().clone()];
        chain.extend(self.chain.iter().cloned());
        Identity {
            chain,
            key: Arc::new(key),
            serial: params.serial_number.unwrap(),
        }
    }

    /// Its revocation list with the certificates of `revoked`, in PEM, good from an hour ago until `ends` (an hour from now).
    pub(crate) fn revokes(&self, revoked: &[&Identity]) -> String {
        let at = |since_epoch: Duration| date_time_ymd(1970, 1, 1) + since_epoch;
        let now = since_epoch();
        let revoked = revoked.iter().map(|identity| RevokedCertParams {
            serial_number: identity.serial.clone(),
            revocation_time: at(now - HOUR),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: at(now - HOUR),
            next_update: at(now + HOUR),
            crl_number: serial(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// A client's side of TLS that trusts this authority.
    pub(crate) fn visitor(&self) -> Arc<ClientConfig> {
        self.visitor_with(None, &[&TLS12, &TLS13])
    }

    /// The same with a certificate to show.
    pub(crate) fn visitor_as(&self, identity: &Identity) -> Arc<ClientConfig> {
        self.visitor_with(Some(identity), &[&TLS12, &TLS13])
    }

    /// The same with `versions` alone.
    pub(crate) fn visitor_with(
        &self,
        identity: Option<&Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.store());
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.private_key())
                .unwrap(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// A server's side of TLS that shows `identity` and, where `clients` is given, demands a certificate of those.
    pub(crate) fn host(identity: &Identity, clients: Option<&Self>) -> Arc<ServerConfig> {
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS12, &TLS13])
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(authority.store()), provider)
                    .build()
                    .unwrap(),
            ),
        };
        let config = builder
            .with_single_cert(identity.chain.clone(), identity.private_key())
            .unwrap();
        Arc::new(config)
    }

    fn store(&self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        store.add(self.issuer.der().clone()).unwrap();
        store
    }
}

impl Identity {
    /// Its own certificate.
    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }

    /// The chain, its own certificate first.
    pub(crate) fn chain_pem(&self) -> String {
        self.chain
            .iter()
            .map(|each| pem("CERTIFICATE", each))
            .collect()
    }

    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

/// PEM text of `der`.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = (text.as_bytes().chunks(64))
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
