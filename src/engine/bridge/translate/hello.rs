//! `initialize` against `server/discover`: what each side can, and what of it a translation carries.

use super::answer::LIST_TTL_MS;
use super::object::{Object, quoted, string};
use super::request::SERVER_INFO;
use crate::engine::mcp::revision::{Era, Revision};

/// Revision that the gateway asks a legacy server for.
pub const LEGACY: Revision = Revision::R2025_11_25;

const TASKS: &str = "tasks";
const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// What the gateway calls itself where a client does not say who it is and a server must be told.
#[must_use]
pub fn gateway_info() -> String {
    format!(
        r#"{{"name":"mcp-guard","version":"{}"}}"#,
        env!("CARGO_PKG_VERSION")
    )
}

/// What a client says about itself, in either era: decides what a server may ask it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// `capabilities`, JSON.
    pub capabilities: String,
    /// `clientInfo`, JSON.
    pub client_info: String,
}

impl Profile {
    /// Of `capabilities` and `info` as a client wrote them.
    #[must_use]
    pub fn new(capabilities: Option<&str>, info: Option<&str>) -> Self {
        let info = info.filter(|info| Object::parse(info).is_some());
        Self {
            capabilities: carried(capabilities.unwrap_or("{}")),
            client_info: info.map_or_else(gateway_info, str::to_owned),
        }
    }

    /// Parameters of `initialize`.
    #[must_use]
    pub fn initialize(&self) -> String {
        format!(
            r#"{{"protocolVersion":{},"capabilities":{},"clientInfo":{}}}"#,
            quoted(LEGACY.as_str()),
            self.capabilities,
            self.client_info
        )
    }
}

/// `capabilities` without what the translation cannot carry: tasks of either form.
#[must_use]
pub fn carried(capabilities: &str) -> String {
    let Some(parsed) = Object::parse(capabilities) else {
        return "{}".to_owned();
    };
    let mut out = parsed.clone();
    out.remove(TASKS);
    if let Some(mut extensions) = parsed.object("extensions")
        && extensions.remove(TASKS_EXTENSION)
    {
        out.set("extensions", extensions.to_string());
    }
    out.to_string()
}

/// What changes a server tells about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tells {
    /// `tools.listChanged`.
    pub tools: bool,
    /// `prompts.listChanged`.
    pub prompts: bool,
    /// `resources.listChanged`.
    pub resources: bool,
    /// `resources.subscribe`.
    pub updates: bool,
    /// `logging`.
    pub logs: bool,
}

impl Tells {
    fn of(capabilities: &Object<'_>) -> Self {
        let is = |feature: &str, flag: &str| {
            let feature = capabilities.object(feature);
            feature.is_some_and(|feature| feature.is_true(flag))
        };
        Self {
            tools: is("tools", "listChanged"),
            prompts: is("prompts", "listChanged"),
            resources: is("resources", "listChanged"),
            updates: is("resources", "subscribe"),
            logs: capabilities.object("logging").is_some(),
        }
    }
}

/// What a legacy server said to `initialize`.
#[derive(Clone, Debug)]
pub struct Hello {
    /// `serverInfo`, JSON.
    pub server_info: Option<String>,
    /// What it tells about.
    pub tells: Tells,
    result: String,
}

impl Hello {
    /// Reads the result of `initialize`. `None`: it is none, or of a revision that is not legacy.
    #[must_use]
    pub fn read(result: &str) -> Option<Self> {
        let parsed = Object::parse(result)?;
        let version = parsed.text("protocolVersion")?;
        Revision::parse(version.as_bytes()).filter(|revision| revision.era() == Era::Legacy)?;
        let capabilities = parsed.object("capabilities")?;
        Some(Self {
            server_info: parsed.object("serverInfo").map(|info| info.to_string()),
            tells: Tells::of(&capabilities),
            result: result.to_owned(),
        })
    }

    /// The result of `server/discover`.
    #[must_use]
    pub fn discover(&self) -> String {
        let parsed = Object::parse(&self.result).unwrap_or_default();
        let mut meta = parsed.object("_meta").unwrap_or_default();
        if let Some(info) = &self.server_info {
            meta.set(SERVER_INFO, info.clone());
        }
        let mut out = parsed.clone();
        for name in ["protocolVersion", "serverInfo"] {
            out.remove(name);
        }
        out.set("resultType", "\"complete\"");
        out.set("supportedVersions", "[\"2026-07-28\"]");
        out.set(
            "capabilities",
            carried(parsed.member("capabilities").unwrap_or("{}")),
        );
        out.set("ttlMs", LIST_TTL_MS.to_string());
        out.set("cacheScope", "\"private\"");
        if !meta.is_empty() {
            out.set("_meta", meta.to_string());
        }
        out.to_string()
    }
}

/// What a modern server said to `server/discover`.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// What it tells about.
    pub tells: Tells,
    result: String,
}

