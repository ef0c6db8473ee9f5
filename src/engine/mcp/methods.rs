//! The closed set of JSON-RPC methods of every revision, both directions, and what each means to the gateway.
//!
//! One table: adding a method is adding a row.

use super::revision::Revision;

/// Whose content a list answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// `tools/list`: items are named by `name`.
    Tools,
    /// `prompts/list`: items are named by `name`.
    Prompts,
    /// `resources/list`: items are named by `uri`.
    Resources,
    /// `resources/templates/list`: items are named by `uriTemplate`.
    ResourceTemplates,
}

impl ListKind {
    /// The member of a result that holds the items.
    #[must_use]
    pub const fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::ResourceTemplates => "resourceTemplates",
        }
    }

    /// The member of an item that names it.
    #[must_use]
    pub const fn item_name(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
            Self::ResourceTemplates => "uriTemplate",
        }
    }
}

/// What policy looks at when it judges a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Nothing: every authenticated caller may.
    Never,
    /// The tool in `params.name`.
    ByTool,
    /// The prompt in `params.name`.
    ByPrompt,
    /// The resource in `params.uri`.
    ByResource,
    /// What `params.ref` refers to.
    ByReference,
    /// Each URI (and task) in `params.notifications`.
    BySubscriptions,
    /// The task in `params.taskId`, which the caller must have created.
    ByTask,
    /// The method's own name: an entry `method:NAME` or `*` is needed.
    ByMethod,
}

/// Where the value of `Mcp-Name` comes from (2026-07-28, Standard Request Headers; SEP-2663 for tasks).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameSource {
    /// `params.name`.
    Name,
    /// `params.uri`.
    Uri,
    /// `params.taskId`.
    TaskId,
}

macro_rules! methods {
    ($($variant:ident $text:literal $since:ident $last:ident $judged:ident;)+) => {
        /// A JSON-RPC method of any revision, in either direction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $text, "`")] $variant,)+
            /// Any other method.
            Other,
        }

        impl Method {
            /// Every known method.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// The name of every known method, in the order of [`Method::KNOWN`].
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The method that `text` names exactly, or [`Method::Other`].
            #[must_use]
            pub fn parse(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    _ => Self::Other,
                }
            }

            /// The method as written, or `other`: a closed set, safe as a metric label.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other => "other",
                }
            }

            /// What policy looks at when a client sends this method.
            #[must_use]
            pub const fn judged(self) -> Judged {
                match self {
                    $(Self::$variant => Judged::$judged,)+
                    Self::Other => Judged::ByMethod,
                }
            }

            /// Whether `revision` defines this method. No revision defines [`Method::Other`].
            #[must_use]
            pub fn exists_in(self, revision: Revision) -> bool {
                match self {
                    $(Self::$variant => (Revision::$since..=Revision::$last).contains(&revision),)+
                    Self::Other => false,
                }
            }
        }
    };
}

methods! {
    Initialize "initialize" R2024_11_05 R2025_11_25 Never;
    Ping "ping" R2024_11_05 R2025_11_25 Never;
    ServerDiscover "server/discover" R2026_07_28 R2026_07_28 Never;
    ToolsList "tools/list" R2024_11_05 R2026_07_28 Never;
    ToolsCall "tools/call" R2024_11_05 R2026_07_28 ByTool;
    PromptsList "prompts/list" R2024_11_05 R2026_07_28 Never;
    PromptsGet "prompts/get" R2024_11_05 R2026_07_28 ByPrompt;
    ResourcesList "resources/list" R2024_11_05 R2026_07_28 Never;
    ResourcesTemplatesList "resources/templates/list" R2024_11_05 R2026_07_28 Never;
    ResourcesRead "resources/read" R2024_11_05 R2026_07_28 ByResource;
    ResourcesSubscribe "resources/subscribe" R2024_11_05 R2025_11_25 ByResource;
    ResourcesUnsubscribe "resources/unsubscribe" R2024_11_05 R2025_11_25 ByResource;
    SubscriptionsListen "subscriptions/listen" R2026_07_28 R2026_07_28 BySubscriptions;
    CompletionComplete "completion/complete" R2024_11_05 R2026_07_28 ByReference;
    LoggingSetLevel "logging/setLevel" R2024_11_05 R2025_11_25 Never;
    TasksGet "tasks/get" R2025_11_25 R2026_07_28 ByTask;
    TasksUpdate "tasks/update" R2026_07_28 R2026_07_28 ByTask;
    TasksCancel "tasks/cancel" R2025_11_25 R2026_07_28 ByTask;
    TasksResult "tasks/result" R2025_11_25 R2025_11_25 ByTask;
    TasksList "tasks/list" R2025_11_25 R2025_11_25 ByMethod;
    SamplingCreateMessage "sampling/createMessage" R2024_11_05 R2025_11_25 ByMethod;
    ElicitationCreate "elicitation/create" R2025_06_18 R2025_11_25 ByMethod;
    RootsList "roots/list" R2024_11_05 R2025_11_25 ByMethod;
    Initialized "notifications/initialized" R2024_11_05 R2025_11_25 Never;
    Cancelled "notifications/cancelled" R2024_11_05 R2026_07_28 Never;
    Progress "notifications/progress" R2024_11_05 R2026_07_28 Never;
    LogMessage "notifications/message" R2024_11_05 R2026_07_28 Never;
    RootsListChanged "notifications/roots/list_changed" R2024_11_05 R2025_11_25 Never;
    ToolsListChanged "notifications/tools/list_changed" R2024_11_05 R2026_07_28 Never;
    PromptsListChanged "notifications/prompts/list_changed" R2024_11_05 R2026_07_28 Never;
    ResourcesListChanged "notifications/resources/list_changed" R2024_11_05 R2026_07_28 Never;
    ResourcesUpdated "notifications/resources/updated" R2024_11_05 R2026_07_28 Never;
    SubscriptionsAcknowledged "notifications/subscriptions/acknowledged" R2026_07_28 R2026_07_28 Never;
    ElicitationComplete "notifications/elicitation/complete" R2025_11_25 R2025_11_25 Never;
    TasksStatus "notifications/tasks/status" R2025_11_25 R2025_11_25 Never;
    TasksNotice "notifications/tasks" R2026_07_28 R2026_07_28 Never;
}

