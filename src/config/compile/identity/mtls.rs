//! Client certificates as identities.

use super::Compiler;
use crate::config::model;
use crate::engine::identity::mtls::{MtlsAccess, MtlsIdentity, MtlsRules};

impl<'c> Compiler<'c, '_> {
    pub(super) fn mtls(&mut self, mtls: &'c model::Mtls) -> MtlsRules {
        let identities = mtls.identities.iter();
        MtlsRules {
            origin: mtls.origin.clone(),
            source: mtls.identity_source,
            identities: identities.map(|one| self.identity(mtls, one)).collect(),
            default: self.mtls_default(mtls),
            allow_bearer: mtls.allow_bearer,
        }
    }

    /// One entry, with the limits of the section where it has none of its own.
    fn identity(&mut self, mtls: &model::Mtls, one: &'c model::MtlsIdentity) -> MtlsIdentity {
        let path = &one.key_path;
        let rate = one.rate_limit.or(mtls.rate_limit);
        let burst = one.burst_size.or(mtls.burst_size);
        MtlsIdentity {
            pattern: one.pattern.clone(),
            access: MtlsAccess {
                grants: self.grants(path, (&one.allowed_tools, &one.denied_tools)),
                quota: self.quota(path, rate, burst),
            },
        }
    }

    fn mtls_default(&mut self, mtls: &'c model::Mtls) -> Option<MtlsAccess> {
        let path = "auth.mtls";
        let allowed = mtls.allowed_tools.as_ref()?;
        Some(MtlsAccess {
            grants: self.grants(path, (allowed, &[])),
            quota: self.quota(path, mtls.rate_limit, mtls.burst_size),
        })
    }
}
