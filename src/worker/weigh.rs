//! Whether a message may pass: what it says, room for its record, policy, quota, and the caller's streams.
//!
//! What comes of it is told apart here and acted on by [`exchange`](super::exchange).

use guard_io::http1::{Method as HttpMethod, RequestFraming};

use super::exchange::{Addressed, Exchange};
use super::notes::{Notes, Rules};
use super::streams::StreamSlot;
use crate::engine::admission::{BodyRefusal, Judgement, actions, judge, read_bodiless, read_body};
use crate::engine::mcp::agreement::Agreement;
use crate::engine::mcp::message::{Body, Message};
use crate::engine::mcp::methods::Method;
use crate::engine::policy::{Action, Permit, StepUp, decide_all, decide_stream, step_up};
use crate::engine::reply::Failure;

/// What comes of a message before anything is sent.
///
/// Told apart here and acted on by the caller, so that what was read for it is not carried along while the answer is awaited.
pub(super) enum Weighed {
    /// It may go to the upstream.
    Passes(Passage),
    /// It is no message that anybody may send here.
    Refused(Failure),
    /// Its body cannot be read.
    Unread(BodyRefusal),
    /// It may not pass now.
    Limited(Failure),
    /// No rule allows it.
    Denied(Judgement),
    /// No rule allows it, and further scopes would.
    LacksScope(StepUp),
}

/// The right to pass, and what holds while it is used.
pub(super) struct Passage {
    pub(super) permit: Permit,
    pub(super) agreement: Agreement,
    /// Counts the caller's open streams.
    _slot: Option<StreamSlot>,
}

