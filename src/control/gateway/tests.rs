#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::SignalKind;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use super::{Gateway, readiness};
use crate::control::admin::{Access, RELOADS_MAX, ReloadRequest};
use crate::control::audit::{AuditPump, AuditSettings, AuditSources};
use crate::control::bridge::Bridges;
use crate::control::jwks::KeyKeeper;
use crate::control::oauth::OAuthService;
use crate::control::reload::Reloaded;
use crate::control::signals::Signals;
use crate::control::testing::{Obedient, Paper, load, servers, shared, text};
use crate::control::tls::{Materials, TlsWatch};
use crate::mailbox::{Phase, Reach, Readiness, Shared, ToWorker};

fn required() -> String {
    text(
        "",
        &servers(&[("github", 1, "required = true"), ("other", 2, "")]),
    )
}

#[test]
fn readiness_names_the_first_reason() {
    let shared = shared(&required(), 2);
    let of = |stalled| readiness(&shared, stalled);
    assert_eq!(
        of(false),
        Readiness::Starting,
        "the required server is not probed yet"
    );
    let live = shared.live.load_full();
    live.servers[0].set_reach(Reach::Down);
    assert_eq!(
        of(false),
        Readiness::UpstreamDown {
            server: "github".into()
        }
    );
    live.servers[0].set_reach(Reach::Up);
    live.servers[1].set_reach(Reach::Down);
    assert_eq!(
        of(false),
        Readiness::Ready,
        "the other server is not required"
    );
    assert_eq!(of(true), Readiness::AuditStalled);
    shared.workers[1].set_phase(Phase::Starting);
    assert_eq!(of(true), Readiness::Starting);
}

struct Bench {
    shared: Arc<Shared>,
    paper: Paper,
    plane: Obedient,
    reloads: mpsc::Sender<ReloadRequest>,
    ended: oneshot::Receiver<bool>,
}

fn start(folder: &std::path::Path) -> Bench {
    let audit = format!("[audit]\nfile = {:?}\n", folder.join("audit.jsonl"));
    let text = text("", &format!("{audit}{}", servers(&[("a", 1, "")])));
    let (paper, shared) = (Paper::new(&text), shared(&text, 2));
    let config = load(&text);
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
    let (pump, audit) = AuditPump::open(sources, AuditSettings::from(&config.audit)).unwrap();
    tokio::spawn(pump.run());
    let plane = Obedient::new(&shared);
    let (reloads, requests) = mpsc::channel(RELOADS_MAX);
    let tls = TlsWatch::new(&config, Materials::default(), &shared);
    let gateway = Gateway {
        source: paper.source(),
        config,
        port: 3000,
        shared: Arc::clone(&shared),
        audit,
        access: Arc::new(Access::new("127.0.0.1:9464".parse().unwrap(), None)),
        plane: Box::new(plane.clone()),
        bridges: Bridges::new(Arc::clone(&shared)),
        keys: KeyKeeper::new(Arc::clone(&shared)),
        oauth: OAuthService::new(Arc::clone(&shared)),
        reloads: requests,
        tls,
    };
    let (sender, ended) = oneshot::channel();
    tokio::task::spawn_local(async move {
        sender.send(
            gateway
                .run(Signals::on([SignalKind::user_defined2(); 4]).unwrap())
                .await,
        )
    });
    Bench {
        shared,
        paper,
        plane,
        reloads,
        ended,
    }
}

impl Bench {
    async fn reload(&self) -> Reloaded {
        let (reply, outcome) = oneshot::channel();
        self.reloads.send(reply).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), outcome)
            .await
            .unwrap()
            .unwrap()
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_bad_file_changes_nothing_and_a_good_one_is_published() {
    LocalSet::new().run_until(reload_twice()).await;
}

async fn reload_twice() {
    let dir = tempfile::tempdir().unwrap();
    let bench = start(dir.path());
    bench.paper.write("[auht]\n");
    let outcome = bench.reload().await;
    let Reloaded::Rejected { errors, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        errors.iter().any(|error| error.contains("auht")),
        "{errors:?}"
    );
    assert_eq!(bench.shared.live.load().snapshot.revision(), 1);
    assert!(bench.plane.told.lock().unwrap().is_empty());
    bench.paper.write(&text("", &servers(&[("b", 1, "")])));
    assert!(matches!(
        bench.reload().await,
        Reloaded::Applied { revision: 2, .. }
    ));
    assert_eq!(&*bench.shared.live.load().servers[0].name, "b");
    assert_eq!(*bench.plane.told.lock().unwrap(), [ToWorker::Reloaded]);
    assert_eq!(
        bench
            .shared
            .control
            .reloads(crate::metrics::ReloadResult::Rejected),
        1
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_worker_that_ends_by_itself_stops_the_gateway_in_order() {
    LocalSet::new().run_until(lose_a_worker()).await;
}

async fn lose_a_worker() {
    let dir = tempfile::tempdir().unwrap();
    let bench = start(dir.path());
    bench.shared.workers[1].set_phase(Phase::Stopped);
    let clean = tokio::time::timeout(Duration::from_secs(10), bench.ended)
        .await
        .unwrap()
        .unwrap();
    assert!(!clean, "that is a failure");
    assert!(matches!(
        bench.plane.told.lock().unwrap()[..],
        [ToWorker::Drain { .. }]
    ));
    assert_eq!(*bench.shared.health.readiness(), Readiness::Draining);
    let records = std::fs::read_to_string(dir.path().join("audit.jsonl")).unwrap();
    assert!(
        records.lines().last().unwrap().contains("\"stop\""),
        "{records}"
    );
}
