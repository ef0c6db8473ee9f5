//! `subscriptions/listen` on a legacy session: `resources/subscribe` for each URI, counted, and notifications for each listen.

use std::collections::{BTreeMap, BTreeSet};

use super::super::hello::Tells;
use super::super::object::{Object, elements, quoted, string};
use super::super::request::{SUBSCRIPTION_ID, tagged};
use super::super::wire::{self, INTERNAL_ERROR, INVALID_PARAMS};
use super::{Act, Asker, Request, Session, answer_once, refuse};
use crate::engine::mcp::methods::Method;

/// Listens of one session.
const LISTENS_MAX: usize = 64;

/// URIs that one session is subscribed to. What is beyond is left out of the acknowledgment.
const URIS_MAX: usize = 1_024;

/// Notifications that wait for the acknowledgment of one listen, in messages. What is beyond is lost, as before it.
const HELD_MAX: usize = 16;

/// The listens of a session.
#[derive(Debug, Default)]
pub(super) struct Listens {
    listens: BTreeMap<Asker, Listen>,
    uris: BTreeMap<String, Uri>,
}

#[derive(Debug)]
struct Listen {
    /// Its request's id, as written.
    id: String,
    wants: Tells,
    uris: BTreeSet<String>,
    is_acknowledged: bool,
    held: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Uri {
    listeners: BTreeSet<Asker>,
    /// Id of the request whose answer is missing.
    pending: Option<u64>,
}

impl Listens {
    pub(super) fn is_empty(&self) -> bool {
        self.listens.is_empty()
    }
}

impl Session {
    pub(super) fn listen(&mut self, request: &Request<'_>, acts: &mut Vec<Act>) {
        let params = request.message.params();
        let Some(filter) = params.object("notifications") else {
            return refuse(request, INVALID_PARAMS, "notifications is missing", acts);
        };
        if self.listens.listens.len() >= LISTENS_MAX {
            return refuse(request, INTERNAL_ERROR, "too many listens", acts);
        }
        let tells = self.hello.tells;
        let listen = Listen {
            id: request.id.to_owned(),
            wants: Tells {
                tools: tells.tools && filter.is_true("toolsListChanged"),
                prompts: tells.prompts && filter.is_true("promptsListChanged"),
                resources: tells.resources && filter.is_true("resourcesListChanged"),
                updates: tells.updates && filter.member("resourceSubscriptions").is_some(),
                logs: false,
            },
            uris: BTreeSet::new(),
            is_acknowledged: false,
            held: Vec::new(),
        };
        let wants_updates = listen.wants.updates;
        self.listens.listens.insert(request.asker, listen);
        if wants_updates {
            let uris = elements(filter.member("resourceSubscriptions").unwrap_or_default());
            for uri in uris.unwrap_or_default().into_iter().filter_map(string) {
                self.subscribe(request.asker, uri, acts);
            }
        }
        self.acknowledge(request.asker, acts);
    }

    fn subscribe(&mut self, asker: Asker, uri: String, acts: &mut Vec<Act>) {
        let is_new = !self.listens.uris.contains_key(&uri);
        if is_new && self.listens.uris.len() >= URIS_MAX {
            return;
        }
        if is_new {
            let id = self.take_id();
            self.subscribing.insert(id, uri.clone());
            acts.push(about_uri(id, Method::ResourcesSubscribe, &uri));
            let listeners = BTreeSet::new();
            let pending = Some(id);
            self.listens
                .uris
                .insert(uri.clone(), Uri { listeners, pending });
        }
        if let Some(held) = self.listens.uris.get_mut(&uri) {
            held.listeners.insert(asker);
        }
        if let Some(listen) = self.listens.listens.get_mut(&asker) {
            listen.uris.insert(uri);
        }
    }

    /// The server answered the request `id` to subscribe to `uri`.
    pub(super) fn subscribed(&mut self, id: u64, uri: &str, is_error: bool, acts: &mut Vec<Act>) {
        let Some(held) = self.listens.uris.get_mut(uri) else {
            return;
        };
        if held.pending != Some(id) {
            return;
        }
        held.pending = None;
        let listeners = held.listeners.clone();
        if is_error {
            self.listens.uris.remove(uri);
        }
        for asker in listeners {
            if is_error && let Some(listen) = self.listens.listens.get_mut(&asker) {
                listen.uris.remove(uri);
            }
            self.acknowledge(asker, acts);
        }
    }

