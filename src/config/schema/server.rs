//! `[server]` and what is below it.

use super::{Kind, Section, key};

pub(super) const SERVER: Section = Section {
    path: "server",
    keys: &[
        key(
            "host",
            Kind::Text,
            "\"127.0.0.1\"",
            "IP address (or `localhost`) that the main listener binds.",
        ),
        key(
            "port",
            Kind::Integer,
            "3000",
            "Port of the main listener; 0 lets the kernel choose.",
        ),
        key(
            "workers",
            Kind::AutoOrInteger,
            "\"auto\"",
            "Worker threads; `auto` is one for each core that the process may use.",
        ),
        key(
            "accept",
            Kind::Choice(&["reuseport", "shared"]),
            "\"reuseport\"",
            "A listener for each worker, or one that they share (even spread of few long connections).",
        ),
        key(
            "io",
            Kind::Choice(&["auto", "uring", "epoll"]),
            "\"auto\"",
            "Kernel interface; `auto` takes io_uring where the kernel offers it.",
        ),
        key(
            "max_request_size",
            Kind::Size,
            "\"1MiB\"",
            "Largest request body; beyond it 413.",
        ),
        key(
            "public_url",
            Kind::Text,
            "",
            "Where clients reach the gateway: `https://mcp.example.com`.",
        ),
        key(
            "allowed_hosts",
            Kind::Texts,
            "[]",
            "Further `Host` values that are accepted. On a loopback listener the loopback names always are; elsewhere an empty list accepts any.",
        ),
        key(
            "allowed_origins",
            Kind::Texts,
            "[]",
            "`Origin` values that are accepted; others get 403. Empty: the origin of `public_url`, and on loopback the loopback origins with the port of the listener.",
        ),
        key(
            "trusted_proxies",
            Kind::Texts,
            "[]",
            "Addresses or CIDR blocks of proxies whose `X-Forwarded-For` is believed.",
        ),
        key(
            "drain_timeout",
            Kind::Duration,
            "\"30s\"",
            "How long requests in flight may take to finish after SIGTERM.",
        ),
        key(
            "busy_poll_us",
            Kind::Integer,
            "0",
            "Microseconds that an idle worker polls before it sleeps. Not available yet: workers sleep at once, and `validate` warns.",
        ),
        key(
            "session_key",
            Kind::Secret,
            "",
            "Seals session ids; at least 32 bytes, the same for every replica. Absent: a new one at each start, so sessions end with the process.",
        ),
        key(
            "session_ttl",
            Kind::Duration,
            "\"24h\"",
            "How long a session id is taken; beyond it 404, and the client begins anew.",
        ),
        key(
            "legacy_sse",
            Kind::Flag,
            "false",
            "Whether clients of HTTP+SSE (2024-11-05) are served at `/sse` and `/message`.",
        ),
        key("cors", Kind::Section, "", "Browsers of other origins."),
        key("limits", Kind::Section, "", "Bounds."),
        key("admin", Kind::Section, "", "The admin listener."),
        key("tls", Kind::Section, "", "TLS on the main listener."),
    ],
};

pub(super) const CORS: Section = Section {
    path: "server.cors",
    keys: &[
        key(
            "enabled",
            Kind::Flag,
            "false",
            "Whether preflights are answered and CORS headers are sent.",
        ),
        key(
            "allowed_origins",
            Kind::Texts,
            "[]",
            "Origins that get them, out of `server.allowed_origins`; empty is all of those.",
        ),
        key(
            "allowed_methods",
            Kind::Texts,
            "[\"GET\", \"POST\", \"DELETE\", \"OPTIONS\"]",
            "`Access-Control-Allow-Methods`.",
        ),
        key(
            "allowed_headers",
            Kind::Texts,
            "[\"Authorization\", \"Content-Type\", \"Accept\", \"Last-Event-ID\", \"MCP-Protocol-Version\", \"Mcp-Session-Id\", \"Mcp-Method\", \"Mcp-Name\"]",
            "`Access-Control-Allow-Headers`.",
        ),
        key(
            "max_age",
            Kind::Duration,
            "3600",
            "How long a browser may remember a preflight.",
        ),
    ],
};

