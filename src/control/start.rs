//! From a configuration to a gateway that serves.

use std::fmt;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::admin::{Access, Admin, RELOADS_MAX};
use super::audit::{AuditPump, AuditSettings, AuditSources, OpenError};
use super::bridge::Bridges;
use super::gateway::{Gateway, readiness};
use super::http::{self, Bounds};
use super::jwks::KeyKeeper;
use super::logging::LogControl;
use super::oauth::OAuthService;
use super::signals::Signals;
use super::source::Source;
use super::status::Facts;
use super::tls::{self, Materials, TlsWatch};
use super::{probe, process, reload, resolve, scrape};
use crate::config::model::Workers;
use crate::config::{Config, Loaded, Refused, compile};
use crate::engine::seal::Sealer;
use crate::mailbox::{Bind, Shared};

/// What [`run`] runs.
pub struct Run {
    /// Where the configuration comes from.
    pub source: Source,
    /// The level of the log.
    pub log: LogControl,
    /// Binds the main listeners and starts the workers.
    pub bind: Bind,
    /// Called once the gateway serves.
    pub started: Box<dyn FnOnce(Addresses)>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Where a gateway listens, real ports filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Main listener.
    pub main: SocketAddr,
    /// Admin listener.
    pub admin: SocketAddr,
}

/// Why a gateway does not start.
#[derive(Debug)]
pub enum StartError {
    /// The configuration was refused; each line says where and why.
    Config(Vec<String>),
    /// The admin listener cannot be bound.
    Admin(SocketAddr, std::io::Error),
    /// The audit file cannot be used.
    Audit(OpenError),
    /// What `[auth.oauth]` needs; the sentence says what and why.
    OAuth(String),
    /// Listeners or workers; the sentence says what and why.
    DataPlane(String),
    /// The runtime of the control thread or its signals.
    Runtime(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(lines) => f.write_str(&lines.join("\n")),
            Self::Admin(address, error) => {
                write!(
                    f,
                    "admin listener cannot bind {address}: {error}; choose another server.admin.port"
                )
            }
            Self::Audit(error) => error.fmt(f),
            Self::DataPlane(why) | Self::OAuth(why) => f.write_str(why),
            Self::Runtime(error) => write!(f, "control thread cannot start: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Runs a gateway until it is told to end. The calling thread becomes the control thread.
///
/// Exit codes: 0 after an orderly drain, 1 where it could not start, a worker failed, or audit records could not be written.
#[must_use]
pub fn run(run: Run) -> ExitCode {
    let runtime = match Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&StartError::Runtime(error)),
    };
    let outcome = runtime.block_on(start_and_serve(run));
    end(runtime);
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &StartError) -> ExitCode {
    match error {
        // As `validate` shows them.
        StartError::Config(lines) => lines.iter().for_each(|line| eprintln!("{line}")),
        other => eprintln!("mcp-guard: {other}"),
    }
    ExitCode::FAILURE
}

/// A write that hangs in the kernel must not keep the process alive.
fn end(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::from_millis(100));
}

async fn start_and_serve(run: Run) -> Result<bool, StartError> {
    let signals = Signals::new().map_err(StartError::Runtime)?;
    let gateway = start(run).await?;
    Ok(gateway.run(signals).await)
}

