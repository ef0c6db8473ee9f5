//! `[rate_limit]`, `[audit]` and `[tracing]`.

use super::{Key, Kind, Section, key};

const EXPORT_LATER: &str = "audit export";
const ROTATION_LATER: &str = "audit rotation";
const REDACTION_LATER: &str = "audit redaction";
const TRACING_LATER: &str = "tracing";

pub(super) const RATE_LIMIT: Section = Section {
    path: "rate_limit",
    keys: &[
        key(
            "enabled",
            Kind::Flag,
            "true",
            "Whether quotas are enforced.",
        ),
        key(
            "requests_per_second",
            Kind::Number,
            "25",
            "Requests per second of one identity.",
        ),
        key(
            "burst_size",
            Kind::Integer,
            "10",
            "Requests that one identity may make at once.",
        ),
        key("tool_limits", Kind::Sections, "", "Further quotas by tool."),
        key(
            "unauthenticated_per_ip",
            Kind::Number,
            "10",
            "Failed authentications per second of one address; beyond it 429.",
        ),
        key(
            "identity_ttl",
            Kind::Duration,
            "\"1h\"",
            "How long a silent identity is remembered.",
        ),
        key(
            "identities_max",
            Kind::Integer,
            "100000",
            "Identities that are remembered; only those whose quota is whole again make room.",
        ),
    ],
};

pub(super) const TOOL_LIMITS: Section = Section {
    path: "rate_limit.tool_limits",
    keys: &[
        key(
            "tool_pattern",
            Kind::Text,
            "",
            "Glob over tool names; required.",
        ),
        key(
            "requests_per_second",
            Kind::Number,
            "",
            "Calls per second of one identity; required.",
        ),
        key(
            "burst_size",
            Kind::Integer,
            "10",
            "Calls at once; default `rate_limit.burst_size`.",
        ),
    ],
};

pub(super) const AUDIT: Section = Section {
    path: "audit",
    keys: &[
        key("enabled", Kind::Flag, "true", "Whether records are made."),
        key(
            "file",
            Kind::Path,
            "",
            "File that records are appended to, one JSON object a line.",
        ),
        key(
            "stdout",
            Kind::Flag,
            "false",
            "Whether records go to standard output.",
        ),
        key(
            "overflow",
            Kind::Choice(&["refuse", "drop"]),
            "\"refuse\"",
            "While records cannot be written: refuse requests, or drop records and count them.",
        ),
        key(
            "flush_interval",
            Kind::Duration,
            "\"100ms\"",
            "Longest time before a record is written.",
        ),
        export("export_url", Kind::Text),
        export(
            "export_format",
            Kind::Choice(&["json", "splunk_hec", "datadog", "elastic"]),
        ),
        export("export_batch_size", Kind::Integer),
        export("export_interval_secs", Kind::Duration),
        export("export_headers", Kind::SecretTable),
        export("export_retries", Kind::Integer),
        export("export_timeout", Kind::Duration),
        export("spool_dir", Kind::Path),
        key("redaction_rules", Kind::Sections, "", "Redaction.").later(REDACTION_LATER),
        key("rotation", Kind::Section, "", "Rotation.").later(ROTATION_LATER),
    ],
};

pub(super) const ROTATION: Section = Section {
    path: "audit.rotation",
    keys: &[
        rotation("enabled", Kind::Flag),
        rotation("max_size_bytes", Kind::Size),
        rotation("max_age_secs", Kind::Duration),
        rotation("max_backups", Kind::Integer),
        rotation("compress", Kind::Flag),
    ],
};

pub(super) const REDACTION_RULES: Section = Section {
    path: "audit.redaction_rules",
    keys: &[
        redaction("name"),
        redaction("pattern"),
        redaction("replacement"),
    ],
};

pub(super) const TRACING: Section = Section {
    path: "tracing",
    keys: &[
        tracing("enabled", Kind::Flag),
        tracing("service_name", Kind::Text),
        tracing("otlp_endpoint", Kind::Text),
        tracing("otlp_protocol", Kind::Choice(&["grpc", "http"])),
        tracing("sample_rate", Kind::Number),
        tracing("propagate_context", Kind::Flag),
    ],
};

const fn export(name: &'static str, kind: Kind) -> Key {
    key(name, kind, "", "").later(EXPORT_LATER)
}

const fn rotation(name: &'static str, kind: Kind) -> Key {
    key(name, kind, "", "").later(ROTATION_LATER)
}

const fn redaction(name: &'static str) -> Key {
    key(name, Kind::Text, "", "").later(REDACTION_LATER)
}

const fn tracing(name: &'static str, kind: Kind) -> Key {
    key(name, kind, "", "").later(TRACING_LATER)
}
