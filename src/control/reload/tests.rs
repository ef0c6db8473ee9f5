#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use super::{Fresh, Parts, Reloaded, apply};
use crate::config::Config;
use crate::control::audit::{AuditHandle, AuditPump, AuditSettings, AuditSources};
use crate::control::jwks::KeyKeeper;
use crate::control::oauth::OAuthService;
use crate::control::testing::{load, servers, shared, text};
use crate::control::tls::Materials;
use crate::mailbox::Shared;
use crate::metrics::UpstreamResult;

fn pump(shared: &Shared) -> AuditHandle {
    let lanes = shared
        .workers
        .iter()
        .map(|worker| Arc::clone(&worker.lane))
        .collect();
    let doorbell = Arc::clone(&shared.audit_doorbell);
    let sources = AuditSources {
        lanes,
        doorbell,
        metrics: Arc::clone(&shared.control),
    };
    let flush_interval = Duration::from_millis(10);
    let (pump, handle) = AuditPump::open(
        sources,
        AuditSettings {
            file: None,
            stdout: false,
            flush_interval,
        },
    )
    .unwrap();
    tokio::spawn(pump.run());
    handle
}

struct Bench {
    shared: Arc<Shared>,
    keys: KeyKeeper,
    current: Config,
    audit: AuditHandle,
}

fn start(first: &str) -> Bench {
    let shared = shared(first, 2);
    let audit = pump(&shared);
    Bench {
        keys: KeyKeeper::new(Arc::clone(&shared)),
        shared,
        current: load(first),
        audit,
    }
}

impl Bench {
    async fn reload(&mut self, text: &str) -> Reloaded {
        apply(
            Fresh {
                config: load(text),
                warnings: Vec::new(),
                materials: &Materials::default(),
            },
            &mut self.current,
            3000,
            Parts {
                shared: &self.shared,
                audit: &self.audit,
                keys: &mut self.keys,
                oauth: &OAuthService::new(Arc::clone(&self.shared)),
            },
        )
        .await
    }
}

#[tokio::test(flavor = "current_thread")]
async fn servers_keep_their_state_and_moved_ones_their_counters() {
    let mut bench = start(&text(
        "",
        &servers(&[("a", 1, ""), ("b", 2, ""), ("c", 3, "")]),
    ));
    let old = bench.shared.live.load_full();
    old.servers[1].metrics(0).observe(UpstreamResult::Ok, 1);
    bench
        .reload(&text(
            "",
            &servers(&[("b", 9, ""), ("d", 4, ""), ("a", 1, "")]),
        ))
        .await;
    let live = bench.shared.live.load_full();
    assert_eq!(live.snapshot.revision(), 2);
    let names: Vec<_> = live.servers.iter().map(|state| &*state.name).collect();
    assert_eq!(
        names,
        ["b", "d", "a"],
        "states stand in the order of the snapshot"
    );
    assert!(Arc::ptr_eq(&live.servers[2], &old.servers[0]));
    assert!(std::ptr::eq(
        live.servers[0].cells(),
        old.servers[1].cells()
    ));
    assert_eq!(
        live.servers[0].resolved.load().addresses(),
        ["127.0.0.1:9".parse().unwrap()]
    );
}

#[tokio::test(flavor = "current_thread")]
async fn settings_of_sockets_and_threads_wait_for_a_restart() {
    let upstream = servers(&[("a", 1, "")]);
    let mut bench = start(&text("port = 3000", &upstream));
    let outcome = bench
        .reload(&text(
            "port = 3001\nhost = \"127.0.0.2\"\ndrain_timeout = \"5s\"",
            &upstream,
        ))
        .await;
    let Reloaded::Applied { restart_needed, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(restart_needed, ["server.host", "server.port"]);
    assert_eq!(
        bench.current.server.port, 3000,
        "what listens is what the rules are made for"
    );
    assert_eq!(bench.current.server.drain_timeout, Duration::from_secs(5));
}

#[tokio::test(flavor = "current_thread")]
async fn the_store_stays_the_one_that_was_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let upstream = servers(&[("a", 1, "")]);
    let oauth = |more: &str| {
        let store = match more.contains("store_path") {
            true => String::new(),
            false => format!("store_path = {path:?}\n"),
        };
        let provider = "[auth.oauth]\nprovider = \"github\"\nclient_id = \"x\"\nclient_secret = \"s\"\nallowed_users = [\"1\"]\nallowed_tools = [\"*\"]\n";
        text(
            "public_url = \"http://localhost:3000\"",
            &format!("{provider}{store}{more}{upstream}"),
        )
    };
    let key = |text: &str| format!("store_key = \"{}\"\n", text.repeat(32));
    let rows = [
        (key("a"), vec![]),
        (key("b"), vec!["auth.oauth.store_key"]),
        (String::new(), vec!["auth.oauth.store_key"]),
        (
            format!("{}store_path = \"other.redb\"\nrate_limit = 9\n", key("a")),
            vec!["auth.oauth.store_path"],
        ),
    ];
    for (more, expected) in rows {
        let mut bench = start(&oauth(&key("a")));
        let before = bench.current.auth.oauth.clone().unwrap();
        let outcome = bench.reload(&oauth(&more)).await;
        let Reloaded::Applied { restart_needed, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(restart_needed, expected);
        let after = bench.current.auth.oauth.as_ref().unwrap();
        assert_eq!(after.store_path, before.store_path);
        let secret = before.store_key.as_ref().unwrap().expose();
        let kept = after.store_key.as_ref().unwrap();
        assert!(kept.matches(secret.as_bytes()));
        assert_eq!(after.rate_limit.is_some(), more.contains("rate_limit"));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_audit_file_that_cannot_be_opened_rejects_the_whole() {
    let upstream = servers(&[("a", 1, "")]);
    let mut bench = start(&text("", &upstream));
    let audit = "[audit]\nfile = \"/nonexistent/audit.jsonl\"\n";
    let outcome = bench
        .reload(&text(
            "drain_timeout = \"5s\"",
            &format!("{audit}{upstream}"),
        ))
        .await;
    let Reloaded::Rejected { errors, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(errors[0].contains("/nonexistent/audit.jsonl"), "{errors:?}");
    assert_eq!(bench.shared.live.load().snapshot.revision(), 1);
    assert_eq!(bench.current.server.drain_timeout, Duration::from_secs(30));
}

#[tokio::test(flavor = "current_thread")]
async fn overflow_reaches_the_lanes() {
    use crate::mailbox::AuditWriter;
    let upstream = servers(&[("a", 1, "")]);
    let mut bench = start(&text("", &upstream));
    bench
        .reload(&text(
            "",
            &format!("[audit]\noverflow = \"drop\"\n{upstream}"),
        ))
        .await;
    let writer = AuditWriter::claim(&bench.shared.workers[0].lane).unwrap();
    assert!(
        writer.reserve_many(usize::MAX >> 16).is_some(),
        "a ticket without room is given"
    );
}
