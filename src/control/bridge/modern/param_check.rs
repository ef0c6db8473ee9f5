//! What an HTTP server owes for `Mcp-Param-*`, in front of one that knows nothing of HTTP (2026-07-28, Server Behavior for
//! Custom Headers; SEP-2243).
//!
//! A call is held against the schema of its tool, learnt from the `tools/list` answers that pass, or asked for. Where the
//! server lists no such tool, or no list at all, nothing is known and nothing checked: the call is the server's to refuse.
//! A tool whose annotations are not sound is left out of lists.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout};

use super::catalogue::{Catalogue, Lookup};
use super::driver::single;
use crate::control::bridge::{Answers, Ask, BoxFuture, ConnectError, ModernUpstream};
use crate::engine::bridge::shared::peek;
use crate::engine::mcp::limits::JSON_DEPTH_CAP;
use crate::engine::mcp::message::{Body, Call, Kind};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::param_headers::listing::{Listing, read_listing};
use crate::engine::mcp::param_headers::{PARAM_PREFIX, ParamHeaders, ParamMismatch};
use crate::engine::mcp::scan::{ScanLimits, scan};
use crate::engine::reply::Failure;

/// Pages of a list that the gateway asks for.
const PAGES_MAX: usize = 100;

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

/// A server with its calls held against its schemas.
#[derive(Clone)]
pub(in crate::control) struct CheckedParams(Arc<Checked>);

struct Checked {
    server: Box<str>,
    upstream: Box<dyn ModernUpstream>,
    tools: ToolsEpoch,
    catalogue: Mutex<Catalogue>,
    /// Who holds it reads the list; the others wait for what is found.
    reading: Semaphore,
}

impl CheckedParams {
    /// `upstream`, the server named `server`, whose tools change when `tools` advances.
    pub(in crate::control) fn new(
        server: &str,
        upstream: impl ModernUpstream,
        tools: ToolsEpoch,
    ) -> Self {
        Self(Arc::new(Checked {
            server: server.into(),
            upstream: Box::new(upstream),
            tools,
            catalogue: Mutex::default(),
            reading: Semaphore::new(1),
        }))
    }

    /// Whether nobody else holds it.
    pub(super) fn is_unused(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl ModernUpstream for CheckedParams {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        let checked = Arc::clone(&self.0);
        Box::pin(async move {
            let Ok(Body::One(message)) = scan(&ask.message, &SCAN_LIMITS) else {
                return checked.upstream.ask(ask).await;
            };
            let Kind::Request { call, .. } = &message.kind else {
                return checked.upstream.ask(ask).await;
            };
            match call.method {
                Method::ToolsCall => checked.call(ask, call).await,
                Method::ToolsList => {
                    let answers = checked.upstream.ask(ask).await?;
                    Ok(checked.pruned(answers))
                }
                _ => checked.upstream.ask(ask).await,
            }
        })
    }
}

const SCAN_LIMITS: ScanLimits = ScanLimits {
    depth_max: JSON_DEPTH_CAP,
    batch_max: 1,
};

impl Checked {
    async fn call(&self, ask: Ask, call: &Call) -> Result<Answers, ConnectError> {
        let subject = CallSubject::of(&ask, call);
        let mismatch = match subject.is_plain() {
            true => None,
            false => self.mismatch(&ask, call, &subject).await,
        };
        match mismatch {
            None => self.upstream.ask(ask).await,
            Some(mismatch) => {
                let detail = mismatch.message();
                Ok(single(Failure::HeaderMismatch { detail }, &ask.message))
            }
        }
    }

    /// Holds the call against what is known of its tool; what is old is read anew before the call is refused for it.
    async fn mismatch(
        &self,
        ask: &Ask,
        call: &Call,
        subject: &CallSubject<'_>,
    ) -> Option<ParamMismatch> {
        let (params, is_fresh) = match self.look_up(subject.tool) {
            Lookup::Listed { params, is_fresh } => (params, is_fresh),
            Lookup::Unlisted => return None,
            Lookup::Unknown => {
                self.read(ask, call, Instant::now()).await;
                match self.look_up(subject.tool) {
                    Lookup::Listed { params, .. } => (params, true),
                    Lookup::Unlisted | Lookup::Unknown => return None,
                }
            }
        };
        let mismatch = subject.check(&params).err()?;
        if is_fresh {
            return Some(mismatch);
        }
        self.read(ask, call, Instant::now()).await;
        match self.look_up(subject.tool) {
            Lookup::Listed { params, .. } => subject.check(&params).err(),
            Lookup::Unlisted | Lookup::Unknown => None,
        }
    }

    fn look_up(&self, tool: &str) -> Lookup {
        self.catalogue().look_up(tool, Instant::now())
    }

    fn catalogue(&self) -> MutexGuard<'_, Catalogue> {
        let mut catalogue = self
            .catalogue
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        catalogue.sync(self.tools.now());
        catalogue
    }

    /// Reads the whole list, in the name of the caller of `call`, unless somebody has done so since `asked_at`.
    async fn read(&self, ask: &Ask, call: &Call, asked_at: Instant) {
        let Ok(_turn) = self.reading.acquire().await else {
            return;
        };
        if self.catalogue().was_read_since(asked_at) {
            return;
        }
        let reading = timeout(READING_TIME, self.read_pages(ask, call)).await;
        if !matches!(reading, Ok(Some(()))) {
            tracing::warn!(server = %self.server, "server's tools cannot be listed; Mcp-Param headers are not checked");
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
    fn pruned(self: &Arc<Self>, mut answers: Answers) -> Answers {
        let (sender, pruned) = mpsc::channel(PRUNED_MESSAGES_MAX);
        let checked = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let message = tokio::select! {
                    message = answers.recv() => message,
                    () = sender.closed() => None,
                };
                let Some(message) = message else { return };
                if sender.send(checked.prune(message)).await.is_err() {
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

/// A call as far as its fields are held against it.
struct CallSubject<'a> {
    tool: &'a str,
    arguments: Option<&'a str>,
    fields: &'a [(Box<str>, Box<[u8]>)],
}

impl<'a> CallSubject<'a> {
    fn of(ask: &'a Ask, call: &'a Call) -> Self {
        let arguments = call.params.arguments.map(|span| span.of(&ask.message));
        Self {
            tool: call
                .params
                .name
                .as_ref()
                .map_or("", |name| name.as_str(&ask.message)),
            arguments: arguments.and_then(|arguments| str::from_utf8(arguments).ok()),
            fields: &ask.fields,
        }
    }

    /// Whether there is nothing to compare: no arguments and no fields.
    fn is_plain(&self) -> bool {
        let is_empty = |arguments: &str| {
            arguments
                .strip_prefix('{')
                .is_none_or(|rest| rest.trim_start().starts_with('}'))
        };
        self.arguments.is_none_or(is_empty) && !self.fields.iter().any(|(name, _)| is_param(name))
    }

    fn check(&self, params: &ParamHeaders) -> Result<(), ParamMismatch> {
        let fields = self.fields.iter().map(|(name, value)| (&**name, &**value));
        params.agree(self.arguments, fields)
    }
}

/// Whether a field called `name` mirrors a parameter.
pub(super) fn is_param(name: &str) -> bool {
    name.get(..PARAM_PREFIX.len())
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(PARAM_PREFIX))
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

#[cfg(test)]
mod tests;