async fn start(run: Run) -> Result<Gateway, StartError> {
    let Run {
        source,
        log,
        bind,
        started,
    } = run;
    process::harden();
    let (config, materials) = load(&source)?;
    let workers = worker_count(config.server.workers);
    let bound = bind(&config.server, workers).map_err(StartError::DataPlane)?;
    let address = bound.local_addr();
    let (admin_listener, admin_address) = bind_admin(&config).await?;
    let shared = share(&config, &materials, address.port(), workers).await?;
    let tls = TlsWatch::new(&config, materials, &shared);
    let mut keys = KeyKeeper::new(Arc::clone(&shared));
    keys.add(&config).await;
    let oauth = start_oauth(&config, &shared).await?;
    let audit_sources = AuditSources {
        lanes: shared
            .workers
            .iter()
            .map(|worker| Arc::clone(&worker.lane))
            .collect(),
        doorbell: Arc::clone(&shared.audit_doorbell),
        metrics: Arc::clone(&shared.control),
    };
    let opened = AuditPump::open(audit_sources, AuditSettings::from(&config.audit));
    let (pump, audit) = opened.map_err(StartError::Audit)?;
    tokio::spawn(pump.run());
    if config.server.sessions.key.is_none() {
        tracing::info!(
            "session ids are sealed with a key made now: they end with this process; set server.session_key to keep them"
        );
    }
    let bridges = Bridges::new(Arc::clone(&shared));
    if let Some(calls) = shared.bridge.take() {
        tokio::spawn(Arc::clone(&bridges).serve(calls));
    }
    let plane = bound
        .start(Arc::clone(&shared))
        .map_err(StartError::DataPlane)?;
    tracing::info!(workers, io = plane.io_mode(), "workers started");
    let access = Arc::new(Access::new(
        admin_address,
        config.server.admin.token.clone(),
    ));
    let (reload_sender, reloads) = mpsc::channel(RELOADS_MAX);
    let admin = Admin {
        shared: Arc::clone(&shared),
        oauth: Arc::clone(&oauth),
        facts: Facts {
            address,
            io_mode: plane.io_mode(),
            config_path: source.path().display().to_string(),
        },
        access: Arc::clone(&access),
        log,
        reloads: reload_sender,
    };
    tokio::spawn(http::serve(
        admin_listener,
        Bounds::default(),
        Arc::new(admin),
    ));
    shared
        .health
        .set_readiness(readiness(&shared, audit.is_stalled()));
    let scheme = if config.server.tls.is_some() {
        "https"
    } else {
        "http"
    };
    tracing::info!(addr = %address, admin = %admin_address, "listening on {scheme}://{address}");
    announce_login(&config);
    started(Addresses {
        main: address,
        admin: admin_address,
    });
    Ok(Gateway {
        source,
        config,
        port: address.port(),
        shared,
        audit,
        access,
        plane,
        bridges,
        keys,
        oauth,
        reloads,
        tls,
    })
}

fn load(source: &Source) -> Result<(Config, Materials), StartError> {
    let refused = |refused: Refused| {
        let lines = refused.diagnostics.iter().map(ToString::to_string);
        StartError::Config(lines.collect())
    };
    let loaded = source.load().map_err(refused)?;
    let loaded = tls::load(loaded, &Materials::default(), tls::now_secs());
    let (
        Loaded {
            config, warnings, ..
        },
        materials,
    ) = loaded.map_err(refused)?;
    warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    Ok((config, materials))
}

async fn bind_admin(config: &Config) -> Result<(TcpListener, SocketAddr), StartError> {
    let wanted = config.server.admin.address();
    let failed = |error| StartError::Admin(wanted, error);
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Compiles the first snapshot, with every name resolved and every required upstream probed once.
async fn share(
    config: &Config,
    materials: &Materials,
    port: u16,
    workers: usize,
) -> Result<Arc<Shared>, StartError> {
    let refused = |findings: Vec<crate::config::Finding>| {
        StartError::Config(findings.iter().map(ToString::to_string).collect())
    };
    let live = reload::first(compile(config, port, 1).map_err(refused)?, workers);
    let live = tls::with_materials(&live, materials);
    resolve::refresh(&live).await;
    probe::probe_required(&live).await;
    let sealer = Sealer::random()
        .map_err(|error| StartError::Runtime(std::io::Error::other(error.to_string())))?;
    Ok(Arc::new(Shared::new(
        live,
        workers,
        sealer,
        scrape::metrics,
    )))
}

/// OAuth as `config` says, in force before the first request comes.
async fn start_oauth(
    config: &Config,
    shared: &Arc<Shared>,
) -> Result<Arc<OAuthService>, StartError> {
    let oauth = OAuthService::new(Arc::clone(shared));
    let prepared = oauth.prepare(config).await;
    let prepared = prepared.map_err(|error| StartError::OAuth(error.to_string()));
    oauth.put_in_force(prepared?);
    oauth.serve();
    Ok(oauth)
}

/// Tells the addresses that the operator gives to people, to the provider and to clients.
fn announce_login(config: &Config) {
    let oauth = config.auth.oauth.as_ref().filter(|oauth| oauth.login);
    if let (Some(oauth), Some(url)) = (oauth, &config.server.public_url) {
        let path = match config.upstreams.len() {
            0 | 1 => "/mcp",
            _ => "/mcp/SERVER",
        };
        tracing::info!(
            callback_url = oauth.redirect_uri,
            client_url = %format_args!("{url}{path}"),
            "people log in at {url}/oauth/authorize"
        );
    }
}

/// How many workers `auto` is: one for each core that the process may use.
fn worker_count(workers: Workers) -> usize {
    match workers {
        Workers::Count(count) => usize::from(count),
        Workers::Auto => std::thread::available_parallelism().map_or(1, usize::from),
    }
}
