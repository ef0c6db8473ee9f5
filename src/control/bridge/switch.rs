//! A child that may speak the modern era or not: found out each time that one starts, and translated for where it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Mutex;

use super::modern::{Probe, probe_modern};
use super::{Answers, Ask, BoxFuture, ConnectError, Connector, Link, ModernUpstream};
use crate::engine::mcp::revision::Era;
use crate::engine::session::Owner;
use crate::mailbox::{ServerState, Speaks};

/// How long a child may be silent when it is asked for its era: runners that fetch a package first take their time, and a
/// legacy server that ignores what it does not know is silent for ever.
const PROBE_PATIENCE: Duration = Duration::from_secs(15);

/// How long a server whose child ended when it was asked is taken for a legacy one.
const DOUBT_TIME: Duration = Duration::from_secs(60);

/// Connects to children that speak the modern era; any other is let go and remembered as what it is.
pub(super) struct ModernOnly {
    pub(super) children: Arc<dyn Connector>,
    pub(super) state: Arc<ServerState>,
    /// Whether the operator says that the server does, so that nobody has to ask.
    pub(super) is_known: bool,
    /// Who a child that is asked is charged to, where not to who asks.
    pub(super) payer: Option<Owner>,
    /// Whether the first child is the last (`restart = "never"`).
    pub(super) is_last: bool,
    pub(super) started: AtomicBool,
    /// A child that was asked for its era and is used by nobody yet.
    pub(super) asked: Mutex<Option<Link>>,
}

impl ModernOnly {
    /// Finds out whether the server speaks the era, once for all who wait. The child that was asked is the next to be used.
    async fn learn(&self, owner: Owner) -> Result<(), ConnectError> {
        let mut asked = self.asked.lock().await;
        if self.state.speaks(Era::Modern) == Speaks::Unknown {
            *asked = self.connect_asked(self.payer.unwrap_or(owner)).await?;
        }
        Ok(())
    }

    /// What a child that ended has shown is believed for a while.
    fn ask_again_later(&self) {
        let state = Arc::clone(&self.state);
        tokio::spawn(async move {
            tokio::time::sleep(DOUBT_TIME).await;
            state.set_speaks(Era::Modern, Speaks::Unknown);
        });
    }

    async fn modern_child(&self, owner: Owner) -> Result<Link, ConnectError> {
        if self.is_known {
            return self.children.connect(owner).await;
        }
        if let Some(link) = self.asked.lock().await.take() {
            return Ok(link);
        }
        let child = self.connect_asked(owner).await?;
        child.ok_or(ConnectError::WrongEra)
    }

    /// A new child that says it speaks the era; `None` where it does not.
    async fn connect_asked(&self, owner: Owner) -> Result<Option<Link>, ConnectError> {
        let mut link = self.children.connect(owner).await?;
        let probe = probe_modern(&mut link, PROBE_PATIENCE).await;
        tracing::debug!(
            server = &*self.state.name,
            ?probe,
            "child was asked for its era"
        );
        match probe {
            Probe::Modern => {
                self.state.set_speaks(Era::Modern, Speaks::Yes);
                Ok(Some(link))
            }
            Probe::Legacy => {
                self.state.set_speaks(Era::Modern, Speaks::No);
                Ok(None)
            }
            // Some legacy servers end when they are asked what they do not know; so does one that is broken.
            Probe::Ended(_) => {
                self.state.set_speaks(Era::Modern, Speaks::No);
                self.ask_again_later();
                Ok(None)
            }
        }
    }
}

impl Connector for ModernOnly {
    fn connect(&self, owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        Box::pin(async move {
            if self.is_last && self.started.load(Relaxed) {
                let why = "the shared child has ended and is not started again (upstream.restart)";
                return Err(ConnectError::Unreachable(why.into()));
            }
            let link = self.modern_child(owner).await?;
            self.started.store(true, Relaxed);
            Ok(link)
        })
    }
}

/// Asks a server as it is, or over the translation once it is known not to speak the era.
pub(super) struct Switch {
    pub(super) children: Arc<ModernOnly>,
    pub(super) modern: Arc<dyn ModernUpstream>,
    /// Absent where the operator wants no translation.
    pub(super) translated: Option<Arc<dyn ModernUpstream>>,
}

impl ModernUpstream for Switch {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        Box::pin(async move {
            let speaks = || self.children.state.speaks(Era::Modern);
            if speaks() == Speaks::Unknown {
                self.children.learn(ask.owner).await?;
            }
            match (speaks(), &self.translated) {
                (Speaks::Yes | Speaks::Unknown, _) => self.modern.ask(ask).await,
                (Speaks::No, Some(translated)) => {
                    let asked = translated.ask(ask).await;
                    // It was silent when it was asked, or is another one by now: the next request asks again.
                    let is_refused = matches!(
                        asked,
                        Err(ConnectError::WrongEra | ConnectError::Unreachable(_))
                    );
                    if is_refused && !self.children.is_known {
                        self.children.state.set_speaks(Era::Modern, Speaks::Unknown);
                    }
                    asked
                }
                (Speaks::No, None) => Err(ConnectError::WrongEra),
            }
        })
    }
}
