//! The token endpoint: codes and refresh tokens redeemed (RFC 6749 §4.1.3, §5, §6).

use std::fmt;

use guard_io::http1::Method;
use zeroize::Zeroizing;

use super::ask::Question;
use super::endpoints::Endpoints;
use super::json::{Object, take_secret, text, whole};
use super::remote::Remote;
use super::{LoginSecrets, ProviderFault};
use crate::config::model::OAuthProvider;
use crate::engine::limits::{GRANTED_SCOPES_MAX, PROVIDER_TOKEN_BYTES_MAX, SCOPE_BYTES_MAX};
use crate::metrics::ProviderCall;

/// What the token endpoint gave. `Debug` shows nothing of it.
pub(super) struct TokenAnswer {
    pub(super) access: Zeroizing<String>,
    pub(super) refresh: Option<Zeroizing<String>>,
    pub(super) id_token: Option<Zeroizing<String>>,
    /// How long the access token lives, where the provider says so.
    pub(super) life_secs: Option<u64>,
    /// What was granted; `None`: what was asked for.
    pub(super) scopes: Option<Vec<Box<str>>>,
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenAnswer(..)")
    }
}

impl Remote {
    /// What the provider gives for `code`.
    pub(super) async fn redeem_code(
        &self,
        endpoints: &Endpoints,
        code: &str,
        secrets: &LoginSecrets,
    ) -> Result<TokenAnswer, ProviderFault> {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.config.redirect_uri),
            ("code_verifier", &secrets.verifier),
        ];
        self.ask_for_tokens(endpoints, &parameters).await
    }

    /// What the provider gives for `refresh`.
    pub(super) async fn refresh(
        &self,
        endpoints: &Endpoints,
        refresh: &str,
    ) -> Result<TokenAnswer, ProviderFault> {
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        self.ask_for_tokens(endpoints, &parameters).await
    }

    async fn ask_for_tokens(
        &self,
        endpoints: &Endpoints,
        parameters: &[(&str, &str)],
    ) -> Result<TokenAnswer, ProviderFault> {
        let Some(url) = &endpoints.token else {
            let why = "it has no token endpoint; set auth.oauth.token_url";
            return Err(ProviderFault::Unavailable(why.to_owned()));
        };
        let question = Question::new(ProviderCall::Token, Method::Post, url);
        let question = self.form_as_client(question, endpoints.token_auth, parameters);
        let answer = self.ask(&question).await?;
        let status = answer.status;
        let object = answer.into_object().unwrap_or_default();
        if object.contains_key("error") {
            return Err(refusal(&object));
        }
        if status != 200 {
            let why = format!("token endpoint: answer has status {status} and no error code");
            return Err(ProviderFault::BadAnswer(why));
        }
        // GitHub separates scopes by commas.
        let separators: &[char] = match self.config.provider {
            OAuthProvider::GitHub => &[' ', ','],
            _ => &[' '],
        };
        read(object, separators)
            .map_err(|why| ProviderFault::BadAnswer(format!("token endpoint: {why}")))
    }
}

fn read(mut object: Object, separators: &[char]) -> Result<TokenAnswer, &'static str> {
    let token_type = text(&object, "token_type").ok_or("answer has no token_type")?;
    if !token_type.eq_ignore_ascii_case("bearer") {
        return Err("token_type is not Bearer");
    }
    let scopes = object.get("scope").and_then(|scope| scope.as_str());
    let scopes = scopes.map(|scopes| split_scopes(scopes, separators));
    let mut secret = |name| take_secret(&mut object, name).filter(|token| is_token(token));
    Ok(TokenAnswer {
        access: secret("access_token").ok_or("answer has no access_token that can be used")?,
        refresh: secret("refresh_token"),
        id_token: secret("id_token"),
        life_secs: whole(&object, "expires_in"),
        scopes,
    })
}

/// The scopes in `text`, each once, as many as are looked at.
pub(super) fn split_scopes(text: &str, separators: &[char]) -> Vec<Box<str>> {
    let mut scopes: Vec<Box<str>> = Vec::new();
    for scope in text.split(separators).map(str::trim) {
        let is_new = !scopes.iter().any(|known| **known == *scope);
        let fits = (1..=SCOPE_BYTES_MAX).contains(&scope.len());
        if is_new && fits && scopes.len() < GRANTED_SCOPES_MAX {
            scopes.push(scope.into());
        }
    }
    scopes
}

