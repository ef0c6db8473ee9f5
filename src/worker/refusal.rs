//! How an exchange ends when the gateway answers in place of the upstream.

use guard_io::http1::RequestFraming;
use guard_io::{Buffer, Clock};

use super::answer;
use super::exchange::{Exchange, Fate};
use super::forward::UpstreamFault;
use super::notes::Notes;
use crate::engine::admission::{BodyRefusal, HeadRefusal, Judgement};
use crate::engine::audit::Decision;
use crate::engine::mcp::revision::Revision;
use crate::engine::mcp::scan::{ScanError, ScanErrorKind};
use crate::engine::policy::StepUp;
use crate::engine::quota::{Exceeded, PeerKey, Standing, TableFull};
use crate::engine::reply::{Failure, ReplyId};
use crate::engine::route::Resource;
use crate::engine::snapshot::ServerIndex;
use crate::metrics::{AuthResult, Bound};

impl Exchange<'_> {
    /// Refuses a head: for what it says, or for who sent it.
    pub(super) async fn turn_away(&mut self, refusal: HeadRefusal) -> Fate {
        let reason = match refusal {
            HeadRefusal::Unauthenticated(reason) => reason,
            HeadRefusal::Failure(failure) => return self.refuse(failure).await,
            HeadRefusal::OAuth { endpoint, failure } => {
                return Box::pin(self.refuse_oauth(endpoint, failure)).await;
            }
        };
        self.account.decision = Decision::Unauthenticated;
        self.account.provider = reason.provider();
        self.account.message = Some(reason.as_str().into());
        let charged = match refusal.is_chargeable() {
            true => self.charge_peer(),
            false => Ok(()),
        };
        let (failure, result) = match charged {
            Ok(()) => (refusal.failure(), AuthResult::from(reason)),
            Err(exceeded) => {
                let retry_after_secs = exceeded.retry_after_secs();
                (
                    Failure::AuthRateLimited { retry_after_secs },
                    AuthResult::Limited,
                )
            }
        };
        self.worker.metrics().auth(reason.provider(), result);
        if let Failure::Unauthorized { challenge } = failure {
            let discovery = self.view.snapshot().discovery();
            let value = discovery.unauthorized(self.resource(), challenge);
            self.envelope.challenge = Some(value.into());
        }
        if result == AuthResult::Limited {
            // Counted, and not recorded: whoever guesses without end shall not fill the disk.
            self.notes = Notes::Nothing;
        }
        self.refuse(failure).await
    }

    /// Only failures are charged, so a caller with a good key is let in whatever others behind its address do.
    pub(super) fn charge_peer(&self) -> Result<(), Exceeded> {
        let plan = &self.view.snapshot().quotas;
        let peer = PeerKey::from(self.account.client);
        match plan.unauthenticated {
            Some(quota) if plan.enabled => {
                self.worker
                    .shared
                    .peers
                    .charge_failure(peer, quota, Clock::monotonic_ns())
            }
            _ => Ok(()),
        }
    }

    /// Refuses before there is a message.
    pub(super) async fn refuse(&mut self, failure: Failure) -> Fate {
        self.answer_failure(failure, None).await
    }

    /// Refuses a body for what it says, with the id that was read.
    pub(super) async fn refuse_body(&mut self, refusal: BodyRefusal) -> Fate {
        let id = refusal.id.map(|id| id.raw(self.body_bytes()).to_vec());
        self.account.message = refusal.detail.map(|detail| detail.to_string().into());
        if refusal.detail.is_some_and(|detail| is_bound(&detail)) {
            self.worker.metrics().bound(Bound::Json);
        }
        self.answer_failure(refusal.failure, id).await
    }

    /// Answers a message that no rule allows. A batch gets an error for each of its requests.
    pub(super) async fn deny(&mut self, judgement: Judgement) -> Fate {
        self.account.decision = Decision::Denied;
        match judgement {
            Judgement::One(Err(denial)) => {
                self.answer_message(Failure::Denied { kind: denial.kind })
                    .await
            }
            Judgement::Batch(Err(denials)) => {
                let kinds: Vec<_> = denials
                    .iter()
                    .map(|denial| denial.and_then(|denial| denial.kind))
                    .collect();
                let failures = kinds.into_iter().map(|kind| Failure::Denied { kind });
                self.answer_batch(&failures.collect::<Vec<_>>()).await
            }
            Judgement::One(Ok(_)) | Judgement::Batch(Ok(_)) => {
                self.answer_message(Failure::Internal).await
            }
        }
    }

    /// Answers a message that further scopes of the token's issuer would allow, with those scopes.
    pub(super) async fn ask_for_scope(&mut self, step_up: &StepUp) -> Fate {
        self.account.decision = Decision::Denied;
        self.account.rule = Some(step_up.to_string().into());
        let discovery = self.view.snapshot().discovery();
        let value = discovery.insufficient_scope(self.resource(), step_up);
        self.envelope.challenge = Some(value.into());
        self.answer_message(Failure::InsufficientScope).await
    }

    /// What the client asks tokens for, by the path that it used.
    fn resource(&self) -> Option<Resource<'_>> {
        let target = self.head.target.path(self.head_bytes());
        self.view.snapshot().routes().resource(target)
    }

    /// Answers a message that may not pass now.
    pub(super) async fn limit(&mut self, failure: Failure) -> Fate {
        self.account.decision = Decision::RateLimited;
        self.answer_message(failure).await
    }

    /// Counts a verdict of the quota and keeps its figures for the answer.
    pub(super) fn settle_charge(
        &mut self,
        verdict: Result<Result<Option<Standing>, Exceeded>, TableFull>,
    ) -> Result<(), Failure> {
        let (standing, outcome) = match verdict {
            Ok(Ok(standing)) => (standing, Ok(())),
            Ok(Err(exceeded)) => {
                let retry_after_secs = exceeded.retry_after_secs();
                (
                    Some(exceeded.standing),
                    Err(Failure::RateLimited { retry_after_secs }),
                )
            }
            Err(TableFull) => {
                self.worker.metrics().bound(Bound::Identities);
                let retry_after_secs = TableFull::RETRY_AFTER_SECS;
                (None, Err(Failure::RateLimited { retry_after_secs }))
            }
        };
        self.envelope.standing = standing;
        if standing.is_some() || outcome.is_err() {
            self.worker.metrics().rate_limit(outcome.is_ok());
        }
        outcome
    }

    /// Tells the client that the upstream failed, without saying how; the record says it.
    pub(super) async fn report_upstream(
        &mut self,
        server: ServerIndex,
        fault: UpstreamFault,
    ) -> Fate {
        let latency_ns = self.account.upstream_ns.unwrap_or(0);
        self.view
            .live
            .server(server)
            .metrics(self.worker.index)
            .observe(fault.result(), latency_ns);
        self.account.message = Some(fault.to_string().into());
        match fault.failure() {
            Some(failure) => self.answer_message(failure).await,
            None => Fate::Abort,
        }
    }

    /// Answers the message of this exchange with `failure` and its id.
    pub(super) async fn answer_message(&mut self, failure: Failure) -> Fate {
        let id = self.only_id();
        self.answer_failure(failure, id).await
    }

    async fn answer_batch(&mut self, failures: &[Failure]) -> Fate {
        let mut body = vec![b'['];
        let mut failures = failures.iter();
        let request_id = self.envelope.request_id;
        self.each_described(|described| {
            let (Some(id), Some(failure)) = (described.id, failures.next()) else {
                return;
            };
            if body.len() > 1 {
                body.push(b',');
            }
            failure.encode(ReplyId::Known(id), request_id.as_str(), &mut body);
        });
        body.push(b']');
        self.settle_keep_alive();
        let mut out = Buffer::new();
        let head = Failure::Denied { kind: None };
        let (status, length) = answer::write_error(&mut out, &self.envelope, &head, &body);
        self.send_counted(&out, status, length).await
    }

    async fn answer_failure(&mut self, failure: Failure, id: Option<Vec<u8>>) -> Fate {
        answer::count_bound(self.worker, &failure);
        if let Some(id) = &id
            && let Some(fate) = self.deliver(&failure, id).await
        {
            return fate;
        }
        self.skip_waiting_body(&failure);
        self.settle_unread_body();
        if failure.closes() {
            self.envelope.keeps_alive = false;
        }
        let id = id
            .as_deref()
            .map_or_else(|| ReplyId::unknown(self.may_omit_id()), ReplyId::Known);
        let mut out = Buffer::new();
        let (status, length) = answer::write_failure(&mut out, &self.envelope, &failure, id);
        self.send_counted(&out, status, length).await
    }

    /// From 2025-11-25 on an error may go without an id; older clients expect `null`.
    fn may_omit_id(&self) -> bool {
        let version = self
            .digest
            .protocol_version
            .map(|version| version.of(self.head_bytes()));
        version.is_some_and(|version| version >= Revision::R2025_11_25.as_str().as_bytes())
    }

    pub(super) async fn send_counted(&mut self, out: &Buffer, status: u16, length: usize) -> Fate {
        self.account.status = status;
        self.account.response_bytes = length as u64;
        self.send(out).await
    }

    /// An answer before the body was read ends the connection: what follows cannot be trusted to be a request.
    pub(super) fn settle_unread_body(&mut self) {
        self.settle_keep_alive();
        let has_body = self.head.framing != RequestFraming::None;
        self.envelope.keeps_alive &= self.body_len.is_some() || !has_body;
    }

    /// A caller that only has to come back, with another credential or later, may do so on the same connection, where its body has come
    /// whole already.
    fn skip_waiting_body(&mut self, failure: &Failure) {
        let may_return = matches!(
            failure,
            Failure::Unauthorized { .. }
                | Failure::AuthRateLimited { .. }
                | Failure::KeysUnavailable
        );
        if may_return && self.body_len.is_none() {
            self.body_len = self.waiting_body();
        }
    }

    /// The length of the body where all of it lies behind the head.
    pub(super) fn waiting_body(&self) -> Option<usize> {
        let waiting = self.connection.buffer.len() - self.head.head_len;
        match self.head.framing {
            RequestFraming::None => Some(0),
            RequestFraming::Length(length) => usize::try_from(length)
                .ok()
                .filter(|length| *length <= waiting),
            RequestFraming::Chunked => None,
        }
    }
}

/// Whether a bound of the scanner was reached, rather than its grammar broken.
const fn is_bound(error: &ScanError) -> bool {
    matches!(
        error.kind,
        ScanErrorKind::TooLong { .. } | ScanErrorKind::BatchTooLong { .. }
    )
}
