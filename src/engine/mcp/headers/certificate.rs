//! Fields by which a proxy in front tells of the client certificate that it was shown.
//!
//! They are noted here and judged by [`identity::mtls`](crate::engine::identity::mtls): a client can send them as well, so a
//! repetition is no reason to refuse before it is known whether anybody would believe them.

use crate::engine::span::Span;

/// A field that some proxy format reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateField {
    /// `X-Client-Cert-Verified`.
    PlainVerified,
    /// `X-Client-Cert-CN`.
    PlainCn,
    /// `X-Client-Cert-SAN-DNS`.
    PlainSanDns,
    /// `X-Client-Cert-SAN-Email`.
    PlainSanEmail,
    /// `X-Client-Cert-SAN-URI`.
    PlainSanUri,
    /// `X-SSL-Client-Verify`.
    SslVerify,
    /// `X-SSL-Client-Cert`.
    SslCert,
    /// `X-SSL-Client-Used`.
    SslUsed,
    /// `X-SSL-Client-DER`.
    SslDer,
    /// `X-Forwarded-Client-Cert`.
    ForwardedClientCert,
    /// `X-Forwarded-Tls-Client-Cert`.
    ForwardedTlsClientCert,
}

impl CertificateField {
    /// Each field with its name in lower case, in the order of the enum.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::PlainVerified, "x-client-cert-verified"),
        (Self::PlainCn, "x-client-cert-cn"),
        (Self::PlainSanDns, "x-client-cert-san-dns"),
        (Self::PlainSanEmail, "x-client-cert-san-email"),
        (Self::PlainSanUri, "x-client-cert-san-uri"),
        (Self::SslVerify, "x-ssl-client-verify"),
        (Self::SslCert, "x-ssl-client-cert"),
        (Self::SslUsed, "x-ssl-client-used"),
        (Self::SslDer, "x-ssl-client-der"),
        (Self::ForwardedClientCert, "x-forwarded-client-cert"),
        (Self::ForwardedTlsClientCert, "x-forwarded-tls-client-cert"),
    ];

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    fn named(name: &[u8]) -> Option<Self> {
        let is_it = |field: &&(Self, &str)| name.eq_ignore_ascii_case(field.1.as_bytes());
        Self::ALL.iter().find(is_it).map(|(field, _)| *field)
    }
}

/// What the names begin with that proxies give to such fields: more than are read, so that each of them is counted.
const FAMILIES: [&str; 5] = [
    "x-client-cert-",
    "x-ssl-client-",
    "x-forwarded-client-cert",
    "x-forwarded-tls-client-cert",
    // RFC 9440: `Client-Cert`, `Client-Cert-Chain`.
    "client-cert",
];

/// Whether it is worth a look: cheap, for every field that is none of the known ones.
#[inline]
pub(super) fn may_be_of_family(name: &[u8]) -> bool {
    name.len() >= 11 && matches!(name[0], b'x' | b'X' | b'c' | b'C')
}

fn is_of_family(name: &[u8]) -> bool {
    FAMILIES.iter().any(|family| {
        name.get(..family.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(family.as_bytes()))
    })
}

/// A field stands in the head more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatedField;

/// Which of the fields a head has, as spans into it.
#[derive(Clone, Copy, Debug, Default)]
pub struct CertificateFields {
    values: [Span; CertificateField::ALL.len()],
    present: u16,
    repeated: u16,
    seen: u16,
}

impl CertificateFields {
    /// Notes the field `name`, if it is of a family.
    pub(super) fn add(&mut self, name: &[u8], value: Span) {
        if !is_of_family(name) {
            return;
        }
        self.seen = self.seen.saturating_add(1);
        let Some(field) = CertificateField::named(name) else {
            return;
        };
        self.repeated |= self.present & field.bit();
        self.present |= field.bit();
        self.values[field as usize] = value;
    }

    /// Fields of all families, those that no format reads included, each as often as it stands there.
    #[must_use]
    pub const fn seen(&self) -> u16 {
        self.seen
    }

    /// How many of `fields` stand in the head, each counted once.
    #[must_use]
    pub fn present(&self, fields: &[CertificateField]) -> u16 {
        let mask = fields.iter().fold(0, |mask, field| mask | field.bit());
        (self.present & mask).count_ones() as u16
    }

    /// Together with the `head` that they were read from.
    #[must_use]
    pub const fn of<'h>(&'h self, head: &'h [u8]) -> CertificateHeaders<'h> {
        CertificateHeaders { fields: self, head }
    }
}

/// The fields of one head with their values.
#[derive(Clone, Copy, Debug)]
pub struct CertificateHeaders<'h> {
    fields: &'h CertificateFields,
    head: &'h [u8],
}

impl<'h> CertificateHeaders<'h> {
    /// The value of `field`, without surrounding white space; empty where it is. Errors: it is repeated.
    pub fn value(self, field: CertificateField) -> Result<Option<&'h [u8]>, RepeatedField> {
        let CertificateFields {
            values,
            present,
            repeated,
            ..
        } = self.fields;
        if repeated & field.bit() != 0 {
            return Err(RepeatedField);
        }
        let is_there = present & field.bit() != 0;
        Ok(is_there.then(|| values[field as usize].of(self.head)))
    }

    /// Which of the fields there are.
    #[must_use]
    pub const fn fields(self) -> &'h CertificateFields {
        self.fields
    }
}
