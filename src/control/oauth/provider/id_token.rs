//! ID tokens (OpenID Connect Core §3.1.3.7).
//!
//! Their signature is not verified: they come from the token endpoint itself, over TLS, in the answer to the code (§3.1.3.7 item 6).
//! Whoever can change that answer can change the access token in it as well, so a signature would prove nothing further. An ID
//! token that came by any other way is never read here.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::json::{self, Object, holds, text, whole};
use crate::config::model::{OAuth, OAuthProvider};
use crate::engine::limits::PROVIDER_CLOCK_SECS_MAX;

/// The claims of `token`, each of them as the login asks for it. `nonce` is that of the login; a token that came of a refresh needs
/// none (§12.2). Errors: which claim is not.
pub(super) fn read(
    token: &str,
    config: &OAuth,
    nonce: Option<&str>,
    now_secs: u64,
) -> Result<Object, Cow<'static, str>> {
    let claims = claims_of(token, config)?;
    check_times(&claims, now_secs)?;
    if nonce.is_some() && text(&claims, "nonce") != nonce {
        return Err("nonce of the ID token is that of another login".into());
    }
    if text(&claims, "sub").is_none() {
        return Err("ID token has no sub".into());
    }
    Ok(claims)
}

/// The claims of `token`, which is of the issuer and for this client.
fn claims_of(token: &str, config: &OAuth) -> Result<Object, &'static str> {
    let claims = payload(token).ok_or("ID token is not a signed token with claims")?;
    if !is_issuer(config, text(&claims, "iss")) {
        return Err("iss of the ID token is not auth.oauth.issuer");
    }
    let client_id = config.client_id.as_str();
    if !holds(&claims, "aud", client_id) {
        return Err("aud of the ID token does not have the client_id");
    }
    let audiences = claims
        .get("aud")
        .and_then(Value::as_array)
        .map_or(1, Vec::len);
    match claims.get("azp") {
        Some(azp) if azp != client_id => return Err("azp of the ID token is another client"),
        None if audiences > 1 => return Err("ID token has several audiences and no azp"),
        _ => {}
    }
    Ok(claims)
}

/// That the token is of now, give or take what clocks differ by. One that is not tells by how much: the clock that is wrong is most
/// often ours.
fn check_times(claims: &Object, now_secs: u64) -> Result<(), Cow<'static, str>> {
    let exp = whole(claims, "exp").ok_or("ID token has no exp")?;
    if now_secs >= exp.saturating_add(PROVIDER_CLOCK_SECS_MAX) {
        let ago_secs = now_secs - exp;
        let why = format!("ID token has expired, {ago_secs} s ago; is this machine's clock right?");
        return Err(why.into());
    }
    let begin = whole(claims, "nbf")
        .into_iter()
        .chain(whole(claims, "iat"))
        .max();
    let ahead_secs = begin.map_or(0, |begin| begin.saturating_sub(now_secs));
    if ahead_secs > PROVIDER_CLOCK_SECS_MAX {
        let why = format!(
            "ID token is from the future, by {ahead_secs} s; is this machine's clock right?"
        );
        return Err(why.into());
    }
    Ok(())
}

/// The claims of a compact JWS, unverified.
fn payload(token: &str) -> Option<Object> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    match json::parse(&bytes)? {
        Value::Object(claims) => Some(claims),
        _ => None,
    }
}

/// Google documents its issuer with and without the scheme.
fn is_issuer(config: &OAuth, iss: Option<&str>) -> bool {
    let issuer = config.issuer.as_ref().map(|issuer| issuer.text.as_str());
    let bare = issuer
        .filter(|_| config.provider == OAuthProvider::Google)
        .and_then(|issuer| issuer.strip_prefix("https://"));
    iss.is_some() && (iss == issuer || iss == bare)
}
