//! What one exchange leaves behind: a record for each message and its counts.
//!
//! **Invariant:** an account that holds a ticket writes its records however the exchange ends; where it is dropped unfinished
//! (a defect, or the end of the process), the record says so.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;

use guard_io::Clock;

use super::notes::OAuthNote;
use super::request_id::RequestId;
use super::state::{View, Worker};
use crate::engine::audit::{Decision, EventType, Record, SessionTag};
use crate::engine::identity::{Principal, Provider};
use crate::engine::mcp::message::{Message, Subject};
use crate::engine::mcp::methods::Method;
use crate::engine::policy::{Rule, SubjectKind};
use crate::engine::snapshot::ServerIndex;
use crate::mailbox::Ticket;
use crate::metrics::OAuthResult;

const US_NS: u64 = 1_000;

/// The record and the counts of one exchange in the making.
pub(super) struct Account {
    worker: Rc<Worker>,
    view: Rc<View>,
    pub(super) request_id: RequestId,
    pub(super) started_ns: u64,
    /// The client's address, behind proxies that are trusted.
    pub(super) client: IpAddr,
    pub(super) principal: Option<Principal>,
    /// By what the caller tried to prove itself, where it failed.
    pub(super) provider: Option<Provider>,
    /// What decided, where no single rule did.
    pub(super) rule: Option<Box<str>>,
    pub(super) server: Option<ServerIndex>,
    pub(super) session: Option<SessionTag>,
    pub(super) trace_id: Option<[u8; 32]>,
    pub(super) decision: Decision,
    pub(super) status: u16,
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
    pub(super) upstream_ns: Option<u64>,
    /// What an operator should know besides.
    pub(super) message: Option<Cow<'static, str>>,
    /// Whether the answer broke off.
    pub(super) is_broken: bool,
    ticket: RefCell<Option<Ticket>>,
    is_finished: Cell<bool>,
}

/// What a record says of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described<'a> {
    pub(super) method: Method,
    pub(super) method_text: &'a [u8],
    pub(super) subject: Named<'a>,
    pub(super) id: Option<&'a [u8]>,
    pub(super) rule: Option<Rule>,
}

