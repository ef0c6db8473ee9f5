//! The file and the one with its secret: permissions, locks, damage, and what comes back after a restart.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{NOW, client, grant, hash, id};
use crate::config::Secret;
use crate::control::oauth::store::{FileStore, OpenStoreError, Store as _, Vault, VaultError};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn opened(path: &Path) -> Result<Vault, OpenStoreError> {
    FileStore::open(path, None).map(|(_, vault)| vault)
}

#[tokio::test(flavor = "current_thread")]
async fn what_was_answered_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let sealed = {
        let (store, vault) = FileStore::open(&path, None).unwrap();
        store.register(client("one"), NOW).await.unwrap();
        let refresh = Some((hash("0"), NOW + 10));
        store.open(grant(1, "alice"), refresh).await.unwrap();
        vault.seal_tokens(id(1), b"token").unwrap()
    };
    let (store, vault) = FileStore::open(&path, None).unwrap();
    assert!(store.client("one").await.unwrap().is_some());
    assert!(store.grant_of(hash("0"), NOW).await.unwrap().is_some());
    assert_eq!(**vault.open_tokens(id(1), &sealed).unwrap(), *b"token");
    let other = vault.open_tokens(id(2), &sealed);
    assert_eq!(other.unwrap_err(), VaultError::Foreign);
}

#[test]
fn new_files_are_for_their_owner_alone_and_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let key = folder.path().join("store.key");
    opened(&path).unwrap();
    for file in [&path, &key] {
        assert_eq!(mode(file), 0o600);
        for open_to_others in [0o640, 0o604, 0o620] {
            fs::set_permissions(file, Permissions::from_mode(open_to_others)).unwrap();
            let refused = opened(&path).unwrap_err();
            assert!(matches!(&refused, OpenStoreError::Exposed(at, _) if at == file));
            assert!(refused.to_string().contains("chmod 600"), "{refused}");
        }
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
    opened(&path).unwrap();
}

#[test]
fn one_gateway_at_a_time_has_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let held = FileStore::open(&path, None).unwrap();
    let refused = opened(&path).unwrap_err();
    assert!(matches!(&refused, OpenStoreError::Locked(_)));
    assert!(refused.to_string().contains("another gateway"), "{refused}");
    drop(held);
    opened(&path).unwrap();
}

#[test]
fn another_secret_is_noticed_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let key = folder.path().join("store.key");
    let secret = |text: &str| Secret::new(text.repeat(8));
    let with = |secret: &Secret| FileStore::open(&path, Some(secret)).map(|_| ());
    with(&secret("one one ")).unwrap();
    assert!(!key.exists(), "a configured secret needs no file");
    for refused in [with(&secret("two two ")), opened(&path).map(|_| ())] {
        let refused = refused.unwrap_err();
        assert!(matches!(&refused, OpenStoreError::OtherKey(_)), "{refused}");
        assert!(refused.to_string().contains("store_key"), "{refused}");
    }
    with(&secret("one one ")).unwrap();
}

#[test]
fn a_secret_of_another_length_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let key = folder.path().join("store.key");
    opened(&path).unwrap();
    for content in [&b""[..], &[7; 31], &[7; 33], &[7; 4_096]] {
        fs::write(&key, content).unwrap();
        let refused = opened(&path).unwrap_err();
        assert!(
            matches!(refused, OpenStoreError::KeyLength(..)),
            "{refused}"
        );
    }
    fs::write(&key, [7; 32]).unwrap();
    assert!(matches!(opened(&path), Err(OpenStoreError::OtherKey(_))));
}

#[test]
fn what_cannot_be_a_store_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let missing = folder.path().join("no/such/folder/store");
    let refused = opened(&missing).unwrap_err().to_string();
    assert!(refused.contains("auth.oauth.store_path"), "{refused}");
    assert!(opened(folder.path()).is_err());
    let write = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    };
    for content in [&b"hello"[..], &[0; 100_000], &[0xff; 4_096]] {
        write(content);
        let refused = opened(&path).unwrap_err();
        assert!(matches!(&refused, OpenStoreError::Damaged(..)), "{refused}");
        assert!(refused.to_string().contains("backup"), "{refused}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_store_of_another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let (store, _) = FileStore::open(&path, None).unwrap();
    let renumber = store.write(|tables| {
        tables.meta.insert("format", &b"2"[..])?;
        Ok(())
    });
    renumber.await.unwrap();
    drop(store);
    assert!(matches!(opened(&path), Err(OpenStoreError::OtherFormat(_))));
}

#[tokio::test(flavor = "current_thread")]
async fn a_file_that_was_bent_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let (store, _) = FileStore::open(&path, None).unwrap();
    for number in 0..50 {
        let refresh = Some((hash(&number.to_string()), NOW + 10));
        store.open(grant(number, "alice"), refresh).await.unwrap();
    }
    drop(store);
    let good = fs::read(&path).unwrap();
    let step = (good.len() / 64).max(1);
    let mut refused = 0;
    for at in (0..good.len()).step_by(step) {
        let mut bent = good.clone();
        let end = (at + 64).min(bent.len());
        bent[at..end].iter_mut().for_each(|byte| *byte ^= 0xa5);
        fs::write(&path, &bent).unwrap();
        match FileStore::open(&path, None) {
            Err(error) => {
                refused += 1;
                let remedy = error.to_string();
                assert!(remedy.contains("log in again"), "{remedy}");
            }
            Ok((store, _)) => {
                let _ = store.counts().await;
                let _ = store.sweep(NOW + 20).await;
            }
        }
    }
    assert!(refused > 0);
    for length in [0, 1, 4_096, good.len() / 2, good.len() - 1] {
        fs::write(&path, &good[..length]).unwrap();
        let _ = FileStore::open(&path, None);
    }
}

#[test]
fn nothing_shows_a_secret() {
    let (store, vault) = FileStore::in_memory();
    for shown in [format!("{store:?}"), format!("{vault:?}")] {
        assert!(!shown.contains("secret"), "{shown}");
    }
}
