//! What a proof hangs on beside the configuration: time, a key, and what the credential says it is for.

use super::jwt::KeyMark;
use crate::engine::oauth::GrantId;
use crate::engine::route::Resource;

/// What a principal's proof hangs on. The default hangs on nothing.
#[derive(Debug, Default)]
pub(super) struct Ties {
    /// First second at which the credential is worth nothing, in Unix time.
    pub(super) expires_at_secs: Option<u64>,
    /// First second at which whoever vouched is to be asked again: never beyond `expires_at_secs`.
    pub(super) ask_again_at_secs: Option<u64>,
    /// The key that vouches for it, where an issuer has several that come and go.
    pub(super) key: Option<KeyMark>,
    /// Paths of the gateway's resources that the credential is for; `None`: every one.
    pub(super) resources: Option<Box<[Box<str>]>>,
    /// What a token of the gateway's own came of.
    pub(super) grant: Option<TokenOfGrant>,
}

/// Which grant a token of the gateway's own came of, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenOfGrant {
    /// The grant.
    pub grant: GrantId,
    /// `iat`, in seconds of Unix time.
    pub issued_at_secs: u64,
}

impl Ties {
    /// A credential that ends, where it ends, and hangs on nothing else.
    pub(super) fn until(expires_at_secs: Option<u64>) -> Self {
        Self {
            expires_at_secs,
            ..Self::default()
        }
    }

    /// First second at which the proof may not be used without a new one, in Unix time.
    pub(super) fn proof_ends_at_secs(&self) -> u64 {
        let end = self.expires_at_secs.unwrap_or(u64::MAX);
        end.min(self.ask_again_at_secs.unwrap_or(u64::MAX))
    }

    /// Whether the credential is for `resource`; where none is asked for, whichever it is for.
    pub(super) fn allow(&self, resource: Option<Resource<'_>>) -> bool {
        self.resources.as_deref().is_none_or(|paths| {
            resource.is_none_or(|resource| paths.iter().any(|path| resource.is_at(path)))
        })
    }
}
