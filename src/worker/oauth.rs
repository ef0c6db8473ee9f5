//! Requests to endpoints of OAuth: taken in here, answered by control.
//!
//! A worker checks what needs no knowledge of OAuth, hands the request over whole, waits with a bound, and writes the reply. What it
//! never does: look into queries and bodies, or let anything of them into a log or a record.

mod elsewhere;
mod reply;

use guard_io::http1::{Method as HttpMethod, RequestFraming};
use guard_io::{Buffer, Clock};
use zeroize::{Zeroize as _, Zeroizing};

use super::admit::verb;
use super::answer;
use super::asking::Heard;
use super::exchange::{Exchange, Fate};
use super::notes::{Notes, OAuthNote};
use super::waiters::Room;
use crate::engine::limits::{
    Limits, OAUTH_BODY_BYTES_MAX, OAUTH_WAIT_MS_MAX, OAUTH_WAITERS_PER_ADDRESS_MAX,
    OAUTH_WAITERS_PER_WORKER_MAX,
};
use crate::engine::oauth::OAuthEndpoint;
use crate::engine::quota::{PeerKey, Quota};
use crate::engine::reply::Failure;
use crate::engine::route::PublicBase;
use crate::mailbox::{OAuthOutcome, OAuthReply, OAuthRequest};
use crate::metrics::{Bound, OAuthResult};

const ROOM: Room = Room {
    each_max: OAUTH_WAITERS_PER_ADDRESS_MAX,
    all_max: OAUTH_WAITERS_PER_WORKER_MAX,
};

