//! Client certificates within bounds.
//!
//! A client decides how much it shows, and rustls keeps all of it, and puts it into each ticket: as much as a handshake
//! message may hold, for every connection that idles. RFC 8446 §4.4.2, §4.2.4.

use std::{fmt, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::UnixTime,
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use super::CertificateDer;
use crate::limits::{TLS_CLIENT_CHAIN_BYTES_MAX, TLS_ROOT_HINT_BYTES_MAX};

/// A verifier that looks at no chain longer than [`TLS_CLIENT_CHAIN_BYTES_MAX`].
#[derive(Debug)]
pub(super) struct Bounded {
    inner: Arc<dyn ClientCertVerifier>,
    hints: bool,
}

impl Bounded {
    pub(super) fn new(inner: Arc<dyn ClientCertVerifier>) -> Self {
        // Two bytes of length before each, and a list of which a message can hold only so much.
        let subjects = inner.root_hint_subjects().iter();
        let bytes: usize = subjects.map(|subject| 2 + subject.as_ref().len()).sum();
        Self {
            inner,
            hints: bytes <= TLS_ROOT_HINT_BYTES_MAX,
        }
    }
}

impl ClientCertVerifier for Bounded {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    /// None where there are too many: a client then shows what it has.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match self.hints {
            true => self.inner.root_hint_subjects(),
            false => &[],
        }
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let others: usize = intermediates.iter().map(|each| each.len()).sum();
        let bytes = end_entity.len() + others;
        if bytes > TLS_CLIENT_CHAIN_BYTES_MAX {
            let why = OtherError(Arc::new(ChainTooLong { bytes }));
            return Err(CertificateError::Other(why).into());
        }
        self.inner
            .verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// A client showed more than it may.
#[derive(Debug)]
struct ChainTooLong {
    bytes: usize,
}

impl fmt::Display for ChainTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "chain is {} bytes; limit is {TLS_CLIENT_CHAIN_BYTES_MAX}",
            self.bytes
        )
    }
}

impl std::error::Error for ChainTooLong {}