/// Whether `token` can be shown in a header field again.
fn is_token(token: &str) -> bool {
    token.len() <= PROVIDER_TOKEN_BYTES_MAX && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Codes of RFC 6749 §5.2 and §4.1.2.1, and what GitHub calls them.
const CODES: [(&str, &str); 15] = [
    ("invalid_request", "invalid_request"),
    ("invalid_client", "invalid_client"),
    ("invalid_grant", "invalid_grant"),
    ("unauthorized_client", "unauthorized_client"),
    ("unsupported_grant_type", "unsupported_grant_type"),
    ("invalid_scope", "invalid_scope"),
    ("access_denied", "access_denied"),
    ("server_error", "server_error"),
    ("temporarily_unavailable", "temporarily_unavailable"),
    ("incorrect_client_credentials", "invalid_client"),
    ("redirect_uri_mismatch", "invalid_request"),
    ("bad_verification_code", "invalid_grant"),
    ("bad_refresh_token", "invalid_grant"),
    ("unverified_user_email", "access_denied"),
    ("application_suspended", "unauthorized_client"),
];

fn refusal(object: &Object) -> ProviderFault {
    let error = object.get("error").and_then(|error| error.as_str());
    let code = CODES.iter().find(|(code, _)| error == Some(*code));
    match code {
        Some((_, code @ ("invalid_client" | "unauthorized_client"))) => {
            ProviderFault::ClientRefused(code)
        }
        Some((_, code)) => ProviderFault::Refused(code),
        // The provider's own words could be anything.
        None => ProviderFault::BadAnswer("token endpoint: error is not a registered one".into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{ProviderFault, read, refusal, split_scopes};
    use crate::control::oauth::provider::json;

    fn object(text: &str) -> json::Object {
        json::parse(text.as_bytes())
            .unwrap()
            .as_object()
            .unwrap()
            .clone()
    }

    #[test]
    fn an_answer_is_a_bearer_token_or_nothing() {
        let good = r#"{"access_token":"a","token_type":"bearer","expires_in":"60","scope":"a b a","refresh_token":"r"}"#;
        let answer = read(object(good), &[' ']).unwrap();
        assert_eq!(&*answer.access, "a");
        assert_eq!(answer.refresh.as_deref().map(String::as_str), Some("r"));
        assert_eq!(answer.life_secs, Some(60));
        assert_eq!(answer.scopes.as_ref().unwrap().len(), 2);
        assert!(!format!("{answer:?}").contains('"'));
        for bad in [
            r#"{"access_token":"a"}"#,
            r#"{"access_token":"a","token_type":"mac"}"#,
            r#"{"access_token":"a","token_type":"DPoP"}"#,
            r#"{"access_token":"","token_type":"bearer"}"#,
            r#"{"access_token":"a b","token_type":"bearer"}"#,
            r#"{"access_token":"a\r\nb","token_type":"bearer"}"#,
            r#"{"access_token":5,"token_type":"bearer"}"#,
            r#"{"token_type":"bearer"}"#,
        ] {
            assert!(read(object(bad), &[' ']).is_err(), "{bad}");
        }
    }

    #[test]
    fn scopes_are_split_as_the_provider_writes_them() {
        let split = |text, separators: &[char]| split_scopes(text, separators).join("|");
        assert_eq!(
            split("repo, read:org,,user", &[' ', ',']),
            "repo|read:org|user"
        );
        assert_eq!(split("a  b a", &[' ']), "a|b");
        assert_eq!(split("", &[' ']), "");
        let many: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
        assert_eq!(split_scopes(&many.join(" "), &[' ']).len(), 256);
    }

    #[test]
    fn only_registered_codes_are_told() {
        for (error, expected) in [
            (r#""invalid_grant""#, Some("invalid_grant")),
            (r#""bad_verification_code""#, Some("invalid_grant")),
            (r#""<script>""#, None),
            ("5", None),
        ] {
            let fault = refusal(&object(&format!(r#"{{"error":{error}}}"#)));
            match expected {
                Some(code) => assert_eq!(fault, ProviderFault::Refused(code)),
                None => assert!(matches!(fault, ProviderFault::BadAnswer(_)), "{fault}"),
            }
        }
    }

    #[test]
    fn what_is_wrong_with_the_gateways_client_is_no_word_about_the_person() {
        for (error, code) in [
            ("invalid_client", "invalid_client"),
            ("unauthorized_client", "unauthorized_client"),
            ("incorrect_client_credentials", "invalid_client"),
            ("application_suspended", "unauthorized_client"),
        ] {
            let fault = refusal(&object(&format!(r#"{{"error":{error:?}}}"#)));
            assert_eq!(fault, ProviderFault::ClientRefused(code));
            let said = fault.to_string();
            assert!(
                said.contains(code) && said.contains("auth.oauth.client_secret"),
                "{said}"
            );
        }
    }
}
