//! `[upstream]` and `[[upstream.servers]]`.

use super::{Key, Kind, Section, key};

const STDIO_LATER: &str = "the stdio transport";
const TLS_LATER: &str = "TLS to an upstream";
const SEAL_LATER: &str = "sealing of requestState";

const TRANSPORT: Key = key(
    "transport",
    Kind::Choice(&["stdio", "http", "sse"]),
    "\"http\"",
    "How the upstream is reached. This version has `http` (Streamable HTTP).",
);
const URL: Key = key(
    "url",
    Kind::Text,
    "",
    "`http://host[:port][/path]`, or `unix:/socket[:/path]`; the path is used verbatim and defaults to `/`.",
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
        URL,
        HEADERS,
        BEARER_TOKEN,
        TIMEOUT,
        CONNECT_TIMEOUT,
        FORWARD_HEADERS,
        FORWARD_RESPONSE_HEADERS,
        key("servers", Kind::Sections, "", "Several upstreams."),
        stdio("command", Kind::Text),
        stdio("args", Kind::Texts),
        stdio("env", Kind::SecretTable),
        stdio("cwd", Kind::Path),
        stdio("instances", Kind::Choice(&["session", "shared"])),
        stdio("restart", Kind::Text),
        stdio("max_children", Kind::Integer),
        tls("tls_ca_path"),
        tls("tls_client_cert_path"),
        tls("tls_client_key_path"),
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
        URL,
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
        stdio("command", Kind::Text),
        stdio("args", Kind::Texts),
        stdio("env", Kind::SecretTable),
        stdio("cwd", Kind::Path),
        stdio("instances", Kind::Choice(&["session", "shared"])),
        stdio("restart", Kind::Text),
        stdio("max_children", Kind::Integer),
        tls("tls_ca_path"),
        tls("tls_client_cert_path"),
        tls("tls_client_key_path"),
        SEAL,
    ],
};

const SEAL: Key = key("seal_request_state", Kind::Flag, "", "").later(SEAL_LATER);

const fn stdio(name: &'static str, kind: Kind) -> Key {
    key(name, kind, "", "").later(STDIO_LATER)
}

const fn tls(name: &'static str) -> Key {
    key(name, Kind::Path, "", "").later(TLS_LATER)
}
