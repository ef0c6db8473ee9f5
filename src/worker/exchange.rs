//! One request, stage by stage: head, caller, body, message, policy, quota, upstream, answer.
//!
//! This file is the order of the stages and nothing else: what each decides is in the engine, how bytes move is in the
//! neighbours. `docs/lifecycle.md` follows it.

use std::rc::Rc;

use guard_io::Buffer;
use guard_io::http1::{CONTINUE, HeadIndex, Method as HttpMethod, RequestHead};

use super::account::Account;
use super::answer::{self, Envelope};
use super::connection::Connection;
use super::forward::{self, Outbound};
use super::intake::{self, BodyFault};
use super::notes::Notes;
use super::relay;
use super::state::{View, Worker};
use super::weigh::{Passage, Weighed};
use crate::engine::admission::Front;
use crate::engine::audit::Decision;
use crate::engine::identity::Principal;
use crate::engine::limits::Limits;
use crate::engine::mcp::headers::HeaderDigest;
use crate::engine::reply::Failure;
use crate::engine::session::Session;
use crate::engine::snapshot::ServerIndex;

/// What becomes of the connection after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The next request may follow.
    Continue,
    /// It ends after the answer.
    Close,
    /// It is of no further use: the client is gone, or must see that the answer broke off.
    Abort,
    /// The client must see that the answer broke off, and only a reset can tell: its body lasts until close.
    Reset,
}

/// One exchange in progress.
pub(super) struct Exchange<'c> {
    pub(super) worker: &'c Rc<Worker>,
    pub(super) view: &'c Rc<View>,
    pub(super) connection: &'c mut Connection,
    pub(super) index: &'c HeadIndex,
    pub(super) head: RequestHead,
    pub(super) digest: HeaderDigest,
    pub(super) account: Account,
    pub(super) envelope: Envelope,
    /// Length of the body behind the head in the connection's buffer, once it is there.
    pub(super) body_len: Option<usize>,
    pub(super) notes: Notes,
    /// How the client is served.
    pub(super) front: Front,
    /// The session that the request names, once it was opened for its owner.
    pub(super) session: Option<Session>,
}

/// Who asks for which server, once the head is admitted.
pub(super) struct Addressed {
    pub(super) principal: Principal,
    pub(super) server: ServerIndex,
    /// Where the remainder of the path lies in the target, for `strip_prefix`.
    pub(super) remainder_len: usize,
}

/// Serves the request whose `head` stands at the front of the connection's buffer, and takes it out of there.
pub(super) async fn run(
    worker: &Rc<Worker>,
    view: &Rc<View>,
    connection: &mut Connection,
    head: RequestHead,
    index: &HeadIndex,
) -> Fate {
    let account = Account::open(worker, view, connection.peer.ip());
    let envelope = Envelope {
        request_id: account.request_id,
        version: head.version,
        is_head: head.method == HttpMethod::Head,
        keeps_alive: head.keep_alive,
        cors_origin: None,
        standing: None,
        challenge: None,
    };
    let mut exchange = Exchange {
        worker,
        view,
        connection,
        index,
        head,
        digest: HeaderDigest::default(),
        account,
        envelope,
        body_len: None,
        notes: Notes::Bare(None),
        front: Front::Streamable,
        session: None,
    };
    let fate = exchange.serve().await;
    exchange.finish();
    fate
}

