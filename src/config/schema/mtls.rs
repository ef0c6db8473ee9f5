//! `[auth.mtls]` and `[[auth.mtls.identities]]`.

use super::{Kind, Section, key};

pub(super) const MTLS: Section = Section {
    path: "auth.mtls",
    keys: &[
        key(
            "enabled",
            Kind::Flag,
            "false",
            "Whether a client certificate is a credential; otherwise it is a check of the connection alone.",
        ),
        key(
            "identity_source",
            Kind::Choice(&["cn", "san_dns", "san_email", "san_uri"]),
            "\"cn\"",
            "Which name of a certificate is the identity; `sandns`, `sanemail` and `sanuri` are taken too.",
        ),
        key(
            "source",
            Kind::Choice(&["native", "header"]),
            "\"native\"",
            "`native`: certificates of the gateway's own handshakes (`server.tls.client_auth`). `header`: what a proxy in front says that it verified.",
        ),
        key(
            "trusted_proxy_ips",
            Kind::Texts,
            "[]",
            "For `header`, required: addresses or CIDR blocks of the proxies that are believed.",
        ),
        key(
            "header_format",
            Kind::Choice(&["plain", "nginx", "envoy", "haproxy", "traefik"]),
            "\"plain\"",
            "For `header`: whose headers they are.",
        ),
        key(
            "allow_bearer",
            Kind::Flag,
            "false",
            "Whether a bearer token beside a certificate is taken, as the identity; otherwise both together are refused.",
        ),
        key("identities", Kind::Sections, "", "Who may do what."),
        key(
            "allowed_tools",
            Kind::Texts,
            "",
            "What identities may use that no `match` fits; absent, they are refused.",
        ),
        key(
            "rate_limit",
            Kind::Number,
            "",
            "Requests per second of each identity that has no own; default `rate_limit.requests_per_second`.",
        ),
        key(
            "burst_size",
            Kind::Integer,
            "",
            "Requests at once of each identity that has no own; default `rate_limit.burst_size`.",
        ),
    ],
};

pub(super) const MTLS_IDENTITIES: Section = Section {
    path: "auth.mtls.identities",
    keys: &[
        key(
            "match",
            Kind::Text,
            "",
            "Pattern over whole identities: `*`, `?` and `[set]`, which match `.` and `/` too; the first that fits counts; required.",
        ),
        key(
            "allowed_tools",
            Kind::Texts,
            "[]",
            "What they may use; empty allows nothing.",
        ),
        key(
            "denied_tools",
            Kind::Texts,
            "[]",
            "What they may not use, whatever `allowed_tools` says.",
        ),
        key(
            "rate_limit",
            Kind::Number,
            "",
            "Requests per second of each of them; default `auth.mtls.rate_limit`.",
        ),
        key(
            "burst_size",
            Kind::Integer,
            "",
            "Requests at once of each of them; default `auth.mtls.burst_size`.",
        ),
    ],
};
