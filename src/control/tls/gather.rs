//! Files → key pairs and trust, with everything that is wrong on the way.

use std::path::Path;

use guard_io::tls::{KeyPair, TlsError, Trust};

use super::certificate::Dated;
use super::file::{Content, read};
use super::roots::system_roots;
use crate::config::model::CertificateFiles;
use crate::config::{Finding, Problem, TlsProblem};

/// Permission bits that open a file to everybody. The group is often that of the service.
const OTHERS: u32 = 0o007;

/// Where a chain and its key are named.
#[derive(Clone, Debug)]
pub(super) struct PairKeys {
    pub(super) chain: String,
    pub(super) key: String,
}

/// What was found while the files of one section were read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) errors: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
    pub(super) certificates: Vec<Dated>,
}

impl Gathered {
    /// Notes that what the file at `path` holds cannot be used.
    pub(super) fn unusable(&mut self, key_path: &str, path: &Path, fault: &TlsError) {
        self.error(
            key_path,
            TlsProblem::Unusable {
                path: path.display().to_string(),
                fault: fault.to_string(),
                remedy: remedy(fault),
            },
        );
    }

    /// A chain with its key.
    pub(super) fn pair(&mut self, keys: &PairKeys, files: &CertificateFiles) -> Option<KeyPair> {
        let chain = self.content(&keys.chain, &files.cert_path);
        let key = self.content(&keys.key, &files.key_path);
        let (chain, key) = (chain?, key?);
        if key.mode & OTHERS != 0 {
            self.warnings.push(Finding {
                key_path: keys.key.clone(),
                problem: Problem::SecretFileExposed {
                    path: files.key_path.display().to_string(),
                    mode: key.mode,
                },
            });
        }
        let dated = Dated::certificate(&keys.chain, &files.cert_path, &chain.bytes);
        self.certificates.extend(dated);
        match KeyPair::from_pem(&chain.bytes, &key.bytes) {
            Ok(pair) => Some(pair),
            Err(_) if is_encrypted(&key.bytes) => {
                self.error(
                    &keys.key,
                    TlsProblem::Unusable {
                        path: files.key_path.display().to_string(),
                        fault: "private key is encrypted".to_owned(),
                        remedy: "decrypt it with `openssl pkey -in KEY -out PLAIN`, readable for the gateway alone",
                    },
                );
                None
            }
            Err(fault) => {
                let (key_path, path) = match fault {
                    TlsError::NoKey | TlsError::BadKey(_) | TlsError::KeyMismatch => {
                        (&keys.key, &files.key_path)
                    }
                    _ => (&keys.chain, &files.cert_path),
                };
                self.unusable(key_path, path, &fault);
                None
            }
        }
    }

    /// The authorities in a file, with the revocation lists of another.
    pub(super) fn trust(&mut self, roots: Named<'_>, lists: Option<Named<'_>>) -> Option<Trust> {
        let authorities = self.content(roots.key_path, roots.path);
        let revocations = match lists {
            Some(lists) => Some(self.content(lists.key_path, lists.path)?),
            None => None,
        };
        if let (Some(lists), Some(content)) = (lists, &revocations) {
            let dated = Dated::revocations(lists.key_path, lists.path, &content.bytes);
            self.certificates.extend(dated);
        }
        let bytes = revocations.as_ref().map(|content| &content.bytes[..]);
        match Trust::from_pem(&authorities?.bytes, bytes) {
            Ok(trust) => Some(trust),
            Err(fault) => {
                let named = match (&fault, lists) {
                    (TlsError::BadCrl(_), Some(lists)) => lists,
                    _ => roots,
                };
                self.unusable(named.key_path, named.path, &fault);
                None
            }
        }
    }

    /// The system's authorities, for the server at the key `key_path`.
    pub(super) fn system_trust(&mut self, key_path: &str) -> Option<Trust> {
        match system_roots() {
            Ok(roots) => Some(Trust::from_roots(roots)),
            Err(problem) => {
                self.error(key_path, problem);
                None
            }
        }
    }

    fn content(&mut self, key_path: &str, path: &Path) -> Option<Content> {
        match read(path) {
            Ok(content) => Some(content),
            Err(problem) => {
                self.error(key_path, problem);
                None
            }
        }
    }

    fn error(&mut self, key_path: &str, problem: TlsProblem) {
        self.errors.push(Finding {
            key_path: key_path.to_owned(),
            problem: Problem::Tls(problem),
        });
    }
}

/// A path with the key that names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub(super) key_path: &'a str,
    pub(super) path: &'a Path,
}

fn is_encrypted(key: &[u8]) -> bool {
    let marks = [
        &b"BEGIN ENCRYPTED PRIVATE KEY"[..],
        b"Proc-Type: 4,ENCRYPTED",
    ];
    marks
        .iter()
        .any(|mark| memchr::memmem::find(key, mark).is_some())
}

const fn remedy(fault: &TlsError) -> &'static str {
    match fault {
        TlsError::NoCertificate => {
            "name a PEM file with the certificate and its intermediates (BEGIN CERTIFICATE)"
        }
        TlsError::NoKey => "name a PEM file with the private key (BEGIN PRIVATE KEY)",
        TlsError::BadPem(_) => {
            "write the file anew in PEM form; DER is converted by `openssl x509 -inform der`"
        }
        TlsError::BadCertificate(_) => "issue the certificate anew, as X.509 version 3",
        TlsError::BadKey(_) => {
            "use an RSA key of 2048 bits or more, ECDSA P-256 or P-384, or Ed25519"
        }
        TlsError::KeyMismatch => {
            "give the key that the certificate was made for: `openssl x509 -noout -pubkey` and `openssl pkey -pubout` must agree"
        }
        TlsError::BadCrl(_) => "fetch the list anew from its authority, as PEM or DER",
        TlsError::NoTrust => "name a PEM file with the certificates of authorities",
    }
}
