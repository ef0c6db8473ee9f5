//! A process that is killed while it writes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use redb::{ReadableTable as _, ReadableTableMetadata as _};

use super::{NOW, code, consent, grant, hash, id};
use crate::control::oauth::store::codec::GrantRecord;
use crate::control::oauth::store::tables::Tables;
use crate::control::oauth::store::{FileStore, Store as _, StoreError};

/// Where the child writes.
const VARIABLE: &str = "MCP_GUARD_TEST_STORE";

const DEADLINE: Duration = Duration::from_secs(30);

/// Writes until it is killed. Run by the test below alone.
#[tokio::test(flavor = "current_thread")]
#[ignore = "a child of another test"]
async fn child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        return;
    };
    let (store, _) = FileStore::open(&path, None).unwrap();
    for number in 0.. {
        let name = number.to_string();
        store.put_code(code(&name, number)).await.unwrap();
        store.take_code(hash(&name), NOW).await.unwrap();
        let refresh = (hash(&format!("{name} 0")), NOW + 1_000);
        let opened = grant(number, &(number % 7).to_string());
        store.open(opened, Some(refresh)).await.unwrap();
        let next = (hash(&format!("{name} 1")), NOW + 2_000);
        store.rotate(refresh.0, next, None, NOW).await.unwrap();
        store
            .remember(&name, "client", consent("read", NOW))
            .await
            .unwrap();
        if number % 3 == 0 {
            store.revoke(id(number), NOW).await.unwrap();
        }
        // What was answered before is told, so that the parent can ask for it.
        std::fs::write(path.with_extension("done"), &name).unwrap();
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_killed_process_leaves_a_store_that_agrees_with_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    for round in 1_u32..=4 {
        let _ = std::fs::remove_file(&path);
        let _ = std::fs::remove_file(path.with_extension("done"));
        let last = write_and_kill(&path, 5 * round);
        let (store, _) = FileStore::open(&path, None).unwrap();
        store.write(agrees).await.unwrap();
        for number in 0..=last {
            let held = store
                .grant_of(hash(&format!("{number} 1")), NOW)
                .await
                .unwrap();
            assert_eq!(held.is_some(), number % 3 != 0, "grant {number} of {last}");
        }
        store.sweep(u64::MAX).await.unwrap();
    }
}

/// Lets a child write `least` rounds and a little more, and kills it; the last round that it told of.
fn write_and_kill(path: &Path, least: u32) -> u32 {
    let module = module_path!().split_once("::").unwrap().1;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored"])
        .arg(format!("{module}::child_that_writes_until_it_is_killed"))
        .env(VARIABLE, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let told = || {
        let told = std::fs::read_to_string(path.with_extension("done")).ok()?;
        told.parse::<u32>().ok()
    };
    let began = Instant::now();
    while told().is_none_or(|told| told < least) && began.elapsed() < DEADLINE {
        std::thread::sleep(Duration::from_micros(700));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let told = told().unwrap();
    assert!(told >= least, "the child wrote {told} rounds");
    told
}

/// Whether every index agrees with what it is of.
fn agrees(tables: &mut Tables<'_>) -> Result<(), StoreError> {
    let mut refreshes = 0;
    for entry in tables.grants.iter()? {
        let (id, bytes) = entry?;
        let record = GrantRecord::read(bytes.value())?;
        let grant = &record.grant;
        assert_eq!(grant.id.0, *id.value());
        let age = (&*grant.user.id, grant.created_at_secs, &grant.id.0);
        assert!(tables.of_user.get(age)?.is_some());
        let due = (record.due_secs, 4, &grant.id.0[..]);
        assert!(tables.due.get(due)?.is_some());
        for place in 0..=record.place.unwrap() {
            let hash = *tables.chain.get((&grant.id.0, place))?.unwrap().value();
            let at = tables.refresh.get(&hash)?.unwrap();
            assert_eq!((at.value().0, at.value().1), (&grant.id.0, place));
            refreshes += 1;
        }
    }
    assert_eq!(tables.of_user.len()?, tables.grants.len()?);
    assert_eq!(tables.refresh.len()?, refreshes);
    assert_eq!(tables.chain.len()?, refreshes);
    Ok(())
}
