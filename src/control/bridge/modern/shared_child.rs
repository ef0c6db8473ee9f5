//! A modern server behind a channel that all its clients share, or all of one identity.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::driver::{self, DriverHandle, Settings};
use super::param_check::CheckedParams;
use super::schemas::ToolsEpoch;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::{OWNERS_MAX, SharedChild, Sharing};
    use crate::control::bridge::modern::testing::{
        Connections, ServerSide, ask, call, next, number, owner,
    };
    use crate::control::bridge::{Answers, ConnectError, ModernUpstream as _};
    use crate::engine::seal::Sealer;
    use crate::engine::session::Owner;

    fn shared(sharing: Sharing) -> (SharedChild, mpsc::Receiver<ServerSide>) {
        let (connections, sides) = Connections::new();
        (shared_over(connections, sharing), sides)
    }

    fn shared_over(connections: Connections, sharing: Sharing) -> SharedChild {
        SharedChild::new("s", Arc::new(connections), Sealer::new(&[7; 32]), sharing)
    }

    const LIST: &str = r#"{"jsonrpc":"2.0","id":"l","method":"prompts/list"}"#;

    async fn ask_as(shared: &SharedChild, owner: Owner) -> Result<Answers, ConnectError> {
        let mut ask = ask(LIST);
        ask.owner = owner;
        shared.ask(ask).await
    }

    #[tokio::test]
    async fn one_child_serves_everybody() {
        let (shared, mut sides) = shared(Sharing::All(owner('0')));
        let mut first = ask_as(&shared, owner('a')).await.unwrap();
        let mut second = ask_as(&shared, owner('b')).await.unwrap();
        let mut server = sides.recv().await.unwrap();
        assert_eq!(server.owner, owner('0'));
        assert!(server.hear().await.contains(r#""id":1,"#));
        assert!(server.hear().await.contains(r#""id":2,"#));
        server.say(r#"{"id":2,"result":"b"}"#).await;
        server.say(r#"{"id":1,"result":"a"}"#).await;
        assert_eq!(
            next(&mut first).await.unwrap(),
            r#"{"id":"l","result":"a"}"#
        );
        assert_eq!(
            next(&mut second).await.unwrap(),
            r#"{"id":"l","result":"b"}"#
        );
    }

    #[tokio::test]
    async fn each_identity_has_its_child_where_they_are_apart() {
        let idle_time = Duration::from_secs(60);
        let (shared, mut sides) = shared(Sharing::PerOwner { idle_time });
        for digit in ['a', 'b'] {
            let mut answers = ask_as(&shared, owner(digit)).await.unwrap();
            let mut server = sides.recv().await.unwrap();
            assert_eq!(server.owner, owner(digit));
            let _ = server.hear().await;
            server.say(r#"{"id":1,"result":{}}"#).await;
            assert!(next(&mut answers).await.is_some());
            let _again = ask_as(&shared, owner(digit)).await.unwrap();
            assert!(server.hear().await.contains(r#""id":2,"#));
        }
        assert!(sides.try_recv().is_err());
    }

    #[tokio::test]
    async fn what_is_known_of_the_tools_is_forgotten_when_the_server_says_so() {
        let (shared, mut sides) = shared(Sharing::All(owner('0')));
        let list = r#"{"jsonrpc":"2.0","id":"l","method":"tools/list","params":{"_meta":{}}}"#;
        let mut listed = shared.ask(ask(list)).await.unwrap();
        let mut server = sides.recv().await.unwrap();
        let page = |id: u64| {
            let param = r#"{"type":"string","x-mcp-header":"Nonce"}"#;
            format!(
                r#"{{"id":{id},"result":{{"tools":[{{"name":"t","inputSchema":{{"properties":{{"nonce":{param}}}}}}}]}}}}"#
            )
        };
        let listing = number(&server.hear().await);
        server.say(&page(listing)).await;
        assert!(next(&mut listed).await.is_some());
        let mut refused = shared.ask(ask(&call("1", "n"))).await.unwrap();
        assert!(next(&mut refused).await.unwrap().contains("-32020"));

        server
            .say(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#)
            .await;
        // Heard in order: what answers this, the server said after the change.
        let mut prompts = ask_as(&shared, owner('a')).await.unwrap();
        let prompts_number = number(&server.hear().await);
        server
            .say(&format!(r#"{{"id":{prompts_number},"result":{{}}}}"#))
            .await;
        assert!(next(&mut prompts).await.is_some());

        let calling = tokio::spawn(async move {
            let mut answers = shared.ask(ask(&call("1", "n"))).await.unwrap();
            next(&mut answers).await.unwrap()
        });
        let asked = server.hear().await;
        assert!(asked.contains("tools/list"), "{asked}");
        server.say(&page(number(&asked))).await;
        assert!(calling.await.unwrap().contains("-32020"));
    }

    #[tokio::test]
    async fn identities_whose_children_are_down_are_forgotten() {
        let (connections, _sides) = Connections::new();
        *connections.errors.lock().unwrap() = vec![ConnectError::BackingOff; 2 * OWNERS_MAX];
        let idle_time = Duration::from_secs(60);
        let shared = shared_over(connections, Sharing::PerOwner { idle_time });
        for number in 0..=OWNERS_MAX {
            let owner = Owner::from_hex(format!("{number:032x}").as_bytes()).unwrap();
            let refused = ask_as(&shared, owner).await.unwrap_err();
            assert_eq!(refused, ConnectError::BackingOff);
        }
        assert!(shared.children.lock().unwrap().len() <= OWNERS_MAX);
    }
}
