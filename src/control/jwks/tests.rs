#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::KeyKeeper;
use super::testing::{Conduct, Issuer, key_set};
use crate::config::Config;
use crate::config::model::{Jwt, JwtKeys};
use crate::control::gateway::readiness;
use crate::control::scrape;
use crate::control::status::{Facts, status};
use crate::control::testing::{load, servers, shared, text};
use crate::engine::identity::jwt::{Algorithm, KeyState, SourceId};
use crate::mailbox::{KeyDesk, Readiness, Shared};
use crate::metrics::JwksResult;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Bench {
    shared: Arc<Shared>,
    keeper: KeyKeeper,
}

impl Bench {
    fn new() -> Self {
        let shared = shared(&text("", &servers(&[("a", 1, "")])), 1);
        let keeper = KeyKeeper::new(Arc::clone(&shared));
        Self { shared, keeper }
    }

    fn keys(&self, source: SourceId) -> Option<usize> {
        match self.shared.live.load().keys.state(source) {
            KeyState::Missing => None,
            KeyState::Ready(set) => Some(set.len()),
        }
    }

    fn desk(&self, source: SourceId) -> Arc<KeyDesk> {
        self.shared.key_desks.find(source).unwrap()
    }

    /// Asks as a worker does, and waits for the answer. `false`: the desk was closed.
    async fn ask(&self, source: SourceId) -> bool {
        let Some(asked) = self.desk(source).ask(Instant::now()) else {
            return false;
        };
        timeout(PATIENCE, asked.raised()).await.unwrap();
        true
    }
}

fn issuer_of(name: &str, issuer: &Issuer, cache_secs: u64) -> Jwt {
    Jwt {
        key_path: "auth.jwt".to_owned(),
        keys: JwtKeys::Jwks {
            url: issuer.url("127.0.0.1"),
            cache_duration: Duration::from_secs(cache_secs),
        },
        algorithms: vec![Algorithm::Es256],
        issuer: name.to_owned(),
        audience: vec!["gateway".to_owned()],
        user_id_claim: "sub".to_owned(),
        scopes_claim: "scope".to_owned(),
        scope_tool_mapping: Vec::new(),
        allowed_tools: Vec::new(),
        denied_tools: Vec::new(),
        rate_limit: None,
        burst_size: None,
        leeway: Duration::ZERO,
        require_at_jwt: false,
    }
}

fn config(issuers: Vec<Jwt>) -> Config {
    let mut config = load(&text("", &servers(&[("a", 1, "")])));
    config.auth.jwt = issuers;
    config
}

fn source_of(issuer: &Issuer) -> SourceId {
    SourceId::of(&issuer.url("127.0.0.1").text, &[Algorithm::Es256])
}

