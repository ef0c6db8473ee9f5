//! Which way a permitted request goes, and which session it belongs to.
//!
//! Straight to its server, or over the bridge: to a child, to a server of 2024-11-05, or to one of another era than the
//! request's. Most requests go straight and stay so; where the server's era is not known yet, the bridge finds it out and says
//! `direct`, and an `initialize` that a server of 2026-07-28 refuses is tried over the bridge.

use guard_io::Clock;

use super::exchange::Exchange;
use super::forward::{Inbound, UpstreamFault};
use crate::engine::admission::Front;
use crate::engine::audit::SessionTag;
use crate::engine::mcp::agreement::Agreement;
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::revision::Era;
use crate::engine::reply::Failure;
use crate::engine::route::message_session;
use crate::engine::seal::SealError;
use crate::engine::session::{Holder, Session};
use crate::engine::snapshot::{Eras, HttpTransport, Server, ServerIndex, UpstreamAddress};
use crate::mailbox::Speaks;
use crate::mailbox::bridge::VERDICT_FIELD;

/// Where a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To its server.
    Direct,
    /// To the bridge that stands before its server.
    Bridge,
}

impl Way {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Direct => Self::Bridge,
            Self::Bridge => Self::Direct,
        }
    }
}

impl Exchange<'_> {
    /// Opens the session that the request names, once. `Err`: it is not the caller's, not this server's, or over.
    ///
    /// An `initialize` begins a session and never takes one over; modern requests have none, whatever header they carry.
    pub(super) fn open_session(
        &mut self,
        server: ServerIndex,
        agreement: Agreement,
    ) -> Result<(), Failure> {
        if self.front != Front::Streamable && agreement.era == Era::Modern {
            return Err(Failure::UnsupportedVersion);
        }
        if self.session.is_some() || self.begins_or_has_no_session(agreement) {
            return Ok(());
        }
        let now_secs = Clock::unix_micros() / 1_000_000;
        let is_named = self.session_text().is_some();
        let opened = is_named.then(|| self.open_named(server, now_secs));
        match opened {
            None if self.front == Front::SsePost => Err(Failure::SessionMissing),
            None => Ok(()),
            Some(Ok(session)) if (session.holder == Holder::BridgeSse) == self.is_sse() => {
                self.session = Some(session);
                Ok(())
            }
            Some(Ok(_)) => Err(self.foreign(SealError::Foreign)),
            Some(Err(error)) => Err(self.foreign(error)),
        }
    }

    /// Notes the session for the records, in the form that nobody can use.
    pub(super) fn note_session(&mut self) {
        self.account.session = self.session_text().map(SessionTag::of);
    }

    fn begins_or_has_no_session(&self, agreement: Agreement) -> bool {
        match self.front {
            Front::SseStream => true,
            Front::SsePost => false,
            Front::Streamable => {
                agreement.era == Era::Modern || self.has_method(Method::Initialize)
            }
        }
    }

    fn is_sse(&self) -> bool {
        self.front == Front::SsePost
    }

    /// The sealed id that the client shows: in its header, or in the query of an SSE post.
    fn session_text(&self) -> Option<&[u8]> {
        let head = self.head_bytes();
        match self.front {
            Front::SsePost => self.head.target.query(head).and_then(message_session),
            _ => self.digest.session_id.map(|session| session.of(head)),
        }
    }

    /// Opens the id that the request shows, for the caller at `server`.
    pub(super) fn open_named(
        &self,
        server: ServerIndex,
        now_secs: u64,
    ) -> Result<Session, SealError> {
        let sealed = self.session_text().ok_or(SealError::Malformed)?;
        let principal = self.account.principal.as_ref().ok_or(SealError::Foreign)?;
        let snapshot = self.view.snapshot();
        let sealer = self.worker.shared.sealer(snapshot);
        let name = &snapshot.server(server).name;
        Session::open(sealer, principal.owner(), name, now_secs, sealed)
    }

    fn foreign(&mut self, error: SealError) -> Failure {
        self.account.message = Some(error.to_string().into());
        Failure::SessionUnknown
    }

    /// Chooses the way of the request to `index`.
    pub(super) fn way(&self, index: ServerIndex, agreement: Agreement) -> Way {
        let server = self.view.snapshot().server(index);
        let always = matches!(server.upstream.address, UpstreamAddress::Child(_))
            || server.upstream.speech.transport == HttpTransport::Sse
            || self.front != Front::Streamable;
        let speaks = || self.speaks(server, index, agreement.era);
        let is_bridged = always
            || match (
                agreement.era,
                self.session.as_ref().map(|session| session.holder),
            ) {
                (Era::Legacy, Some(holder)) => holder != Holder::Upstream,
                (Era::Legacy, None) => speaks() == Speaks::No,
                (Era::Modern, _) => match speaks() {
                    Speaks::Yes => false,
                    Speaks::No => true,
                    // `server/discover` too: a server that does not know it is translated for, from the first request on.
                    Speaks::Unknown => server.upstream.speech.translates,
                },
            };
        if is_bridged { Way::Bridge } else { Way::Direct }
    }

    /// What the operator says of the server's eras, else what was learnt.
    fn speaks(&self, server: &Server, index: ServerIndex, era: Era) -> Speaks {
        let is_said = |yes: bool| if yes { Speaks::Yes } else { Speaks::No };
        match (server.upstream.speech.eras, era) {
            (None, _) => self.view.live.server(index).speaks(era),
            (Some(Eras::Both), _) => Speaks::Yes,
            (Some(Eras::Legacy), era) => is_said(era == Era::Legacy),
            (Some(Eras::Modern), era) => is_said(era == Era::Modern),
        }
    }

    /// Looks at the head of an answer that came by `way`: whether the request belongs on the other one.
    ///
    /// The bridge's verdict `direct` says that it sent the request nowhere. A server that answers `initialize` as one that
    /// does not know it has begun nothing, so it may be asked once more, as a server of 2026-07-28.
    pub(super) fn turns(&self, index: ServerIndex, way: Way, inbound: &Inbound) -> bool {
        match way {
            Way::Bridge => inbound.index.headers(&inbound.buffer).any(|(name, value)| {
                name.eq_ignore_ascii_case(VERDICT_FIELD.as_bytes()) && value == b"direct"
            }),
            Way::Direct => {
                let server = self.view.snapshot().server(index);
                let speech = server.upstream.speech;
                self.has_method(Method::Initialize)
                    && matches!(inbound.head.status, 400 | 404 | 405)
                    && speech.translates
                    && self.speaks(server, index, Era::Legacy) == Speaks::Unknown
            }
        }
    }

    /// Keeps what an answer says of the server's eras.
    pub(super) fn learn_era(&self, index: ServerIndex, era: Era, way: Way, status: u16) {
        let is_initialize = self.has_method(Method::Initialize);
        if is_initialize || era == Era::Modern {
            self.doubt_eras(index, era, way, status);
        }
        if way == Way::Direct && status == 200 && is_initialize {
            let state = self.view.live.server(index);
            if state.speaks(Era::Legacy) == Speaks::Unknown {
                state.set_speaks(Era::Legacy, Speaks::Yes);
            }
        }
    }

    /// A server that refuses what opens an era may not be the one any more that was asked. Children are not: they are started
    /// by the gateway.
    fn doubt_eras(&self, index: ServerIndex, era: Era, way: Way, status: u16) {
        let upstream = &self.view.snapshot().server(index).upstream;
        let is_learnt = upstream.speech.eras.is_none()
            && upstream.speech.transport == HttpTransport::Streamable
            && !matches!(upstream.address, UpstreamAddress::Child(_));
        let refuses = matches!(status, 400 | 404 | 405) || (way == Way::Bridge && status == 502);
        let state = self.view.live.server(index);
        if is_learnt && refuses && state.speaks(era) != Speaks::Unknown {
            state.doubt_eras(Clock::monotonic_ns() / 1_000_000);
        }
    }

    /// Whoever answers there next may be another version of the server.
    pub(super) fn forget_eras(&self, index: ServerIndex, way: Way, fault: UpstreamFault) {
        let is_broken = matches!(
            fault,
            UpstreamFault::Unreachable | UpstreamFault::Ended | UpstreamFault::WriteFailed
        );
        if way == Way::Direct && is_broken {
            let state = self.view.live.server(index);
            state.set_speaks(Era::Legacy, Speaks::Unknown);
            state.set_speaks(Era::Modern, Speaks::Unknown);
        }
    }

    /// The id that the client is to hold for the session that an answer names as `id`: its own text where it has one, else a
    /// new seal. `None`: the id cannot be sealed.
    pub(super) fn seal_session(
        &self,
        index: ServerIndex,
        way: Way,
        id: &[u8],
    ) -> Option<SessionText> {
        let is_known = |session: &Session| *session.id == *id;
        if self.session.as_ref().is_some_and(is_known) && self.head.head_len > 0 {
            return Some(SessionText::Kept);
        }
        let snapshot = self.view.snapshot();
        let holder = match (way, self.front) {
            (Way::Direct, _) => Holder::Upstream,
            (Way::Bridge, Front::Streamable) => Holder::Bridge,
            (Way::Bridge, _) => Holder::BridgeSse,
        };
        let owner = self.account.principal.as_ref()?.owner();
        let expires_at_secs = Clock::unix_micros() / 1_000_000 + snapshot.sessions.ttl_secs;
        let session = Session {
            holder,
            id: id.into(),
        };
        let sealer = self.worker.shared.sealer(snapshot);
        let name = &snapshot.server(index).name;
        session
            .seal(sealer, owner, name, expires_at_secs)
            .map(|text| SessionText::New(text.into()))
    }

    /// The client's own text of its session, for answers that repeat it.
    pub(super) fn kept_session(&self) -> &[u8] {
        self.session_text().unwrap_or_default()
    }
}

/// A session id on its way to a client.
#[derive(Debug)]
pub(super) enum SessionText {
    /// As the client sent it.
    Kept,
    /// Sealed anew.
    New(Box<str>),
}
