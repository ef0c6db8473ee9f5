//! `[auth]` and what is below it.

use super::{Key, Kind, Section, key};

const OAUTH_LATER: &str = "OAuth";

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
        key("oauth", Kind::Section, "", "OAuth.").later(OAUTH_LATER),
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

pub(super) const OAUTH: Section = Section {
    path: "auth.oauth",
    keys: &[
        oauth(
            "provider",
            Kind::Choice(&["github", "google", "okta", "custom"]),
        ),
        oauth("client_id", Kind::Text),
        oauth("client_secret", Kind::Secret),
        oauth("authorization_url", Kind::Text),
        oauth("token_url", Kind::Text),
        oauth("introspection_url", Kind::Text),
        oauth("userinfo_url", Kind::Text),
        oauth("redirect_uri", Kind::Text),
        oauth("scopes", Kind::Texts),
        oauth("user_id_claim", Kind::Text),
        oauth("scope_tool_mapping", Kind::TextsTable),
        oauth("token_cache_ttl_secs", Kind::Duration),
        oauth("server", Kind::SecretTable),
    ],
};

const fn oauth(name: &'static str, kind: Kind) -> Key {
    key(name, kind, "", "").later(OAUTH_LATER)
}
