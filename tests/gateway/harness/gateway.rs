//! The real binary, started on free ports.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use base64::Engine as _;
use rustls::ClientConfig;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::client::{Answer, Client, bearer, post};
use super::{PATIENCE, eventually};

/// The key of the identity `reader`, which may use `read_*`.
pub(crate) const READER: &str = "mcp_cmVhZGVyLXJlYWRlci1yZWFkZXItcmVhZGVyLXJlYWQ";
/// The key of the identity `admin`, which may use everything.
pub(crate) const ADMIN: &str = "mcp_YWRtaW4tYWRtaW4tYWRtaW4tYWRtaW4tYWRtaW4tYWQ";

/// A running gateway with its files; killed when dropped.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    folder: TempDir,
    log: std::sync::Mutex<Receiver<String>>,
}

/// How to start a gateway.
pub(crate) struct Setup {
    /// TOML beside what [`Gateway::start`] writes itself.
    pub(crate) config: String,
    /// Keys of `[server]`.
    pub(crate) server: String,
    /// Keys of `[server.admin]` beside its port.
    pub(crate) admin: String,
    /// Keys of `[rate_limit]`.
    pub(crate) rate_limit: String,
    /// Keys of `[audit]`.
    pub(crate) audit: String,
    /// Arguments of `run`.
    pub(crate) args: Vec<String>,
}

impl Setup {
    /// Reader and admin in front of `url`, without rate limits.
    pub(crate) fn in_front_of(url: &str) -> Self {
        Self {
            // Nothing is probed, so what the upstream records is what clients sent.
            config: format!("[upstream]\ntransport = \"http\"\nurl = \"{url}\"\nera = \"both\"\n"),
            server: String::new(),
            admin: String::new(),
            rate_limit: "enabled = false".to_owned(),
            audit: String::new(),
            args: vec!["--workers".into(), "2".into()],
        }
    }

    /// The same in front of the stdio server of the tests, started with `flags`; `keys` are further ones of `[upstream]`.
    pub(crate) fn in_front_of_child(flags: &[&str], keys: &str) -> Self {
        let command = stdio_server();
        Self {
            config: format!("[upstream]\ncommand = {command:?}\nargs = {flags:?}\n{keys}\n"),
            ..Self::in_front_of("")
        }
    }

    pub(crate) fn server(mut self, keys: &str) -> Self {
        self.server = keys.to_owned();
        self
    }

    pub(crate) fn rate_limit(mut self, keys: &str) -> Self {
        self.rate_limit = keys.to_owned();
        self
    }

    pub(crate) fn start(&self) -> Gateway {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mcp-guard.toml");
        std::fs::write(&path, self.text(&folder)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_mcp-guard"))
            .args(["--log-format", "json", "--config"])
            .arg(&path)
            .arg("run")
            .args(&self.args)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            stderr
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let (address, admin) = listening(&log);
        Gateway {
            child,
            address,
            admin,
            folder,
            log: std::sync::Mutex::new(log),
        }
    }

    /// The configuration, with its audit file in `folder`.
    pub(crate) fn text(&self, folder: &TempDir) -> String {
        let audit = folder.path().join("audit.jsonl");
        let io = std::env::var("MCP_GUARD_TEST_IO")
            .map(|io| format!("io = \"{io}\"\n"))
            .unwrap_or_default();
        format!(
            "[server]\nport = 0\n{io}{}\n[server.admin]\nport = 0\n{}\n\n{}{}\n[rate_limit]\n{}\n\n[audit]\nfile = {audit:?}\nflush_interval = \"20ms\"\n{}\n\n{}",
            self.server,
            self.admin,
            key_entry(
                "reader",
                READER,
                r#"["read_*", "prompt:p*", "resource:file:///docs/*"]"#
            ),
            key_entry("admin", ADMIN, r#"["*"]"#),
            self.rate_limit,
            self.audit,
            self.config,
        )
    }
}

/// The stdio server of the tests, which cargo builds beside them.
pub(crate) fn stdio_server() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let target = own.parent().and_then(std::path::Path::parent).unwrap();
    let server = target.join("examples").join("stdio_server");
    assert!(
        server.exists(),
        "build it first: cargo build --example stdio_server"
    );
    server
}

/// One `[[auth.api_keys]]`.
pub(crate) fn key_entry(id: &str, key: &str, allowed: &str) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(key.as_bytes()));
    format!(
        "[[auth.api_keys]]\nid = \"{id}\"\nkey_hash = \"{hash}\"\nallowed_tools = {allowed}\n\n"
    )
}

fn listening(log: &Receiver<String>) -> (SocketAddr, SocketAddr) {
    let mut seen = Vec::new();
    while let Ok(line) = log.recv_timeout(PATIENCE) {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        let field = |name: &str| {
            event["fields"][name]
                .as_str()
                .and_then(|text| text.parse().ok())
        };
        if let (Some(address), Some(admin)) = (field("addr"), field("admin")) {
            return (address, admin);
        }
        seen.push(line);
    }
    panic!("the gateway did not start:\n{}", seen.join("\n"));
}

impl Gateway {
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// A connection under TLS, to the listener as `localhost`.
    pub(crate) fn tls_client(&self, tls: &Arc<ClientConfig>) -> Client {
        Client::connect_tls(self.address, tls, "localhost")
    }

    /// The value of the sample of `/metrics` whose name and labels are `sample`; 0 where there is none.
    pub(crate) fn metric(&self, sample: &str) -> f64 {
        let text = self.admin_get("/metrics").text();
        let of = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            (name == sample).then(|| value.parse().unwrap())
        };
        text.lines().find_map(of).unwrap_or(0.0)
    }

    /// POSTs `body` to `/mcp` with `key`, on a connection of its own.
    pub(crate) fn post(&self, key: &str, body: &str) -> Answer {
        self.client().exchange(post("/mcp", &bearer(key), body))
    }

    /// GETs `path` from the admin listener.
    pub(crate) fn admin_get(&self, path: &str) -> Answer {
        Client::connect(self.admin).exchange(format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.admin
        ))
    }

    /// Reads the configuration again; panics where it is refused.
    pub(crate) fn reload(&self) {
        let answer = Client::connect(self.admin).exchange(format!(
            "POST /reload HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.admin
        ));
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.folder.path().join("mcp-guard.toml")
    }

    /// The audit records written so far.
    pub(crate) fn records(&self) -> Vec<serde_json::Value> {
        let text =
            std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    /// Waits for an audit record that `wanted` accepts.
    pub(crate) fn record(
        &self,
        what: &str,
        wanted: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        eventually(what, || self.records().into_iter().find(&wanted))
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: sends a signal to a child that this value still owns, so the pid cannot have been reused.
        #[expect(unsafe_code, reason = "std cannot send signals")]
        let sent = unsafe { libc::kill(self.pid(), signal) };
        assert_eq!(sent, 0);
    }

    /// Waits for the process to end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        eventually("the gateway ends", || self.child.try_wait().unwrap())
    }

    /// Waits for a log line that holds `needle`.
    pub(crate) fn log_line(&self, needle: &str) -> String {
        let mut seen = Vec::new();
        while let Ok(line) = self.log.lock().unwrap().recv_timeout(PATIENCE) {
            if line.contains(needle) {
                return line;
            }
            seen.push(line);
        }
        panic!("no log line with {needle:?}:\n{}", seen.join("\n"));
    }

    /// Open descriptors of the process.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .unwrap()
            .count()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
