//! When certificates and revocation lists begin and end, for warnings and metrics.

use std::path::{Path, PathBuf};

use guard_io::tls::CertificateDer;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject as _;
use x509_cert::Certificate;
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode as _;

use crate::config::{Finding, Problem, TlsProblem};
use crate::engine::limits::CERTIFICATE_NOTICE_SECS;

/// A certificate of the gateway's own, or a list of revoked ones: where it is from, and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dated {
    kind: Kind,
    /// The key that names its file, within its section.
    pub(super) key_path: String,
    path: PathBuf,
    begins_secs: u64,
    pub(super) ends_secs: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Certificate,
    /// Lists are renewed within days or hours, so nobody is told that one ends soon.
    RevocationList,
}

impl Dated {
    /// Reads the first certificate of `pem`, which is the gateway's own; `None` where it cannot be read, which whoever uses it
    /// tells.
    pub(super) fn certificate(key_path: &str, path: &Path, pem: &[u8]) -> Option<Self> {
        let der = CertificateDer::pem_slice_iter(pem).next()?.ok()?;
        let certificate = Certificate::from_der(&der).ok()?;
        let validity = certificate.tbs_certificate().validity();
        Some(Self {
            kind: Kind::Certificate,
            key_path: key_path.to_owned(),
            path: path.to_owned(),
            begins_secs: validity.not_before.to_unix_duration().as_secs(),
            ends_secs: validity.not_after.to_unix_duration().as_secs(),
        })
    }

    /// Reads the revocation lists in `bytes`, PEM or DER, of which the first to end counts. One without an end never ends.
    pub(super) fn revocations(key_path: &str, path: &Path, bytes: &[u8]) -> Option<Self> {
        let in_pem = CertificateRevocationListDer::pem_slice_iter(bytes).filter_map(Result::ok);
        let mut lists: Vec<_> = in_pem.collect();
        if lists.is_empty() {
            lists.push(CertificateRevocationListDer::from(bytes));
        }
        let ends = lists.iter().filter_map(|der| {
            let list = CertificateList::<Rfc5280>::from_der(der).ok()?;
            let next = list.tbs_cert_list.next_update?;
            Some(next.to_unix_duration().as_secs())
        });
        Some(Self {
            kind: Kind::RevocationList,
            key_path: key_path.to_owned(),
            path: path.to_owned(),
            begins_secs: 0,
            ends_secs: ends.min()?,
        })
    }

    /// What there is to say of its time at `now_secs` (Unix time).
    pub(super) fn finding(&self, now_secs: u64) -> Option<Finding> {
        let path = self.path.display().to_string();
        let what = match self.kind {
            Kind::Certificate => "certificate",
            Kind::RevocationList => "revocation list",
        };
        let is_near = || self.ends_secs - now_secs < CERTIFICATE_NOTICE_SECS;
        let problem = if now_secs < self.begins_secs {
            let at = time_text(self.begins_secs);
            TlsProblem::NotYetValid { path, at }
        } else if now_secs > self.ends_secs {
            let at = time_text(self.ends_secs);
            TlsProblem::Ended { what, path, at }
        } else if self.kind == Kind::Certificate && is_near() {
            let at = time_text(self.ends_secs);
            TlsProblem::EndsSoon { path, at }
        } else {
            return None;
        };
        Some(Finding {
            key_path: self.key_path.clone(),
            problem: Problem::Tls(problem),
        })
    }

    /// When it ends, as people read it.
    pub(super) fn ends_text(&self) -> String {
        time_text(self.ends_secs)
    }
}

fn time_text(secs: u64) -> String {
    let secs = i64::try_from(secs).ok();
    let timestamp = secs.and_then(|secs| jiff::Timestamp::from_second(secs).ok());
    timestamp.map_or_else(|| "a time out of range".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::path::Path;

    use super::Dated;
    use crate::control::testing::tls::Authority;
    use crate::engine::limits::CERTIFICATE_NOTICE_SECS;

    #[test]
    fn a_certificate_is_told_of_before_its_time_and_near_its_end() {
        // The first days of 2027 and of 2030.
        let (begins, ends) = (1_798_761_600, 1_893_456_000);
        let leaf = Authority::new().leaf_between("gateway.example", 2027, 2030);
        let path = Path::new("tls.crt");
        let dated = Dated::certificate("cert_path", path, leaf.chain.as_bytes()).unwrap();
        let notice = CERTIFICATE_NOTICE_SECS;
        for (now, code) in [
            (begins - 1, Some("certificate_not_yet_valid")),
            (begins, None),
            (ends - notice, None),
            (ends - notice + 1, Some("certificate_ends_soon")),
            (ends, Some("certificate_ends_soon")),
            (ends + 1, Some("certificate_ended")),
        ] {
            let found = dated.finding(now).map(|finding| finding.problem.code());
            assert_eq!(found, code, "{now}");
        }
        let told = dated.finding(ends + 1).unwrap().to_string();
        assert!(told.contains("cert_path: certificate in tls.crt"), "{told}");
        assert!(told.contains("2030-01-01T00:00:00Z"), "{told}");
    }

    #[test]
    fn what_cannot_be_read_has_no_time() {
        for pem in [
            "",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert_eq!(
                Dated::certificate("key", Path::new("a"), pem.as_bytes()),
                None
            );
        }
    }
}
