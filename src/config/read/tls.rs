//! `[server.tls]`, and the TLS keys of an upstream. What the files hold is looked at by whoever loads them.

use crate::config::model::{CertificateFiles, ClientAuth, Target, Tls, TlsVersion, UpstreamTls};
use crate::config::problem::Problem;
use crate::config::read::table::Table;
use crate::engine::limits::TLS_CERTIFICATES_MAX;

/// The TLS keys of an upstream.
pub(super) const UPSTREAM_KEYS: [&str; 3] =
    ["tls_ca_path", "tls_client_cert_path", "tls_client_key_path"];

const CERT: &str = "path of the certificate chain, in PEM";
const KEY: &str = "path of the certificate's private key, in PEM";
const CLIENT_CA: &str = "path of the certificates, in PEM, that may vouch for clients";

const CLIENT_AUTH: [(&str, ClientAuth); 3] = [
    ("none", ClientAuth::None),
    ("optional", ClientAuth::Optional),
    ("required", ClientAuth::Required),
];
const VERSIONS: [(&str, TlsVersion); 2] = [("1.2", TlsVersion::Tls12), ("1.3", TlsVersion::Tls13)];

/// `[server.tls]`; absent, the listener speaks plain HTTP.
pub(super) fn server(table: &Table<'_>) -> Option<Tls> {
    if !table.is_present() {
        return None;
    }
    let client_auth = table.choice("client_auth", &CLIENT_AUTH);
    let tls = Tls {
        certificates: certificates(table),
        has_own: has_own(table),
        client_auth: client_auth.unwrap_or(ClientAuth::None),
        client_ca_path: table.file_path("client_ca_path"),
        crl_path: table.file_path("crl_path"),
        min_version: table
            .choice("min_version", &VERSIONS)
            .unwrap_or(TlsVersion::Tls12),
    };
    let is_refused = table.has("client_auth") && client_auth.is_none();
    if tls.client_auth != ClientAuth::None {
        table.require("client_ca_path", CLIENT_CA);
    } else if !is_refused {
        warn_of_unused(table);
    }
    Some(tls)
}

/// Files for a check that is not made.
fn warn_of_unused(table: &Table<'_>) {
    for key in ["client_ca_path", "crl_path"] {
        if table.has(key) {
            let reason = "clients are not asked for certificates";
            let remedy = "set client_auth to \"optional\" or \"required\", or remove the key";
            table.report(key, Problem::Unused { reason, remedy });
        }
    }
}

/// `cert_path` with `key_path`, then `[[server.tls.certificates]]`.
fn certificates(table: &Table<'_>) -> Vec<CertificateFiles> {
    let further = table.sections("certificates");
    if further.len() >= TLS_CERTIFICATES_MAX {
        let value = further.len().to_string();
        let accepted = format!("up to {} beside the first", TLS_CERTIFICATES_MAX - 1);
        table.report("certificates", Problem::OutOfRange { value, accepted });
    }
    let own = has_own(table).then(|| pair(table, ["cert_path", "key_path"]));
    own.into_iter()
        .chain(
            further
                .iter()
                .map(|table| pair(table, ["cert_path", "key_path"])),
        )
        .flatten()
        .collect()
}

/// Whether the section itself has a certificate, or should.
fn has_own(table: &Table<'_>) -> bool {
    let is_alone = table.sections("certificates").is_empty();
    is_alone || table.has("cert_path") || table.has("key_path")
}

/// A certificate and its key, of which neither goes without the other.
fn pair(table: &Table<'_>, [cert, key]: [&'static str; 2]) -> Option<CertificateFiles> {
    table.require(cert, CERT);
    table.require(key, KEY);
    let (cert_path, key_path) = (table.file_path(cert), table.file_path(key));
    Some(CertificateFiles {
        cert_path: cert_path?,
        key_path: key_path?,
    })
}

/// `target` with the TLS keys of `table`, which only an `https` server has.
pub(super) fn upstream(table: &Table<'_>, target: Option<Target>) -> Option<Target> {
    match target {
        Some(Target::Http {
            host,
            port,
            path,
            tls: Some(_),
        }) => Some(Target::Http {
            host,
            port,
            path,
            tls: Some(upstream_tls(table)),
        }),
        Some(plain) => {
            refuse_on_plain(table);
            Some(plain)
        }
        None => None,
    }
}

fn upstream_tls(table: &Table<'_>) -> UpstreamTls {
    let [ca, cert, key] = UPSTREAM_KEYS;
    let shows_certificate = table.has(cert) || table.has(key);
    UpstreamTls {
        ca_path: table.file_path(ca),
        client: shows_certificate
            .then(|| pair(table, [cert, key]))
            .flatten(),
    }
}

fn refuse_on_plain(table: &Table<'_>) {
    for key in UPSTREAM_KEYS.into_iter().filter(|key| table.has(key)) {
        let other = format!("a {} that is not https", table.path_of("url"));
        let remedy = "the connection is not encrypted; write https:// in url, or remove the key";
        table.report(key, Problem::Conflict { other, remedy });
    }
}
