//! The document about the authorization server (RFC 8414).

use serde_json::{Value, json};

use super::{ClientAuthMethod, OAuthEndpoint};
use crate::engine::identity::is_scope_to_ask;
use crate::engine::route::PublicBase;

/// What the document is written from: the configuration alone.
#[derive(Clone, Copy, Debug)]
pub struct ServerMetadata<'a> {
    /// Where the gateway is found; it is the issuer.
    pub base: &'a PublicBase,
    /// Scopes that mean something.
    pub scopes: &'a [&'a str],
    /// Whether clients may register themselves.
    pub dynamic_registration: bool,
    /// Whether a client may be named by the URL of its metadata document.
    pub client_id_documents: bool,
}

impl ServerMetadata<'_> {
    /// The document. Scopes are those that a challenge names too: without `offline_access`, which is not the resource's.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let issuer = [self.base.origin(), self.base.path()].concat();
        let url = |endpoint: OAuthEndpoint| format!("{issuer}{}", endpoint.path());
        let methods = ClientAuthMethod::ALL.map(ClientAuthMethod::as_str);
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": url(OAuthEndpoint::Authorize),
            "token_endpoint": url(OAuthEndpoint::Token),
            "revocation_endpoint": url(OAuthEndpoint::Revoke),
            "jwks_uri": url(OAuthEndpoint::Jwks),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": self.client_id_documents,
        });
        let scopes = self.scopes.iter().filter(|scope| is_scope_to_ask(scope));
        let scopes: Vec<_> = scopes.collect();
        if !scopes.is_empty() {
            document["scopes_supported"] = json!(scopes);
        }
        if self.dynamic_registration {
            document["registration_endpoint"] = url(OAuthEndpoint::Register).into();
        }
        document
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{PublicBase, ServerMetadata};

    #[test]
    fn every_url_is_below_the_issuer() {
        for url in ["https://gw.example", "http://127.0.0.1:3000/base"] {
            let base = PublicBase::parse(url).unwrap();
            let document = ServerMetadata {
                base: &base,
                scopes: &["read", "offline_access", "a b"],
                dynamic_registration: true,
                client_id_documents: true,
            }
            .to_json();
            assert_eq!(document["issuer"], url);
            let urls = document.as_object().unwrap().iter();
            let urls: Vec<_> = urls
                .filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri"))
                .map(|(_, value)| value.as_str().unwrap())
                .collect();
            assert_eq!(urls.len(), 5);
            for each in urls {
                assert!(each.starts_with(&format!("{url}/oauth/")), "{each}");
            }
            assert_eq!(document["scopes_supported"], serde_json::json!(["read"]));
        }
    }

    #[test]
    fn what_is_off_is_not_offered() {
        let base = PublicBase::parse("https://gw.example").unwrap();
        let document = ServerMetadata {
            base: &base,
            scopes: &[],
            dynamic_registration: false,
            client_id_documents: false,
        }
        .to_json();
        assert!(document.get("registration_endpoint").is_none());
        assert!(document.get("scopes_supported").is_none());
        assert_eq!(document["client_id_metadata_document_supported"], false);
        assert_eq!(document["code_challenge_methods_supported"][0], "S256");
    }
}