/// How the name of every notification begins.
pub const NOTIFICATION_PREFIX: &str = "notifications/";

impl Method {
    /// Whether this is a known notification: a message that carries no id.
    #[must_use]
    pub fn is_notification(self) -> bool {
        self.as_str().starts_with(NOTIFICATION_PREFIX)
    }

    /// The kind of list that an answer to this method carries.
    #[must_use]
    pub const fn list_kind(self) -> Option<ListKind> {
        match self {
            Self::ToolsList => Some(ListKind::Tools),
            Self::PromptsList => Some(ListKind::Prompts),
            Self::ResourcesList => Some(ListKind::Resources),
            Self::ResourcesTemplatesList => Some(ListKind::ResourceTemplates),
            _ => None,
        }
    }

    /// Where a 2026-07-28 request of this method takes `Mcp-Name` from; `None` where the header is not required.
    #[must_use]
    pub const fn name_source(self) -> Option<NameSource> {
        match self {
            Self::ToolsCall | Self::PromptsGet => Some(NameSource::Name),
            Self::ResourcesRead => Some(NameSource::Uri),
            Self::TasksGet | Self::TasksUpdate | Self::TasksCancel => Some(NameSource::TaskId),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Judged, Method};
    use crate::engine::mcp::revision::Revision;

    #[test]
    fn every_known_method_reads_back_as_itself() {
        for method in Method::KNOWN {
            assert_eq!(Method::parse(method.as_str()), *method);
        }
        for text in [
            "",
            "tools/cal",
            "tools/calls",
            "Tools/Call",
            "tools/call ",
            "other",
        ] {
            assert_eq!(Method::parse(text), Method::Other, "{text}");
        }
    }

    #[test]
    fn methods_removed_in_2026_exist_only_before() {
        for method in [
            Method::Initialize,
            Method::Ping,
            Method::LoggingSetLevel,
            Method::ResourcesSubscribe,
            Method::ResourcesUnsubscribe,
        ] {
            assert!(method.exists_in(Revision::R2025_11_25), "{method:?}");
            assert!(!method.exists_in(Revision::R2026_07_28), "{method:?}");
        }
        assert!(Method::SubscriptionsListen.exists_in(Revision::R2026_07_28));
        assert!(!Method::SubscriptionsListen.exists_in(Revision::R2025_11_25));
        assert!(
            Revision::ALL
                .iter()
                .all(|revision| !Method::Other.exists_in(*revision))
        );
    }

    #[test]
    fn nothing_that_names_a_thing_is_allowed_to_everybody() {
        for method in Method::KNOWN {
            if method.name_source().is_some() {
                assert_ne!(method.judged(), Judged::Never, "{method:?}");
            }
            if method.is_notification() {
                assert_eq!(method.judged(), Judged::Never, "{method:?}");
            }
        }
        assert_eq!(
            Method::RootsList.judged(),
            Judged::ByMethod,
            "a client may not ask the server for roots"
        );
    }
}
