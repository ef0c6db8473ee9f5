//! How a server is reached and what it speaks: `transport`, `era` and `translate`, and which keys go with which.

use crate::config::problem::Problem;
use crate::config::read::table::Table;
use crate::config::read::tls;
use crate::engine::snapshot::{Eras, HttpTransport, Speech};

/// What a server without any place is asked for.
pub(super) const PLACE: &str = "http:// or https://host[:port][/path], or unix:/socket[:/path]; or command, for a stdio server";

const COMMAND: &str = "the program of the stdio server";

/// `transport`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// A child process.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// HTTP+SSE of 2024-11-05.
    Sse,
}

const TRANSPORTS: [(&str, Transport); 3] = [
    ("stdio", Transport::Stdio),
    ("http", Transport::Http),
    ("sse", Transport::Sse),
];

/// `None` of the inner kind: the server is asked.
const ERAS: [(&str, Option<Eras>); 4] = [
    ("auto", None),
    ("legacy", Some(Eras::Legacy)),
    ("modern", Some(Eras::Modern)),
    ("both", Some(Eras::Both)),
];

/// What a table says itself, or inherits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    transport: Option<Transport>,
    eras: Option<Eras>,
    translates: bool,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            transport: None,
            eras: Speech::DEFAULT.eras,
            translates: Speech::DEFAULT.translates,
        }
    }
}

impl Said {
    /// What `table` says within one that says `outer`. Its own place decides before an inherited transport does.
    pub(super) fn read(table: &Table<'_>, outer: &Self) -> Self {
        let own = table.choice("transport", &TRANSPORTS);
        let inherited = match (table.has("url"), table.has("command")) {
            (true, _) => outer.transport.filter(|outer| *outer != Transport::Stdio),
            (false, true) => Some(Transport::Stdio),
            (false, false) => outer.transport,
        };
        Self {
            transport: own.or(inherited),
            eras: table.choice("era", &ERAS).unwrap_or(outer.eras),
            translates: table.flag("translate").unwrap_or(outer.translates),
        }
    }

    /// The transport, where anything says one.
    pub(super) fn transport(&self) -> Transport {
        self.transport.unwrap_or(Transport::Http)
    }

    /// The same for the engine. HTTP+SSE has one revision, so nothing is asked there.
    pub(super) fn speech(&self) -> Speech {
        let is_sse = self.transport() == Transport::Sse;
        Speech {
            transport: if is_sse {
                HttpTransport::Sse
            } else {
                HttpTransport::Streamable
            },
            eras: if is_sse {
                Some(Eras::Legacy)
            } else {
                self.eras
            },
            translates: self.translates,
        }
    }

    /// Reports keys of the server at `table` that do not go with its transport, and a place that is missing.
    pub(super) fn check(&self, table: &Table<'_>) {
        match self.transport() {
            Transport::Stdio => check_stdio(table),
            Transport::Http | Transport::Sse => check_http(table, self.transport.is_some()),
        }
        let of_another_era = matches!(self.eras, Some(Eras::Modern | Eras::Both));
        if self.transport() == Transport::Sse && of_another_era && table.has("era") {
            conflict(
                table,
                "era",
                table.path_of("transport"),
                "HTTP+SSE is of 2024-11-05 alone; remove era",
            );
        }
    }
}

fn check_stdio(table: &Table<'_>) {
    table.require("command", COMMAND);
    let other = table.path_of("transport");
    if table.has("url") {
        let remedy =
            "a stdio server is started by command; remove url, or set transport to \"http\"";
        conflict(table, "url", other, remedy);
    }
    let remedy = "a stdio server takes no headers; give it secrets in env";
    for key in ["headers", "bearer_token", "bearer_token_file"] {
        if table.has(key) {
            conflict(table, key, table.path_of("command"), remedy);
        }
    }
    let remedy = "a stdio server has no connection to protect; remove the key";
    for key in tls::UPSTREAM_KEYS {
        if table.has(key) {
            conflict(table, key, table.path_of("command"), remedy);
        }
    }
    for key in ["forward_headers", "forward_response_headers"] {
        if table.has(key) {
            table.report(key, Problem::HeadersUnused);
        }
    }
}

fn check_http(table: &Table<'_>, transport_is_said: bool) {
    if table.has("command") {
        let (other, remedy) = if table.has("url") {
            (
                "url",
                "a server is started by command or reached at url; keep one of them",
            )
        } else {
            (
                "transport",
                "command starts a stdio server; remove transport, or set it to \"stdio\"",
            )
        };
        conflict(table, "command", table.path_of(other), remedy);
        return;
    }
    let is_lone = table.path == "upstream";
    if !table.has("url") {
        let problem = if is_lone && !transport_is_said {
            Problem::NoUpstream
        } else {
            Problem::Missing { accepted: PLACE }
        };
        table.report("url", problem);
    }
    let remedy = "only a server that is started by command has it; set command, or remove the key";
    for key in ["args", "env", "cwd", "instances", "restart", "max_children"] {
        if table.has(key) {
            conflict(table, key, "an absent command".to_owned(), remedy);
        }
    }
}

fn conflict(table: &Table<'_>, key: &str, other: String, remedy: &'static str) {
    table.report(key, Problem::Conflict { other, remedy });
}