impl Discovery {
    /// Reads the result of `server/discover`. `None`: it is none, or the server does not speak 2026-07-28.
    #[must_use]
    pub fn read(result: &str) -> Option<Self> {
        let parsed = Object::parse(result)?;
        let versions = super::object::elements(parsed.member("supportedVersions")?)?;
        let mut versions = versions.into_iter().filter_map(string);
        versions.find(|version| version == Revision::R2026_07_28.as_str())?;
        let capabilities = parsed.object("capabilities").unwrap_or_default();
        Some(Self {
            tells: Tells::of(&capabilities),
            result: result.to_owned(),
        })
    }

    /// The result of `initialize`, agreed on `revision`.
    #[must_use]
    pub fn initialize(&self, revision: Revision) -> String {
        let parsed = Object::parse(&self.result).unwrap_or_default();
        let mut meta = parsed.object("_meta").unwrap_or_default();
        let info = meta.member(SERVER_INFO).map(str::to_owned);
        meta.remove(SERVER_INFO);
        let mut out = parsed.clone();
        for name in [
            "resultType",
            "supportedVersions",
            "ttlMs",
            "cacheScope",
            "_meta",
        ] {
            out.remove(name);
        }
        out.set("protocolVersion", quoted(revision.as_str()));
        out.set(
            "capabilities",
            carried(parsed.member("capabilities").unwrap_or("{}")),
        );
        // Required of a legacy server, and no more than a name.
        let info = info.unwrap_or_else(|| r#"{"name":"server","version":"0"}"#.to_owned());
        out.set("serverInfo", info);
        if !meta.is_empty() {
            out.set("_meta", meta.to_string());
        }
        out.to_string()
    }
}

/// The revision to agree on with a client that asked for `requested`.
#[must_use]
pub fn agreed(requested: &str) -> Revision {
    Revision::parse(requested.as_bytes())
        .filter(|revision| revision.era() == Era::Legacy)
        .unwrap_or(LEGACY)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Discovery, Hello, Profile, Tells, agreed, carried, gateway_info};
    use crate::engine::mcp::revision::Revision;

    #[test]
    fn tasks_are_not_carried_and_everything_else_is() {
        for (all, kept) in [
            (
                r#"{"tools":{},"tasks":{},"x":1.0}"#,
                r#"{"tools":{},"x":1.0}"#,
            ),
            (
                r#"{"extensions":{"io.modelcontextprotocol/tasks":{},"a/b":{}},"experimental":{"e":{}}}"#,
                r#"{"extensions":{"a/b":{}},"experimental":{"e":{}}}"#,
            ),
            ("[]", "{}"),
        ] {
            assert_eq!(carried(all), kept);
        }
    }

    #[test]
    fn initialize_becomes_discover() {
        let hello = Hello::read(
            r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"tasks":{}},"serverInfo":{"name":"s","version":"1"},"instructions":"do","x":1.0}"#,
        )
        .unwrap();
        assert_eq!(
            hello.tells,
            Tells {
                tools: true,
                updates: true,
                ..Tells::default()
            }
        );
        assert_eq!(
            hello.discover(),
            r#"{"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true}},"instructions":"do","x":1.0,"resultType":"complete","supportedVersions":["2026-07-28"],"ttlMs":5000,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}"#
        );
        for bad in [
            "{}",
            r#"{"protocolVersion":"2026-07-28","capabilities":{}}"#,
            r#"{"protocolVersion":"2025-06-18"}"#,
            r#"{"protocolVersion":"1.0","capabilities":{}}"#,
        ] {
            assert!(Hello::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn discover_becomes_initialize() {
        let discovery = Discovery::read(
            r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"logging":{},"prompts":{"listChanged":true}},"instructions":"do","ttlMs":1,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"},"k":1}}"#,
        )
        .unwrap();
        assert!(discovery.tells.logs && discovery.tells.prompts && !discovery.tells.tools);
        assert_eq!(
            discovery.initialize(Revision::R2025_03_26),
            r#"{"capabilities":{"logging":{},"prompts":{"listChanged":true}},"instructions":"do","protocolVersion":"2025-03-26","serverInfo":{"name":"s","version":"1"},"_meta":{"k":1}}"#
        );
        for bad in [
            "{}",
            r#"{"supportedVersions":["2025-11-25"],"capabilities":{}}"#,
        ] {
            assert!(Discovery::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_known_legacy_revision_is_agreed_on_and_else_the_newest() {
        for (requested, revision) in [
            ("2024-11-05", Revision::R2024_11_05),
            ("2025-03-26", Revision::R2025_03_26),
            ("2025-11-25", Revision::R2025_11_25),
            ("2026-07-28", Revision::R2025_11_25),
            ("1.0", Revision::R2025_11_25),
        ] {
            assert_eq!(agreed(requested), revision, "{requested}");
        }
    }

    #[test]
    fn a_client_without_a_name_gets_the_gateways() {
        let nameless = Profile::new(None, Some("\"x\""));
        assert_eq!(nameless.client_info, gateway_info());
        assert_eq!(
            Profile::new(Some(r#"{"roots":{},"tasks":{}}"#), Some(r#"{"name":"c"}"#)).initialize(),
            r#"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"c"}}"#
        );
    }
}
