//! What proxies and clients prove themselves with where a bearer key in the clear is not what is measured: certificates and a
//! signed token, made for one run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use crate::failure::Failure;
use crate::tls::ClientTls;

/// Common name of the client's certificate, and subject of its token.
pub(super) const CLIENT: &str = "perf";

/// The issuer of the token.
pub(super) const ISSUER: &str = "https://issuer.invalid/perf";

/// Whom the token is for.
pub(super) const AUDIENCE: &str = "perf";

/// The scope in the token.
pub(super) const SCOPE: &str = "tools";

/// What the token is signed with. Its owner is nobody.
pub(super) const SECRET: &str = "guard-perf-signs-with-this-and-it-is-no-secret";

/// When the token ends: a run of today is over by then.
const TOKEN_END_SECS: u64 = 4_000_000_000;

/// Files for servers, configurations for clients.
pub(crate) struct Credentials {
    folder: PathBuf,
    /// Trusts the servers' authority.
    pub(super) anonymous: ClientTls,
    /// The same, and shows a certificate.
    pub(super) certified: ClientTls,
}

impl Credentials {
    /// Makes an authority, a server's certificate for 127.0.0.1 and a client's, all on P-256, in a new folder `folder`.
    pub(crate) fn make(folder: &Path) -> Result<Self, Failure> {
        let made = make(folder).map_err(|error| std::io::Error::other(error.to_string()));
        made.map_err(Failure::io("certificates"))
    }

    /// Path of the file called `name`: `ca.pem`, `server.pem`, `server.key`.
    pub(super) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

type Error = Box<dyn std::error::Error>;

fn make(folder: &Path) -> Result<Credentials, Error> {
    fs::create_dir_all(folder)?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let mut server = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut client = CertificateParams::default();
    client.distinguished_name.push(DnType::CommonName, CLIENT);
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let (server_key, client_key) = (KeyPair::generate()?, KeyPair::generate()?);
    let server = server.signed_by(&server_key, &authority)?;
    let client = client.signed_by(&client_key, &authority)?;
    fs::write(folder.join("ca.pem"), authority.pem())?;
    fs::write(folder.join("server.pem"), server.pem())?;
    fs::write(folder.join("server.key"), server_key.serialize_pem())?;
    let shown = (
        vec![client.der().clone()],
        PrivateKeyDer::try_from(client_key.serialize_der())?,
    );
    Ok(Credentials {
        folder: folder.to_owned(),
        anonymous: client_tls(authority.der(), None)?,
        certified: client_tls(authority.der(), Some(shown))?,
    })
}

/// A client's certificates and key.
type Shown = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client_tls(
    authority: &CertificateDer<'static>,
    shown: Option<Shown>,
) -> Result<ClientTls, Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.clone())?;
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match shown {
        Some((chain, key)) => config.with_client_auth_cert(chain, key)?,
        None => config.with_no_client_auth(),
    };
    Ok(ClientTls(Arc::new(config)))
}

/// A token of [`ISSUER`] for [`CLIENT`], signed with HS256 and [`SECRET`] (RFC 7515).
pub(super) fn token() -> String {
    let claims = json!({
        "iss": ISSUER,
        "sub": CLIENT,
        "aud": AUDIENCE,
        "scope": SCOPE,
        "exp": TOKEN_END_SECS,
        // As long as tokens of real issuers are.
        "jti": "6f1c8a52-2a39-4a53-9f5b-0c6f6d5f6c11",
        "client_id": "0oa1perfharnessclient",
        "groups": ["engineering", "platform", "on-call", "observability", "release"],
        "name": "Perf Harness",
        "email": "perf-harness@issuer.invalid",
    });
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    let header = json!({ "alg": "HS256", "typ": "at+jwt", "kid": "perf" });
    let signed = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}
