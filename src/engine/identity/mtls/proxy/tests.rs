#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod envoy;
mod formats;
mod sent;

use super::*;
use crate::engine::identity::mtls::CertificateError;
use crate::engine::identity::mtls::testing::{
    BEGIN_SECS, Says, base64, certify, head, url_encoded_pem,
};

use CertificateFault::{Ambiguous, BadHeaders, BadName, NoIdentity, Unreadable, Unverified};
use IdentitySource::{Cn, SanDns, SanEmail, SanUri};

type Outcome = Result<Option<String>, CertificateFault>;

/// The name that a head of these fields tells.
fn told(fields: &[(&str, &str)], format: ProxyFormat, source: IdentitySource) -> Outcome {
    let (digest, bytes) = head(fields);
    let headers = digest.certificate.of(&bytes);
    let Some(told) = Told::find(headers, format, source)? else {
        return Ok(None);
    };
    match told.read(source)? {
        Evidence::Certificate(certificate) => certificate
            .name(source, BEGIN_SECS)
            .map(|name| Some(name.to_owned())),
        Evidence::Name(name) => Ok(Some(name.into())),
    }
}

type Row<'a> = (
    &'a [(&'a str, &'a str)],
    Result<Option<&'a str>, CertificateFault>,
);

fn check(format: ProxyFormat, source: IdentitySource, rows: &[Row<'_>]) {
    for (fields, expected) in rows {
        let expected = expected.map(|name| name.map(str::to_owned));
        assert_eq!(
            told(fields, format, source),
            expected,
            "{format:?} {fields:?}"
        );
    }
}

#[test]
fn what_one_certificate_was_told_by_is_told_apart() {
    let digest_of = |value: &[u8]| {
        Told {
            format: ProxyFormat::Plain,
            value,
        }
        .digest()
    };
    assert_eq!(digest_of(b"a"), digest_of(b"a"));
    assert_ne!(digest_of(b"a"), digest_of(b"b"));
}