impl Exchange<'_> {
    /// The bytes of the head.
    pub(super) fn head_bytes(&self) -> &[u8] {
        &self.connection.buffer[..self.head.head_len]
    }

    /// The bytes of the body; empty until it was read.
    pub(super) fn body_bytes(&self) -> &[u8] {
        let start = self.head.head_len;
        &self.connection.buffer[start..start + self.body_len.unwrap_or(0)]
    }

    async fn serve(&mut self) -> Fate {
        let addressed = match self.admit().await {
            Ok(addressed) => addressed,
            Err(fate) => return fate,
        };
        match self.head.method {
            HttpMethod::Post => self.take_message(addressed).await,
            _ => self.take_bodiless(addressed).await,
        }
    }

    /// The body, what it says, and whether it may pass.
    async fn take_message(&mut self, addressed: Addressed) -> Fate {
        if let Err(failure) = self.read_body(self.view.limits()).await {
            return match failure {
                Some(failure) => self.refuse(failure).await,
                None => Fate::Abort,
            };
        }
        match self.weigh(&addressed) {
            Weighed::Passes(passage) => self.pass_on(addressed, passage).await,
            Weighed::Refused(failure) => self.refuse(failure).await,
            Weighed::Unread(refusal) => self.refuse_body(refusal).await,
            Weighed::Limited(failure) => self.limit(failure).await,
            Weighed::Denied(judgement) => self.deny(judgement).await,
            Weighed::LacksScope(step_up) => self.ask_for_scope(&step_up).await,
        }
    }

    /// Reads the body within `limits`. Errors: how it fails; `None` where the client has left.
    pub(super) async fn read_body(&mut self, limits: &Limits) -> Result<(), Option<Failure>> {
        if self.head.expect_continue && !intake::announces_too_much(&self.head, limits) {
            answer::send(&self.connection.stream, CONTINUE, limits.write_stall_ms)
                .await
                .map_err(|_| None)?;
        }
        let Connection { stream, buffer, .. } = &mut *self.connection;
        let read = intake::read_body(stream, buffer, &self.head, limits).await;
        stream.set_deadline(None);
        let length = read.map_err(|fault| match fault {
            BodyFault::Gone => None,
            BodyFault::TimedOut => Some(Failure::BodyTimeout),
            BodyFault::TooLarge => Some(Failure::BodyTooLarge {
                limit_bytes: limits.body_bytes,
            }),
            BodyFault::Refused(refusal) => {
                self.account.message = Some(refusal.to_string().into());
                Some(Failure::BadBody)
            }
        })?;
        self.body_len = Some(length);
        self.account.request_bytes = length as u64;
        self.worker.metrics().request_bytes.add(length as u64);
        Ok(())
    }

    /// GET and DELETE: the streams and sessions of the legacy era.
    async fn take_bodiless(&mut self, addressed: Addressed) -> Fate {
        match self.weigh_bodiless(&addressed) {
            Weighed::Passes(passage) => self.pass_on(addressed, passage).await,
            Weighed::Limited(failure) => self.limit(failure).await,
            Weighed::Refused(failure) => self.refuse(failure).await,
            Weighed::LacksScope(step_up) => self.ask_for_scope(&step_up).await,
            Weighed::Unread(_) | Weighed::Denied(_) => self.refuse(Failure::Internal).await,
        }
    }

    /// The upstream, and the way back.
    async fn pass_on(&mut self, addressed: Addressed, passage: Passage) -> Fate {
        if let Err(failure) = self.open_session(addressed.server, passage.agreement) {
            return self.answer_message(failure).await;
        }
        self.account.decision = Decision::Allowed;
        let mut outbound = Outbound {
            permit: passage.permit,
            agreement: passage.agreement,
            remainder_len: addressed.remainder_len,
            way: self.way(addressed.server, passage.agreement),
        };
        let mut turns_left = TURNS_MAX;
        loop {
            let inbound = match forward::send(self, outbound).await {
                Ok(inbound) => inbound,
                Err(fault) => {
                    self.forget_eras(addressed.server, outbound.way, fault);
                    return self.report_upstream(addressed.server, fault).await;
                }
            };
            if turns_left == 0 || !self.turns(addressed.server, outbound.way, &inbound) {
                return relay::run(self, &addressed.principal, &outbound, inbound).await;
            }
            turns_left -= 1;
            outbound.way = outbound.way.other();
            self.worker.give_index(inbound.index);
        }
    }

    /// Writes the records, counts the request, and takes it out of the buffer.
    fn finish(mut self) {
        match &self.notes {
            Notes::Nothing => self.account.finish_unrecorded(),
            Notes::OAuth(note) => self.account.finish_oauth(note),
            _ => self.account.finish(|record| self.each_described(record)),
        }
        if !matches!(self.notes, Notes::Kept(_)) {
            self.consume();
        }
    }

    /// Decides, as an answer is written, whether the connection goes on after it.
    pub(super) fn settle_keep_alive(&mut self) {
        self.envelope.keeps_alive &= !self.worker.draining.is_raised();
    }

    /// Sends a whole answer. The connection goes on only where the envelope said so.
    pub(super) async fn send(&mut self, out: &Buffer) -> Fate {
        self.send_whole(out, &[]).await
    }

    /// As [`send`](Self::send), with a body that lies elsewhere.
    pub(super) async fn send_whole(&mut self, out: &Buffer, body: &[u8]) -> Fate {
        let stall_ms = self.view.limits().write_stall_ms;
        let sent = answer::send_pair(&self.connection.stream, out, body, stall_ms).await;
        match (sent, self.envelope.keeps_alive) {
            (Err(_), _) => Fate::Abort,
            (Ok(()), true) => Fate::Continue,
            (Ok(()), false) => Fate::Close,
        }
    }
}

/// How often a request may change its way: to the bridge, and back where that knows no better.
const TURNS_MAX: u8 = 2;
