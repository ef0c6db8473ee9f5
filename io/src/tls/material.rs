//! Certificates and keys, from PEM text.

use std::{fmt, sync::Arc};

use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer, CertificateRevocationListDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{VerifierBuilderError, WebPkiClientVerifier},
    sign::CertifiedKey,
};

use super::{TlsError, der, provider};

/// What begins every section of PEM text.
const PEM_BEGIN: &[u8] = b"-----BEGIN ";

/// Labels of keys that have to be decrypted first.
const ENCRYPTED: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];

/// A certificate chain, the end entity's first, with its private key.
pub struct KeyPair {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl KeyPair {
    /// Reads both from PEM; the key in PKCS#8, PKCS#1 or SEC1 form, not encrypted. Both may be in one text.
    ///
    /// Errors: `NoCertificate`, `NoKey`, `BadPem`, `BadKey` for an encrypted one. None shows anything of the key.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates(chain)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        Ok(Self {
            chain,
            key: private_key(key)?,
        })
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("certificates", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// Certificate authorities, with the revocation lists that they signed.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    pub(super) roots: Vec<CertificateDer<'static>>,
    pub(super) revocations: Vec<CertificateRevocationListDer<'static>>,
}

impl Trust {
    /// Reads authorities from PEM, and revocation lists from PEM or DER where there are any; several may follow each other.
    ///
    /// With lists, every certificate below the authorities has to have one by its issuer, and one that is not past its next
    /// update: what is unknown counts as revoked, as in nginx. Errors: `NoTrust`, `BadPem`, `BadCertificate`, `BadCrl`.
    pub fn from_pem(roots: &[u8], revocations: Option<&[u8]>) -> Result<Self, TlsError> {
        let trust = Self {
            roots: certificates(roots)?,
            revocations: revocations
                .map(revocation_lists)
                .transpose()?
                .unwrap_or_default(),
        };
        trust.check()?;
        Ok(trust)
    }

    /// These authorities, without revocation lists. Those that cannot be used are left out when a client is built, as
    /// stores of operating systems have some.
    #[must_use]
    pub fn from_roots(roots: Vec<CertificateDer<'static>>) -> Self {
        Self {
            roots,
            revocations: Vec::new(),
        }
    }

    /// Whether each part can be used.
    fn check(&self) -> Result<(), TlsError> {
        let mut anchors = RootCertStore::empty();
        for root in &self.roots {
            anchors
                .add(root.clone())
                .map_err(|error| TlsError::BadCertificate(error.to_string()))?;
        }
        WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), provider())
            .with_crls(self.revocations.iter().cloned())
            .build()
            .map(drop)
            .map_err(refused)
    }

    /// The authorities that can be used. Errors: `NoTrust`.
    pub(super) fn anchors(&self) -> Result<Arc<RootCertStore>, TlsError> {
        let mut anchors = RootCertStore::empty();
        anchors.add_parsable_certificates(self.roots.iter().cloned());
        match anchors.is_empty() {
            true => Err(TlsError::NoTrust),
            false => Ok(Arc::new(anchors)),
        }
    }
}

/// A pair whose halves belong together. Errors: `BadKey`, `KeyMismatch`, `BadCertificate`.
pub(super) fn certified(pair: KeyPair) -> Result<CertifiedKey, TlsError> {
    let key = provider()
        .key_provider
        .load_private_key(pair.key)
        .map_err(|_| TlsError::BadKey("its kind is unknown, or it is malformed".into()))?;
    let certified = CertifiedKey::new(pair.chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::KeyMismatch),
        Err(error) => Err(TlsError::BadCertificate(error.to_string())),
    }
}

/// What a verifier has against its material.
pub(super) fn refused(error: VerifierBuilderError) -> TlsError {
    match error {
        VerifierBuilderError::NoRootAnchors => TlsError::NoTrust,
        VerifierBuilderError::InvalidCrl(why) => TlsError::BadCrl(format!("{why:?}")),
        other => TlsError::BadCertificate(other.to_string()),
    }
}

fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(malformed)
}

fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    if ENCRYPTED.iter().any(|label| contains(text, label)) {
        let why = "it is encrypted; decrypt it with `openssl pkey -in KEY -out KEY.pem`";
        return Err(TlsError::BadKey(why.into()));
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey,
        error => malformed(error),
    })
}

fn revocation_lists(bytes: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let lists = match contains(bytes, PEM_BEGIN) {
        true => CertificateRevocationListDer::pem_slice_iter(bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(malformed)?,
        false => der::split_sequences(bytes)
            .ok_or_else(|| TlsError::BadCrl("it is neither PEM nor DER".into()))?
            .into_iter()
            .map(|list| list.to_vec().into())
            .collect(),
    };
    match lists.is_empty() {
        // Whoever names a list wants it to count.
        true => Err(TlsError::BadCrl("no list is in it".into())),
        false => Ok(lists),
    }
}

/// What is wrong with the text; nothing of the text itself, which may be a key.
fn malformed(error: pem::Error) -> TlsError {
    let what = match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end line",
        pem::Error::IllegalSectionStart { .. } => "a line that begins a section is malformed",
        pem::Error::Base64Decode(_) => "a section is not base64",
        pem::Error::SectionTooLarge => "a section is too large",
        pem::Error::NoItemsFound => "nothing of use is in it",
        _ => "it cannot be read",
    };
    TlsError::BadPem(what.into())
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

#[cfg(test)]
mod tests;
