//! `[auth]` and what is below it.

use super::{Kind, Section, key};

pub(super) const AUTH: Section = Section {
    path: "auth",
    keys: &[
        key("api_keys", Kind::Sections, "", "Keys, one each."),
        key(
            "anonymous",
            Kind::Section,
            "",
            "Callers without a credential.",
        ),
        key(
            "jwt",
            Kind::SectionOrSections,
            "",
            "Issuers of signed tokens.",
        ),
        key(
            "oauth",
            Kind::Section,
            "",
            "A provider that people log in with.",
        ),
        key("mtls", Kind::Section, "", "Client certificates."),
    ],
};

pub(super) const API_KEYS: Section = Section {
    path: "auth.api_keys",
    keys: &[
        key(
            "id",
            Kind::Text,
            "",
            "Name of the identity, unique; required.",
        ),
        key(
            "key_hash",
            Kind::Text,
            "",
            "Base64 of the SHA-256 of the key, as `keygen` and `hash-key` print it; required.",
        ),
        key(
            "allowed_tools",
            Kind::Texts,
            "[]",
            "What the identity may use; empty allows nothing, `[\"*\"]` everything.",
        ),
        key(
            "denied_tools",
            Kind::Texts,
            "[]",
            "What it may not use, whatever `allowed_tools` says.",
        ),
        key(
            "rate_limit",
            Kind::Number,
            "",
            "Requests per second; default `rate_limit.requests_per_second`.",
        ),
        key(
            "burst_size",
            Kind::Integer,
            "",
            "Requests at once; default `rate_limit.burst_size`.",
        ),
        key("expires_at", Kind::Time, "", "When the key ends."),
    ],
};

pub(super) const ANONYMOUS: Section = Section {
    path: "auth.anonymous",
    keys: &[
        key(
            "allowed_tools",
            Kind::Texts,
            "[]",
            "What callers without a credential may use.",
        ),
        key(
            "rate_limit",
            Kind::Number,
            "",
            "Requests per second of all of them together; default `rate_limit.requests_per_second`.",
        ),
        key(
            "i_understand",
            Kind::Flag,
            "false",
            "Allows anonymous access on a listener that others can reach.",
        ),
    ],
};
