#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use guard_io::http1::Method;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{Access, Admin, RELOADS_MAX, ReloadRequest};
use crate::config::Secret;
use crate::control::http::{Bounds, Client, Endpoint, serve};
use crate::control::logging::LogControl;
use crate::control::oauth::OAuthService;
use crate::control::reload::Reloaded;
use crate::control::status::Facts;
use crate::control::testing::{servers, shared, text};
use crate::mailbox::{Readiness, Shared};

const TOKEN: &str = "Bearer s3cret";

struct Bench {
    address: SocketAddr,
    shared: Arc<Shared>,
    reloads: mpsc::Receiver<ReloadRequest>,
}

async fn start(token: Option<&str>) -> Bench {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shared = shared(&text("", &servers(&[("github", 1, "required = true")])), 2);
    let (sender, reloads) = mpsc::channel(RELOADS_MAX);
    let (log, layer) = LogControl::detached();
    std::mem::forget(layer);
    let admin = Admin {
        shared: Arc::clone(&shared),
        oauth: OAuthService::new(Arc::clone(&shared)),
        facts: Facts {
            address,
            io_mode: "none".into(),
            config_path: "test.toml".into(),
        },
        access: Arc::new(Access::new(
            address,
            token.map(|token| Secret::new(token.to_owned())),
        )),
        log,
        reloads: sender,
    };
    tokio::spawn(serve(listener, Bounds::default(), Arc::new(admin)));
    Bench {
        address,
        shared,
        reloads,
    }
}

impl Bench {
    async fn ask(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let asked = self.ask_for_ever(method, path, fields, body);
        let answer = tokio::time::timeout(Duration::from_secs(10), asked).await;
        answer.unwrap_or_else(|_| panic!("no answer from {path}"))
    }

    async fn ask_for_ever(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let endpoint = Endpoint::Tcp("127.0.0.1".into(), self.address.port());
        let mut client = Client::connect(&endpoint).await.unwrap();
        let host = self.address.to_string();
        let own_host = [("Host", host.as_str())];
        let host_given = fields.iter().any(|(name, _)| *name == "Host");
        let fields = [if host_given { &[][..] } else { &own_host }, fields].concat();
        let answer = client
            .send(method, path, &fields, body.as_bytes())
            .await
            .unwrap();
        let status = answer.status;
        (
            status,
            String::from_utf8(answer.body(1 << 20).await.unwrap()).unwrap(),
        )
    }

    async fn get(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        self.ask(Method::Get, path, fields, "").await
    }
}

#[tokio::test(flavor = "current_thread")]
async fn pages_answer_on_loopback_without_a_token() {
    let bench = start(None).await;
    assert_eq!(bench.get("/health", &[]).await.0, 200);
    assert_eq!(bench.get("/live", &[]).await.0, 200);
    assert_eq!(
        bench.get("/ready", &[]).await,
        (503, r#"{"status":"starting"}"#.to_owned())
    );
    bench.shared.health.set_readiness(Readiness::Ready);
    assert_eq!(bench.get("/ready", &[]).await.0, 200);
    let (status, metrics) = bench.get("/metrics", &[]).await;
    assert_eq!(status, 200);
    assert!(
        metrics.contains("mcp_guard_config_revision 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("process_resident_memory_bytes "),
        "{metrics}"
    );
    let (_, status) = bench.get("/status", &[]).await;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["config"]["revision"], 1);
    assert_eq!(status["workers"][1]["phase"], "serving");
    assert_eq!(status["servers"][0]["name"], "github");
    assert_eq!(status["servers"][0]["address"], "127.0.0.1:1");
}

#[tokio::test(flavor = "current_thread")]
async fn a_token_guards_everything_but_health() {
    let bench = start(Some("s3cret")).await;
    for path in ["/health", "/live", "/ready"] {
        assert_ne!(bench.get(path, &[]).await.0, 401, "{path}");
    }
    for path in ["/metrics", "/status", "/nothing"] {
        let refused = [
            &[][..],
            &[("Authorization", "Bearer s3cre")],
            &[("Authorization", "Bearer s3cret2")],
            &[("Authorization", "Basic s3cret")],
            &[("Authorization", "Bearer")],
            &[("Authorization", TOKEN), ("Authorization", TOKEN)],
        ];
        for fields in refused {
            assert_eq!(bench.get(path, fields).await.0, 401, "{path} {fields:?}");
        }
        assert_ne!(
            bench.get(path, &[("Authorization", TOKEN)]).await.0,
            401,
            "{path}"
        );
    }
    assert_eq!(bench.ask(Method::Post, "/reload", &[], "").await.0, 401);
}

#[tokio::test(flavor = "current_thread")]
async fn web_pages_get_nothing() {
    let bench = start(None).await;
    let port = bench.address.port();
    for host in [
        "evil.example",
        "evil.example:80",
        "127.0.0.1:1",
        "localhost.evil.example",
    ] {
        assert_eq!(
            bench.get("/metrics", &[("Host", host)]).await.0,
            421,
            "{host}"
        );
    }
    for host in [
        "localhost".to_owned(),
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
    ] {
        assert_eq!(
            bench.get("/health", &[("Host", &host)]).await.0,
            200,
            "{host}"
        );
    }
    for origin in ["http://localhost:3000", "null", "http://evil.example"] {
        assert_eq!(
            bench
                .ask(Method::Post, "/reload", &[("Origin", origin)], "")
                .await
                .0,
            403,
            "{origin}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn unknown_pages_and_wrong_methods_are_refused() {
    let bench = start(None).await;
    assert_eq!(bench.get("/", &[]).await.0, 404);
    assert_eq!(bench.get("/reload", &[]).await.0, 405);
    assert_eq!(bench.ask(Method::Post, "/metrics", &[], "").await.0, 405);
    assert_eq!(bench.ask(Method::Delete, "/status", &[], "").await.0, 405);
    assert_eq!(bench.ask(Method::Head, "/health", &[], "").await.0, 200);
}

#[tokio::test(flavor = "current_thread")]
async fn a_reload_is_answered_with_its_outcome() {
    let mut bench = start(None).await;
    let mut reloads = std::mem::replace(&mut bench.reloads, mpsc::channel(1).1);
    tokio::spawn(async move {
        let first = reloads.recv().await.unwrap();
        first
            .send(Reloaded::Applied {
                revision: 2,
                restart_needed: vec!["server.port"],
                warnings: Vec::new(),
            })
            .unwrap();
        drop(reloads.recv().await.unwrap());
    });
    let (status, body) = bench.ask(Method::Post, "/reload", &[], "").await;
    assert_eq!(status, 200);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body["result"], &body["revision"]),
        (&"restart_needed".into(), &2.into())
    );
    assert_eq!(bench.ask(Method::Post, "/reload", &[], "").await.0, 503);
    assert_eq!(bench.ask(Method::Post, "/reload", &[], "").await.0, 503);
}