pub(super) const LIMITS: Section = Section {
    path: "server.limits",
    keys: &[
        key(
            "head_bytes",
            Kind::Size,
            "\"32KiB\"",
            "Largest request head; beyond it 431.",
        ),
        key(
            "headers",
            Kind::Integer,
            "100",
            "Most header fields in a request; beyond it 431.",
        ),
        key(
            "header_timeout",
            Kind::Duration,
            "\"10s\"",
            "From the first byte of a head to its last.",
        ),
        key(
            "body_timeout",
            Kind::Duration,
            "\"30s\"",
            "From the first byte of a body to its last.",
        ),
        key(
            "idle_timeout",
            Kind::Duration,
            "\"60s\"",
            "How long an idle keep-alive connection is kept.",
        ),
        key(
            "write_timeout",
            Kind::Duration,
            "\"10s\"",
            "How long a client may take no byte of an answer.",
        ),
        key(
            "connections",
            Kind::Integer,
            "20000",
            "Open client connections in all.",
        ),
        key(
            "connections_per_ip",
            Kind::Integer,
            "10000",
            "Open client connections from one address.",
        ),
        key(
            "requests_in_flight",
            Kind::Integer,
            "20000",
            "Requests being served at once; beyond it 503.",
        ),
        key(
            "json_depth",
            Kind::Integer,
            "64",
            "Deepest nesting of a request's JSON; beyond it 400.",
        ),
        key(
            "streams_per_principal",
            Kind::Integer,
            "10000",
            "Open event streams of one identity; beyond it 429.",
        ),
        key(
            "list_bytes",
            Kind::Size,
            "\"8MiB\"",
            "Largest list answer that is filtered; beyond it 502.",
        ),
        key(
            "event_bytes",
            Kind::Size,
            "\"8MiB\"",
            "Largest event or JSON answer that is inspected whole; at least `list_bytes`.",
        ),
        key(
            "sse_keepalive",
            Kind::Duration,
            "\"15s\"",
            "How often a silent event stream carries a comment.",
        ),
        key(
            "detached_timeout",
            Kind::Duration,
            "\"300s\"",
            "How long a request of a session goes on after its client left.",
        ),
        key(
            "detached_requests",
            Kind::Integer,
            "256",
            "Such requests of one worker.",
        ),
        key(
            "upstream_idle_connections",
            Kind::Integer,
            "64",
            "Idle connections that a worker keeps to one upstream.",
        ),
        key(
            "upstream_idle_timeout",
            Kind::Duration,
            "\"30s\"",
            "How long it keeps them.",
        ),
        key(
            "children",
            Kind::Integer,
            "256",
            "Stdio children at once, of all servers.",
        ),
        key(
            "children_per_principal",
            Kind::Integer,
            "32",
            "Stdio children at once that the sessions of one identity have.",
        ),
        key(
            "sessions",
            Kind::Integer,
            "10000",
            "Sessions that the gateway itself holds (stdio, sse and translated servers).",
        ),
        key(
            "sessions_per_principal",
            Kind::Integer,
            "1000",
            "Such sessions of one identity.",
        ),
        key(
            "session_idle_timeout",
            Kind::Duration,
            "\"30m\"",
            "How long such a session lives while nothing uses it.",
        ),
        key(
            "session_events_bytes",
            Kind::Size,
            "\"256KiB\"",
            "Events that such a session keeps for a client that resumes.",
        ),
        key(
            "line_bytes",
            Kind::Size,
            "\"8MiB\"",
            "Largest message taken from a stdio child; beyond it the child is stopped.",
        ),
    ],
};

pub(super) const ADMIN: Section = Section {
    path: "server.admin",
    keys: &[
        key(
            "host",
            Kind::Text,
            "\"127.0.0.1\"",
            "IP address that the admin listener binds.",
        ),
        key(
            "port",
            Kind::Integer,
            "9464",
            "Its port; 0 lets the kernel choose.",
        ),
        key(
            "token",
            Kind::Secret,
            "",
            "Bearer token of admin requests; required off loopback.",
        ),
        key(
            "metrics_on_main",
            Kind::Flag,
            "false",
            "Whether `/metrics` is served, with credentials, on the main listener too.",
        ),
    ],
};
