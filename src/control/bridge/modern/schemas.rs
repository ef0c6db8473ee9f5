//! What is known of a server's tools: learnt from the `tools/list` answers that pass, or asked for.
//!
//! Whoever answers for a server holds calls against it, and whoever asks one writes fields from it. A tool whose annotations
//! are not sound is left out of lists (2026-07-28, Schema Extension).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout};

use super::catalogue::{Catalogue, Lookup};
use crate::control::bridge::{Answers, Ask, ModernUpstream};
use crate::engine::bridge::shared::peek;
use crate::engine::mcp::message::Call;
use crate::engine::mcp::param_headers::listing::{Listing, read_listing};

/// Pages of a list that the gateway asks for.
pub(super) const PAGES_MAX: usize = 100;

/// Time that the gateway's own reading of a list may take.
const READING_TIME: Duration = Duration::from_secs(10);

/// Messages that wait between an answer and its copy without unsound tools.
const PRUNED_MESSAGES_MAX: usize = 16;

/// Counts the changes of a server's tools; what was learnt at another count is forgotten.
#[derive(Clone, Debug, Default)]
pub(in crate::control) struct ToolsEpoch(Arc<AtomicU64>);

impl ToolsEpoch {
    /// The tools have changed, or may have.
    pub(in crate::control) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A server with what is known of its tools.
pub(in crate::control::bridge) struct Schemas {
    server: Box<str>,
    /// The server itself.
    pub(in crate::control::bridge) upstream: Box<dyn ModernUpstream>,
    tools: ToolsEpoch,
    catalogue: Mutex<Catalogue>,
    /// Who holds it reads the list; the others wait for what is found.
    reading: Semaphore,
}

impl Schemas {
    /// `upstream`, the server named `server`, whose tools change when `tools` advances.
    pub(in crate::control::bridge) fn new(
        server: &str,
        upstream: impl ModernUpstream,
        tools: ToolsEpoch,
    ) -> Arc<Self> {
        Arc::new(Self {
            server: server.into(),
            upstream: Box::new(upstream),
            tools,
            catalogue: Mutex::default(),
            reading: Semaphore::new(1),
        })
    }

    /// What is known of `tool`.
    pub(in crate::control::bridge) fn look_up(&self, tool: &str) -> Lookup {
        self.catalogue().look_up(tool, Instant::now())
    }

    pub(super) fn catalogue(&self) -> MutexGuard<'_, Catalogue> {
        let mut catalogue = self
            .catalogue
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        catalogue.sync(self.tools.now());
        catalogue
    }

    /// Reads the whole list, in the name of the caller of `call`, unless somebody has done so since `asked_at`.
    pub(in crate::control::bridge) async fn read(&self, ask: &Ask, call: &Call, asked_at: Instant) {
        let Ok(_turn) = self.reading.acquire().await else {
            return;
        };
        if self.catalogue().was_read_since(asked_at) {
            return;
        }
        let reading = timeout(READING_TIME, self.read_pages(ask, call)).await;
        if !matches!(reading, Ok(Some(()))) {
            tracing::warn!(server = %self.server, "server's tools cannot be listed; its Mcp-Param headers are not known");
        }
        self.catalogue().finish(Instant::now());
    }

    async fn read_pages(&self, ask: &Ask, call: &Call) -> Option<()> {
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(ask, call, cursor.as_deref()).await?;
            self.learn(&page);
            let next = page.next_cursor;
            if next.is_none() {
                return Some(());
            }
            if next == cursor {
                return None;
            }
            cursor = next;
        }
        None
    }

    async fn page(&self, ask: &Ask, call: &Call, cursor: Option<&str>) -> Option<Listing> {
        let page = Ask {
            owner: ask.owner,
            message: list_request(&ask.message, call, cursor),
            fields: Vec::new(),
        };
        let mut answers = self.upstream.ask(page).await.ok()?;
        loop {
            let message = answers.recv().await?;
            if peek(&message).is_response() {
                return read_listing(&message);
            }
        }
    }

    fn learn(&self, listing: &Listing) {
        for (tool, why) in &listing.unsound {
            tracing::warn!(server = %self.server, %tool, "tool is not shown: {why}");
        }
        self.catalogue().learn(listing, Instant::now());
    }

    /// `answers` to a `tools/list` without the tools that clients must not be shown.
    pub(in crate::control::bridge) fn pruned(self: &Arc<Self>, mut answers: Answers) -> Answers {
        let (sender, pruned) = mpsc::channel(PRUNED_MESSAGES_MAX);
        let schemas = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let message = tokio::select! {
                    message = answers.recv() => message,
                    () = sender.closed() => None,
                };
                let Some(message) = message else { return };
                if sender.send(schemas.prune(message)).await.is_err() {
                    return;
                }
            }
        });
        pruned
    }

    fn prune(&self, message: Vec<u8>) -> Vec<u8> {
        match read_listing(&message) {
            None => message,
            Some(listing) => {
                self.learn(&listing);
                listing.pruned.unwrap_or(message)
            }
        }
    }
}

/// The request for the page at `cursor`, with the version and the capabilities that `call` names.
fn list_request(message: &[u8], call: &Call, cursor: Option<&str>) -> Vec<u8> {
    let meta = &call.params.meta;
    let version = meta
        .protocol_version
        .as_ref()
        .map_or("2026-07-28", |version| version.as_str(message));
    let version = serde_json::Value::from(version);
    let capabilities = meta
        .client_capabilities
        .map_or(&b"{}"[..], |span| span.of(message));
    let capabilities = String::from_utf8_lossy(capabilities);
    let cursor = cursor.map_or(String::new(), |cursor| format!(r#""cursor":{cursor},"#));
    format!(
        r#"{{"jsonrpc":"2.0","id":"mcp-guard/tools","method":"tools/list","params":{{{cursor}"_meta":{{"io.modelcontextprotocol/protocolVersion":{version},"io.modelcontextprotocol/clientCapabilities":{capabilities}}}}}}}"#
    )
    .into_bytes()
}
