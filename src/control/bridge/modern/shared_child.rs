//! A modern server behind a channel that all its clients share, or all of one identity.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::driver::{self, DriverHandle, Settings};
use super::param_check::{CheckedParams, ToolsEpoch};
use crate::control::bridge::{Answers, Ask, BoxFuture, ConnectError, Connector, ModernUpstream};
use crate::engine::bridge::shared::Channel;
use crate::engine::bridge::state_seal::StateSeal;
use crate::engine::seal::Sealer;
use crate::engine::session::Owner;

/// Identities whose servers are remembered while they are down. Beyond it those that are not in use are forgotten.
const OWNERS_MAX: usize = 1_024;

/// Who shares a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) enum Sharing {
    /// Everybody. It is charged to this owner and kept while it lives.
    All(Owner),
    /// All requests of one identity, to which it is charged.
    PerOwner {
        /// Time without a request after which it is stopped.
        idle_time: Duration,
    },
}

/// One child for all, or one for each identity.
pub(in crate::control) struct SharedChild {
    server: Box<str>,
    connector: Arc<dyn Connector>,
    states: StateSeal,
    sharing: Sharing,
    children: Mutex<FxHashMap<Owner, Child>>,
}

struct Child {
    driver: DriverHandle,
    checked: CheckedParams,
}

impl SharedChild {
    /// The server named `server`, whose links `connector` makes and whose states are sealed under the key of `sealer`.
    pub(in crate::control) fn new(
        server: &str,
        connector: Arc<dyn Connector>,
        sealer: Sealer,
        sharing: Sharing,
    ) -> Self {
        Self {
            server: server.into(),
            connector,
            states: StateSeal::new(sealer, server),
            sharing,
            children: Mutex::default(),
        }
    }

    /// The child that serves `owner`; it is started with its first request.
    fn child(&self, owner: Owner) -> CheckedParams {
        let (charged, idle_time) = match self.sharing {
            Sharing::All(charged) => (charged, None),
            Sharing::PerOwner { idle_time } => (owner, Some(idle_time)),
        };
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        if children.len() >= OWNERS_MAX && !children.contains_key(&charged) {
            children.retain(|_, child| child.driver.is_up() || !child.checked.is_unused());
        }
        let child = children
            .entry(charged)
            .or_insert_with(|| self.start(charged, idle_time));
        child.checked.clone()
    }

    fn start(&self, owner: Owner, idle_time: Option<Duration>) -> Child {
        let tools = ToolsEpoch::default();
        let driver = driver::start(Settings {
            server: self.server.clone(),
            connector: Arc::clone(&self.connector),
            owner,
            channel: Channel::new(self.states.clone()),
            idle_time,
            tools: tools.clone(),
        });
        Child {
            checked: CheckedParams::new(&self.server, driver.clone(), tools),
            driver,
        }
    }
}

impl ModernUpstream for SharedChild {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        Box::pin(async move {
            let child = self.child(ask.owner);
            child.ask(ask).await
        })
    }
}
