//! The formats, and the fields that each reads.

use crate::engine::mcp::headers::CertificateField;

/// The headers by which a proxy tells of a client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFormat {
    /// `X-Client-Cert-Verified: SUCCESS` and `X-Client-Cert-CN`, `-SAN-DNS`, `-SAN-Email`, `-SAN-URI`.
    Plain,
    /// nginx: `X-SSL-Client-Verify` (`$ssl_client_verify`) and `X-SSL-Client-Cert` (`$ssl_client_escaped_cert`).
    Nginx,
    /// Envoy: `X-Forwarded-Client-Cert`, of exactly one element with `Hash`.
    Envoy,
    /// HAProxy: `X-SSL-Client-Used` (`ssl_c_used`), `X-SSL-Client-Verify` (`ssl_c_verify`) and `X-SSL-Client-DER`
    /// (`ssl_c_der,base64`).
    Haproxy,
    /// Traefik: `X-Forwarded-Tls-Client-Cert` (`passTLSClientCert` with `pem`).
    Traefik,
}

impl ProxyFormat {
    /// The fields that it reads; those of the other formats are not believed.
    #[must_use]
    pub const fn fields(self) -> &'static [CertificateField] {
        use CertificateField as Field;
        match self {
            Self::Plain => &[
                Field::PlainVerified,
                Field::PlainCn,
                Field::PlainSanDns,
                Field::PlainSanEmail,
                Field::PlainSanUri,
            ],
            Self::Nginx => &[Field::SslVerify, Field::SslCert],
            Self::Envoy => &[Field::ForwardedClientCert],
            Self::Haproxy => &[Field::SslUsed, Field::SslVerify, Field::SslDer],
            Self::Traefik => &[Field::ForwardedTlsClientCert],
        }
    }
}