impl Exchange<'_> {
    /// Has control answer a request to `endpoint`.
    pub(super) async fn answer_oauth(&mut self, endpoint: OAuthEndpoint) -> Fate {
        match self.ask_control(endpoint).await {
            Ok(reply) => self.pass_reply(endpoint, reply).await,
            Err(Some(failure)) => self.refuse_oauth(endpoint, failure).await,
            Err(None) => {
                self.note_oauth(endpoint, OAuthResult::Gone);
                self.account.is_broken = true;
                Fate::Abort
            }
        }
    }

    /// Answers by the worker's own lights, in the form that the endpoint's clients read.
    pub(super) async fn refuse_oauth(&mut self, endpoint: OAuthEndpoint, failure: Failure) -> Fate {
        answer::count_bound(self.worker, &failure);
        self.note_oauth(endpoint, result(&failure));
        let message = self.account.message.take();
        self.account.message = message.or(Some(failure.message().into()));
        self.settle_oauth(endpoint);
        if failure.closes() {
            self.envelope.keeps_alive = false;
        }
        let public_url = self.view.snapshot().public_url.as_deref();
        let base = public_url.and_then(PublicBase::parse);
        let mut out = Buffer::new();
        let length =
            reply::write_refusal(&mut out, &self.envelope, endpoint, &failure, base.as_ref());
        self.send_counted(&out, failure.status(), length).await
    }

    /// What control says. Errors: why it was not asked or did not answer; `None` where the client has left.
    async fn ask_control(
        &mut self,
        endpoint: OAuthEndpoint,
    ) -> Result<OAuthReply, Option<Failure>> {
        self.charge_address()?;
        if !self.account.reserve(1) {
            return Err(Some(Failure::AuditFull));
        }
        self.take_form().await?;
        let worker = self.worker;
        let peer = PeerKey::from(self.account.client);
        let place = worker.oauth_waiters.admit(peer, ROOM);
        let asked = place.and_then(|place| {
            let request = self.oauth_request(endpoint);
            Some((worker.shared.oauth.put(request)?, place))
        });
        let Some((awaited, _place)) = asked else {
            worker.metrics().bound(Bound::OAuthWaiting);
            return Err(Some(Failure::Overloaded));
        };
        match self.hear(&awaited, OAUTH_WAIT_MS_MAX).await {
            Heard::Answer(reply) => Ok(reply),
            Heard::Nothing => Err(Some(Failure::Internal)),
            Heard::TooLate => Err(Some(Failure::Overloaded)),
            Heard::Draining => Err(Some(Failure::Draining)),
            Heard::Gone => Err(None),
        }
    }

    /// Nobody shows a credential here, so everybody is counted by address, where anything is limited at all.
    fn charge_address(&self) -> Result<(), Failure> {
        if !self.view.snapshot().quotas.enabled {
            return Ok(());
        }
        let peers = &self.worker.shared.oauth_peers;
        let peer = PeerKey::from(self.account.client);
        peers
            .charge_request(peer, Quota::OAUTH, Clock::monotonic_ns())
            .map_err(|exceeded| {
                self.worker.metrics().bound(Bound::OAuthRequests);
                Failure::RateLimited {
                    retry_after_secs: exceeded.retry_after_secs(),
                }
            })
    }

    /// The body, where the method has one.
    async fn take_form(&mut self) -> Result<(), Option<Failure>> {
        if self.head.method != HttpMethod::Post {
            let is_bare = matches!(
                self.head.framing,
                RequestFraming::None | RequestFraming::Length(0)
            );
            return if is_bare {
                Ok(())
            } else {
                Err(Some(Failure::BadBody))
            };
        }
        let limits = self.view.limits();
        let limits = Limits {
            body_bytes: limits.body_bytes.min(OAUTH_BODY_BYTES_MAX),
            ..limits.clone()
        };
        self.read_body(&limits).await
    }

    /// The request as control takes it. The body is wiped here: it may hold codes and secrets, and buffers are used again.
    fn oauth_request(&mut self, endpoint: OAuthEndpoint) -> OAuthRequest {
        let body = Zeroizing::new(self.body_bytes().to_vec());
        let body_start = self.head.head_len;
        let body_end = body_start + body.len();
        self.connection.buffer.as_mut_vec()[body_start..body_end].zeroize();
        let bytes = self.head_bytes();
        let owned = |value: &[u8]| -> Box<[u8]> { value.into() };
        let authorization = self.digest.authorization.map(|value| value.of(bytes));
        OAuthRequest {
            endpoint,
            verb: verb(self.head.method),
            query: self.head.target.query(bytes).unwrap_or_default().into(),
            body,
            content_type: self.digest.content_type.map(|value| owned(value.of(bytes))),
            cookie: self.joined(b"cookie", b"; "),
            authorization: authorization.map(|value| Zeroizing::new(value.to_vec())),
            origin: self.digest.origin.map(|value| owned(value.of(bytes))),
            fetch_site: self
                .joined(b"sec-fetch-site", b", ")
                .map(|value| owned(&value)),
            client: self.account.client,
        }
    }

    /// Every value of the field `name`, with `between` between them; `None` where there is none.
    fn joined(&self, name: &[u8], between: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = self.head_bytes();
        let fields = self.index.headers(bytes);
        let mut joined: Option<Zeroizing<Vec<u8>>> = None;
        for (_, value) in fields.filter(|(found, _)| found.eq_ignore_ascii_case(name)) {
            match &mut joined {
                None => joined = Some(Zeroizing::new(value.to_vec())),
                Some(before) => {
                    before.extend_from_slice(between);
                    before.extend_from_slice(value);
                }
            }
        }
        joined
    }

    /// Writes what control said, and what the record will say of it.
    async fn pass_reply(&mut self, endpoint: OAuthEndpoint, reply: OAuthReply) -> Fate {
        let OAuthReply {
            status,
            fields,
            body,
            told,
        } = reply;
        let is_bad_credential = told.outcome == OAuthOutcome::Denied
            && matches!(endpoint, OAuthEndpoint::Token | OAuthEndpoint::Revoke);
        if is_bad_credential {
            // It is refused already; the count decides how the address is met elsewhere.
            let _ = self.charge_peer();
        }
        self.notes = Notes::OAuth(Box::new(OAuthNote {
            endpoint,
            result: told.outcome.into(),
            identity: told.identity,
        }));
        self.account.message = told.message.map(|message| String::from(message).into());
        self.settle_oauth(endpoint);
        let mut out = Buffer::new();
        if !reply::write_head(&mut out, &self.envelope, status, &fields, body.len()) {
            tracing::error!(
                endpoint = endpoint.as_str(),
                "reply has a field that cannot be written"
            );
            return self.refuse_oauth(endpoint, Failure::Internal).await;
        }
        self.account.status = status;
        self.account.response_bytes = body.len() as u64;
        let shown = if self.envelope.is_head {
            &[]
        } else {
            &body[..]
        };
        self.send_whole(&out, shown).await
    }

    fn note_oauth(&mut self, endpoint: OAuthEndpoint, result: OAuthResult) {
        self.notes = Notes::OAuth(Box::new(OAuthNote {
            endpoint,
            result,
            identity: None,
        }));
    }

    /// Settles what follows the answer. Scripts of other origins may read what programs get, and no page that people see.
    fn settle_oauth(&mut self, endpoint: OAuthEndpoint) {
        if endpoint.is_for_people() {
            self.envelope.cors_origin = None;
        }
        if self.body_len.is_none() {
            self.body_len = self.waiting_body();
        }
        self.settle_unread_body();
    }
}

const fn result(failure: &Failure) -> OAuthResult {
    match failure {
        Failure::RateLimited { .. } => OAuthResult::Limited,
        _ if failure.status() >= 500 => OAuthResult::Failed,
        _ => OAuthResult::Refused,
    }
}

impl From<OAuthOutcome> for OAuthResult {
    fn from(outcome: OAuthOutcome) -> Self {
        match outcome {
            OAuthOutcome::Shown => Self::Shown,
            OAuthOutcome::Granted => Self::Granted,
            OAuthOutcome::Denied => Self::Denied,
            OAuthOutcome::Refused => Self::Refused,
            OAuthOutcome::Failed => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests;
