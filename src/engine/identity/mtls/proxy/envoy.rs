//! `X-Forwarded-Client-Cert` (XFCC): <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers>.
//!
//! Elements with commas between, one a proxy; in each, pairs `key=value` with semicolons between; values in double quotes
//! where they hold one of these. Envoy quotes `Cert`, `Chain` and `Subject` and writes alternative names as they are, so a
//! name with a semicolon reads as further pairs: who can have such a name signed could add one of another kind. `Cert` is not
//! open to that and decides alone where it is there.

use sha2::{Digest as _, Sha256};

use super::{Evidence, certificate, encoded, subject};
use crate::engine::identity::mtls::names::Names;
use crate::engine::identity::mtls::{CertificateFault, IdentitySource};

/// Reads the one element of `value`.
///
/// Errors: `BadHeaders` for more than one element, for what is none, and where `Hash` is not that of `Cert`; `Unverified`
/// without `Hash`, which Envoy writes for every certificate it was shown; then as for a certificate or a name.
pub(super) fn read(value: &[u8], source: IdentitySource) -> Result<Evidence, CertificateFault> {
    let element = Element::parse(value).ok_or(CertificateFault::BadHeaders)?;
    let hash = element.hash.ok_or(CertificateFault::Unverified)?;
    let hash = digest(hash).ok_or(CertificateFault::BadHeaders)?;
    match element.cert {
        Some(pem) => {
            let der = encoded::url_encoded_pem(pem).ok_or(CertificateFault::BadHeaders)?;
            if Sha256::digest(&der)[..] != hash {
                return Err(CertificateFault::BadHeaders);
            }
            certificate(&der).map(Evidence::Certificate)
        }
        None => element
            .names(source)
            .only()
            .map(|name| Evidence::Name(name.into())),
    }
}

/// Of one element, what is asked for.
#[derive(Debug, Default)]
struct Element<'h> {
    hash: Option<&'h [u8]>,
    cert: Option<&'h [u8]>,
    subject: Option<&'h [u8]>,
    uri: Names,
    dns: Names,
    /// `URI=` was there without a value: Envoy's word for "none".
    has_no_uri: bool,
}

impl<'h> Element<'h> {
    fn parse(value: &'h [u8]) -> Option<Self> {
        let mut element = Self::default();
        let mut rest = value;
        loop {
            let (key, after) = split_key(rest)?;
            let (value, after) = split_value(after)?;
            element.add(key, value)?;
            match after.split_first() {
                None => return Some(element),
                Some((b';', after)) => rest = after,
                // A comma: another proxy's element, which may be the client's own.
                Some(_) => return None,
            }
        }
    }

    /// Adds a pair. `None` where it stands there twice and may only once.
    fn add(&mut self, key: &[u8], value: &'h [u8]) -> Option<()> {
        let is = |name: &str| key.eq_ignore_ascii_case(name.as_bytes());
        let once = |slot: &mut Option<&'h [u8]>| slot.replace(value).is_none().then_some(());
        if is("hash") {
            once(&mut self.hash)?;
        } else if is("cert") {
            once(&mut self.cert)?;
        } else if is("subject") {
            once(&mut self.subject)?;
        } else if is("dns") {
            self.dns.add(admit(value, IdentitySource::SanDns));
        } else if is("uri") && value.is_empty() {
            self.has_no_uri = true;
        } else if is("uri") {
            self.uri.add(admit(value, IdentitySource::SanUri));
        }
        Some(())
    }

    fn names(self, source: IdentitySource) -> Names {
        match source {
            IdentitySource::Cn => self.subject.map(subject::common_name).unwrap_or_default(),
            IdentitySource::SanDns => self.dns,
            IdentitySource::SanUri if self.has_no_uri && self.uri != Names::Absent => Names::Bad,
            IdentitySource::SanUri => self.uri,
            // XFCC has no key for it.
            IdentitySource::SanEmail => Names::Absent,
        }
    }
}

fn admit(value: &[u8], source: IdentitySource) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    source.admit(text)
}

/// A key and what follows its `=`.
fn split_key(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'=')?;
    let (key, after) = text.split_at(end);
    let is_key = !key.is_empty() && key.iter().all(u8::is_ascii_alphanumeric);
    is_key.then(|| (key, &after[1..]))
}

/// A value, without its quotes and with its escapes, and what follows it: nothing, or a separator first.
fn split_value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let is_end = |byte: &u8| matches!(byte, b';' | b',');
        let end = text.iter().position(is_end).unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return (!value.contains(&b'"')).then_some((value, after));
    };
    let mut at = 0;
    loop {
        match quoted.get(at)? {
            b'\\' => at += 2,
            b'"' => break,
            _ => at += 1,
        }
    }
    let (value, after) = (&quoted[..at], &quoted[at + 1..]);
    matches!(after.first(), None | Some(b';' | b',')).then_some((value, after))
}

fn digest(hex: &[u8]) -> Option<[u8; 32]> {
    let (pairs, rest) = hex.as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs.iter().map(|pair| encoded::hex_byte(*pair)).collect();
    bytes?.try_into().ok().filter(|_| rest.is_empty())
}
