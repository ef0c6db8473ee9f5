//! What a user has allowed a client, and the code that stands for it on its way.

use std::fmt;

use super::{Challenge, SecretHash};

/// Who logged in, as the provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id that `auth.oauth.user_id_claim` names: stable, unique at the provider. It becomes the identity.
    pub id: Box<str>,
    /// What the person calls themselves, for pages alone.
    pub name: Option<Box<str>>,
    /// Verified e-mail address, for pages and for `allowed_users`.
    pub email: Option<Box<str>>,
}

/// Names a grant: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrantId(pub [u8; 16]);

impl GrantId {
    /// A new one. Errors: the system has no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GrantId({self})")
    }
}

/// What a user has allowed a client: every token that comes of it is of this user, for this audience, with no further scopes.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Names it.
    pub id: GrantId,
    /// Who allowed it.
    pub user: User,
    /// To whom.
    pub client_id: Box<str>,
    /// What tokens of it are for: the URL of a resource, or the public base URL for every one of the gateway's (RFC 8707).
    pub audience: Box<str>,
    /// Scopes, each once.
    pub scopes: Vec<Box<str>>,
    /// When it was allowed, in seconds of Unix time.
    pub created_at_secs: u64,
    /// First second at which nothing more comes of it.
    pub expires_at_secs: u64,
    /// The provider's tokens, sealed; for asking later whether the user is still one.
    pub provider_tokens: Option<Box<[u8]>>,
}

/// An authorization code: a grant that its client has not fetched yet.
#[derive(Clone, Debug)]
pub struct Code {
    /// What is kept of the code itself.
    pub hash: SecretHash,
    /// What the client gets for it.
    pub grant: Grant,
    /// Where the code was sent, exactly.
    pub redirect_uri: Box<str>,
    /// Whoever redeems it must know its verifier.
    pub challenge: Challenge,
    /// First second at which it is worth nothing.
    pub expires_at_secs: u64,
}

/// What a user once allowed a client, so that they are not asked again for as much or less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Where answers went.
    pub redirect_uri: Box<str>,
    /// What tokens were for.
    pub audience: Box<str>,
    /// With which scopes.
    pub scopes: Vec<Box<str>>,
    /// When, in seconds of Unix time.
    pub given_at_secs: u64,
}
