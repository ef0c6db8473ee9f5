//! What outlives the process: clients, consents, codes, grants, keys.
//!
//! A trait, because several gateways will share one store. Each operation is atomic: what two of them do at once, one does first.
//! [`FileStore`] keeps everything in one file of this machine; [`Vault`] seals what in it is secret.
//!
//! **Invariant:** of no secret of the gateway's own is more kept than its hash, and nothing of a provider's token but sealed.

mod clients;
mod codec;
mod codes;
mod consents;
mod due;
mod file;
mod grants;
mod open;
mod record;
mod slot;
mod tables;
#[cfg(test)]
mod tests;
mod vault;

use std::fmt;

use crate::control::bridge::BoxFuture;
use crate::engine::oauth::{Client, Code, Consent, Grant, GrantId, SecretHash};

pub(in crate::control) use file::FileStore;
pub(in crate::control) use open::OpenStoreError;
pub(in crate::control) use vault::{Vault, VaultError};

/// Why the store did not do as asked.
#[derive(Debug)]
pub(in crate::control) enum StoreError {
    /// It holds as many as it may; the word says of what.
    Full(&'static str),
    /// The grant that was to begin has been revoked: its code was presented twice.
    Ended,
    /// It cannot be read or written.
    Broken(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(what) => write!(f, "store has no room for further {what}"),
            Self::Ended => f.write_str("grant was revoked before it began"),
            Self::Broken(why) => write!(f, "store cannot be used: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// What came of a code.
#[derive(Debug)]
pub(in crate::control) enum TakenCode {
    /// It is good, and gone now.
    Fresh(Box<Code>),
    /// It was taken before: somebody else has it too. What came of it has been revoked.
    Replayed(RevokedGrant),
    /// There is none, or its time is over.
    Unknown,
}

/// What came of a refresh token.
#[derive(Debug)]
pub(in crate::control) enum Rotation {
    /// It is good, and the next one is in its place.
    Rotated(Box<Grant>),
    /// It was used before: somebody else has it too. Its grant has been revoked.
    Reused(RevokedGrant),
    /// There is none, its time is over, or its grant has been refreshed too often to go on.
    Unknown,
}

/// A grant, and how a refresh token of it stands.
#[derive(Clone, Debug)]
pub(in crate::control) struct HeldGrant {
    /// The grant.
    pub(in crate::control) grant: Grant,
    /// When the provider last said that the user is still one, in seconds of Unix time; at first when they logged in.
    pub(in crate::control) vouched_at_secs: u64,
    /// Whether the token was used before.
    pub(in crate::control) is_spent: bool,
}

/// Whose users a store has, once somebody asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(in crate::control) enum Adopted {
    /// Those that were asked for, or nobody's yet.
    Ours,
    /// Those that were asked for from now on: it was another owner's, and had no users.
    TakenOver,
    /// Those of another owner, who is named. Nothing has changed.
    Others(String),
}

/// A key that tokens are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::control) struct StoredKey {
    /// `kid`.
    pub(in crate::control) id: Box<str>,
    /// `ES256` or `EdDSA`.
    pub(in crate::control) algorithm: Box<str>,
    /// PKCS #8, sealed.
    pub(in crate::control) sealed: Box<[u8]>,
    /// When it was made, in seconds of Unix time.
    pub(in crate::control) created_at_secs: u64,
    /// When another took its place, where one has.
    pub(in crate::control) retired_at_secs: Option<u64>,
}

/// A grant that was revoked while tokens of it may still be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) struct RevokedGrant {
    /// Which.
    pub(in crate::control) id: GrantId,
    /// First second at which the last token of it has ended.
    pub(in crate::control) until_secs: u64,
}

pub(in crate::control) type Stored<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Where everything is kept. Times are seconds of Unix time.
pub(in crate::control) trait Store: fmt::Debug + Send + Sync {
    /// Says whose users this gateway's are: the provider, and the claim that names them. A user's id at one provider is somebody
    /// else at another, so a store that has users of another owner stays as it is, and must not be used. One without users is taken
    /// over, with keys to be made anew. To be called before anything else is asked, and before
    /// [`Signer::load`](super::signer::Signer::load).
    fn adopt<'a>(&'a self, owner: &'a str) -> Stored<'a, Adopted>;

    /// A client that registered itself.
    fn client<'a>(&'a self, id: &'a str) -> Stored<'a, Option<Client>>;

    /// Keeps a client that registers itself. Errors: there are too many that are in use; unused ones make room, oldest first.
    fn register(&self, client: Client, now_secs: u64) -> Stored<'_, ()>;

    /// What `user` once allowed `client`.
    fn consents<'a>(&'a self, user: &'a str, client: &'a str) -> Stored<'a, Vec<Consent>>;

    /// Remembers what `user` allows `client`, in the place of the oldest where there are too many.
    fn remember<'a>(&'a self, user: &'a str, client: &'a str, consent: Consent) -> Stored<'a, ()>;

    /// Keeps a code until it is taken or ends.
    fn put_code(&self, code: Code) -> Stored<'_, ()>;

    /// Takes the code with this hash, once: a second time revokes what came of the first, or will come of it.
    fn take_code(&self, hash: SecretHash, now_secs: u64) -> Stored<'_, TakenCode>;

    /// Begins `grant`, with its first refresh token where it has one, good until the second beside it. Of too many grants of one
    /// user the oldest ends. Errors: [`StoreError::Ended`] where its code was presented twice meanwhile.
    fn open(&self, grant: Grant, refresh: Option<(SecretHash, u64)>) -> Stored<'_, ()>;

    /// The grant that the refresh token with this hash belongs to, or once belonged to; changes nothing.
    fn grant_of(&self, refresh: SecretHash, now_secs: u64) -> Stored<'_, Option<HeldGrant>>;

    /// Puts `next`, good until the second beside it, in the place of `presented`. `provider_tokens` replaces those of the grant
    /// where there are any: the provider has just said that the user is still one.
    fn rotate(
        &self,
        presented: SecretHash,
        next: (SecretHash, u64),
        provider_tokens: Option<Box<[u8]>>,
        now_secs: u64,
    ) -> Stored<'_, Rotation>;

    /// Ends a grant and everything that comes of it.
    fn revoke(&self, grant: GrantId, now_secs: u64) -> Stored<'_, RevokedGrant>;

    /// Every grant that was revoked while tokens of it may still be good.
    fn revoked(&self, now_secs: u64) -> Stored<'_, Vec<RevokedGrant>>;

    /// Every key, oldest first.
    fn keys(&self) -> Stored<'_, Vec<StoredKey>>;

    /// Replaces all keys.
    fn put_keys(&self, keys: Vec<StoredKey>) -> Stored<'_, ()>;

    /// Forgets what has ended. Bounded work.
    fn sweep(&self, now_secs: u64) -> Stored<'_, ()>;

    /// How many clients and grants there are.
    fn counts(&self) -> Stored<'_, Counts>;
}

/// How much a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::control) struct Counts {
    /// Clients that registered themselves.
    pub(in crate::control) clients: u64,
    /// Grants that have not ended.
    pub(in crate::control) grants: u64,
}
