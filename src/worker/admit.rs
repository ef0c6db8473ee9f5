//! The first stage of an exchange: what its head asks for, and who asks.
//!
//! The engine decides ([`admit_head`]); here is what it needs to know of the connection, and the waits before a decision: for
//! keys that a token needs and nobody has yet, and for what the issuer of an opaque token says of it.

use std::sync::Arc;

use guard_io::Clock;
use guard_io::http1::Method as HttpMethod;

use super::exchange::{Addressed, Exchange, Fate};
use super::key_wait::Waited;
use crate::engine::admission::{Arrival, HeadAdmission, Verb, admit_head};
use crate::engine::identity::jwt::KeyRing;
use crate::engine::identity::opaque::Verdict;
use crate::engine::identity::{Proving, Suspicion, client_address};
use crate::engine::mcp::headers::HeaderDigest;
use crate::engine::quota::PeerKey;
use crate::engine::reply::Failure;
use crate::metrics::{AuthResult, Bound};

impl Exchange<'_> {
    /// Who asks for which server. An error is how the exchange ended: refused, or answered with a page of the gateway's own.
    pub(super) async fn admit(&mut self) -> Result<Addressed, Fate> {
        if let Err(failure) = self.read_fields() {
            return Err(self.refuse(failure).await);
        }
        self.note_head();
        if self.worker.in_flight.get() > self.worker.in_flight_max(self.view.limits()) {
            return Err(self.refuse(Failure::Overloaded).await);
        }
        let mut admission = admit_head(self.view.snapshot(), &self.arrival());
        let (newer, told): (Arc<KeyRing>, Verdict);
        // What waits is boxed, because it is rare, and every connection's task would carry it.
        if let Err(refusal) = &admission {
            if let Some(source) = refusal.wanted_keys() {
                match Box::pin(self.newer_keys(source)).await {
                    Waited::InVain => {}
                    Waited::Gone => return Err(Fate::Abort),
                    Waited::Renewed(keys) => {
                        newer = keys;
                        admission = admit_head(self.view.snapshot(), &self.arrival_under(&newer));
                    }
                }
            } else if refusal.wants_verdict() {
                match Box::pin(self.verdict()).await {
                    None => return Err(Fate::Abort),
                    Some(verdict) => {
                        told = verdict;
                        admission = admit_head(self.view.snapshot(), &self.arrival_with(&told));
                    }
                }
            }
        }
        let admitted = match admission {
            Err(refusal) => return Err(self.turn_away(refusal).await),
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
            Ok(HeadAdmission::SseTried(_)) => return Err(self.answer_sse_tried().await),
            Ok(HeadAdmission::Page(page)) => return Err(self.answer_page(page).await),
            Ok(HeadAdmission::ResourceMetadata(resource)) => {
                let document = self.view.snapshot().discovery().document(resource);
                return Err(self.answer_document(&document).await);
            }
            // Boxed, because it is rare, and every connection's task would carry it.
            Ok(HeadAdmission::OAuth(endpoint)) => {
                return Err(Box::pin(self.answer_oauth(endpoint)).await);
            }
            Ok(HeadAdmission::Preflight) => return Err(self.answer_preflight().await),
            Ok(HeadAdmission::Routes(principal)) => {
                return Err(self.answer_routes(&principal).await);
            }
            Ok(HeadAdmission::Metrics(_)) => return Err(self.answer_metrics().await),
        };
        self.worker
            .metrics()
            .auth(Some(admitted.principal.provider()), AuthResult::Success);
        self.account.principal = Some(admitted.principal.clone());
        self.account.server = Some(admitted.server);
        Ok(admitted)
    }

    /// What the fields of the head say, in one pass. Errors: one is repeated or malformed.
    fn read_fields(&mut self) -> Result<(), Failure> {
        let bytes = self.head_bytes();
        match HeaderDigest::read(bytes, self.index.headers(bytes)) {
            Ok(digest) => self.digest = digest,
            Err(refusal) => {
                self.account.message = Some(refusal.to_string().into());
                return Err(Failure::BadHeader {
                    detail: "a header is repeated or malformed",
                });
            }
        }
        Ok(())
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

    pub(super) fn arrival(&self) -> Arrival<'_> {
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
                resource: None,
                verdict: None,
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
}

pub(super) fn verb(method: HttpMethod) -> Verb {
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