/// The thing that a message names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named<'a> {
    Nothing,
    Tool(&'a [u8]),
    Prompt(&'a [u8]),
    Resource(&'a [u8]),
}

impl<'a> Described<'a> {
    pub(super) fn of(message: &'a Message, bytes: &'a [u8], rule: Option<Rule>) -> Self {
        let subject = match message.subject(bytes) {
            Subject::Tool(name) => Named::Tool(name.as_bytes()),
            Subject::Prompt(name) => Named::Prompt(name.as_bytes()),
            Subject::Resource(uri) => Named::Resource(uri.as_bytes()),
            _ => Named::Nothing,
        };
        Self {
            method: message.method().unwrap_or(Method::Other),
            method_text: message
                .call()
                .map_or(b"response", |call| call.method_text.as_bytes(bytes)),
            subject,
            id: message.request_id().map(|id| id.raw(bytes)),
            rule,
        }
    }

    /// A request without a message, by its HTTP method.
    pub(super) const fn bare(http_method: &'a [u8], rule: Option<Rule>) -> Self {
        Self {
            method: Method::Other,
            method_text: http_method,
            subject: Named::Nothing,
            id: None,
            rule,
        }
    }
}

/// The same, owned, for exchanges that outlive their request's buffer.
#[derive(Debug)]
pub(super) struct Kept {
    method: Method,
    method_text: Box<[u8]>,
    subject: Option<(SubjectKind, Box<[u8]>)>,
    id: Option<Box<[u8]>>,
    rule: Option<Rule>,
}

impl Kept {
    pub(super) fn of(described: &Described<'_>) -> Self {
        let subject = match described.subject {
            Named::Nothing => None,
            Named::Tool(name) => Some((SubjectKind::Tool, name.into())),
            Named::Prompt(name) => Some((SubjectKind::Prompt, name.into())),
            Named::Resource(uri) => Some((SubjectKind::Resource, uri.into())),
        };
        Self {
            method: described.method,
            method_text: described.method_text.into(),
            subject,
            id: described.id.map(Into::into),
            rule: described.rule,
        }
    }

    pub(super) fn describe(&self) -> Described<'_> {
        Described {
            method: self.method,
            method_text: &self.method_text,
            subject: match &self.subject {
                Some((SubjectKind::Tool, name)) => Named::Tool(name),
                Some((SubjectKind::Prompt, name)) => Named::Prompt(name),
                Some((SubjectKind::Resource, uri)) => Named::Resource(uri),
                Some((SubjectKind::Method, _)) | None => Named::Nothing,
            },
            id: self.id.as_deref(),
            rule: self.rule,
        }
    }
}

impl Account {
    pub(super) fn open(worker: &Rc<Worker>, view: &Rc<View>, client: IpAddr) -> Self {
        worker.metrics().requests_in_flight.inc();
        worker.in_flight.set(worker.in_flight.get() + 1);
        Self {
            worker: Rc::clone(worker),
            view: Rc::clone(view),
            request_id: worker.next_id(),
            started_ns: Clock::monotonic_ns(),
            client,
            principal: None,
            provider: None,
            rule: None,
            server: None,
            session: None,
            trace_id: None,
            decision: Decision::Refused,
            status: 0,
            request_bytes: 0,
            response_bytes: 0,
            upstream_ns: None,
            message: None,
            is_broken: false,
            ticket: RefCell::default(),
            is_finished: Cell::new(false),
        }
    }

    /// Makes room for `records` records before anything is admitted; `false` where there is none and requests are to be
    /// refused then.
    pub(super) fn reserve(&mut self, records: usize) -> bool {
        if !self.view.snapshot().audit.enabled {
            return true;
        }
        let ticket = self.worker.audit.reserve_many(records);
        let is_reserved = ticket.is_some();
        self.ticket.replace(ticket);
        is_reserved
    }

    /// Ends the exchange: writes the record of each message that `each` shows, and counts the request.
    pub(super) fn finish(&self, each: impl FnOnce(&mut dyn FnMut(&Described<'_>))) {
        let duration_ns = Clock::monotonic_ns().saturating_sub(self.started_ns);
        let (mut method, mut messages) = (Method::Other, 0);
        each(&mut |described| {
            messages += 1;
            method = described.method;
            self.count_decision();
            self.record(described, duration_ns);
        });
        // A batch has no one method.
        self.count(
            if messages == 1 { method } else { Method::Other },
            duration_ns,
        );
    }

    /// Ends an exchange that is worth no record: a page of the gateway's own.
    pub(super) fn finish_unrecorded(&self) {
        let duration_ns = Clock::monotonic_ns().saturating_sub(self.started_ns);
        self.count(Method::Other, duration_ns);
    }

    /// Ends a request to an endpoint of OAuth. What one address asks too often is counted and not recorded, so that it cannot fill
    /// the disk.
    pub(super) fn finish_oauth(&self, note: &OAuthNote) {
        let duration_ns = Clock::monotonic_ns().saturating_sub(self.started_ns);
        if note.result != OAuthResult::Limited {
            self.write_record(|| self.describe_oauth(note, duration_ns));
        }
        self.worker.metrics().oauth(note.endpoint, note.result);
        self.count(Method::Other, duration_ns);
    }

    fn count(&self, method: Method, duration_ns: u64) {
        self.is_finished.set(true);
        let metrics = self.worker.metrics();
        metrics.request(method as usize, self.status, duration_ns);
        metrics.response_bytes.add(self.response_bytes);
    }

    fn count_decision(&self) {
        self.worker.metrics().decision(self.decision);
    }

    fn record(&self, described: &Described<'_>, duration_ns: u64) {
        self.write_record(|| self.describe(described, duration_ns));
    }

    fn write_record<'a>(&self, record: impl FnOnce() -> Record<'a>) {
        if !self.view.snapshot().audit.enabled {
            return;
        }
        // What was refused before it was admitted has no ticket: it is recorded where there is room.
        let mut slot = self.ticket.borrow_mut();
        if slot.is_none() {
            *slot = self.worker.audit.reserve();
        }
        if let Some(ticket) = &mut *slot {
            let record = record();
            ticket.write(|out| record.encode(out));
        }
    }

    fn describe<'a>(&'a self, described: &Described<'a>, duration_ns: u64) -> Record<'a> {
        let mut record = Record::new(
            self.event(described.method, described.method_text),
            Clock::unix_micros(),
        );
        record.request_id = Some(self.request_id.as_bytes());
        record.trace_id = self.trace_id.as_ref().map(|id| &id[..]);
        record.peer = Some(self.client);
        record.auth_provider = self.provider.map(Provider::as_str);
        if let Some(principal) = &self.principal {
            record.identity_id = Some(principal.record_id().as_bytes());
            record.auth_provider = Some(principal.provider().as_str());
            record.rule = described.rule.map(|rule| rule.label(principal.grants()));
        }
        record.rule = self.rule.as_deref().or(record.rule);
        record.server = self
            .server
            .map(|server| &*self.view.snapshot().server(server).name);
        record.method = Some(described.method_text);
        match described.subject {
            Named::Nothing => {}
            Named::Tool(name) => record.tool = Some(name),
            Named::Prompt(name) => record.prompt = Some(name),
            Named::Resource(uri) => record.resource = Some(uri),
        }
        record.decision = Some(self.decision);
        record.success =
            Some(self.decision == Decision::Allowed && self.status < 400 && !self.is_broken);
        record.status = Some(self.status);
        record.duration_us = Some(duration_ns / US_NS);
        record.upstream_us = self.upstream_ns.map(|ns| ns / US_NS);
        record.request_bytes = Some(self.request_bytes);
        record.response_bytes = Some(self.response_bytes);
        record.session = self.session;
        record.message = self.message.as_deref().map(str::as_bytes);
        record
    }

    fn describe_oauth<'a>(&'a self, note: &'a OAuthNote, duration_ns: u64) -> Record<'a> {
        let method = note.endpoint.record_method().as_bytes();
        let mut record = self.describe(&Described::bare(method, None), duration_ns);
        let (event, decision) = match note.result {
            OAuthResult::Granted => (EventType::AuthSuccess, Decision::Allowed),
            OAuthResult::Shown => (EventType::Request, Decision::Allowed),
            OAuthResult::Denied => (EventType::AuthFailure, Decision::Unauthenticated),
            OAuthResult::Limited => (EventType::RateLimited, Decision::RateLimited),
            OAuthResult::Refused | OAuthResult::Failed | OAuthResult::Gone => {
                (EventType::Request, Decision::Refused)
            }
        };
        record.event = event;
        record.decision = Some(decision);
        record.success =
            Some(decision == Decision::Allowed && self.status < 400 && !self.is_broken);
        if let Some(identity) = &note.identity {
            record.identity_id = Some(identity.as_bytes());
            record.auth_provider = Some(Provider::OAuth.as_str());
        }
        record
    }

    fn event(&self, method: Method, method_text: &[u8]) -> EventType {
        match self.decision {
            Decision::Unauthenticated => EventType::AuthFailure,
            Decision::Denied => EventType::AuthzDenied,
            Decision::RateLimited => EventType::RateLimited,
            Decision::Refused => EventType::Request,
            Decision::Allowed => match method {
                Method::ToolsCall => EventType::ToolCall,
                Method::Initialize => EventType::Session,
                Method::Other if matches!(method_text, b"GET" | b"DELETE") => EventType::Session,
                _ => EventType::Request,
            },
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.worker.metrics().requests_in_flight.dec();
        self.worker.in_flight.set(self.worker.in_flight.get() - 1);
        if !self.is_finished.get() && self.ticket.borrow().is_some() {
            self.is_broken = true;
            self.message = Some("the exchange was given up".into());
            let duration_ns = Clock::monotonic_ns().saturating_sub(self.started_ns);
            self.record(&Described::bare(b"unknown", None), duration_ns);
        }
    }
}
