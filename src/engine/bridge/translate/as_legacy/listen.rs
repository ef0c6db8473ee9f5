//! One `subscriptions/listen` for all that the client would be told without asking, and for its subscriptions.
//!
//! A change of the set opens a new listen; the old one goes on until the new one is acknowledged, so that nothing is missed.

use std::collections::BTreeSet;

use super::super::hello::Tells;
use super::super::object::{Object, elements, quoted, string};
use super::super::request::{Answers, tagged};
use super::super::wire::{self, INTERNAL_ERROR, INVALID_PARAMS, Kind, METHOD_NOT_FOUND, Message};
use super::{Act, Number, Session, reply};
use crate::engine::mcp::limits::{SUBSCRIPTIONS_MAX, URI_BYTES_MAX};
use crate::engine::mcp::methods::Method;

/// Pause before a listen that broke is opened again, in milliseconds; doubled with each failure.
const PAUSE_MS: u64 = 1_000;

/// Longest such pause, in milliseconds.
const PAUSE_MS_MAX: u64 = 60_000;

/// `resources/subscribe` requests of the client that wait for an acknowledgment.
const PENDING_MAX: usize = 64;

/// What the client listens to.
#[derive(Debug, Default)]
pub(super) struct Listening {
    uris: BTreeSet<String>,
    /// The newest listen.
    current: Option<Number>,
    is_acknowledged: bool,
    /// The one before, until the newest is acknowledged.
    old: Option<Number>,
    /// The client's subscriptions that the newest listen is to acknowledge: id and URI.
    pending: Vec<(String, String)>,
    /// When a broken listen is opened again, and how often it has failed.
    again_ms: Option<u64>,
    failures: u32,
    /// The server has no listens.
    is_refused: bool,
}

impl Listening {
    pub(super) const fn wake_ms(&self) -> Option<u64> {
        self.again_ms
    }

    /// Whether what `number` says goes to the client.
    fn is_heard(&self, number: Number) -> bool {
        match self.old {
            Some(old) => old == number,
            None => self.current == Some(number),
        }
    }
}

impl Session {
    pub(super) fn is_listen(&self, number: Number) -> bool {
        [self.listening.current, self.listening.old].contains(&Some(number))
    }

    fn tells(&self) -> Tells {
        let discovery = self.discovery.as_ref();
        discovery.map_or_else(Tells::default, |discovery| discovery.tells)
    }

    /// `resources/subscribe` and `resources/unsubscribe`.
    pub(super) fn subscribe(&mut self, method: Method, message: &Message<'_>, acts: &mut Vec<Act>) {
        let id = message.id().unwrap_or("null");
        let refuse = |code, words| reply(id, wire::error(id, code, words));
        if !self.tells().updates || self.listening.is_refused {
            return acts.push(refuse(METHOD_NOT_FOUND, "method not found"));
        }
        let uri = message.params().text("uri");
        let Some(uri) = uri.filter(|uri| uri.len() <= URI_BYTES_MAX) else {
            return acts.push(refuse(INVALID_PARAMS, "uri is missing"));
        };
        let subscribes = method == Method::ResourcesSubscribe;
        let changes = subscribes != self.listening.uris.contains(&uri);
        let is_full = self.listening.uris.len() >= SUBSCRIPTIONS_MAX
            || self.listening.pending.len() >= PENDING_MAX;
        if subscribes && changes && is_full {
            return acts.push(refuse(INTERNAL_ERROR, "too many subscriptions"));
        }
        match (subscribes, changes) {
            (true, true) => {
                self.listening.uris.insert(uri.clone());
                self.listening.pending.push((id.to_owned(), uri));
            }
            (false, true) => {
                self.listening.uris.remove(&uri);
                acts.push(reply(id, wire::result(id, "{}")));
            }
            (_, false) => return acts.push(reply(id, wire::result(id, "{}"))),
        }
        self.refresh_listen(acts);
    }

