//! A modern server as a legacy session: one task a session, one task a modern request.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Clock, sleep_until};
use crate::control::bridge::link::LINK_MESSAGES_MAX;
use crate::control::bridge::{
    Ask, BoxFuture, ConnectError, Connector, FromServer, Link, ModernUpstream,
};
use crate::engine::bridge::translate::as_legacy::{Act, Lost, Number, Session};
use crate::engine::session::Owner;

/// Messages for a client that may wait before the server's answers are read no further.
const TO_CLIENT_MESSAGES: usize = 64;

/// Messages for a client that may wait before its own are read no further. More than the above: a client that talks before it
/// listens is answered still.
const TO_CLIENT_MESSAGES_MAX: usize = 256;

/// Opens legacy sessions to a server of the modern era.
pub(in crate::control) struct AsLegacy {
    upstream: Arc<dyn ModernUpstream>,
}

impl AsLegacy {
    /// In front of `upstream`.
    pub(in crate::control) fn new(upstream: Arc<dyn ModernUpstream>) -> Self {
        Self { upstream }
    }
}

impl Connector for AsLegacy {
    fn connect(&self, owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        Box::pin(async move {
            let (to_server, from_client) = mpsc::channel(LINK_MESSAGES_MAX);
            let (to_client, from_server) = mpsc::channel(LINK_MESSAGES_MAX);
            let (events_in, events) = mpsc::channel(LINK_MESSAGES_MAX);
            let task = Task {
                upstream: Arc::clone(&self.upstream),
                owner,
                clock: Clock::start(),
                session: Session::default(),
                asks: HashMap::new(),
                outbound: VecDeque::new(),
                events_in,
            };
            tokio::spawn(task.run(from_client, to_client, events));
            Ok(Link {
                to_server,
                from_server,
            })
        })
    }
}

/// What a modern request came to.
enum Event {
    Answer(Number, Vec<u8>),
    Lost(Number, Lost),
}

/// A modern request under way. Dropping it cancels the request.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One session. Ends with the client's half of the link.
struct Task {
    upstream: Arc<dyn ModernUpstream>,
    owner: Owner,
    clock: Clock,
    session: Session,
    asks: HashMap<Number, Running>,
    outbound: VecDeque<FromServer>,
    events_in: mpsc::Sender<Event>,
}

impl Task {
    async fn run(
        mut self,
        mut from_client: mpsc::Receiver<Vec<u8>>,
        to_client: mpsc::Sender<FromServer>,
        mut events: mpsc::Receiver<Event>,
    ) {
        loop {
            let mut acts = Vec::new();
            tokio::select! {
                permit = to_client.reserve(), if !self.outbound.is_empty() => match permit {
                    Ok(permit) => {
                        if let Some(message) = self.outbound.pop_front() {
                            permit.send(message);
                        }
                    }
                    Err(_) => return,
                },
                message = from_client.recv(), if self.outbound.len() < TO_CLIENT_MESSAGES_MAX => {
                    match message {
                        Some(message) => self.session.from_client(&message, &mut acts),
                        None => return,
                    }
                }
                Some(event) = events.recv(), if self.outbound.len() < TO_CLIENT_MESSAGES => {
                    self.hear(event, &mut acts);
                }
                () = sleep_until(self.clock, self.session.wake_ms()) => {
                    self.session.tick(self.clock.now_ms(), &mut acts);
                }
            }
            self.perform(acts);
        }
    }

    fn hear(&mut self, event: Event, acts: &mut Vec<Act>) {
        let now_ms = self.clock.now_ms();
        let number = match event {
            Event::Answer(number, message) => {
                self.session.answer(number, &message, now_ms, acts);
                number
            }
            Event::Lost(number, lost) => {
                self.session.lost(number, lost, now_ms, acts);
                number
            }
        };
        if !self.session.wants(number) {
            self.asks.remove(&number);
        }
    }

    fn perform(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::ToClient { message, during } => {
                    self.outbound.push_back(FromServer::Message {
                        bytes: message,
                        during: during.map(|id| id.into_bytes().into()),
                    });
                }
                Act::Ask { number, message } => {
                    let ask = Ask {
                        owner: self.owner,
                        message,
                        fields: Vec::new(),
                    };
                    let upstream = Arc::clone(&self.upstream);
                    let asking = run_ask(upstream, number, ask, self.events_in.clone());
                    self.asks.insert(number, Running(tokio::spawn(asking)));
                }
                Act::Drop(number) => drop(self.asks.remove(&number)),
            }
        }
    }
}

/// Sends `ask` and hands on what answers it. Ends when nobody takes it.
async fn run_ask(
    upstream: Arc<dyn ModernUpstream>,
    number: Number,
    ask: Ask,
    events: mpsc::Sender<Event>,
) {
    let lost = match upstream.ask(ask).await {
        Ok(mut answers) => {
            while let Some(message) = answers.recv().await {
                if events.send(Event::Answer(number, message)).await.is_err() {
                    return;
                }
            }
            Lost::BrokeOff
        }
        Err(error) => lost(&error),
    };
    // The session that does not take it is over.
    let _ = events.send(Event::Lost(number, lost)).await;
}

fn lost(error: &ConnectError) -> Lost {
    match error {
        ConnectError::Full(_) => Lost::Full,
        ConnectError::BackingOff | ConnectError::Unreachable(_) => Lost::Unreachable,
        ConnectError::WrongEra => Lost::WrongEra,
    }
}

#[cfg(test)]
mod tests;
