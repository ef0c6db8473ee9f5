//! What tests of several parts start from.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{
    Challenge, Client, ClientAuthMethod, ClientOrigin, Code, Grant, GrantId, Offer, RedirectUri,
    SecretHash, User,
};
use crate::engine::route::{PublicBase, Routes};
use crate::engine::snapshot::ServerParts;

/// RFC 7636, appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Of [`VERIFIER`].
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// When it is.
pub(super) const NOW: u64 = 1_700_000_000;

/// One server, `github`, that is at `/team/github` too.
pub(super) fn routes() -> Routes {
    let github = ServerParts {
        path_prefix: Some("/team/github".into()),
        ..ServerParts::nowhere("github")
    };
    Routes::compile(&[github]).unwrap()
}

/// Calls `test` with what `https://gw.example` offers: scopes `read` and `write`.
pub(super) fn with_offer<T>(test: impl FnOnce(&Offer<'_>) -> T) -> T {
    let base = PublicBase::parse("https://gw.example").unwrap();
    test(&Offer {
        base: &base,
        routes: &routes(),
        scopes: &["read", "write"],
        legacy_sse: false,
    })
}

/// The client `c` without a secret, at `https://app.example/cb`.
pub(super) fn client() -> Client {
    Client {
        id: "c".into(),
        name: "App".into(),
        origin: ClientOrigin::Configured,
        redirect_uris: vec![RedirectUri::parse("https://app.example/cb").unwrap()],
        auth_method: ClientAuthMethod::None,
        secret: None,
        refreshes: true,
    }
}

/// What `ann` allowed `c`: `read` and `write` at `/mcp`.
pub(super) fn grant() -> Grant {
    Grant {
        id: GrantId([1; 16]),
        user: User {
            id: "ann".into(),
            name: None,
            email: None,
        },
        client_id: "c".into(),
        audience: "https://gw.example/mcp".into(),
        scopes: vec!["read".into(), "write".into()],
        created_at_secs: NOW,
        expires_at_secs: NOW + 1_000,
        provider_tokens: None,
    }
}

/// The code `mcpg_code_x` of [`grant`].
pub(super) fn code() -> Code {
    Code {
        hash: SecretHash::of(b"mcpg_code_x"),
        grant: grant(),
        redirect_uri: "https://app.example/cb".into(),
        challenge: Challenge::parse(CHALLENGE).unwrap(),
        expires_at_secs: NOW + 60,
    }
}
