#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::Duration;

use super::{TlsWatch, with_materials};
use crate::config::compile;
use crate::control::testing::tls::Authority;
use crate::control::tls::testing::{Folder, folder, https, listener};
use crate::control::tls::{Materials, now_secs};
use crate::control::{reload, scrape};
use crate::engine::seal::Sealer;
use crate::mailbox::{Live, Shared};
use crate::metrics::TlsReload;

/// A gateway's certificates without the gateway.
struct Bench {
    folder: Folder,
    ca: Authority,
    shared: Shared,
    watch: TlsWatch,
}

impl Bench {
    fn new(rest: &str) -> Self {
        let (folder, ca) = folder();
        Self::with(folder, ca, rest)
    }

    fn with(folder: Folder, ca: Authority, rest: &str) -> Self {
        let loaded = folder.loaded(rest);
        let before = Materials::default();
        let (loaded, materials) = crate::control::tls::load(loaded, &before, now_secs()).unwrap();
        let snapshot = compile(&loaded.config, 3000, 1).unwrap();
        let live = with_materials(&reload::first(snapshot, 1), &materials);
        let shared = Shared::new(live, 1, Sealer::new(b"test"), scrape::metrics);
        let watch = TlsWatch::new(&loaded.config, materials, &shared);
        Self {
            folder,
            ca,
            shared,
            watch,
        }
    }

    fn live(&self) -> Arc<Live> {
        self.shared.live.load_full()
    }

    /// As many ticks as a change takes: a look that sees it, one that sees the same and loads, one that takes the result.
    async fn ticks(&mut self) {
        for _ in 0..4 {
            self.watch.tick(&self.shared).await;
            while self
                .watch
                .looking
                .as_ref()
                .is_some_and(|look| !look.is_finished())
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }

    fn counted(&self) -> (u64, u64) {
        let control = &self.shared.control;
        (
            control.tls_reloads(TlsReload::Applied),
            control.tls_reloads(TlsReload::Rejected),
        )
    }

    fn end_secs(&self) -> u64 {
        self.shared.control.certificates()[0].not_after_secs
    }
}

fn is_same(before: &Live, after: &Live) -> bool {
    before
        .tls
        .as_ref()
        .unwrap()
        .is_same(after.tls.as_ref().unwrap())
}

#[tokio::test(flavor = "current_thread")]
async fn files_that_stay_are_left_alone() {
    let mut bench = Bench::new(&listener(""));
    let before = bench.live();
    bench.ticks().await;
    assert!(Arc::ptr_eq(&before, &bench.live()));
    assert_eq!(bench.counted(), (0, 0));
}

#[tokio::test(flavor = "current_thread")]
async fn a_new_pair_is_in_force_without_a_reload() {
    let mut bench = Bench::new(&listener(""));
    let (before, end) = (bench.live(), bench.end_secs());
    let leaf = bench.ca.leaf_between("gateway.example", 2020, 2040);
    bench.folder.write_pair("own", &leaf);
    bench.ticks().await;
    assert!(!is_same(&before, &bench.live()));
    assert_eq!(bench.counted(), (1, 0));
    assert!(bench.end_secs() > end);
    assert!(Arc::ptr_eq(&before.snapshot, &bench.live().snapshot));
}

#[tokio::test(flavor = "current_thread")]
async fn a_bad_file_changes_nothing_and_is_told_once() {
    let mut bench = Bench::new(&listener(""));
    let before = bench.live();
    bench.folder.write("own.key", "no key");
    for _ in 0..3 {
        bench.ticks().await;
    }
    assert!(is_same(&before, &bench.live()));
    assert_eq!(bench.counted(), (0, 1));
    let leaf = bench.ca.leaf("gateway.example");
    bench.folder.write_pair("own", &leaf);
    bench.ticks().await;
    assert!(!is_same(&before, &bench.live()));
    assert_eq!(bench.counted(), (1, 1));
}

#[tokio::test(flavor = "current_thread")]
async fn a_file_that_is_gone_changes_nothing() {
    let mut bench = Bench::new(&listener(""));
    let before = bench.live();
    std::fs::remove_file(bench.folder.path("own.crt")).unwrap();
    bench.ticks().await;
    assert!(is_same(&before, &bench.live()));
    assert_eq!(bench.counted(), (0, 1));
}

#[tokio::test(flavor = "current_thread")]
async fn a_link_that_is_swapped_is_a_change() {
    let (folder, ca) = folder();
    for generation in ["one", "two"] {
        std::fs::create_dir(folder.path(generation)).unwrap();
        folder.write_pair(&format!("{generation}/own"), &ca.leaf("gateway.example"));
    }
    symlink(folder.path("one"), folder.path("data")).unwrap();
    let rest = listener("").replace("@/own", "@/data/own");
    let mut bench = Bench::with(folder, ca, &rest);
    let before = bench.live();
    symlink(bench.folder.path("two"), bench.folder.path("new")).unwrap();
    std::fs::rename(bench.folder.path("new"), bench.folder.path("data")).unwrap();
    bench.ticks().await;
    assert!(!is_same(&before, &bench.live()));
}

#[tokio::test(flavor = "current_thread")]
async fn an_upstream_gets_its_new_trust_for_workers_and_bridges() {
    let mut bench = Bench::new(&https("tls_ca_path = \"@/ca.crt\""));
    let before = bench.live().upstream_tls[0].clone().unwrap();
    let other = Authority::new();
    bench.folder.write("ca.crt", &other.pem());
    bench.ticks().await;
    let live = bench.live();
    let after = live.upstream_tls[0].as_ref().unwrap();
    assert!(!before.is_same(after));
    assert!(live.servers[0].tls.load().as_ref().unwrap().is_same(after));
}

#[tokio::test(flavor = "current_thread")]
async fn one_bad_section_does_not_hold_another_back() {
    let rest = format!(
        "{}{}",
        https("tls_ca_path = \"@/ca.crt\""),
        listener("").replace(crate::control::tls::testing::PLAIN, "")
    );
    let mut bench = Bench::new(&rest);
    let before = bench.live();
    bench.folder.write("ca.crt", "no authority");
    let leaf = bench.ca.leaf("gateway.example");
    bench.folder.write_pair("own", &leaf);
    bench.ticks().await;
    let live = bench.live();
    assert!(!is_same(&before, &live));
    let trust = |live: &Live| live.upstream_tls[0].clone().unwrap();
    assert!(trust(&before).is_same(&trust(&live)));
    assert_eq!(bench.counted(), (1, 1));
}
