//! What the command line decides over the file. It is applied before the rules are checked: `--host 0.0.0.0` must not get
//! around what is refused on such a listener.

use std::net::IpAddr;

use crate::config::model::{Server, Workers};

/// Flags of `run` that take the place of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--host`
    pub host: Option<IpAddr>,
    /// `--port`
    pub port: Option<u16>,
    /// `--workers`
    pub workers: Option<Workers>,
}

impl Overrides {
    /// Puts each given flag in the place of its key.
    pub(super) fn apply(&self, server: &mut Server) {
        server.host = self.host.unwrap_or(server.host);
        server.port = self.port.unwrap_or(server.port);
        server.workers = self.workers.unwrap_or(server.workers);
    }
}