    /// Opens a listen for what the client wants now, if it wants anything.
    pub(super) fn refresh_listen(&mut self, acts: &mut Vec<Act>) {
        let tells = self.tells();
        let listening = &mut self.listening;
        listening.again_ms = None;
        let wants = tells.tools || tells.prompts || tells.resources || !listening.uris.is_empty();
        if listening.is_refused || !wants && listening.current.is_none() {
            return;
        }
        // Two at most: of several changes in a row only the first listen and the last count.
        let current = listening.current.take();
        let (kept, dropped) = match listening.is_acknowledged {
            true => (current, listening.old.take()),
            false => (listening.old.take(), current),
        };
        listening.old = kept;
        listening.is_acknowledged = false;
        acts.extend(dropped.map(Act::Drop));
        if !wants {
            acts.extend(listening.old.take().map(Act::Drop));
            return;
        }
        let number = self.take_number();
        self.listening.current = Some(number);
        let message = format!(
            r#"{{"jsonrpc":"2.0","id":{number},"method":"{}","params":{{"notifications":{}}}}}"#,
            Method::SubscriptionsListen.as_str(),
            filter(tells, &self.listening.uris)
        );
        let message = Object::parse(&message).unwrap_or_default();
        let message = self.meta.to_modern(&message, number, &Answers::default());
        acts.push(Act::Ask { number, message });
    }

    pub(super) fn listen_says(
        &mut self,
        number: Number,
        message: &Message<'_>,
        now_ms: u64,
        acts: &mut Vec<Act>,
    ) {
        match &message.kind {
            Kind::Response => {
                let error = message.object.object("error");
                let code = error.and_then(|error| error.member("code").map(str::to_owned));
                let is_unknown = code.is_some_and(|code| code == METHOD_NOT_FOUND.to_string());
                self.listening.is_refused |= is_unknown;
                self.listen_lost(number, now_ms, acts);
            }
            Kind::Notification(method) => match Method::parse(method) {
                Method::SubscriptionsAcknowledged => self.acknowledged(number, message, acts),
                method if self.listening.is_heard(number) && is_passed(method) => {
                    acts.push(Act::ToClient {
                        message: tagged(&message.object, None),
                        during: None,
                    });
                }
                _ => {}
            },
            Kind::Request(_) => {}
        }
    }

    fn acknowledged(&mut self, number: Number, message: &Message<'_>, acts: &mut Vec<Act>) {
        if self.listening.current != Some(number) || self.listening.is_acknowledged {
            return;
        }
        self.listening.is_acknowledged = true;
        self.listening.failures = 0;
        acts.extend(self.listening.old.take().map(Act::Drop));
        let params = message.params();
        let filter = params.object("notifications").unwrap_or_default();
        let uris = elements(filter.member("resourceSubscriptions").unwrap_or("[]"));
        let uris: BTreeSet<_> = uris
            .unwrap_or_default()
            .into_iter()
            .filter_map(string)
            .collect();
        for (id, uri) in std::mem::take(&mut self.listening.pending) {
            if uris.contains(&uri) {
                acts.push(reply(&id, wire::result(&id, "{}")));
            } else {
                self.listening.uris.remove(&uri);
                let refused = wire::error(&id, wire::RESOURCE_NOT_FOUND, "resource not available");
                acts.push(reply(&id, refused));
            }
        }
    }

    /// A listen is over. The client still wants it, so it is opened again.
    pub(super) fn listen_lost(&mut self, number: Number, now_ms: u64, acts: &mut Vec<Act>) {
        let listening = &mut self.listening;
        if listening.old == Some(number) {
            listening.old = None;
            return;
        }
        listening.current = None;
        listening.is_acknowledged = false;
        for (id, uri) in std::mem::take(&mut listening.pending) {
            listening.uris.remove(&uri);
            let failed = wire::error(&id, INTERNAL_ERROR, "upstream ended early");
            acts.push(reply(&id, failed));
        }
        let pause_ms = PAUSE_MS << listening.failures.min(6);
        listening.failures = listening.failures.saturating_add(1);
        let again_ms = now_ms + pause_ms.min(PAUSE_MS_MAX);
        listening.again_ms = (!listening.is_refused).then_some(again_ms);
    }
}

const fn is_passed(method: Method) -> bool {
    matches!(
        method,
        Method::ToolsListChanged
            | Method::PromptsListChanged
            | Method::ResourcesListChanged
            | Method::ResourcesUpdated
    )
}

fn filter(tells: Tells, uris: &BTreeSet<String>) -> String {
    let flags = [
        ("toolsListChanged", tells.tools),
        ("promptsListChanged", tells.prompts),
        ("resourcesListChanged", tells.resources),
    ];
    let flags = flags.into_iter().filter(|(_, tells)| *tells);
    let mut parts: Vec<_> = flags.map(|(name, _)| format!("\"{name}\":true")).collect();
    if !uris.is_empty() {
        let uris: Vec<_> = uris.iter().map(|uri| quoted(uri)).collect();
        parts.push(format!("\"resourceSubscriptions\":[{}]", uris.join(",")));
    }
    format!("{{{}}}", parts.join(","))
}
