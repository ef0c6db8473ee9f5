//! Rules between TLS, client certificates and bearer tokens.

use crate::config::model::{ClientAuth, Config, Mtls};
use crate::config::problem::Problem;
use crate::config::read::context::Context;
use crate::engine::identity::mtls::CertificateOrigin;

pub(super) fn check(cx: &Context<'_>, config: &Config) {
    if let Some(mtls) = &config.auth.mtls {
        certificates(cx, config, mtls);
    }
    clear_text(cx, config);
    let public_url = config.server.public_url.as_deref().unwrap_or_default();
    if config.server.tls.is_some() && public_url.starts_with("http://") {
        cx.report("server.public_url", Problem::PublicUrlInClear);
    }
}

/// Certificates come from one place, and that place must be there.
fn certificates(cx: &Context<'_>, config: &Config, mtls: &Mtls) {
    let tls = config.server.tls.as_ref();
    let asks = tls.is_some_and(|tls| tls.client_auth != ClientAuth::None);
    match mtls.origin {
        CertificateOrigin::Native if !asks => {
            let other = match tls {
                None => "an absent server.tls",
                Some(_) => "server.tls.client_auth = \"none\"",
            };
            let remedy = "certificates come from the handshake: set server.tls.client_auth to \"optional\" or \"required\"; or auth.mtls.source = \"header\" behind a proxy that verifies them";
            let other = other.to_owned();
            cx.report("auth.mtls.source", Problem::Conflict { other, remedy });
        }
        CertificateOrigin::Header { .. } if asks => {
            cx.report("server.tls.client_auth", Problem::HandshakeIsNoIdentity);
        }
        _ => {}
    }
    if mtls.allow_bearer && !takes_bearer(config) {
        let reason = "no bearer token is taken from anybody";
        let remedy = "add [[auth.api_keys]], [auth.jwt] or [auth.oauth], or remove the key";
        cx.report("auth.mtls.allow_bearer", Problem::Unused { reason, remedy });
    }
}

/// Whether somebody may come with a bearer token.
fn takes_bearer(config: &Config) -> bool {
    let auth = &config.auth;
    !auth.api_keys.is_empty() || !auth.jwt.is_empty() || auth.oauth.is_some()
}

/// Whoever reads a bearer token can use it. Behind proxies that are named, TLS is theirs to speak.
fn clear_text(cx: &Context<'_>, config: &Config) {
    let server = &config.server;
    let is_behind_proxy = !server.trusted_proxies.is_empty()
        || config
            .auth
            .mtls
            .as_ref()
            .is_some_and(|mtls| mtls.origin != CertificateOrigin::Native);
    let is_clear = server.tls.is_none() && !server.host.is_loopback() && !is_behind_proxy;
    if is_clear && takes_bearer(config) {
        let host = server.host.to_string();
        cx.report("server.host", Problem::CredentialsInClear { host });
    }
}
