//! A child that may speak the modern era or not: found out each time that one starts, and translated for where it does not.

use std::sync::Arc;
use std::time::Duration;

use super::modern::{Probe, probe_modern};
use super::{Answers, Ask, BoxFuture, ConnectError, Connector, Link, ModernUpstream};
use crate::engine::mcp::revision::Era;
use crate::engine::session::Owner;
use crate::mailbox::{ServerState, Speaks};

/// How long a child may be silent when it is asked for its era: runners that fetch a package first take their time, and a
/// legacy server that ignores what it does not know is silent for ever.
const PROBE_PATIENCE: Duration = Duration::from_secs(15);

/// Connects to children that speak the modern era; any other is let go and remembered as what it is.
pub(super) struct ModernOnly {
    pub(super) children: Arc<dyn Connector>,
    pub(super) state: Arc<ServerState>,
    /// Whether the operator says that the server does, so that nobody has to ask.
    pub(super) is_known: bool,
}

impl Connector for ModernOnly {
    fn connect(&self, owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        Box::pin(async move {
            let mut link = self.children.connect(owner).await?;
            if self.is_known {
                return Ok(link);
            }
            match probe_modern(&mut link, PROBE_PATIENCE).await {
                Probe::Modern => {
                    self.state.set_speaks(Era::Modern, Speaks::Yes);
                    Ok(link)
                }
                Probe::Legacy => {
                    self.state.set_speaks(Era::Modern, Speaks::No);
                    Err(ConnectError::WrongEra)
                }
                Probe::Ended(end) => Err(ConnectError::Unreachable(end.to_string().into())),
            }
        })
    }
}

/// Asks a server as it is, or over the translation once it is known not to speak the era.
pub(super) struct Switch {
    pub(super) modern: Arc<dyn ModernUpstream>,
    /// Absent where the operator wants no translation.
    pub(super) translated: Option<Arc<dyn ModernUpstream>>,
    pub(super) state: Arc<ServerState>,
}

impl ModernUpstream for Switch {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        Box::pin(async move {
            match self.state.speaks(Era::Modern) {
                Speaks::Yes => self.modern.ask(ask).await,
                Speaks::No => self.translate(ask).await,
                Speaks::Unknown => {
                    let again = ask.clone();
                    match self.modern.ask(ask).await {
                        Err(ConnectError::WrongEra) => self.translate(again).await,
                        answers => answers,
                    }
                }
            }
        })
    }
}

impl Switch {
    async fn translate(&self, ask: Ask) -> Result<Answers, ConnectError> {
        match &self.translated {
            Some(translated) => translated.ask(ask).await,
            None => Err(ConnectError::WrongEra),
        }
    }
}
