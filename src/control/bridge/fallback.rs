//! A server that may or may not speak the legacy era: asked as it is first, over a translation where it refuses.
//!
//! Nothing is probed: the client's own `initialize` is the question, and only its first answer is held back until it is clear
//! which link the session goes on with. Where the last such server refused, the translation is asked first.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::link::LINK_MESSAGES_MAX;
use super::{BoxFuture, ConnectError, Connector, FromServer, Link, LinkEnd};
use crate::engine::mcp::message::Kind;
use crate::engine::mcp::revision::Era;
use crate::engine::mcp::scan::{ScanLimits, scan};
use crate::engine::session::Owner;
use crate::mailbox::{ServerState, Speaks};

/// Connects in the legacy era, else over the translation to a modern server.
pub(super) struct Fallback {
    pub(super) legacy: Arc<dyn Connector>,
    pub(super) translated: Arc<dyn Connector>,
    pub(super) state: Arc<ServerState>,
}

impl Connector for Fallback {
    fn connect(&self, owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        Box::pin(async move {
            match self.state.speaks(Era::Legacy) {
                Speaks::Yes => self.legacy.connect(owner).await,
                // What refused the era may have been replaced by something that speaks it, and nothing else.
                Speaks::No => self.try_both(owner, (&self.translated, &self.legacy)).await,
                Speaks::Unknown => self.try_both(owner, (&self.legacy, &self.translated)).await,
            }
        })
    }
}

impl Fallback {
    async fn try_both(
        &self,
        owner: Owner,
        (first, second): (&Arc<dyn Connector>, &Arc<dyn Connector>),
    ) -> Result<Link, ConnectError> {
        let speaks = match Arc::ptr_eq(first, &self.legacy) {
            true => [Speaks::Yes, Speaks::No],
            false => [Speaks::No, Speaks::Yes],
        };
        let first = first.connect(owner).await?;
        let (to_server, from_client) = mpsc::channel(LINK_MESSAGES_MAX);
        let (to_client, from_server) = mpsc::channel(LINK_MESSAGES_MAX);
        let trial = Trial {
            owner,
            second: Arc::clone(second),
            speaks,
            state: Arc::clone(&self.state),
            from_client,
            to_client,
        };
        tokio::spawn(trial.run(first));
        Ok(Link {
            to_server,
            from_server,
        })
    }
}

/// The first words of a session on which the link depends, then the session.
struct Trial {
    owner: Owner,
    /// Tried where the first link's server refuses.
    second: Arc<dyn Connector>,
    /// What follows from a server that accepts, on the first link and on the second.
    speaks: [Speaks; 2],
    state: Arc<ServerState>,
    from_client: mpsc::Receiver<Vec<u8>>,
    to_client: mpsc::Sender<FromServer>,
}

/// What a server made of the first request.
enum First {
    Accepted(FromServer),
    Refused(FromServer),
}

impl Trial {
    async fn run(mut self, mut link: Link) {
        let Some(initialize) = self.from_client.recv().await else {
            return;
        };
        let first = tokio::select! {
            first = ask(&mut link, initialize.clone()) => first,
            () = self.to_client.closed() => return,
        };
        let first = match first {
            First::Accepted(message) => {
                self.state.set_speaks(Era::Legacy, self.speaks[0]);
                message
            }
            First::Refused(refusal) => {
                let second = tokio::select! {
                    second = self.ask_second(initialize) => second,
                    () = self.to_client.closed() => return,
                };
                match second {
                    Some((other, message)) => {
                        self.state.set_speaks(Era::Legacy, self.speaks[1]);
                        link = other;
                        message
                    }
                    None => refusal,
                }
            }
        };
        if self.to_client.send(first).await.is_ok() {
            self.pump(link).await;
        }
    }

    /// Asks the second; `None` where that fails too.
    async fn ask_second(&self, initialize: Vec<u8>) -> Option<(Link, FromServer)> {
        let mut link = self.second.connect(self.owner).await.ok()?;
        match ask(&mut link, initialize).await {
            First::Accepted(message) => Some((link, message)),
            First::Refused(_) => None,
        }
    }

    async fn pump(mut self, mut link: Link) {
        loop {
            tokio::select! {
                message = self.from_client.recv() => match message {
                    Some(message) => if link.to_server.send(message).await.is_err() { return },
                    None => return,
                },
                message = link.from_server.recv() => {
                    let message = message.unwrap_or(FromServer::Ended(LinkEnd::Broke));
                    let is_last = matches!(message, FromServer::Ended(_));
                    if self.to_client.send(message).await.is_err() || is_last { return }
                }
            }
        }
    }
}

/// Sends the first request and waits for its answer. Whatever else comes before it is of no session yet.
async fn ask(link: &mut Link, initialize: Vec<u8>) -> First {
    let gone = || First::Refused(FromServer::Ended(LinkEnd::Broke));
    if link.to_server.send(initialize).await.is_err() {
        return gone();
    }
    loop {
        match link.from_server.recv().await {
            None => return gone(),
            Some(FromServer::Ended(end)) => return First::Refused(FromServer::Ended(end)),
            Some(message) => match is_error(&message) {
                Some(true) => return First::Refused(message),
                Some(false) => return First::Accepted(message),
                None => {}
            },
        }
    }
}

