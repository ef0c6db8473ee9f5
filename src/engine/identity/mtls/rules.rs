//! `[auth.mtls]`, compiled.

use std::sync::Arc;

use super::ProxyFormat;
use crate::engine::identity::AddressRange;
use crate::engine::policy::Grants;
use crate::engine::quota::Quota;

/// Which name of a certificate is the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentitySource {
    /// Common name of the subject.
    Cn,
    /// The one DNS name.
    SanDns,
    /// The one e-mail address.
    SanEmail,
    /// The one URI, such as a SPIFFE id.
    SanUri,
}

/// Where certificates come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateOrigin {
    /// The gateway's own handshake.
    Native,
    /// Headers of a proxy in front.
    Header {
        /// Addresses of such proxies.
        proxies: Vec<AddressRange>,
        /// Which headers it sends.
        format: ProxyFormat,
    },
}

/// What certificates of one kind may do.
#[derive(Clone, Debug)]
pub struct MtlsAccess {
    /// What they may use.
    pub grants: Arc<Grants>,
    /// Their quota, where they have one of their own.
    pub quota: Option<Quota>,
}

/// A pattern over whole identities: `*`, `?` and `[set]`, which match `/` and `.` too.
#[derive(Clone, Debug)]
pub struct IdentityPattern(glob::Pattern);

impl IdentityPattern {
    /// Parses `text`. Errors: what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        glob::Pattern::new(text)
            .map(Self)
            .map_err(|error| error.msg.to_owned())
    }

    /// Whether the whole of `identity` matches.
    #[must_use]
    pub fn matches(&self, identity: &str) -> bool {
        self.0.matches(identity)
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// One `[[auth.mtls.identities]]`.
#[derive(Clone, Debug)]
pub struct MtlsIdentity {
    /// Matched against the whole identity.
    pub pattern: IdentityPattern,
    /// What those that match may do.
    pub access: MtlsAccess,
}

/// `[auth.mtls]` with `enabled = true`.
#[derive(Clone, Debug)]
pub struct MtlsRules {
    /// Where certificates come from.
    pub origin: CertificateOrigin,
    /// Which name is the identity.
    pub source: IdentitySource,
    /// In the order of the file; the first that matches counts.
    pub identities: Vec<MtlsIdentity>,
    /// For identities that none of them matches; absent, those are denied.
    pub default: Option<MtlsAccess>,
    /// Whether a bearer token beside a certificate is taken, as the identity.
    pub allow_bearer: bool,
}
