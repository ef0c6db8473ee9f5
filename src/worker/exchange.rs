//! One request, stage by stage: head, caller, body, message, policy, quota, upstream, answer.
//!
//! This file is the order of the stages and nothing else: what each decides is in the engine, how bytes move is in the
//! neighbours. `docs/lifecycle.md` follows it.

use std::rc::Rc;
use std::sync::Arc;

use guard_io::http1::{CONTINUE, HeadIndex, Method as HttpMethod, RequestHead};
use guard_io::{Buffer, Clock};

use super::account::Account;
use super::answer::{self, Envelope};
use super::connection::Connection;
use super::forward::{self, Outbound};
use super::intake::{self, BodyFault};
use super::key_wait::Waited;
use super::notes::Notes;
use super::relay;
use super::state::{View, Worker};
use super::weigh::{Passage, Weighed};
use crate::engine::admission::{Arrival, Front, HeadAdmission, Verb, admit_head};
use crate::engine::audit::Decision;
use crate::engine::identity::jwt::KeyRing;
use crate::engine::identity::{Principal, Proving, Suspicion, client_address};
use crate::engine::mcp::headers::HeaderDigest;
use crate::engine::quota::PeerKey;
use crate::engine::reply::Failure;
use crate::engine::session::Session;
use crate::engine::snapshot::ServerIndex;
use crate::metrics::{AuthResult, Bound};

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

    /// The head: what is asked for, and by whom.
    async fn serve(&mut self) -> Fate {
        let bytes = self.head_bytes();
        match HeaderDigest::read(bytes, self.index.headers(bytes)) {
            Ok(digest) => self.digest = digest,
            Err(refusal) => {
                self.account.message = Some(refusal.to_string().into());
                return self
                    .refuse(Failure::BadHeader {
                        detail: "a header is repeated or malformed",
                    })
                    .await;
            }
        }
        self.note_head();
        if self.worker.in_flight.get() > self.worker.in_flight_max(self.view.limits()) {
            return self.refuse(Failure::Overloaded).await;
        }
        let mut admission = admit_head(self.view.snapshot(), &self.arrival());
        let newer: Arc<KeyRing>;
        if let Err(refusal) = &admission
            && let Some(source) = refusal.wanted_keys()
        {
            // Boxed, because it is rare, and every connection's task would carry it.
            match Box::pin(self.newer_keys(source)).await {
                Waited::InVain => {}
                Waited::Gone => return Fate::Abort,
                Waited::Renewed(keys) => {
                    newer = keys;
                    admission = admit_head(self.view.snapshot(), &self.arrival_under(&newer));
                }
            }
        }
        let admitted = match admission {
            Err(refusal) => return self.turn_away(refusal).await,
            Ok(HeadAdmission::Mcp {
                principal,
                server,
                remainder,
                front,
            }) => {
                let remainder_len = remainder.len();
                self.front = front;
                self.note_session();
                Addressed {
                    principal,
                    server,
                    remainder_len,
                }
            }
            Ok(HeadAdmission::SseTried(_)) => return self.answer_sse_tried().await,
            Ok(HeadAdmission::Page(page)) => return self.answer_page(page).await,
            Ok(HeadAdmission::ResourceMetadata(resource)) => {
                let document = self.view.snapshot().discovery().document(resource);
                return self.answer_document(&document).await;
            }
            Ok(HeadAdmission::Preflight) => return self.answer_preflight().await,
            Ok(HeadAdmission::Routes(principal)) => return self.answer_routes(&principal).await,
            Ok(HeadAdmission::Metrics(_)) => return self.answer_metrics().await,
        };
        self.worker
            .metrics()
            .auth(Some(admitted.principal.provider()), AuthResult::Success);
        self.account.principal = Some(admitted.principal.clone());
        self.account.server = Some(admitted.server);
        match self.head.method {
            HttpMethod::Post => self.take_message(admitted).await,
            _ => self.take_bodiless(admitted).await,
        }
    }

    fn note_head(&mut self) {
        let bytes = &self.connection.buffer[..self.head.head_len];
        let trusted = &self.view.snapshot().trusted_proxies;
        if !trusted.is_empty() {
            let fields = self.index.headers(bytes);
            let named = |name: &[u8]| name.eq_ignore_ascii_case(b"x-forwarded-for");
            let values: Vec<&[u8]> = fields
                .filter(|(name, _)| named(name))
                .map(|(_, value)| value)
                .collect();
            self.account.client =
                client_address(self.connection.peer.ip(), values.into_iter(), trusted);
        }
        self.account.trace_id = self
            .digest
            .traceparent
            .and_then(|value| trace_id(value.of(bytes)));
        for _ in 0..self.digest.underscored {
            self.worker.metrics().bound(Bound::UnderscoreHeader);
        }
        let told = self.digest.certificate.of(bytes);
        let identity = &self.view.snapshot().identity;
        for _ in 0..identity.disbelieved(told, self.connection.peer.ip()) {
            self.worker.metrics().bound(Bound::IdentityHeader);
        }
        if let (Some(cors), Some(origin)) = (&self.view.snapshot().cors, self.digest.origin) {
            let origin = origin.of(bytes);
            self.envelope.cors_origin = cors.origins.allows(origin).then(|| origin.into());
        }
    }

    fn arrival(&self) -> Arrival<'_> {
        let bytes = self.head_bytes();
        Arrival {
            verb: verb(self.head.method),
            target: self.head.target.path(bytes),
            authority: self.head.authority.map(|authority| authority.of(bytes)),
            head: bytes,
            digest: &self.digest,
            server_name: self.connection.server_name(),
            proving: Proving {
                now_secs: Clock::unix_micros() / 1_000_000,
                keys: &self.view.live.keys,
                cache: Some(&self.worker.proofs),
                certificate: self.connection.certificate(self.view.snapshot()),
                told: Some(self.digest.certificate.of(bytes)),
                peer: self.connection.peer.ip(),
                suspicion: self.suspicion(),
            },
        }
    }

    /// What is known of the client's address, where failures are counted.
    fn suspicion(&self) -> Option<Suspicion<'_>> {
        let plan = &self.view.snapshot().quotas;
        let quota = plan.unauthenticated.filter(|_| plan.enabled)?;
        Some(Suspicion {
            peers: &self.worker.shared.peers,
            peer: PeerKey::from(self.account.client),
            quota,
            tries: &self.worker.suspect_proofs,
            now_ns: self.account.started_ns,
        })
    }

    /// The same under keys that came since. Its proof is made for this exchange alone: by now the cache may be that of another
    /// configuration.
    fn arrival_under<'a>(&'a self, keys: &'a KeyRing) -> Arrival<'a> {
        let mut arrival = self.arrival();
        arrival.proving.keys = keys;
        arrival.proving.cache = None;
        // It was found worth a try before it waited.
        arrival.proving.suspicion = None;
        arrival
    }

    /// The body, what it says, and whether it may pass.
    async fn take_message(&mut self, addressed: Addressed) -> Fate {
        if let Err(failure) = self.read_body().await {
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

    async fn read_body(&mut self) -> Result<(), Option<Failure>> {
        if self.head.expect_continue && !intake::announces_too_much(&self.head, self.view.limits())
        {
            let stall_ms = self.view.limits().write_stall_ms;
            answer::send(&self.connection.stream, CONTINUE, stall_ms)
                .await
                .map_err(|_| None)?;
        }
        let Connection { stream, buffer, .. } = &mut *self.connection;
        let read = intake::read_body(stream, buffer, &self.head, self.view.limits()).await;
        stream.set_deadline(None);
        let length = read.map_err(|fault| match fault {
            BodyFault::Gone => None,
            BodyFault::TimedOut => Some(Failure::BodyTimeout),
            BodyFault::TooLarge => Some(Failure::BodyTooLarge {
                limit_bytes: self.view.limits().body_bytes,
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
        match self.notes {
            Notes::Nothing => self.account.finish_unrecorded(),
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
        let sent = answer::send(
            &self.connection.stream,
            out,
            self.view.limits().write_stall_ms,
        )
        .await;
        match (sent, self.envelope.keeps_alive) {
            (Err(_), _) => Fate::Abort,
            (Ok(()), true) => Fate::Continue,
            (Ok(()), false) => Fate::Close,
        }
    }
}

/// How often a request may change its way: to the bridge, and back where that knows no better.
const TURNS_MAX: u8 = 2;

fn verb(method: HttpMethod) -> Verb {
    match method {
        HttpMethod::Get => Verb::Get,
        HttpMethod::Head => Verb::Head,
        HttpMethod::Post => Verb::Post,
        HttpMethod::Delete => Verb::Delete,
        HttpMethod::Options => Verb::Options,
        HttpMethod::Other(_) => Verb::Other,
    }
}

/// The trace id of a `traceparent` of version 00: 32 lower-case hexadecimal digits, not all zero (W3C Trace Context §3.2).
fn trace_id(value: &[u8]) -> Option<[u8; 32]> {
    let id: [u8; 32] = value.strip_prefix(b"00-")?.get(..32)?.try_into().ok()?;
    let is_hex = id
        .iter()
        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && id.iter().any(|digit| *digit != b'0') && value.get(35) == Some(&b'-')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::trace_id;

    #[test]
    fn only_a_well_formed_traceparent_gives_a_trace_id() {
        let good = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(
            trace_id(good).as_ref().map(|id| &id[..]),
            Some(&good[3..35])
        );
        for bad in [
            "",
            "00-",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "zz-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(trace_id(bad.as_bytes()), None, "{bad}");
        }
    }
}
