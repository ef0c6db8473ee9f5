//! What a certificate says of its holder.

use std::fmt;

use x509_cert::Certificate;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode as _, Tag, TagNumber, Tagged as _};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::time::Time;

use super::names::Names;
use super::{CertificateFault, IdentitySource};
use crate::engine::identity::{ProofCache, ProofDigest, Provider};

/// `id-at-commonName`.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// `id-ce-subjectAltName`.
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// The names and the time of a client certificate that was verified.
///
/// Kept with a connection for as long as it is open, so it holds what may be asked for and not the certificate: at most one
/// name of each kind, each within [`IDENTITY_ID_BYTES_MAX`](crate::engine::limits::IDENTITY_ID_BYTES_MAX).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    digest: ProofDigest,
    contents: Result<Contents, CertificateError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Contents {
    not_before_secs: u64,
    not_after_secs: u64,
    cn: Names,
    dns: Names,
    email: Names,
    uri: Names,
}

impl ClientCertificate {
    /// Reads an end-entity certificate in DER that somebody has verified. Errors: what cannot be read.
    ///
    /// A name that is no name spoils its own kind alone, and is told when that kind is asked for.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        let tbs = certificate.tbs_certificate();
        let validity = tbs.validity();
        let mut contents = Contents {
            not_before_secs: unix_secs(validity.not_before),
            not_after_secs: unix_secs(validity.not_after),
            cn: common_names(tbs.subject()),
            dns: Names::default(),
            email: Names::default(),
            uri: Names::default(),
        };
        contents.add_alternatives(tbs.extensions().map_or(&[], Vec::as_slice));
        Ok(Self {
            digest: ProofCache::digest(Provider::Mtls, der),
            contents: Ok(contents),
        })
    }

    /// A certificate that was shown and cannot be read: it proves nobody, and its holder is not a caller without one.
    #[must_use]
    pub const fn unreadable(error: CertificateError) -> Self {
        Self {
            digest: [0; 32],
            contents: Err(error),
        }
    }

    /// When it ends, in seconds of Unix time; 0 where it cannot be read.
    #[must_use]
    pub fn not_after_secs(&self) -> u64 {
        self.contents
            .as_ref()
            .map_or(0, |contents| contents.not_after_secs)
    }

    /// When it begins, in seconds of Unix time; 0 where it cannot be read.
    #[must_use]
    pub fn not_before_secs(&self) -> u64 {
        self.contents
            .as_ref()
            .map_or(0, |contents| contents.not_before_secs)
    }

    /// What its proofs are kept under.
    pub(super) const fn digest(&self) -> &ProofDigest {
        &self.digest
    }

    /// The one name of the kind `source`, where the certificate is in its time at `now_secs`. From `notBefore` through
    /// `notAfter`, both inclusive (RFC 5280 §4.1.2.5).
    ///
    /// Errors: `Unreadable`, `OutOfTime`, `NoIdentity`, `Ambiguous`, `BadName`. A common name never stands in for a subject
    /// alternative name, nor the other way round.
    pub(super) fn name(
        &self,
        source: IdentitySource,
        now_secs: u64,
    ) -> Result<&str, CertificateFault> {
        let contents = self
            .contents
            .as_ref()
            .map_err(|error| CertificateFault::Unreadable(*error))?;
        if !(contents.not_before_secs..=contents.not_after_secs).contains(&now_secs) {
            return Err(CertificateFault::OutOfTime);
        }
        match source {
            IdentitySource::Cn => contents.cn.only(),
            IdentitySource::SanDns => contents.dns.only(),
            IdentitySource::SanEmail => contents.email.only(),
            IdentitySource::SanUri => contents.uri.only(),
        }
    }
}

impl Contents {
    /// The subject alternative names. A second such extension (RFC 5280 §4.2 allows one), or one that cannot be read, leaves
    /// no alternative name to rely on.
    fn add_alternatives(&mut self, extensions: &[Extension]) {
        let mut found = extensions
            .iter()
            .filter(|extension| extension.extn_id == SUBJECT_ALT_NAME);
        let Some(extension) = found.next() else {
            return;
        };
        let names = Vec::<AnyRef<'_>>::from_der(extension.extn_value.as_bytes());
        match (names, found.next()) {
            (Ok(names), None) => names.into_iter().for_each(|name| self.add(name)),
            _ => (self.dns, self.email, self.uri) = (Names::Bad, Names::Bad, Names::Bad),
        }
    }

    /// One `GeneralName`. Of the kinds that are no identity here not even the form is looked at.
    fn add(&mut self, name: AnyRef<'_>) {
        let Tag::ContextSpecific {
            constructed,
            number: TagNumber(number),
        } = name.tag()
        else {
            return;
        };
        let (names, source) = match number {
            1 => (&mut self.email, IdentitySource::SanEmail),
            2 => (&mut self.dns, IdentitySource::SanDns),
            6 => (&mut self.uri, IdentitySource::SanUri),
            _ => return,
        };
        // IA5String, which DER never splits into parts: each kind admits ASCII alone.
        let text = std::str::from_utf8(name.value())
            .ok()
            .filter(|_| !constructed);
        names.add(text.and_then(|text| source.admit(text)));
    }
}

/// The common names of a subject. Two of them, even alike, leave none: which is meant depends on who reads them.
fn common_names(subject: &Name) -> Names {
    let mut attributes = subject
        .iter()
        .filter(|attribute| attribute.oid == COMMON_NAME);
    let mut names = Names::default();
    if let Some(attribute) = attributes.next() {
        let value = &attribute.value;
        let text = directory_string(value.header().tag(), value.value());
        names.add(text.and_then(|text| IdentitySource::Cn.admit(text)));
    }
    if attributes.next().is_some() {
        names = Names::Several;
    }
    names
}

/// Text of a `DirectoryString`, where every reader takes it for the same: UTF-8, or ASCII in the older types. TeletexString
/// has characters of its own even below 128, so it may hold those of PrintableString alone; BMPString and UniversalString are
/// not read.
fn directory_string(tag: Tag, value: &[u8]) -> Option<&str> {
    let is_taken = match tag {
        Tag::Utf8String => true,
        Tag::PrintableString | Tag::Ia5String => value.is_ascii(),
        Tag::TeletexString => value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(byte)),
        _ => false,
    };
    is_taken.then(|| std::str::from_utf8(value).ok()).flatten()
}

fn unix_secs(time: Time) -> u64 {
    time.to_unix_duration().as_secs()
}

/// Why a certificate gives no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateError {
    /// Not DER of an X.509 certificate.
    Malformed,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("client certificate cannot be read")
    }
}

impl std::error::Error for CertificateError {}

#[cfg(test)]
mod tests;
