//! Certificates and heads, for tests.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::OnceLock;

use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, KeyPair, SanType,
    date_time_ymd,
};

use crate::engine::mcp::headers::HeaderDigest;

/// 2024-01-01T00:00:00Z, when the certificates begin.
pub(in crate::engine::identity) const BEGIN_SECS: u64 = 1_704_067_200;
/// 2034-01-01T00:00:00Z, when they end.
pub(in crate::engine::identity) const END_SECS: u64 = 2_019_686_400;

/// One thing that a certificate says.
#[derive(Clone, Debug)]
pub(in crate::engine::identity) enum Says<'a> {
    /// A common name in UTF-8.
    Cn(&'a str),
    /// A second common name.
    SecondCn(&'a str),
    /// A common name of another type.
    TypedCn(DnValue),
    /// An organization.
    Org(&'a str),
    Dns(&'a str),
    Email(&'a str),
    Uri(&'a str),
    Ip(&'a str),
    /// A further extension `subjectAltName` with this content.
    RawSan(&'a [u8]),
}

/// A certificate in DER that says `what`.
pub(in crate::engine::identity) fn certify(what: &[Says<'_>]) -> Vec<u8> {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    let key = KEY.get_or_init(|| KeyPair::generate().unwrap());
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2034, 1, 1);
    for one in what {
        say(&mut params, one.clone());
    }
    params.self_signed(key).unwrap().der().to_vec()
}

fn say(params: &mut CertificateParams, what: Says<'_>) {
    let subject = &mut params.distinguished_name;
    let names = &mut params.subject_alt_names;
    match what {
        Says::Cn(name) => subject.push(DnType::CommonName, name),
        Says::SecondCn(name) => subject.push(DnType::CustomDnType(vec![2, 5, 4, 3]), name),
        Says::TypedCn(value) => subject.push(DnType::CommonName, value),
        Says::Org(name) => subject.push(DnType::OrganizationName, name),
        Says::Dns(name) => names.push(SanType::DnsName(name.try_into().unwrap())),
        Says::Email(name) => names.push(SanType::Rfc822Name(name.try_into().unwrap())),
        Says::Uri(name) => names.push(SanType::URI(name.try_into().unwrap())),
        Says::Ip(address) => names.push(SanType::IpAddress(address.parse().unwrap())),
        Says::RawSan(content) => {
            let oid = [2, 5, 29, 17];
            let extension = CustomExtension::from_oid_content(&oid, content.to_vec());
            params.custom_extensions.push(extension);
        }
    }
}

/// `der` with every `from` in it replaced by `to`, of the same length: for what no library would write.
pub(in crate::engine::identity) fn forge(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut forged = der.to_vec();
    let mut found = 0;
    for at in 0..=der.len() - from.len() {
        if &der[at..at + from.len()] == from {
            forged[at..at + from.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0, "nothing to replace");
    forged
}

/// A certificate as PEM in percent-encoding, with everything encoded that nginx encodes.
pub(in crate::engine::identity) fn url_encoded_pem(der: &[u8]) -> String {
    let mut encoded = String::new();
    for byte in pem(der).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A certificate as PEM.
pub(in crate::engine::identity) fn pem(der: &[u8]) -> String {
    let body = base64(der);
    let lines: Vec<&str> = (0..body.len())
        .step_by(64)
        .map(|at| &body[at..body.len().min(at + 64)])
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

/// Base64 of `bytes`.
pub(in crate::engine::identity) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The digest of a head of these fields, and the bytes that it was read from.
pub(in crate::engine::identity) fn head(fields: &[(&str, &str)]) -> (HeaderDigest, Vec<u8>) {
    let lines = fields
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"));
    let bytes = lines.collect::<String>().into_bytes();
    let mut at = 0;
    let spans: Vec<_> = fields
        .iter()
        .map(|(name, value)| {
            let colon = at + name.len();
            let line = (at..colon, colon + 1..colon + 1 + value.len());
            at = line.1.end + 1;
            line
        })
        .collect();
    let pairs = spans
        .into_iter()
        .map(|(name, value)| (&bytes[name], &bytes[value]));
    (HeaderDigest::read(&bytes, pairs).unwrap(), bytes)
}
