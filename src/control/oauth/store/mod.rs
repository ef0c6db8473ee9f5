//! What outlives the process: clients, consents, codes, grants, keys.
//!
//! A trait, because several gateways will share one store. Each operation is atomic: what two of them do at once, one does first.

use std::fmt;

use crate::control::bridge::BoxFuture;
use crate::engine::oauth::{Client, Code, Consent, Grant, GrantId, SecretHash};

/// Why the store did not do as asked.
#[derive(Debug)]
pub(super) enum StoreError {
    /// It holds as many as it may; the word says of what.
    Full(&'static str),
    /// It cannot be read or written.
    Broken(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(what) => write!(f, "store has no room for further {what}"),
            Self::Broken(why) => write!(f, "store cannot be used: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// What came of a code.
#[derive(Debug)]
pub(super) enum TakenCode {
    /// It is good, and gone now.
    Fresh(Box<Code>),
    /// It was taken before: somebody else has it too. What came of it has been revoked.
    Replayed,
    /// There is none, or its time is over.
    Unknown,
}

/// What came of a refresh token.
#[derive(Debug)]
pub(super) enum Rotation {
    /// It is good, and the next one is in its place.
    Rotated(Box<Grant>),
    /// It was used before: somebody else has it too. Its grant has been revoked.
    Reused,
    /// There is none, or its time is over.
    Unknown,
}

/// A key that tokens are signed with.
#[derive(Clone, Debug)]
pub(super) struct StoredKey {
    /// `kid`.
    pub(super) id: Box<str>,
    /// `ES256` or `EdDSA`.
    pub(super) algorithm: Box<str>,
    /// PKCS #8, sealed.
    pub(super) sealed: Box<[u8]>,
    /// When it was made, in seconds of Unix time.
    pub(super) created_at_secs: u64,
}

type Stored<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Where everything is kept. Times are seconds of Unix time.
pub(super) trait Store: fmt::Debug + Send + Sync {
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

    /// Takes the code with this hash, once: a second time revokes what came of the first.
    fn take_code(&self, hash: SecretHash, now_secs: u64) -> Stored<'_, TakenCode>;

    /// Begins `grant`, with its first refresh token where it has one.
    fn open(&self, grant: Grant, refresh: Option<(SecretHash, u64)>) -> Stored<'_, ()>;

    /// The grant that the refresh token with this hash belongs to; changes nothing.
    fn grant_of(&self, refresh: SecretHash, now_secs: u64) -> Stored<'_, Option<Grant>>;

    /// Puts `next`, good until the second beside it, in the place of `presented`. `provider_tokens` replaces those of the grant
    /// where there are any.
    fn rotate(
        &self,
        presented: SecretHash,
        next: (SecretHash, u64),
        provider_tokens: Option<Box<[u8]>>,
        now_secs: u64,
    ) -> Stored<'_, Rotation>;

    /// Ends a grant and everything that comes of it.
    fn revoke(&self, grant: GrantId) -> Stored<'_, ()>;

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
pub(super) struct Counts {
    /// Clients that registered themselves.
    pub(super) clients: u64,
    /// Grants that have not ended.
    pub(super) grants: u64,
}
