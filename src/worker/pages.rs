//! The gateway's own pages: health, routes, documents about resources, preflights, and metrics where the main listener serves them.

use guard_io::Buffer;
use guard_io::http1::{BodyFraming, HeadWriter};

use super::answer;
use super::exchange::{Exchange, Fate};
use super::notes::Notes;
use crate::engine::admission::Page;
use crate::engine::discovery::DOCUMENT_MAX_AGE_SECS;
use crate::engine::identity::Principal;
use crate::metrics;

impl Exchange<'_> {
    pub(super) async fn answer_page(&mut self, page: Page) -> Fate {
        let health = &self.worker.shared.health;
        let mut body = Vec::with_capacity(128);
        let status = match page {
            Page::Ready => health.write_ready(&mut body),
            Page::Health => {
                health.write_health(&mut body);
                200
            }
            Page::Live => {
                health.write_live(&mut body);
                200
            }
        };
        self.answer_own(status, &body).await
    }

    pub(super) async fn answer_own(&mut self, status: u16, body: &[u8]) -> Fate {
        self.notes = Notes::Nothing;
        self.settle_unread_body();
        let mut out = Buffer::new();
        answer::write_answer(&mut out, &self.envelope, status, body);
        self.send_counted(&out, status, body.len()).await
    }

    /// 405 without a body, from which clients that try newer transports first go on to the stream.
    pub(super) async fn answer_sse_tried(&mut self) -> Fate {
        self.settle_unread_body();
        let mut out = Buffer::new();
        let mut head = HeadWriter::response(out.as_mut_vec(), 405);
        let _ = head.field(b"allow", b"GET");
        self.envelope.write(&mut head);
        head.finish(BodyFraming::Length(0));
        self.send_counted(&out, 405, 0).await
    }

    pub(super) async fn answer_preflight(&mut self) -> Fate {
        self.notes = Notes::Nothing;
        self.settle_unread_body();
        let mut out = Buffer::new();
        if let Some(cors) = &self.view.snapshot().cors {
            answer::write_preflight(&mut out, &self.envelope, cors);
        }
        self.send_counted(&out, 204, 0).await
    }

    /// Only with `server.admin.metrics_on_main`, and a credential.
    pub(super) async fn answer_metrics(&mut self) -> Fate {
        self.notes = Notes::Nothing;
        self.settle_unread_body();
        let shared = &self.worker.shared;
        let body = (shared.exposition)(shared);
        let mut out = Buffer::new();
        answer::write_typed(
            &mut out,
            &self.envelope,
            200,
            metrics::CONTENT_TYPE,
            body.as_bytes(),
        );
        self.send_counted(&out, 200, body.len()).await
    }

    /// The document about a protected resource.
    pub(super) async fn answer_document(&mut self, document: &[u8]) -> Fate {
        self.notes = Notes::Nothing;
        self.settle_unread_body();
        let mut out = Buffer::new();
        answer::write_document(&mut out, &self.envelope, DOCUMENT_MAX_AGE_SECS, document);
        self.send_counted(&out, 200, document.len()).await
    }

    pub(super) async fn answer_routes(&mut self, principal: &Principal) -> Fate {
        let body = answer::routes_body(self.view.snapshot(), principal);
        self.answer_own(200, &body).await
    }
}