/// Whether `message` is a response, and an error.
fn is_error(message: &FromServer) -> Option<bool> {
    let FromServer::Message { bytes, .. } = message else {
        return None;
    };
    let body = scan(bytes, &ScanLimits::default()).ok()?;
    match body.messages() {
        [message] => match message.kind {
            Kind::Response { is_error, .. } => Some(is_error),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::Fallback;
    use crate::control::bridge::{BoxFuture, ConnectError, Connector, FromServer, Link};
    use crate::engine::mcp::revision::Era;
    use crate::engine::session::Owner;
    use crate::engine::snapshot::UpstreamAddress;
    use crate::mailbox::{ServerState, Speaks};

    /// Takes everything and says nothing; tells who looks whether it is still held.
    struct Silent(Mutex<Vec<mpsc::Sender<FromServer>>>);

    impl Connector for Silent {
        fn connect(&self, _: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
            let (to_server, mut asked) = mpsc::channel::<Vec<u8>>(1);
            let (says, from_server) = mpsc::channel(1);
            self.0.lock().unwrap().push(says);
            tokio::spawn(async move { while asked.recv().await.is_some() {} });
            Box::pin(async move {
                Ok(Link {
                    to_server,
                    from_server,
                })
            })
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_client_that_leaves_ends_the_trial_whichever_link_is_silent() {
        let owner = Owner::from_hex(&[b'0'; 32]).unwrap();
        for legacy_is_silent in [true, false] {
            let silent = Arc::new(Silent(Mutex::default()));
            let refuses: Arc<dyn Connector> = Arc::new(Answers(ERROR));
            let (legacy, translated) = match legacy_is_silent {
                true => (Arc::clone(&silent) as Arc<dyn Connector>, refuses),
                false => (refuses, Arc::clone(&silent) as Arc<dyn Connector>),
            };
            let address = UpstreamAddress::Unix { path: "/s".into() };
            let state = Arc::new(ServerState::new("a", address, 1));
            let fallback = Fallback {
                legacy,
                translated,
                state,
            };
            let link = fallback.connect(owner).await.unwrap();
            let request = br#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#;
            link.to_server.send(request.to_vec()).await.unwrap();
            let patience = Duration::from_secs(5);
            let asked = async {
                while silent.0.lock().unwrap().is_empty() {
                    tokio::task::yield_now().await;
                }
            };
            timeout(patience, asked).await.unwrap();
            drop(link);
            let says = silent.0.lock().unwrap().pop().unwrap();
            timeout(patience, says.closed()).await.unwrap();
        }
    }

    /// Answers everything with one text.
    struct Answers(&'static str);

    impl Connector for Answers {
        fn connect(&self, _: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
            let (to_server, mut asked) = mpsc::channel::<Vec<u8>>(1);
            let (answers, from_server) = mpsc::channel(1);
            let answer = self.0;
            tokio::spawn(async move {
                while asked.recv().await.is_some() {
                    let bytes = answer.as_bytes().to_vec();
                    let message = FromServer::Message {
                        bytes,
                        during: None,
                    };
                    if answers.send(message).await.is_err() {
                        return;
                    }
                }
            });
            Box::pin(async move {
                Ok(Link {
                    to_server,
                    from_server,
                })
            })
        }
    }

    const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"from":"legacy"}}"#;
    const TRANSLATED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"from":"translation"}}"#;
    const ERROR: &str = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#;

    #[tokio::test(flavor = "current_thread")]
    async fn a_session_goes_on_with_the_link_that_took_its_first_request() {
        let owner = Owner::from_hex(&[b'0'; 32]).unwrap();
        for (known, legacy, translated, answer, speaks) in [
            (Speaks::Unknown, RESULT, TRANSLATED, RESULT, Speaks::Yes),
            (Speaks::Unknown, ERROR, TRANSLATED, TRANSLATED, Speaks::No),
            (Speaks::Unknown, ERROR, ERROR, ERROR, Speaks::Unknown),
            (Speaks::No, RESULT, TRANSLATED, TRANSLATED, Speaks::No),
            (Speaks::No, RESULT, ERROR, RESULT, Speaks::Yes),
            (Speaks::No, ERROR, ERROR, ERROR, Speaks::No),
        ] {
            let address = UpstreamAddress::Unix { path: "/s".into() };
            let state = Arc::new(ServerState::new("a", address, 1));
            state.set_speaks(Era::Legacy, known);
            let fallback = Fallback {
                legacy: Arc::new(Answers(legacy)),
                translated: Arc::new(Answers(translated)),
                state: Arc::clone(&state),
            };
            let mut link = fallback.connect(owner).await.unwrap();
            for _ in 0..2 {
                let request = br#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#;
                link.to_server.send(request.to_vec()).await.unwrap();
                let Some(FromServer::Message { bytes, .. }) = link.from_server.recv().await else {
                    panic!("no answer");
                };
                assert_eq!(bytes, answer.as_bytes());
            }
            assert_eq!(state.speaks(Era::Legacy), speaks);
        }
    }
}
