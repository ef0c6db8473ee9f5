//! `[upstream]` and `[[upstream.servers]]`.

use super::tls::{UPSTREAM_CA, UPSTREAM_CERT, UPSTREAM_KEY};
use super::{Key, Kind, Section, key};

const SEAL_LATER: &str = "sealing of requestState";

const TRANSPORT: Key = key(
    "transport",
    Kind::Choice(&["stdio", "http", "sse"]),
    "\"http\"",
    "`stdio`: a child process, the default where `command` is given. `http`: Streamable HTTP. `sse`: HTTP+SSE of 2024-11-05.",
);
const ERA: Key = key(
    "era",
    Kind::Choice(&["auto", "legacy", "modern", "both"]),
    "\"auto\"",
    "Revisions that the server speaks: up to 2025-11-25, 2026-07-28 and later, or both; `auto` asks it.",
);
const TRANSLATE: Key = key(
    "translate",
    Kind::Flag,
    "true",
    "Whether requests of the era that the server does not speak are translated; otherwise they are refused with −32022.",
);
const COMMAND: Key = key(
    "command",
    Kind::Text,
    "",
    "Program of a stdio server, without arguments; looked up in `PATH` unless it holds a slash.",
);
const ARGS: Key = key(
    "args",
    Kind::Texts,
    "[]",
    "Its arguments. Every user of the host can see them: secrets belong into `env`.",
);
const ENV: Key = key(
    "env",
    Kind::SecretTable,
    "{}",
    "Its environment beside `PATH`, `HOME` and the like; nothing else of the gateway's reaches it. Values as secrets.",
);
const CWD: Key = key(
    "cwd",
    Kind::Text,
    "",
    "Its working directory. A relative one, like a relative `command`, starts at that of the gateway.",
);
const INSTANCES: Key = key(
    "instances",
    Kind::Choice(&["session", "shared"]),
    "",
    "A child for each session (legacy) or identity (modern), or one for all modern requests. Absent: `session` for a legacy server, `shared` for a modern one.",
);
const RESTART: Key = key(
    "restart",
    Kind::Choice(&["always", "never"]),
    "\"always\"",
    "Whether a shared child that ended is started again, with a growing pause after failures.",
);
const MAX_CHILDREN: Key = key(
    "max_children",
    Kind::Integer,
    "64",
    "Children of this server at once.",
);
const URL: Key = key(
    "url",
    Kind::Text,
    "",
    "`http://` or `https://host[:port][/path]`, or `unix:/socket[:/path]`; the path is used verbatim and defaults to `/`.",
);
const HEADERS: Key = key(
    "headers",
    Kind::SecretTable,
    "{}",
    "Headers that the gateway adds to each request; values as secrets.",
);
const BEARER_TOKEN: Key = key(
    "bearer_token",
    Kind::Secret,
    "",
    "Token that the gateway presents as `Authorization: Bearer`.",
);
const TIMEOUT: Key = key(
    "timeout",
    Kind::Duration,
    "\"300s\"",
    "Until the first byte of an answer; beyond it 504.",
);
const CONNECT_TIMEOUT: Key = key(
    "connect_timeout",
    Kind::Duration,
    "\"5s\"",
    "Until a connection is open.",
);
const FORWARD_HEADERS: Key = key(
    "forward_headers",
    Kind::Texts,
    "[]",
    "Further request headers that pass.",
);
const FORWARD_RESPONSE_HEADERS: Key = key(
    "forward_response_headers",
    Kind::Texts,
    "[]",
    "Further response headers that pass.",
);

pub(super) const UPSTREAM: Section = Section {
    path: "upstream",
    keys: &[
        TRANSPORT,
        ERA,
        TRANSLATE,
        URL,
        COMMAND,
        ARGS,
        ENV,
        CWD,
        INSTANCES,
        RESTART,
        MAX_CHILDREN,
        HEADERS,
        BEARER_TOKEN,
        TIMEOUT,
        CONNECT_TIMEOUT,
        FORWARD_HEADERS,
        FORWARD_RESPONSE_HEADERS,
        key("servers", Kind::Sections, "", "Several upstreams."),
        UPSTREAM_CA,
        UPSTREAM_CERT,
        UPSTREAM_KEY,
        SEAL,
    ],
};

pub(super) const SERVERS: Section = Section {
    path: "upstream.servers",
    keys: &[
        key(
            "name",
            Kind::Text,
            "",
            "Unique name; `/mcp/{name}` leads here; required.",
        ),
        TRANSPORT,
        ERA,
        TRANSLATE,
        URL,
        COMMAND,
        ARGS,
        ENV,
        CWD,
        INSTANCES,
        RESTART,
        MAX_CHILDREN,
        HEADERS,
        BEARER_TOKEN,
        TIMEOUT,
        CONNECT_TIMEOUT,
        FORWARD_HEADERS,
        FORWARD_RESPONSE_HEADERS,
        key(
            "path_prefix",
            Kind::Text,
            "",
            "A further path that leads here; the longest prefix wins.",
        ),
        key(
            "strip_prefix",
            Kind::Flag,
            "false",
            "Appends what follows the prefix to the path of `url`; otherwise a remainder is 404.",
        ),
        key(
            "required",
            Kind::Flag,
            "false",
            "Whether `/ready` is 503 while this upstream is down.",
        ),
        key(
            "allowed_tools",
            Kind::Texts,
            "",
            "What anybody may use here at most, whatever an identity is allowed.",
        ),
        key(
            "default",
            Kind::Flag,
            "false",
            "Whether `/mcp` leads here; without one, the first server.",
        ),
        UPSTREAM_CA,
        UPSTREAM_CERT,
        UPSTREAM_KEY,
        SEAL,
    ],
};

const SEAL: Key = key("seal_request_state", Kind::Flag, "", "").later(SEAL_LATER);
