//! `[auth]` and what is below it.

use super::{Key, Kind, Section, key};

const JWT_LATER: &str = "JWT authentication";
const OAUTH_LATER: &str = "OAuth";
const MTLS_LATER: &str = "mTLS authentication";

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
        key("jwt", Kind::Section, "", "JWT issuers.").later(JWT_LATER),
        key("oauth", Kind::Section, "", "OAuth.").later(OAUTH_LATER),
        key("mtls", Kind::Section, "", "Client certificates.").later(MTLS_LATER),
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

pub(super) const JWT: Section = Section {
    path: "auth.jwt",
    keys: &[
        jwt("mode", Kind::Choice(&["simple", "jwks"])),
        jwt("secret", Kind::Secret),
        jwt("jwks_url", Kind::Text),
        jwt("algorithms", Kind::Texts),
        jwt("cache_duration_secs", Kind::Duration),
        jwt("issuer", Kind::Text),
        jwt("audience", Kind::Text),
        jwt("user_id_claim", Kind::Text),
        jwt("scopes_claim", Kind::Text),
        jwt("scope_tool_mapping", Kind::SecretTable),
        jwt("leeway_secs", Kind::Duration),
        jwt("require_at_jwt", Kind::Flag),
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
        oauth("scope_tool_mapping", Kind::SecretTable),
        oauth("token_cache_ttl_secs", Kind::Duration),
        oauth("server", Kind::SecretTable),
    ],
};

pub(super) const MTLS: Section = Section {
    path: "auth.mtls",
    keys: &[
        mtls("enabled", Kind::Flag),
        mtls(
            "identity_source",
            Kind::Choice(&["cn", "san_dns", "san_email", "san_uri"]),
        ),
        mtls("source", Kind::Choice(&["native", "header"])),
        mtls("trusted_proxy_ips", Kind::Texts),
        mtls("allow_bearer", Kind::Flag),
        mtls("identities", Kind::Sections),
        mtls("allowed_tools", Kind::Texts),
        mtls("rate_limit", Kind::Number),
    ],
};

pub(super) const MTLS_IDENTITIES: Section = Section {
    path: "auth.mtls.identities",
    keys: &[
        mtls("match", Kind::Text),
        mtls("allowed_tools", Kind::Texts),
        mtls("rate_limit", Kind::Number),
    ],
};

const fn jwt(name: &'static str, kind: Kind) -> Key {
    key(name, kind, "", "").later(JWT_LATER)
}

const fn oauth(name: &'static str, kind: Kind) -> Key {
    key(name, kind, "", "").later(OAUTH_LATER)
}

const fn mtls(name: &'static str, kind: Kind) -> Key {
    key(name, kind, "", "").later(MTLS_LATER)
}