impl Exchange<'_> {
    /// Message, audit room, policy and quota. Denied calls are charged too, so asking for what is hidden is no free search.
    pub(super) fn weigh(&mut self, addressed: &Addressed) -> Weighed {
        let read = read_body(
            self.view.limits(),
            &self.digest,
            self.head_bytes(),
            self.body_bytes(),
        );
        let understood = match read {
            Ok(understood) => understood,
            Err(refusal) => return Weighed::Unread(refusal),
        };
        if !self.account.reserve(understood.body.messages().len()) {
            return Weighed::Refused(Failure::AuditFull);
        }
        let bytes = self.body_bytes();
        let server = self.view.snapshot().server(addressed.server);
        let judgement = judge(&addressed.principal, server, &understood.body, bytes);
        let rule_of =
            |message| match decide_all(&addressed.principal, server, actions(message, bytes)) {
                Ok(permit) => permit.rule(),
                Err(denial) => denial.rule,
            };
        let rules = match &judgement {
            Judgement::One(Ok(permit)) => Rules::One(permit.rule()),
            Judgement::One(Err(denial)) => Rules::One(denial.rule),
            Judgement::Batch(_) => {
                Rules::Each(understood.body.messages().iter().map(rule_of).collect())
            }
        };
        let charged = self.charge(addressed, &understood.body);
        let is_denied = judgement.permit().is_none() && charged.is_ok();
        let lacking = is_denied
            .then(|| self.lacking_for(addressed, &understood.body))
            .flatten();
        let agreement = understood.agreement;
        let is_listening = understood.body.messages().iter().any(opens_stream);
        self.notes = Notes::Read(understood, rules);
        if let Err(failure) = charged {
            return Weighed::Limited(failure);
        }
        let Some(permit) = judgement.permit() else {
            return lacking.map_or(Weighed::Denied(judgement), Weighed::LacksScope);
        };
        self.passage(addressed, agreement, permit, is_listening)
    }

    fn passage(
        &self,
        addressed: &Addressed,
        agreement: Agreement,
        permit: Permit,
        is_listening: bool,
    ) -> Weighed {
        let slot = match is_listening
            .then(|| self.admit_stream(addressed))
            .transpose()
        {
            Ok(slot) => slot,
            Err(failure) => return Weighed::Limited(failure),
        };
        Weighed::Passes(Passage {
            permit,
            agreement,
            _slot: slot,
        })
    }

    fn charge(&mut self, addressed: &Addressed, body: &Body) -> Result<(), Failure> {
        let snapshot = self.view.snapshot();
        let server = snapshot.server(addressed.server);
        let bytes = self.body_bytes();
        let verdict = match body {
            Body::One(message) => self.worker.charge(
                snapshot,
                &addressed.principal,
                server,
                &[tool_of(message, bytes)],
            ),
            Body::Batch(messages) => {
                let tools: Vec<_> = messages
                    .iter()
                    .map(|message| tool_of(message, bytes))
                    .collect();
                self.worker
                    .charge(snapshot, &addressed.principal, server, &tools)
            }
        };
        self.settle_charge(verdict)
    }

    pub(super) fn weigh_bodiless(&mut self, addressed: &Addressed) -> Weighed {
        let agreement = match read_bodiless(&self.digest, self.head_bytes()) {
            Ok(agreement) => agreement,
            Err(failure) => return Weighed::Refused(failure),
        };
        if !matches!(
            self.head.framing,
            RequestFraming::None | RequestFraming::Length(0)
        ) {
            return Weighed::Refused(Failure::BadBody);
        }
        if !self.account.reserve(1) {
            return Weighed::Refused(Failure::AuditFull);
        }
        let snapshot = self.view.snapshot();
        let server = snapshot.server(addressed.server);
        let decision = decide_stream(&addressed.principal, server);
        let lacking = match decision {
            Ok(_) => None,
            Err(_) => self.lacking(addressed, [Action::AlwaysAllowed]),
        };
        if decision.is_err() && lacking.is_none() {
            return Weighed::Refused(Failure::NotFound);
        }
        let rule = decision.map_or_else(|denial| denial.rule, Permit::rule);
        self.notes = Notes::Bare(Some(rule));
        let charged = self
            .worker
            .charge(snapshot, &addressed.principal, server, &[None]);
        let charged = self.settle_charge(charged);
        match (charged, decision, lacking) {
            (Err(failure), ..) => Weighed::Limited(failure),
            (Ok(()), Ok(permit), _) => {
                let is_get = self.head.method == HttpMethod::Get;
                self.passage(addressed, agreement, permit, is_get)
            }
            (Ok(()), Err(_), Some(step_up)) => Weighed::LacksScope(step_up),
            (Ok(()), Err(_), None) => Weighed::Refused(Failure::NotFound),
        }
    }

    /// The scopes without which `body` was denied, where scopes would help. A batch is answered member by member, unless the
    /// caller does not so much as reach the server.
    fn lacking_for(&self, addressed: &Addressed, body: &Body) -> Option<StepUp> {
        match body {
            Body::One(message) => self.lacking(addressed, actions(message, self.body_bytes())),
            Body::Batch(_) => self.lacking(addressed, [Action::AlwaysAllowed]),
        }
    }

    fn lacking<'a>(
        &self,
        addressed: &Addressed,
        actions: impl IntoIterator<Item = Action<'a>>,
    ) -> Option<StepUp> {
        let server = self.view.snapshot().server(addressed.server);
        step_up(&addressed.principal, server, actions)
    }

    fn admit_stream(&self, addressed: &Addressed) -> Result<StreamSlot, Failure> {
        let max = self.view.limits().streams_per_principal;
        let identity = addressed.principal.identity();
        let slot = self.worker.streams.admit(identity, max);
        slot.ok_or(Failure::TooManyStreams)
    }
}

/// A message whose answer is a stream that stays open.
fn opens_stream(message: &Message) -> bool {
    message.method() == Some(Method::SubscriptionsListen)
}

fn tool_of<'a>(message: &'a Message, bytes: &'a [u8]) -> Option<&'a str> {
    let call = message
        .call()
        .filter(|call| call.method == Method::ToolsCall)?;
    call.params.name.as_ref().map(|name| name.as_str(bytes))
}
