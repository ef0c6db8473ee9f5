//! Answers of the gateway's own to clients of HTTP+SSE, which look for them on their stream and nowhere else.
//!
//! The answer goes over the bridge to the stream of the session, and the post gets 202 (2024-11-05 Transports). It is no
//! client's message, so it needs no permit, and the bridge never passes it to a server.

use std::time::Duration;

use guard_io::http1::{BodyFraming, HeadWriter};
use guard_io::{Buffer, Clock};

use super::exchange::{Exchange, Fate};
use super::forward::HeadReader;
use super::upstreams::acquire;
use super::way::Way;
use crate::engine::admission::Front;
use crate::engine::reply::{Failure, ReplyId};
use crate::engine::session::Session;
use crate::mailbox::bridge::{DELIVER_FIELD, FRONT_FIELD, OWNER_FIELD};

/// How long the bridge may take to accept an answer, in milliseconds.
const DELIVERY_MS_MAX: u64 = 5_000;

impl Exchange<'_> {
    /// Puts `failure` on the stream of the session that a post named. `None`: the client is served otherwise, or has no
    /// stream, and is to be answered at the post.
    pub(super) async fn deliver(&mut self, failure: &Failure, id: &[u8]) -> Option<Fate> {
        if self.front != Front::SsePost {
            return None;
        }
        let session = match self.session.take() {
            Some(session) => session,
            None => self.named_session()?,
        };
        let mut body = Vec::with_capacity(256);
        let request_id = self.envelope.request_id;
        failure.encode(ReplyId::Known(id), request_id.as_str(), &mut body);
        let is_delivered = Box::pin(self.hand_over(&session, &body)).await.is_some();
        self.session = Some(session);
        if !is_delivered {
            return None;
        }
        self.settle_unread_body();
        let mut out = Buffer::new();
        let mut head = HeadWriter::response(out.as_mut_vec(), 202);
        self.envelope.write(&mut head);
        head.finish(BodyFraming::Length(0));
        Some(self.send_counted(&out, 202, 0).await)
    }

    async fn hand_over(&self, session: &Session, body: &[u8]) -> Option<()> {
        let principal = self.account.principal.as_ref()?;
        let server = self.account.server?;
        let connected = acquire(self.worker, self.view, server, Way::Bridge).await;
        let stream = connected.ok()?.stream;
        let mut buffer = Buffer::new();
        let mut head = HeadWriter::request(buffer.as_mut_vec(), b"POST", b"/").ok()?;
        let owner = principal.owner().to_hex();
        let fields: [(&str, &[u8]); 6] = [
            ("host", b"bridge"),
            ("content-type", b"application/json"),
            ("mcp-session-id", &session.id),
            (OWNER_FIELD, owner.as_bytes()),
            (FRONT_FIELD, b"sse"),
            (DELIVER_FIELD, b"1"),
        ];
        for (name, value) in fields {
            head.field(name.as_bytes(), value).ok()?;
        }
        head.finish(BodyFraming::Length(body.len() as u64));
        buffer.extend_from_slice(body);
        stream.set_deadline(Some(Duration::from_millis(DELIVERY_MS_MAX)));
        stream.write_all(&buffer).await.ok()?;
        buffer.clear();
        let mut reader = HeadReader::new(self.head.method, self.worker.take_index());
        loop {
            if let Some(head) = reader.next(&mut buffer).ok()? {
                return (head.status == 202).then_some(());
            }
            buffer.reserve(1);
            if stream.read(&mut buffer).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// The session that the post names, where it is the caller's.
    fn named_session(&self) -> Option<Session> {
        let now_secs = Clock::unix_micros() / 1_000_000;
        self.open_named(self.account.server?, now_secs).ok()
    }
}
