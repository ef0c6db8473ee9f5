//! What `/health` and `/ready` say, on both listeners.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;

/// Whether traffic should be sent here, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Workers do not all accept yet.
    Starting,
    /// All is well.
    Ready,
    /// The process is going away.
    Draining,
    /// A server with `required = true` cannot be reached.
    UpstreamDown {
        /// Its configured name.
        server: Box<str>,
    },
    /// The keys of an issuer were not fetched yet.
    KeysMissing {
        /// Its `issuer`, as configured.
        issuer: Box<str>,
    },
    /// Audit records cannot be written and `audit.overflow = "refuse"`: requests are being refused.
    AuditStalled,
}

impl Readiness {
    /// 200 when ready, else 503.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Ready => 200,
            _ => 503,
        }
    }

    /// One word for scripts: `ready`, `starting`, `draining`, `upstream_down`, `keys_missing`, `audit_stalled`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::UpstreamDown { .. } => "upstream_down",
            Self::KeysMissing { .. } => "keys_missing",
            Self::AuditStalled => "audit_stalled",
        }
    }
}

/// The state behind the health endpoints: control writes it, whoever answers reads it.
#[derive(Debug)]
pub struct Health {
    started: Instant,
    readiness: ArcSwap<Readiness>,
}

impl Health {
    /// Starts in [`Readiness::Starting`]; uptime counts from now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            readiness: ArcSwap::from_pointee(Readiness::Starting),
        }
    }

    /// The current readiness.
    #[must_use]
    pub fn readiness(&self) -> Arc<Readiness> {
        self.readiness.load_full()
    }

    /// Publishes `readiness`; returns whether it differs from what was there. For control alone.
    pub fn set_readiness(&self, readiness: Readiness) -> bool {
        let changed = **self.readiness.load() != readiness;
        if changed {
            self.readiness.store(Arc::new(readiness));
        }
        changed
    }

    /// Whole seconds since the start.
    #[must_use]
    pub fn uptime_secs(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    /// Appends the body of `/health`: `{"status":"ok","version":…,"uptime_secs":…}`. Its status is always 200.
    pub fn write_health(&self, out: &mut Vec<u8>) {
        let version = env!("CARGO_PKG_VERSION");
        let uptime = self.uptime_secs();
        let _ = write!(
            out,
            r#"{{"status":"ok","version":"{version}","uptime_secs":{uptime}}}"#
        );
    }

    /// Appends the body of `/live`, whose status is 200 as long as anything answers.
    pub fn write_live(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"status":"live"}"#);
    }

    /// Appends the body of `/ready` and returns its HTTP status: 200, or 503 with the reason.
    ///
    /// The name of a server is configuration that its operator chose and `[a-z0-9_-]`, so it needs no escaping; an issuer does.
    pub fn write_ready(&self, out: &mut Vec<u8>) -> u16 {
        let readiness = self.readiness.load();
        let word = readiness.as_str();
        let _ = match &**readiness {
            Readiness::UpstreamDown { server } => {
                write!(out, r#"{{"status":"{word}","server":"{server}"}}"#)
            }
            Readiness::KeysMissing { issuer } => {
                let issuer = serde_json::Value::from(&**issuer);
                write!(out, r#"{{"status":"{word}","issuer":{issuer}}}"#)
            }
            _ => write!(out, r#"{{"status":"{word}"}}"#),
        };
        readiness.status()
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, Readiness};

    fn ready(health: &Health) -> (u16, String) {
        let mut body = Vec::new();
        let status = health.write_ready(&mut body);
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[test]
    fn readiness_says_503_and_why_until_ready() {
        let health = Health::new();
        assert_eq!(ready(&health), (503, r#"{"status":"starting"}"#.to_owned()));
        assert!(health.set_readiness(Readiness::Ready));
        assert!(!health.set_readiness(Readiness::Ready));
        assert_eq!(ready(&health), (200, r#"{"status":"ready"}"#.to_owned()));
        health.set_readiness(Readiness::UpstreamDown {
            server: "github".into(),
        });
        assert_eq!(
            ready(&health),
            (
                503,
                r#"{"status":"upstream_down","server":"github"}"#.to_owned()
            )
        );
        health.set_readiness(Readiness::KeysMissing {
            issuer: "https://a.example/\"".into(),
        });
        assert_eq!(
            ready(&health),
            (
                503,
                r#"{"status":"keys_missing","issuer":"https://a.example/\""}"#.to_owned()
            )
        );
    }

    #[test]
    fn health_is_json_with_version_and_uptime() {
        let mut body = Vec::new();
        Health::new().write_health(&mut body);
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        assert_eq!(json["status"], "ok");
        assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(json["uptime_secs"], 0);
    }
}
