//! `[auth.oauth]` and `[[auth.oauth.identities]]`.

use super::{Kind, Section, key};

pub(super) const OAUTH: Section = Section {
    path: "auth.oauth",
    keys: &[
        key(
            "provider",
            Kind::Choice(&["github", "google", "okta", "custom"]),
            "",
            "Who people log in with, whose endpoints are then known; `custom` is any other that speaks OAuth 2 or OpenID Connect. Required.",
        ),
        key(
            "client_id",
            Kind::Text,
            "",
            "The gateway's id at the provider; required.",
        ),
        key(
            "client_secret",
            Kind::Secret,
            "",
            "Its secret; required but for a public client of a `custom` provider.",
        ),
        key(
            "issuer",
            Kind::Text,
            "",
            "The provider's issuer identifier, exactly: `https://…`. Required for `okta`. For `custom`, endpoints that are not given are looked up at it.",
        ),
        key(
            "authorization_url",
            Kind::Text,
            "",
            "Where people log in. Known for `github`, `google` and `okta`.",
        ),
        key(
            "token_url",
            Kind::Text,
            "",
            "Where codes are redeemed. Known for `github`, `google` and `okta`.",
        ),
        key(
            "userinfo_url",
            Kind::Text,
            "",
            "Where users are asked about. Known for `github`, `google` and `okta`.",
        ),
        key(
            "introspection_url",
            Kind::Text,
            "",
            "Where opaque tokens are asked about (RFC 7662; GitHub's token check; Google's `tokeninfo`). Known for `github`, `google` and `okta`.",
        ),
        key(
            "ca_path",
            Kind::Path,
            "",
            "Certificates (PEM) that may vouch for the hosts of these URLs; absent, those of the system.",
        ),
        key(
            "login",
            Kind::Flag,
            "",
            "Whether people log in at the gateway. Absent: where there is an authorization endpoint.",
        ),
        key(
            "redirect_uri",
            Kind::Text,
            "",
            "The callback URL that the provider knows: `server.public_url` and `/oauth/callback`, which it is anyway.",
        ),
        key(
            "scopes",
            Kind::Texts,
            "",
            "What is asked of the provider. Absent: `read:user user:email` (and `read:org` with `allowed_organizations`) of `github`; `openid email profile` of others that have an `issuer`.",
        ),
        key(
            "user_id_claim",
            Kind::Text,
            "",
            "The claim that names the user. Absent: `id` for `github`, `sub` for others.",
        ),
        key(
            "allowed_users",
            Kind::Texts,
            "",
            "Who may come in: patterns over user ids and verified e-mail addresses; `[\"*\"]` is everybody.",
        ),
        key(
            "allowed_organizations",
            Kind::Texts,
            "",
            "For `github`: organizations of which a user must be a member of one.",
        ),
        key(
            "required_claims",
            Kind::TextOrTextsTable,
            "{}",
            "Claims that a user must have, each with one of its values: `{ hd = \"example.com\" }`.",
        ),
        key(
            "scope_tool_mapping",
            Kind::TextsTable,
            "{}",
            "Scopes and what a token with each may use: `{ \"mcp:read\" = [\"read_*\"] }`. One that is also in `scopes` counts only where the provider granted it.",
        ),
        key(
            "allowed_tools",
            Kind::Texts,
            "[]",
            "What users may use whatever their scopes, but for those that have an entry in `identities`.",
        ),
        key(
            "denied_tools",
            Kind::Texts,
            "[]",
            "What no user may use, whatever else is said.",
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
        key("identities", Kind::Sections, "", "Who may do what."),
        key(
            "opaque_tokens",
            Kind::Flag,
            "",
            "Whether tokens that the provider itself issued are taken. Absent: where it can be asked about them and `[auth.oauth.server]` is off.",
        ),
        key(
            "audience",
            Kind::TextOrTexts,
            "[]",
            "`aud` values of such tokens that mean this gateway, beside its URLs and its `client_id`.",
        ),
        key(
            "token_cache_ttl_secs",
            Kind::Duration,
            "300",
            "How long the provider's word on an opaque token counts, 1 s to 1 h: a token that is revoked there is good for so long here.",
        ),
        key(
            "login_token_ttl",
            Kind::Duration,
            "\"8h\"",
            "How long the token lives that a person gets on `/oauth/authorize`, 1 m to 7 d.",
        ),
        key(
            "signing_algorithm",
            Kind::Choice(&["ES256", "EdDSA"]),
            "\"ES256\"",
            "What the gateway signs its tokens with.",
        ),
        key(
            "store_path",
            Kind::Path,
            "\"mcp-guard-oauth.redb\"",
            "The file of signing keys, clients and grants, mode 0600. Taken at the start.",
        ),
        key(
            "store_key",
            Kind::Secret,
            "",
            "Seals what is secret in that file, at least 32 bytes; absent, a file beside it has a key. Taken at the start.",
        ),
        key("server", Kind::Section, "", "Tokens for MCP clients."),
    ],
};

pub(super) const OAUTH_IDENTITIES: Section = Section {
    path: "auth.oauth.identities",
    keys: &[
        key(
            "match",
            Kind::Text,
            "",
            "Pattern over whole user ids: `*`, `?` and `[set]`; the first that fits counts; required.",
        ),
        key(
            "allowed_tools",
            Kind::Texts,
            "[]",
            "What they may use whatever their scopes, in place of `auth.oauth.allowed_tools`.",
        ),
        key(
            "denied_tools",
            Kind::Texts,
            "[]",
            "What they may not use, beside `auth.oauth.denied_tools`.",
        ),
        key(
            "scopes",
            Kind::Texts,
            "",
            "Which scopes of `auth.oauth.scope_tool_mapping` count for them; absent, each; `[]`, none.",
        ),
        key(
            "rate_limit",
            Kind::Number,
            "",
            "Requests per second of each of them; default `auth.oauth.rate_limit`.",
        ),
        key(
            "burst_size",
            Kind::Integer,
            "",
            "Requests at once of each of them; default `auth.oauth.burst_size`.",
        ),
    ],
};