#[tokio::test(flavor = "current_thread")]
async fn keys_are_there_before_the_first_request() {
    let issuer = Issuer::start(Conduct::publishes(&key_set(&["a", "b"]), "")).await;
    let (mut bench, source) = (Bench::new(), source_of(&issuer));
    bench
        .keeper
        .add(&config(vec![issuer_of("i", &issuer, 3_600)]))
        .await;
    assert_eq!(bench.keys(source), Some(2));
    let report = bench.desk(source).report();
    assert_eq!((report.keys, report.is_stale), (2, false));
    assert!(report.fetched_at.is_some() && report.last_error.is_none());
    assert_eq!(bench.desk(source).fetches(JwksResult::Changed), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn issuers_with_one_url_share_one_source() {
    let issuer = Issuer::start(Conduct::publishes(&key_set(&["a"]), "")).await;
    let mut bench = Bench::new();
    let both = vec![issuer_of("i", &issuer, 3_600), issuer_of("j", &issuer, 60)];
    bench.keeper.add(&config(both)).await;
    assert_eq!(issuer.requests().len(), 1);
    let report = bench.desk(source_of(&issuer)).report();
    assert_eq!(report.issuers, ["i".into(), "j".into()]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_rotation_is_one_fetch_for_all_who_ask() {
    let issuer = Issuer::start(Conduct::publishes(&key_set(&["old"]), "")).await;
    let (mut bench, source) = (Bench::new(), source_of(&issuer));
    bench
        .keeper
        .add(&config(vec![issuer_of("i", &issuer, 3_600)]))
        .await;
    let version = bench.shared.live.load().keys_version;
    issuer.set(Conduct::publishes(&key_set(&["old", "new"]), ""));
    let asks: Vec<_> = (0..100)
        .map(|_| bench.desk(source).ask(Instant::now()).unwrap())
        .collect();
    for asked in &asks {
        timeout(PATIENCE, asked.raised()).await.unwrap();
    }
    assert_eq!(issuer.requests().len(), 2, "one at the start, one for all");
    assert_eq!(bench.keys(source), Some(2));
    assert_eq!(bench.shared.live.load().keys_version, version + 1);
}

#[tokio::test(flavor = "current_thread")]
async fn who_asks_while_a_fetch_runs_waits_for_one_that_began_later() {
    let first = key_set(&["old"]);
    let issuer = Issuer::start(Conduct::publishes(&first, "")).await;
    let (mut bench, source) = (Bench::new(), source_of(&issuer));
    bench
        .keeper
        .add(&config(vec![issuer_of("i", &issuer, 3_600)]))
        .await;
    let Conduct::Says(same) = Conduct::publishes(&first, "") else {
        unreachable!()
    };
    issuer.set(Conduct::SaysLate(Duration::from_millis(200), same));
    let early = bench.desk(source).ask(Instant::now()).unwrap();
    while issuer.requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    issuer.set(Conduct::publishes(&key_set(&["old", "new"]), ""));
    let late = bench.desk(source).ask(Instant::now()).unwrap();
    timeout(PATIENCE, early.raised()).await.unwrap();
    timeout(PATIENCE, late.raised()).await.unwrap();
    assert_eq!(
        bench.keys(source),
        Some(2),
        "the later fetch saw the new key"
    );
    assert_eq!(issuer.requests().len(), 3);
}

#[tokio::test(flavor = "current_thread")]
async fn forged_keys_cost_the_issuer_three_fetches_and_then_nothing() {
    let issuer = Issuer::start(Conduct::publishes(&key_set(&["a"]), "")).await;
    let (mut bench, source) = (Bench::new(), source_of(&issuer));
    bench
        .keeper
        .add(&config(vec![issuer_of("i", &issuer, 3_600)]))
        .await;
    let version = bench.shared.live.load().keys_version;
    for n in 1..=3 {
        assert!(bench.ask(source).await, "{n}");
    }
    for n in 0..1_000 {
        assert!(!bench.ask(source).await, "{n}");
    }
    assert_eq!(issuer.requests().len(), 4);
    assert_eq!(bench.desk(source).fetches(JwksResult::Unchanged), 3);
    let now = bench.shared.live.load().keys_version;
    assert_eq!(now, version, "the same set is not published again");
}

#[tokio::test(flavor = "current_thread")]
async fn an_outage_leaves_the_last_good_set_in_use() {
    let issuer = Issuer::start(Conduct::publishes(&key_set(&["a"]), "")).await;
    let (mut bench, source) = (Bench::new(), source_of(&issuer));
    bench
        .keeper
        .add(&config(vec![issuer_of("i", &issuer, 3_600)]))
        .await;
    for (conduct, result) in [
        (Conduct::refuses("503 no", ""), JwksResult::BadStatus),
        (
            Conduct::publishes("{\"keys\":[]}", ""),
            JwksResult::BadAnswer,
        ),
        (Conduct::publishes("<html>", ""), JwksResult::BadAnswer),
    ] {
        issuer.set(conduct);
        let before = bench.desk(source).fetches(result);
        assert!(bench.ask(source).await);
        assert!(bench.desk(source).fetches(result) > before);
        assert_eq!(bench.keys(source), Some(1));
        assert!(bench.desk(source).report().last_error.is_some());
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_failed_fetch_is_tried_again_by_itself() {
    let issuer = Issuer::start(Conduct::refuses("503 no", "")).await;
    let (mut bench, source) = (Bench::new(), source_of(&issuer));
    bench
        .keeper
        .add(&config(vec![issuer_of("i", &issuer, 3_600)]))
        .await;
    assert_eq!(
        bench.keys(source),
        None,
        "an add does not wait for a failure to pass"
    );
    assert!(!bench.desk(source).was_fetched());
    issuer.set(Conduct::publishes(&key_set(&["a"]), ""));
    let came = async {
        while bench.keys(source).is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, came).await.unwrap();
    assert!(bench.desk(source).was_fetched());
    assert_eq!(bench.desk(source).report().last_error, None);
}

#[tokio::test(flavor = "current_thread")]
async fn keys_that_cannot_be_renewed_for_too_long_are_dropped() {
    let issuer = Issuer::start(Conduct::publishes(&key_set(&["a"]), "")).await;
    let (mut bench, source) = (Bench::new(), source_of(&issuer));
    bench
        .keeper
        .add(&config(vec![issuer_of("i", &issuer, 3_600)]))
        .await;
    issuer.set(Conduct::refuses("503 no", ""));
    // A day and an hour later, as another task of the same source finds it.
    let long_ago = Instant::now()
        .checked_sub(Duration::from_secs(26 * 3_600))
        .unwrap();
    bench
        .desk(source)
        .revise(|report| report.fetched_at = Some(long_ago));
    bench
        .keeper
        .add(&config(vec![issuer_of("i", &issuer, 3_599)]))
        .await;
    let gone = async {
        while bench.keys(source).is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
    let report = bench.desk(source).report();
    assert_eq!((report.keys, report.fetched_at), (0, None));
    assert!(bench.ask(source).await, "who needs them may ask again");
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_no_longer_configured_is_let_go_of_and_the_rest_kept() {
    let stays = Issuer::start(Conduct::publishes(&key_set(&["a"]), "")).await;
    let goes = Issuer::start(Conduct::publishes(&key_set(&["b"]), "")).await;
    let mut bench = Bench::new();
    let both = vec![issuer_of("i", &stays, 3_600), issuer_of("j", &goes, 3_600)];
    bench.keeper.add(&config(both)).await;
    let (desk, left) = (bench.desk(source_of(&stays)), bench.desk(source_of(&goes)));
    goes.set(Conduct::Hangs);
    let waiting = left.ask(Instant::now()).unwrap();
    let rest = config(vec![issuer_of("i", &stays, 3_600)]);
    bench.keeper.add(&rest).await;
    bench.keeper.keep_only(&rest);
    assert_eq!(bench.keys(source_of(&goes)), None);
    assert!(bench.shared.key_desks.find(source_of(&goes)).is_none());
    timeout(PATIENCE, waiting.raised()).await.unwrap();
    assert!(left.ask(Instant::now()).is_none());
    assert_eq!(bench.keys(source_of(&stays)), Some(1));
    assert!(Arc::ptr_eq(&desk, &bench.desk(source_of(&stays))));
    assert_eq!(stays.requests().len(), 1, "it was not fetched again");
}

#[tokio::test(flavor = "current_thread")]
async fn operators_see_every_issuer_and_no_secret() {
    let good = Issuer::start(Conduct::publishes(&key_set(&["a", "b"]), "")).await;
    let secret = "Location: https://u:hunter2@elsewhere.example/\r\n";
    let bad = Issuer::start(Conduct::refuses("302 Found", secret)).await;
    let mut bench = Bench::new();
    let issuers = vec![
        issuer_of("https://good", &good, 3_600),
        issuer_of("https://twin", &good, 3_600),
        issuer_of("https://bad", &bad, 3_600),
    ];
    bench.keeper.add(&config(issuers)).await;
    let metrics = scrape::metrics(&bench.shared);
    for line in [
        r#"mcp_guard_jwks_fetches_total{issuer="https://good",result="changed"} 1"#,
        r#"mcp_guard_jwks_fetches_total{issuer="https://twin",result="changed"} 1"#,
        r#"mcp_guard_jwks_fetches_total{issuer="https://bad",result="bad_status"} 1"#,
        r#"mcp_guard_jwks_keys{issuer="https://twin"} 2"#,
        r#"mcp_guard_jwks_keys{issuer="https://bad"} 0"#,
        r#"mcp_guard_jwks_stale{issuer="https://good"} 0"#,
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} {metrics}"
        );
    }
    assert!(metrics.contains(r#"mcp_guard_jwks_age_seconds{issuer="https://good"}"#));
    assert!(!metrics.contains(r#"mcp_guard_jwks_age_seconds{issuer="https://bad"}"#));
    let facts = Facts {
        address: "127.0.0.1:3000".parse().unwrap(),
        io_mode: String::new(),
        config_path: String::new(),
    };
    let status = status(&bench.shared, &facts);
    let issuers = status["issuers"].as_array().unwrap();
    assert_eq!(issuers.len(), 3);
    assert_eq!(issuers[0]["keys"], 2);
    assert_eq!(issuers[0]["last_error"], serde_json::Value::Null);
    let told = issuers[2]["last_error"].as_str().unwrap();
    assert!(told.contains("https://elsewhere.example"), "{told}");
    assert!(!status.to_string().contains("hunter2"));
}

#[tokio::test(flavor = "current_thread")]
async fn the_gateway_is_ready_when_the_keys_of_its_start_have_come() {
    let issuer = Issuer::start(Conduct::refuses("503 no", "")).await;
    let (mut bench, source) = (Bench::new(), source_of(&issuer));
    bench
        .keeper
        .add(&config(vec![issuer_of("https://i", &issuer, 3_600)]))
        .await;
    let waits = Readiness::KeysMissing {
        issuer: "https://i".into(),
    };
    assert_eq!(readiness(&bench.shared, false), waits);
    issuer.set(Conduct::publishes(&key_set(&["a"]), ""));
    assert!(bench.ask(source).await);
    assert_eq!(readiness(&bench.shared, false), Readiness::Ready);
    issuer.set(Conduct::refuses("503 no", ""));
    assert!(bench.ask(source).await);
    assert_eq!(
        readiness(&bench.shared, false),
        Readiness::Ready,
        "an outage is no reason"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn only_issuers_of_the_start_hold_up_readiness() {
    let broken = Issuer::start(Conduct::refuses("500 no", "")).await;
    let added = Issuer::start(Conduct::refuses("500 no", "")).await;
    let mut bench = Bench::new();
    bench
        .keeper
        .add(&config(vec![issuer_of("i", &broken, 3_600)]))
        .await;
    let both = vec![
        issuer_of("i", &broken, 3_600),
        issuer_of("j", &added, 3_600),
    ];
    bench.keeper.add(&config(both)).await;
    assert!(bench.desk(source_of(&broken)).gates_readiness);
    assert!(!bench.desk(source_of(&added)).gates_readiness);
}
