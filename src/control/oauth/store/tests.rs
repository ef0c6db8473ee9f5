//! What every store owes: each property is held by a store in memory and by one in a file.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bounds;
mod crash;
mod files;
mod flow;

use std::sync::Arc;

use super::{FileStore, Store};
use crate::engine::oauth::{
    Challenge, Client, ClientAuthMethod, ClientOrigin, Code, Consent, Grant, GrantId, RedirectUri,
    SecretHash, User,
};

const NOW: u64 = 1_800_000_000;

/// A store, and what has to live as long.
struct Bench {
    store: Arc<FileStore>,
    _folder: Option<tempfile::TempDir>,
}

impl std::ops::Deref for Bench {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

/// One of each kind, empty.
fn both() -> [Bench; 2] {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = FileStore::open(&folder.path().join("store"), None).unwrap();
    [memory(), of(file, Some(folder))]
}

fn memory() -> Bench {
    of(FileStore::in_memory().0, None)
}

fn of(store: FileStore, folder: Option<tempfile::TempDir>) -> Bench {
    let store = Arc::new(store);
    Bench {
        store,
        _folder: folder,
    }
}

fn client(id: &str) -> Client {
    Client {
        id: id.into(),
        name: "Some \"client\" \u{e9}".into(),
        origin: ClientOrigin::Registered { at_secs: 0 },
        redirect_uris: vec![
            RedirectUri::parse("http://127.0.0.1:1234/callback").unwrap(),
            RedirectUri::parse("https://client.example/cb?a=b").unwrap(),
        ],
        auth_method: ClientAuthMethod::Post,
        secret: Some(hash("secret")),
        refreshes: true,
    }
}

fn hash(text: &str) -> SecretHash {
    SecretHash::of(text.as_bytes())
}

fn id(number: u32) -> GrantId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    GrantId(id)
}

fn grant(number: u32, user: &str) -> Grant {
    Grant {
        id: id(number),
        user: User {
            id: user.into(),
            name: Some("A \u{1f600} name".into()),
            email: None,
        },
        client_id: "client".into(),
        audience: "https://gw.example/mcp".into(),
        scopes: vec!["read".into(), "write".into()],
        created_at_secs: NOW,
        expires_at_secs: NOW + 1_000_000,
        provider_tokens: Some(Box::from(*b"\0sealed\xff")),
    }
}

fn code(text: &str, number: u32) -> Code {
    Code {
        hash: hash(text),
        grant: grant(number, "alice"),
        redirect_uri: "https://client.example/cb?a=b".into(),
        challenge: Challenge::from_bytes([9; 32]),
        expires_at_secs: NOW + 60,
    }
}

fn consent(scope: &str, at: u64) -> Consent {
    Consent {
        redirect_uri: "https://client.example/cb".into(),
        audience: "https://gw.example".into(),
        scopes: vec![scope.into()],
        given_at_secs: at,
    }
}
