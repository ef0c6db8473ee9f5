//! The proxies that are compared, each started with a configuration for the same work.
//!
//! **Invariant:** each peer is given its best known configuration for this work, not its defaults; what differs from the defaults is
//! written in the configuration files that every result folder keeps.

mod credentials;
mod guard;
mod haproxy;
mod nginx;
mod ready;

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::process::Process;
use crate::scenario::Endpoint;

pub(crate) use credentials::Credentials;

/// The key that every client presents. Its owner is nobody: it opens a proxy on loopback for seconds.
pub(crate) const KEY: &str = "mcp_cGVyZi1oYXJuZXNzLWtleS1ub3QtYS1zZWNyZXQhISE";

/// Time that a stopped process has before it is killed.
const STOP_WAIT: Duration = Duration::from_secs(3);

/// Lines of a failed process's output that are repeated.
const SAID_LINES: usize = 3;

/// A proxy and the way it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// No proxy: the fixture itself.
    Direct,
    /// Bytes moved, nothing parsed.
    Pump,
    /// nginx with `proxy_pass`, one static token, and an access log where said.
    Nginx {
        /// Writes an access log, buffered as the gateway's audit file is.
        log: bool,
        /// How clients come.
        entry: Entry,
    },
    /// haproxy with one static token, no log.
    Haproxy,
    /// mcp-guard.
    Guard {
        /// API keys configured.
        keys: usize,
        /// Microseconds that a worker polls before it sleeps.
        busy_poll_us: u32,
        /// How clients come.
        entry: Entry,
    },
}

/// How clients come to a proxy and prove themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// HTTP, with a bearer key.
    Key,
    /// HTTPS, with a bearer key.
    Tls,
    /// HTTPS, with a client certificate and nothing else.
    Certificate,
    /// HTTP, with a signed token that was seen before.
    Token,
}

impl Entry {
    /// Whether the listener speaks TLS.
    pub(crate) fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Certificate)
    }
}

impl Peer {
    /// The gateway as it is usually set up.
    pub(crate) const GUARD: Self = Self::guard(Entry::Key);

    /// The peer that others are divided by: the one with the least to do.
    pub(crate) const BASELINE: Self = Self::nginx(Entry::Key);

    /// The gateway with one key, certificate or issuer, and clients that come by `entry`.
    pub(crate) const fn guard(entry: Entry) -> Self {
        Self::Guard {
            keys: 1,
            busy_poll_us: 0,
            entry,
        }
    }

    /// nginx without a log.
    pub(crate) const fn nginx(entry: Entry) -> Self {
        Self::Nginx { log: false, entry }
    }

    /// How clients come to it.
    pub(crate) fn entry(self) -> Entry {
        match self {
            Self::Nginx { entry, .. } | Self::Guard { entry, .. } => entry,
            Self::Direct | Self::Pump | Self::Haproxy => Entry::Key,
        }
    }

    /// Its name in results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Pump => "byte-pump",
            Self::Nginx {
                entry: Entry::Tls, ..
            } => "nginx-tls",
            Self::Nginx {
                entry: Entry::Certificate,
                ..
            } => "nginx-mtls",
            Self::Nginx { log: false, .. } => "nginx",
            Self::Nginx { log: true, .. } => "nginx-log",
            Self::Haproxy => "haproxy",
            Self::Guard { keys: 2.., .. } => "guard-10000-keys",
            Self::Guard {
                busy_poll_us: 1.., ..
            } => "guard-polling",
            Self::Guard { entry, .. } => match entry {
                Entry::Key => "guard",
                Entry::Tls => "guard-tls",
                Entry::Certificate => "guard-mtls",
                Entry::Token => "guard-jwt",
            },
        }
    }

    /// Tools that a list shows through it when the fixture has `tools`.
    pub(crate) fn tools_shown(self, tools: usize) -> usize {
        match self {
            Self::Guard { .. } => tools.div_ceil(2),
            _ => tools,
        }
    }
}

/// What every peer of one scenario shares.
pub(crate) struct Lab {
    /// Folder for configurations and logs.
    pub(crate) folder: PathBuf,
    /// Port of the fixture on 127.0.0.1.
    pub(crate) upstream_port: u16,
    /// The fixture's path for this scenario.
    pub(crate) upstream_path: String,
    /// The gateway's binary.
    pub(crate) guard: Option<PathBuf>,
    /// The core that proxies run on.
    pub(crate) proxy_core: Option<usize>,
    /// Certificates for those that speak TLS.
    pub(crate) credentials: Rc<Credentials>,
}

/// A started proxy. Dropping it ends the process.
pub(crate) struct Running {
    /// Which one.
    pub(crate) peer: Peer,
    /// Where clients go.
    pub(crate) endpoint: Endpoint,
    /// Time from its start to its first right answer.
    pub(crate) first_answer: Duration,
    child: Option<Child>,
}

