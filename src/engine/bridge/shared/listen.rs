//! What a client asked to be told of (2026-07-28, `subscriptions/listen`).

use crate::engine::mcp::json::{Syntax, members};
use crate::engine::mcp::message::Call;
use crate::engine::mcp::methods::Method;

use super::server_message::Notice;

/// One open listen request.
#[derive(Debug, Default)]
pub(super) struct Listen {
    /// Whether the server has acknowledged it: nothing may come before.
    pub(super) is_acknowledged: bool,
    tools: bool,
    prompts: bool,
    resources: bool,
    uris: Vec<Box<str>>,
    task_ids: Vec<Box<str>>,
}

impl Listen {
    /// What `call`, scanned from `body`, asks for. Errors: its filter cannot be read.
    pub(super) fn of(body: &[u8], call: &Call) -> Result<Self, Syntax> {
        let mut listen = Self::default();
        if let Some(subscriptions) = &call.params.subscriptions {
            let texts = |texts: &[crate::engine::mcp::message::Text]| {
                texts.iter().map(|text| text.as_str(body).into()).collect()
            };
            listen.uris = texts(&subscriptions.uris);
            listen.task_ids = texts(&subscriptions.task_ids);
        }
        let (Some(params), Ok(text)) = (call.params.span, str::from_utf8(body)) else {
            return Ok(listen);
        };
        let mut filter = None;
        members(text, params, |name, value| {
            if name == "notifications" {
                filter = Some(value);
            }
        })?;
        if let Some(filter) = filter {
            members(text, filter, |name, value| {
                let is_wanted = &text[value.range()] == "true";
                match name {
                    "toolsListChanged" => listen.tools = is_wanted,
                    "promptsListChanged" => listen.prompts = is_wanted,
                    "resourcesListChanged" => listen.resources = is_wanted,
                    _ => {}
                }
            })?;
        }
        Ok(listen)
    }

    /// Whether `notice`, which names no subscription, is one that this listen asked for.
    pub(super) fn wants(&self, notice: &Notice) -> bool {
        let names = |list: &[Box<str>], name: &Option<Box<str>>| {
            name.as_ref().is_some_and(|name| list.contains(name))
        };
        match notice.method {
            Method::ResourcesUpdated => names(&self.uris, &notice.uri),
            Method::TasksNotice => names(&self.task_ids, &notice.task_id),
            _ => is_event(notice.method) && self.allows(notice.method),
        }
    }

    /// Whether `method`, sent for this subscription by name, is of a kind that it asked for. What an extension adds is
    /// between client and server; what belongs to one request is not sent here.
    pub(super) fn allows(&self, method: Method) -> bool {
        match method {
            Method::ToolsListChanged => self.tools,
            Method::PromptsListChanged => self.prompts,
            Method::ResourcesListChanged => self.resources,
            // A server may tell of something below the URI that was named.
            Method::ResourcesUpdated => !self.uris.is_empty(),
            Method::TasksNotice => !self.task_ids.is_empty(),
            Method::Progress | Method::LogMessage | Method::Cancelled => false,
            _ => true,
        }
    }
}

/// Whether `method` tells of a change that a listen can ask for.
pub(super) fn is_event(method: Method) -> bool {
    matches!(
        method,
        Method::ToolsListChanged
            | Method::PromptsListChanged
            | Method::ResourcesListChanged
            | Method::ResourcesUpdated
            | Method::TasksNotice
    )
}
