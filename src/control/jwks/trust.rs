//! Whom to believe that a host is what its name says.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use guard_io::tls::{ClientTls, ClientTlsSpec, Trust};
use rustls::ClientConfig;

/// Largest file of authorities that is read, in bytes.
const CA_FILE_BYTES_MAX: u64 = 4 << 20;

/// TLS with the authorities in `ca_path`, else with those of the system. Read anew with each fetch, which is rare, so that a
/// renewed file needs no reload. The error is a sentence for the operator.
pub(super) async fn client(ca_path: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let ca_path = ca_path.map(Path::to_owned);
    let load = tokio::task::spawn_blocking(move || load(ca_path.as_deref()));
    load.await.map_err(|error| error.to_string())?
}

fn load(ca_path: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let trust = match ca_path {
        Some(path) => of_file(path)?,
        None => Trust::from_roots(rustls_native_certs::load_native_certs().certs),
    };
    let named = || match ca_path {
        Some(path) => format!("jwks_ca_path {}", path.display()),
        None => "the system's store of certificate authorities".to_owned(),
    };
    let spec = ClientTlsSpec {
        trust,
        certificate: None,
    };
    let tls = ClientTls::new(spec).map_err(|error| format!("{}: {error}", named()))?;
    Ok(Arc::clone(tls.config()))
}

fn of_file(path: &Path) -> Result<Trust, String> {
    let refused = |why: &dyn std::fmt::Display| {
        format!(
            "jwks_ca_path {}: {why}; it must be a readable PEM file",
            path.display()
        )
    };
    let file = std::fs::File::open(path).map_err(|error| refused(&error))?;
    let mut pem = Vec::new();
    file.take(CA_FILE_BYTES_MAX)
        .read_to_end(&mut pem)
        .map_err(|error| refused(&error))?;
    Trust::from_pem(&pem, None).map_err(|error| refused(&error))
}