impl Running {
    /// The process, unless there is none (direct).
    pub(crate) fn process(&self) -> Option<Process> {
        self.child.as_ref().map(|child| Process(child.id()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            stop(child);
        }
    }
}

/// Asks a child to end, and kills it if it does not.
pub(crate) fn stop(child: &mut Child) {
    crate::os::terminate(child.id());
    let deadline = Instant::now() + STOP_WAIT;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    // Both fail only where the process is gone already.
    let _ = child.kill();
    let _ = child.wait();
}

/// How to start a proxy that writes its configuration into a folder of its own.
struct Launch {
    program: PathBuf,
    arguments: Vec<String>,
}

/// Starts `peer` in `lab` and waits for its first right answer.
pub(crate) fn start(peer: Peer, lab: &Lab) -> Result<Running, Failure> {
    let endpoint = |port, path: &str| endpoint(peer.entry(), &lab.credentials, port, path);
    if peer == Peer::Direct {
        let endpoint = endpoint(lab.upstream_port, &lab.upstream_path)?;
        return Ok(Running {
            peer,
            endpoint,
            first_answer: Duration::ZERO,
            child: None,
        });
    }
    let folder = lab.folder.join(peer.name());
    fs::create_dir_all(&folder).map_err(Failure::io(folder.display().to_string()))?;
    let port = free_port().map_err(Failure::io("free port"))?;
    let launch = launch(peer, lab, &folder, port)?;
    let log = folder.join("output.log");
    let started = Instant::now();
    let child = spawn(&launch, &log, lab.proxy_core)
        .map_err(Failure::io(launch.program.display().to_string()))?;
    let path = if peer == Peer::Pump {
        lab.upstream_path.as_str()
    } else {
        "/mcp"
    };
    let mut running = Running {
        peer,
        endpoint: endpoint(port, path)?,
        first_answer: Duration::ZERO,
        child: Some(child),
    };
    let answered = ready::wait(&mut running, started);
    answered.ok_or_else(|| Failure::NotReady {
        peer: peer.name().to_owned(),
        said: said(&log),
    })?;
    Ok(running)
}

/// Where clients of `entry` go, and with what.
fn endpoint(
    entry: Entry,
    credentials: &Credentials,
    port: u16,
    path: &str,
) -> Result<Endpoint, Failure> {
    let url = format!("http://127.0.0.1:{port}{path}");
    let endpoint = Endpoint::from_url(&url, &headers(entry))?;
    Ok(match entry {
        Entry::Key | Entry::Token => endpoint,
        Entry::Tls => endpoint.over_tls(&credentials.anonymous),
        Entry::Certificate => endpoint.over_tls(&credentials.certified),
    })
}

fn launch(peer: Peer, lab: &Lab, folder: &Path, port: u16) -> Result<Launch, Failure> {
    match peer {
        Peer::Direct | Peer::Pump => Ok(Launch {
            program: "/proc/self/exe".into(),
            arguments: [
                "pump",
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--target",
                &format!("127.0.0.1:{}", lab.upstream_port),
            ]
            .map(str::to_owned)
            .into(),
        }),
        Peer::Nginx { log, entry } => nginx::launch(lab, folder, port, log, entry),
        Peer::Haproxy => haproxy::launch(lab, folder, port),
        Peer::Guard {
            keys,
            busy_poll_us,
            entry,
        } => {
            let setup = guard::Setup {
                keys,
                busy_poll_us,
                entry,
            };
            guard::launch(lab, folder, port, setup)
        }
    }
}

fn spawn(launch: &Launch, log: &Path, core: Option<usize>) -> io::Result<Child> {
    let output = File::create(log)?;
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.arguments)
        .stdin(std::process::Stdio::null());
    command.stdout(output.try_clone()?).stderr(output);
    crate::os::confine(&mut command, core).spawn()
}

/// The end of what a process wrote, on one line.
fn said(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let last: Vec<_> = text.lines().rev().take(SAID_LINES).collect();
    last.into_iter().rev().collect::<Vec<_>>().join(" / ")
}

/// Writes a configuration file, readable by its owner only, as a file with a key should be.
fn write_config(path: &Path, text: &str) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let write = || {
        fs::write(path, text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
    };
    write().map_err(Failure::io(path.display().to_string()))
}

/// The absolute path of a binary given on the command line: a bare name would be looked for in `PATH`.
pub(crate) fn binary(path: &str) -> Result<PathBuf, String> {
    fs::canonicalize(path).map_err(|error| error.to_string())
}

/// The header lines of clients that come by `entry`.
pub(crate) fn headers(entry: Entry) -> Vec<String> {
    let bearer = match entry {
        Entry::Key | Entry::Tls => Some(KEY.to_owned()),
        Entry::Token => Some(credentials::token()),
        Entry::Certificate => None,
    };
    let authorization = bearer.map(|token| format!("Authorization: Bearer {token}"));
    let others = [
        "MCP-Protocol-Version: 2025-06-18",
        "User-Agent: guard-perf/1",
    ];
    authorization
        .into_iter()
        .chain(others.map(str::to_owned))
        .collect()
}

/// A port that nobody listens on now. Another process may take it before its user does; then the start fails and says so.
pub(crate) fn free_port() -> io::Result<u16> {
    TcpListener::bind("127.0.0.1:0")?
        .local_addr()
        .map(|address| address.port())
}

/// Starts the fixture as a process of its own on `core`; returns it and its port once it answers.
pub(crate) fn start_fixture(core: Option<usize>) -> Result<(Child, u16), Failure> {
    let port = free_port().map_err(Failure::io("free port"))?;
    let mut command = Command::new("/proc/self/exe");
    command.args(["upstream", "--listen", &format!("127.0.0.1:{port}")]);
    let mut child = crate::os::confine(&mut command, core)
        .spawn()
        .map_err(Failure::io("fixture"))?;
    let endpoint = Endpoint::from_url(
        &format!("http://127.0.0.1:{port}/mcp"),
        &headers(Entry::Key),
    )?;
    match ready::first_answer(&endpoint, &mut child) {
        true => Ok((child, port)),
        false => Err(Failure::NotReady {
            peer: "fixture".to_owned(),
            said: "see above".to_owned(),
        }),
    }
}
