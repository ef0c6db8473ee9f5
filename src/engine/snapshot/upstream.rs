//! Where an upstream is, how it is reached, and what is spoken there.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Where an upstream is, and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// How it is reached.
    pub address: UpstreamAddress,
    /// The request target: path and query, verbatim.
    pub target: Box<str>,
    /// The Host field.
    pub host_header: Box<str>,
    /// What is spoken there.
    pub speech: Speech,
}

/// How an upstream is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamAddress {
    /// HTTP, or HTTPS, over TCP.
    Http {
        /// Name or address, without brackets.
        host: Box<str>,
        /// Port.
        port: u16,
        /// Whether it is HTTPS.
        is_secure: bool,
    },
    /// HTTP over a Unix socket.
    Unix {
        /// Path of the socket.
        path: PathBuf,
    },
    /// A child process of the gateway, over its standard input and output.
    Child(Arc<ChildCommand>),
}

/// What is spoken with an upstream, and of which era it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speech {
    /// The transport of an upstream that is reached over HTTP.
    pub transport: HttpTransport,
    /// What the operator says of the server's era; `None` leaves it to a probe.
    pub eras: Option<Eras>,
    /// Whether requests of an era that the server does not speak are translated; else they are refused with −32022.
    pub translates: bool,
}

impl Speech {
    /// Streamable HTTP, era found by probing, translated where needed.
    pub const DEFAULT: Self = Self {
        transport: HttpTransport::Streamable,
        eras: None,
        translates: true,
    };
}

/// What is spoken over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpTransport {
    /// Streamable HTTP: 2025-03-26 and later.
    Streamable,
    /// HTTP with a separate event stream: 2024-11-05.
    Sse,
}

/// Which eras a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eras {
    /// Revisions up to 2025-11-25 alone.
    Legacy,
    /// 2026-07-28 and later alone.
    Modern,
    /// Both.
    Both,
}

/// How a stdio server is started. Only the configuration makes one: nothing of a request reaches it.
#[derive(Clone, PartialEq, Eq)]
pub struct ChildCommand {
    /// Program, looked up in `PATH` where it holds no slash.
    pub command: Box<str>,
    /// Its arguments.
    pub args: Vec<Box<str>>,
    /// Environment beside the clean one that every child gets. Values are often secrets.
    pub env: Vec<(Box<str>, Zeroizing<String>)>,
    /// Working directory; the gateway's own where absent.
    pub cwd: Option<PathBuf>,
    /// One child a session, or one for all; `None` follows the server's era.
    pub instances: Option<Instances>,
    /// Most children of this server at once.
    pub max_children: usize,
    /// Whether a shared child that ended is started again.
    pub restarts: bool,
}

impl fmt::Debug for ChildCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments and environment may hold secrets.
        f.debug_struct("ChildCommand")
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

/// `upstream.instances`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// One child a session; for modern requests, one an identity.
    Session,
    /// One child for everybody; modern requests only.
    Shared,
}
