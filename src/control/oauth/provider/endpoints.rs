//! Where the provider is asked what, and how the gateway proves itself there.

use crate::config::model::{FetchUrl, OAuth, OAuthProvider};

use super::json::{Object, holds};

/// How the gateway proves to be its client (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientAuth {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}

/// Every endpoint that is known.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    pub(super) authorization: Option<FetchUrl>,
    pub(super) token: Option<FetchUrl>,
    pub(super) introspection: Option<FetchUrl>,
    pub(super) userinfo: Option<FetchUrl>,
    pub(super) token_auth: ClientAuth,
    pub(super) introspection_auth: ClientAuth,
    /// Whether answers of the authorization endpoint say whose they are (RFC 9207 §3).
    pub(super) names_issuer: bool,
}

impl Endpoints {
    /// Those that are written. `None` where others must be looked for at the issuer.
    pub(super) fn known(config: &OAuth) -> Option<Self> {
        let has_login = config.authorization_url.is_some() && config.token_url.is_some();
        let is_complete = match config.login {
            true => has_login,
            false => config.introspection_url.is_some(),
        };
        let looks = config.provider == OAuthProvider::Custom && config.issuer.is_some();
        (is_complete || !looks).then(|| Self::written(config))
    }

    fn written(config: &OAuth) -> Self {
        // GitHub and Google document the secret in the body.
        let auth = match config.provider {
            OAuthProvider::GitHub | OAuthProvider::Google => ClientAuth::Post,
            OAuthProvider::Okta | OAuthProvider::Custom => ClientAuth::Basic,
        };
        Self {
            authorization: config.authorization_url.clone(),
            token: config.token_url.clone(),
            introspection: config.introspection_url.clone(),
            userinfo: config.userinfo_url.clone(),
            token_auth: auth,
            introspection_auth: auth,
            names_issuer: false,
        }
    }

    /// Those that are written, and the rest as the `document` at `issuer` has them (OpenID Connect Discovery §3, RFC 8414 §2).
    /// Errors: what is wrong with the document.
    pub(super) fn discovered(
        config: &OAuth,
        issuer: &FetchUrl,
        document: &Object,
    ) -> Result<Self, String> {
        let named = document.get("issuer").and_then(|value| value.as_str());
        if named != Some(&issuer.text) {
            return Err("issuer of the document is not auth.oauth.issuer".to_owned());
        }
        let found = |name: &str| endpoint(document, name, issuer);
        let token_auth = auth(document, "token_endpoint_auth_methods_supported");
        let introspection_auth = auth(document, "introspection_endpoint_auth_methods_supported");
        let written = Self::written(config);
        Ok(Self {
            authorization: written.authorization.or(found("authorization_endpoint")?),
            token: written.token.or(found("token_endpoint")?),
            introspection: written.introspection.or(found("introspection_endpoint")?),
            userinfo: written.userinfo.or(found("userinfo_endpoint")?),
            token_auth: token_auth.unwrap_or(written.token_auth),
            introspection_auth: introspection_auth
                .or(token_auth)
                .unwrap_or(written.introspection_auth),
            names_issuer: document.get("authorization_response_iss_parameter_supported")
                == Some(&true.into()),
        })
    }
}

/// The endpoint `name`. In clear only where the issuer is, which is then on this machine.
fn endpoint(document: &Object, name: &str, issuer: &FetchUrl) -> Result<Option<FetchUrl>, String> {
    let Some(value) = document.get(name) else {
        return Ok(None);
    };
    let url = value.as_str().and_then(crate::config::parse_fetch);
    let url = url.filter(|url| url.is_secure || !issuer.is_secure);
    let url = url.ok_or_else(|| format!("{name} of the document is no https URL"))?;
    Ok(Some(FetchUrl {
        ca_path: issuer.ca_path.clone(),
        ..url
    }))
}

/// The first that both sides know; Basic is what every server has (RFC 6749 §2.3.1).
fn auth(document: &Object, name: &str) -> Option<ClientAuth> {
    if holds(document, name, "client_secret_basic") {
        Some(ClientAuth::Basic)
    } else if holds(document, name, "client_secret_post") {
        Some(ClientAuth::Post)
    } else {
        None
    }
}
