//! What clients get, and what attackers do not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod code;
mod documents;
mod refresh;
mod register;
mod revoke;
mod vouch;

use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::token;
use crate::control::oauth::testing::{BASE, Bench, client, config};
use crate::control::tls::now_secs;
use crate::engine::admission::Verb;
use crate::engine::oauth::{
    Challenge, Client, ClientAuthMethod, ClientOrigin, Code, Grant, GrantId, OAuthEndpoint,
    SecretHash, SecretKind, User, mint,
};
use crate::mailbox::{OAuthReply, OAuthRequest};

const REDIRECT: &str = "http://127.0.0.1:1234/callback";
const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";
const SECRET: &str = "mcpg_client_secret";
const REGISTERED: ClientOrigin = ClientOrigin::Registered { at_secs: 0 };

/// A gateway with the public clients `editor` and `other`, and `secretive`, which has a secret.
async fn bench() -> Bench {
    let secretive = Client {
        secret: Some(SecretHash::of(SECRET.as_bytes())),
        auth_method: ClientAuthMethod::Basic,
        ..client("secretive", REGISTERED, &[REDIRECT])
    };
    let public = |id| client(id, ClientOrigin::Configured, &[REDIRECT]);
    Bench::start(config(), vec![public("editor"), public("other"), secretive]).await
}

/// What `client_id` has been allowed.
fn grant(bench: &Bench, client_id: &str) -> Grant {
    let id = GrantId::random().unwrap();
    Grant {
        id,
        user: User {
            id: "583231".into(),
            name: None,
            email: None,
        },
        client_id: client_id.into(),
        audience: format!("{BASE}/mcp/files").into(),
        scopes: vec!["files:read".into(), "files:write".into()],
        created_at_secs: now_secs(),
        expires_at_secs: now_secs() + 1_000_000,
        provider_tokens: Some(bench.vault.seal_tokens(id, b"provider token").unwrap()),
    }
}

/// A code for `grant`.
async fn code_of(bench: &Bench, grant: Grant) -> String {
    let (secret, hash) = mint(SecretKind::Code).unwrap();
    let code = Code {
        hash,
        grant,
        redirect_uri: REDIRECT.into(),
        challenge: Challenge::of_verifier(VERIFIER).unwrap(),
        expires_at_secs: now_secs() + 60,
    };
    bench.store.put_code(code).await.unwrap();
    secret.to_string()
}

async fn code(bench: &Bench) -> String {
    code_of(bench, grant(bench, "editor")).await
}

fn post(fields: &[(&str, &str)]) -> OAuthRequest {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    OAuthRequest {
        endpoint: OAuthEndpoint::Token,
        verb: Verb::Post,
        query: Box::default(),
        body: Zeroizing::new(body.into_bytes()),
        content_type: None,
        cookie: None,
        authorization: None,
        origin: None,
        fetch_site: None,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

fn body(reply: &OAuthReply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn field<'r>(reply: &'r OAuthReply, name: &str) -> Option<&'r str> {
    let mut fields = reply.fields.iter();
    fields
        .find(|(own, _)| *own == name)
        .map(|(_, value)| value.as_str())
}

/// The good request for `code`.
fn redemption(code: &str) -> Vec<(&'static str, String)> {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", "editor"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

/// What comes of `fields` at the token endpoint.
async fn ask(bench: &Bench, fields: &[(&str, String)]) -> OAuthReply {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    token(bench, &post(&fields)).await
}

async fn redeem(bench: &Bench, code: &str) -> OAuthReply {
    ask(bench, &redemption(code)).await
}

async fn refresh(bench: &Bench, token: &str, more: &[(&str, &str)]) -> OAuthReply {
    let own = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "editor"),
    ];
    let is_replaced = |name: &str| more.iter().any(|(other, _)| *other == name);
    let own = own.into_iter().filter(|(name, _)| !is_replaced(name));
    let fields: Vec<_> = own.chain(more.iter().copied()).collect();
    super::token(bench, &post(&fields)).await
}

/// A first access and refresh token.
async fn tokens(bench: &Bench) -> (String, String) {
    let reply = redeem(bench, &code(bench).await).await;
    pair(&reply)
}

fn pair(reply: &OAuthReply) -> (String, String) {
    assert_eq!(reply.status, 200, "{:?}", reply.told);
    let text = |name: &str| body(reply)[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn check_refused(case: &str, reply: &OAuthReply, status: u16, error: &str) {
    assert_eq!(reply.status, status, "{case}: {:?}", reply.told);
    assert_eq!(body(reply)["error"], error, "{case}");
    assert_eq!(field(reply, "Cache-Control"), Some("no-store"), "{case}");
    let told = format!("{reply:?}");
    for secret in [VERIFIER, SECRET, "mcpg_code_", "mcpg_refresh_", "eyJ"] {
        assert!(!told.contains(secret), "{case}: {told}");
    }
}

async fn grants(bench: &Bench) -> u64 {
    bench.store.counts().await.unwrap().grants
}
