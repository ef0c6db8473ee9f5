//! `[auth.oauth.server]` and `[[auth.oauth.server.clients]]`.

use super::{Kind, Section, key};

pub(super) const OAUTH_SERVER: Section = Section {
    path: "auth.oauth.server",
    keys: &[
        key(
            "enabled",
            Kind::Flag,
            "false",
            "Whether MCP clients get tokens of the gateway for their users.",
        ),
        key(
            "access_token_ttl",
            Kind::Duration,
            "\"10m\"",
            "How long an access token lives, 1 m to 1 h: what was revoked is refused after so long at the latest.",
        ),
        key(
            "refresh_token_ttl",
            Kind::Duration,
            "\"14d\"",
            "How long a refresh token lives unused, 10 m to 365 d.",
        ),
        key(
            "grant_ttl",
            Kind::Duration,
            "\"90d\"",
            "When a user has to log in again at the latest, however often the client refreshes, 1 h to 365 d.",
        ),
        key(
            "dynamic_registration",
            Kind::Flag,
            "true",
            "Whether clients may register themselves (RFC 7591).",
        ),
        key(
            "client_id_documents",
            Kind::Flag,
            "true",
            "Whether a client may be named by the URL of its metadata document.",
        ),
        key(
            "trusted_client_hosts",
            Kind::Texts,
            "[]",
            "Host names of such documents that may lead to private addresses; all others must be public.",
        ),
        key(
            "client_ca_path",
            Kind::Path,
            "",
            "Certificates (PEM) that may vouch for the hosts of such documents; absent, those of the system.",
        ),
        key(
            "clients",
            Kind::Sections,
            "",
            "Clients that need no registration.",
        ),
    ],
};

pub(super) const OAUTH_CLIENTS: Section = Section {
    path: "auth.oauth.server.clients",
    keys: &[
        key(
            "client_id",
            Kind::Text,
            "",
            "Its id, unique, no URL; required.",
        ),
        key(
            "client_secret",
            Kind::Secret,
            "",
            "Its secret, at least 32 bytes; absent for a public client, which PKCE protects.",
        ),
        key(
            "name",
            Kind::Text,
            "",
            "What the consent page calls it; default `client_id`.",
        ),
        key(
            "redirect_uris",
            Kind::Texts,
            "",
            "Where its users may be sent back to: `https://…`, `http://` of a loopback address (any port), or a scheme of its own such as `com.example.app:/callback`; required.",
        ),
    ],
};
