//! Whom to believe that a host is what its name says.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use guard_io::tls::{ClientTls, ClientTlsSpec, Trust};
use rustls::ClientConfig;
use tokio::sync::Mutex;

/// Largest file of authorities that is read, in bytes.
const CA_FILE_BYTES_MAX: u64 = 4 << 20;

/// How long authorities that were read are used.
const READ_AGAIN: Duration = Duration::from_secs(600);

/// Authorities that are read again from time to time, so that a renewed file needs no reload, and sessions with a host that is
/// asked often are resumed.
#[derive(Debug, Default)]
pub(in crate::control) struct Authorities {
    read: Mutex<Option<(Instant, Arc<ClientConfig>)>>,
}

impl Authorities {
    /// TLS with the authorities in `ca_path`, which `key` of the configuration names, else with those of the system. The error is
    /// a sentence for the operator.
    pub(in crate::control) async fn client(
        &self,
        key: &'static str,
        ca_path: Option<&Path>,
    ) -> Result<Arc<ClientConfig>, String> {
        let mut read = self.read.lock().await;
        if let Some((at, config)) = &*read
            && at.elapsed() < READ_AGAIN
        {
            return Ok(Arc::clone(config));
        }
        let config = client(key, ca_path).await?;
        *read = Some((Instant::now(), Arc::clone(&config)));
        Ok(config)
    }
}

/// TLS with the authorities in `ca_path`, which `key` of the configuration names, else with those of the system; read anew. The
/// error is a sentence for the operator.
pub(in crate::control) async fn client(
    key: &'static str,
    ca_path: Option<&Path>,
) -> Result<Arc<ClientConfig>, String> {
    let ca_path = ca_path.map(Path::to_owned);
    let load = tokio::task::spawn_blocking(move || load(key, ca_path.as_deref()));
    load.await.map_err(|error| error.to_string())?
}

fn load(key: &str, ca_path: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let trust = match ca_path {
        Some(path) => of_file(key, path)?,
        None => Trust::from_roots(rustls_native_certs::load_native_certs().certs),
    };
    let named = || match ca_path {
        Some(path) => format!("{key} {}", path.display()),
        None => "the system's store of certificate authorities".to_owned(),
    };
    let spec = ClientTlsSpec {
        trust,
        certificate: None,
    };
    let tls = ClientTls::new(spec).map_err(|error| format!("{}: {error}", named()))?;
    Ok(Arc::clone(tls.config()))
}

fn of_file(key: &str, path: &Path) -> Result<Trust, String> {
    let refused = |why: &dyn std::fmt::Display| {
        format!(
            "{key} {}: {why}; it must be a readable PEM file",
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
