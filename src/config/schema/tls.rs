//! `[server.tls]` and `[[server.tls.certificates]]`, and the keys of an `https` upstream.

use super::{Key, Kind, Section, key};

const CERT_PATH: Key = key(
    "cert_path",
    Kind::Path,
    "",
    "Certificate chain (PEM), the gateway's own first; required.",
);
const KEY_PATH: Key = key(
    "key_path",
    Kind::Path,
    "",
    "Its private key (PEM, PKCS #8, PKCS #1 or SEC 1); required.",
);

pub(super) const TLS: Section = Section {
    path: "server.tls",
    keys: &[
        CERT_PATH,
        KEY_PATH,
        key(
            "certificates",
            Kind::Sections,
            "",
            "Further certificates, picked by the name that a client asks for (SNI).",
        ),
        key(
            "client_auth",
            Kind::Choice(&["none", "optional", "required"]),
            "\"none\"",
            "Whether clients are asked for certificates. One that is shown must be good; with `required` there is no connection without one.",
        ),
        key(
            "client_ca_path",
            Kind::Path,
            "",
            "Certificates (PEM) that may vouch for clients; required unless `client_auth` is `none`.",
        ),
        key(
            "crl_path",
            Kind::Path,
            "",
            "Revocation lists (PEM) that clients' certificates are looked up in.",
        ),
        key(
            "min_version",
            Kind::Choice(&["1.2", "1.3"]),
            "\"1.2\"",
            "Oldest version of TLS that is spoken.",
        ),
    ],
};

pub(super) const CERTIFICATES: Section = Section {
    path: "server.tls.certificates",
    keys: &[CERT_PATH, KEY_PATH],
};

/// `tls_ca_path` of an upstream.
pub(super) const UPSTREAM_CA: Key = key(
    "tls_ca_path",
    Kind::Path,
    "",
    "Certificates (PEM) that may vouch for an `https` server; absent, those of the system.",
);

/// `tls_client_cert_path` of an upstream.
pub(super) const UPSTREAM_CERT: Key = key(
    "tls_client_cert_path",
    Kind::Path,
    "",
    "Certificate chain (PEM) that the gateway shows to an `https` server.",
);

/// `tls_client_key_path` of an upstream.
pub(super) const UPSTREAM_KEY: Key = key(
    "tls_client_key_path",
    Kind::Path,
    "",
    "Private key of that certificate (PEM).",
);
