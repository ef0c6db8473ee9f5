//! `[auth.jwt]`, or `[[auth.jwt]]` for several issuers.

use super::{Kind, Section, key};

pub(super) const JWT: Section = Section {
    path: "auth.jwt",
    keys: &[
        key(
            "mode",
            Kind::Choice(&["simple", "jwks"]),
            "",
            "Where keys come from. `simple`: a `secret` that the issuer has too. `jwks`: what the issuer publishes at `jwks_url`. Required.",
        ),
        key(
            "issuer",
            Kind::Text,
            "",
            "The `iss` of its tokens, exactly; unique; required.",
        ),
        key(
            "audience",
            Kind::TextOrTexts,
            "",
            "`aud` values of which a token must have one: the names of this gateway at the issuer; required.",
        ),
        key(
            "secret",
            Kind::Secret,
            "",
            "For `simple`: the shared secret, used as the bytes that are written; at least 32 (HS384: 48, HS512: 64).",
        ),
        key(
            "jwks_url",
            Kind::Text,
            "",
            "For `jwks`: `https://…` of the JWK Set, or `http://` of a loopback address.",
        ),
        key(
            "jwks_ca_path",
            Kind::Path,
            "",
            "Certificates (PEM) that may vouch for the host of `jwks_url`; absent, those of the system.",
        ),
        key(
            "cache_duration_secs",
            Kind::Duration,
            "3600",
            "For `jwks`: how long a fetched set is fresh, 60 s to 1 d; it is fetched anew after three quarters of it.",
        ),
        key(
            "algorithms",
            Kind::Texts,
            "",
            "What tokens may be signed with. Absent: `[\"HS256\"]` for `simple`, `[\"RS256\", \"ES256\"]` for `jwks`.",
        ),
        key(
            "user_id_claim",
            Kind::Text,
            "\"sub\"",
            "The claim that names the user.",
        ),
        key(
            "scopes_claim",
            Kind::Text,
            "\"scope\"",
            "The claim with the scopes: text with spaces between them, or a list.",
        ),
        key(
            "scope_tool_mapping",
            Kind::TextsTable,
            "{}",
            "Scopes and what a token with each may use: `{ \"mcp:read\" = [\"read_*\"] }`. A token without any of them may use `allowed_tools` alone.",
        ),
        key(
            "allowed_tools",
            Kind::Texts,
            "[]",
            "What every token of the issuer may use, whatever its scopes.",
        ),
        key(
            "denied_tools",
            Kind::Texts,
            "[]",
            "What none may use, whatever its scopes.",
        ),
        key(
            "rate_limit",
            Kind::Number,
            "",
            "Requests per second of each user; default `rate_limit.requests_per_second`.",
        ),
        key(
            "burst_size",
            Kind::Integer,
            "",
            "Requests at once of each user; default `rate_limit.burst_size`.",
        ),
        key(
            "leeway_secs",
            Kind::Duration,
            "0",
            "How far the clocks of issuer and gateway may differ; at most 5 m.",
        ),
        key(
            "require_at_jwt",
            Kind::Flag,
            "false",
            "Whether the header must say `typ: at+jwt` (RFC 9068), so that an ID token is no access token.",
        ),
    ],
};