    /// Acknowledges the listen of `asker` once the server has answered for each of its URIs.
    fn acknowledge(&mut self, asker: Asker, acts: &mut Vec<Act>) {
        let Listens { listens, uris } = &mut self.listens;
        let Some(listen) = listens.get_mut(&asker) else {
            return;
        };
        let is_pending = |uri: &String| uris.get(uri).is_some_and(|uri| uri.pending.is_some());
        if listen.is_acknowledged || listen.uris.iter().any(is_pending) {
            return;
        }
        listen.is_acknowledged = true;
        let message = listen.acknowledgment();
        let held = std::mem::take(&mut listen.held);
        for message in std::iter::once(message).chain(held) {
            acts.push(Act::Answer { asker, message });
        }
    }

    /// A notification of the server for whoever listens.
    pub(super) fn notify(&mut self, method: Method, message: &Object<'_>, acts: &mut Vec<Act>) {
        let uri = message
            .object("params")
            .and_then(|params| params.text("uri"));
        for (asker, listen) in &mut self.listens.listens {
            if !listen.wants(method, uri.as_deref()) {
                continue;
            }
            let asker = *asker;
            let message = tagged(message, Some(&listen.id));
            if listen.is_acknowledged {
                acts.push(Act::Answer { asker, message });
            } else if listen.held.len() < HELD_MAX {
                listen.held.push(message);
            }
        }
    }

    pub(super) fn unlisten(&mut self, asker: Asker, acts: &mut Vec<Act>) {
        let Some(listen) = self.listens.listens.remove(&asker) else {
            return;
        };
        for uri in listen.uris {
            let Some(held) = self.listens.uris.get_mut(&uri) else {
                continue;
            };
            held.listeners.remove(&asker);
            if held.listeners.is_empty() {
                let pending = self.listens.uris.remove(&uri).and_then(|uri| uri.pending);
                pending.map(|id| self.subscribing.remove(&id));
                let id = self.take_id();
                acts.push(about_uri(id, Method::ResourcesUnsubscribe, &uri));
            }
        }
    }

    pub(super) fn end_listens(&mut self, acts: &mut Vec<Act>) {
        for (asker, listen) in std::mem::take(&mut self.listens.listens) {
            let result = format!(
                r#"{{"resultType":"complete","_meta":{{"{SUBSCRIPTION_ID}":{}}}}}"#,
                listen.id
            );
            answer_once(asker, wire::result(&listen.id, &result), acts);
        }
        self.listens.uris.clear();
    }
}

impl Listen {
    fn wants(&self, method: Method, uri: Option<&str>) -> bool {
        match method {
            Method::ToolsListChanged => self.wants.tools,
            Method::PromptsListChanged => self.wants.prompts,
            Method::ResourcesListChanged => self.wants.resources,
            Method::ResourcesUpdated => uri.is_some_and(|uri| self.covers(uri)),
            _ => false,
        }
    }

    /// Whether `uri` is one that it subscribed to, or a part of one (2025-11-25, resources/updated).
    fn covers(&self, uri: &str) -> bool {
        let is_part = |whole: &String| {
            let rest = uri.strip_prefix(whole.as_str());
            rest.is_some_and(|rest| whole.ends_with('/') || rest.starts_with(['/', '#', '?']))
        };
        self.uris.contains(uri) || self.uris.iter().any(is_part)
    }

    fn acknowledgment(&self) -> Vec<u8> {
        let flags = [
            ("toolsListChanged", self.wants.tools),
            ("promptsListChanged", self.wants.prompts),
            ("resourcesListChanged", self.wants.resources),
        ];
        let flags = flags.into_iter().filter(|(_, wants)| *wants);
        let mut parts: Vec<_> = flags.map(|(name, _)| format!("\"{name}\":true")).collect();
        if self.wants.updates {
            let uris: Vec<_> = self.uris.iter().map(|uri| quoted(uri)).collect();
            parts.push(format!("\"resourceSubscriptions\":[{}]", uris.join(",")));
        }
        let params = format!(
            r#"{{"_meta":{{"{SUBSCRIPTION_ID}":{}}},"notifications":{{{}}}}}"#,
            self.id,
            parts.join(",")
        );
        wire::notification(Method::SubscriptionsAcknowledged.as_str(), &params)
    }
}

fn about_uri(id: u64, method: Method, uri: &str) -> Act {
    let params = format!("{{\"uri\":{}}}", quoted(uri));
    Act::ToServer(wire::request(id, method.as_str(), &params))
}
