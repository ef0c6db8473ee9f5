//! The certificate authorities that the system trusts.

use std::sync::OnceLock;

use guard_io::tls::CertificateDer;

use crate::config::TlsProblem;
use crate::engine::limits::SYSTEM_ROOTS_MAX;

/// Read once a process: some systems keep them in hundreds of files. A restart takes changes up.
static ROOTS: OnceLock<Result<Vec<CertificateDer<'static>>, TlsProblem>> = OnceLock::new();

/// The system's authorities, `SSL_CERT_FILE` and `SSL_CERT_DIR` first. Errors: there is none that can be read.
pub(super) fn system_roots() -> Result<Vec<CertificateDer<'static>>, TlsProblem> {
    ROOTS.get_or_init(read).clone()
}

fn read() -> Result<Vec<CertificateDer<'static>>, TlsProblem> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "a certificate authority of the system cannot be read");
    }
    let mut roots = found.certs;
    if roots.is_empty() {
        let cause = found.errors.first().map(ToString::to_string);
        let cause = cause.unwrap_or_else(|| "none was found".to_owned());
        return Err(TlsProblem::NoSystemRoots { cause });
    }
    roots.truncate(SYSTEM_ROOTS_MAX);
    Ok(roots)
}
