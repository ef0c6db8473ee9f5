//! One request to the provider, counted.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use guard_io::http1::Method;
use serde_json::Value;
use zeroize::Zeroizing;

use super::ProviderFault;
use super::endpoints::ClientAuth;
use super::json::{self, Object};
use super::remote::Remote;
use crate::config::Secret;
use crate::config::model::FetchUrl;
use crate::control::outbound::{Fetch, Fetched, OutboundFault, Policy};
use crate::engine::limits::{PROVIDER_ANSWER_BYTES_MAX, PROVIDER_REQUEST_MS_MAX};
use crate::metrics::{ProviderCall, ProviderResult};

const TIME_MAX: Duration = Duration::from_millis(PROVIDER_REQUEST_MS_MAX);

/// A question. `Debug` shows no secret.
pub(super) struct Question<'a> {
    call: ProviderCall,
    method: Method,
    url: &'a FetchUrl,
    authorization: Option<Zeroizing<String>>,
    content_type: Option<&'static str>,
    body: Zeroizing<Vec<u8>>,
}

impl<'a> Question<'a> {
    /// One without credentials and body.
    pub(super) fn new(call: ProviderCall, method: Method, url: &'a FetchUrl) -> Self {
        Self {
            call,
            method,
            url,
            authorization: None,
            content_type: None,
            body: Zeroizing::default(),
        }
    }

    /// With `token` as a bearer token.
    pub(super) fn bearer(mut self, token: &str) -> Self {
        self.authorization = Some(Zeroizing::new(format!("Bearer {token}")));
        self
    }

    /// With the gateway's credentials as HTTP Basic ones, each escaped first (RFC 6749 §2.3.1).
    pub(super) fn basic(mut self, client_id: &str, secret: &Secret) -> Self {
        let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let secret = Zeroizing::new(escaped(secret.expose()));
        let pair = Zeroizing::new(format!("{}:{}", escaped(client_id), &*secret));
        let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        self.authorization = Some(Zeroizing::new(format!("Basic {}", &*encoded)));
        self
    }

    /// With a body of `content_type`.
    pub(super) fn body(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.content_type = Some(content_type);
        self.body = Zeroizing::new(body);
        self
    }

    /// With `parameters` as a form.
    pub(super) fn form(self, parameters: &[(&str, &str)]) -> Self {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(parameters);
        self.body(
            "application/x-www-form-urlencoded",
            form.finish().into_bytes(),
        )
    }
}

impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("call", &self.call)
            .field("url", &self.url.text)
            .finish_non_exhaustive()
    }
}

/// An answer below 500 that is no redirect.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The body, where it is JSON.
    pub(super) json: Option<Value>,
    /// GitHub's scopes of the token that was shown.
    pub(super) oauth_scopes: Option<String>,
}

impl Answer {
    /// The body, where it is a JSON object.
    pub(super) fn object(&self) -> Option<&Object> {
        self.json.as_ref().and_then(Value::as_object)
    }

    /// The same, taken out.
    pub(super) fn into_object(self) -> Option<Object> {
        match self.json {
            Some(Value::Object(object)) => Some(object),
            _ => None,
        }
    }
}

impl Remote {
    /// Asks `question`. Errors: there is no answer, or the provider is in trouble ([`ProviderFault::Unavailable`]); or it says 200
    /// and not JSON ([`ProviderFault::BadAnswer`]).
    pub(super) async fn ask(&self, question: &Question<'_>) -> Result<Answer, ProviderFault> {
        let (result, outcome) = match self.send(question).await {
            Ok(fetched) => read(question, &fetched),
            Err(fault) => (
                result_of(&fault),
                Err(ProviderFault::Unavailable(told(question, &fault))),
            ),
        };
        self.cells.requested(question.call, result);
        outcome
    }

    /// The gateway's credentials beside `parameters`, as `auth` has it.
    pub(super) fn form_as_client<'a>(
        &self,
        question: Question<'a>,
        auth: ClientAuth,
        parameters: &[(&str, &str)],
    ) -> Question<'a> {
        let client_id = self.config.client_id.as_str();
        let mut parameters = parameters.to_vec();
        match (&self.config.client_secret, auth) {
            (Some(secret), ClientAuth::Basic) => {
                return question.form(&parameters).basic(client_id, secret);
            }
            (Some(secret), ClientAuth::Post) => {
                parameters.extend([("client_id", client_id), ("client_secret", secret.expose())]);
            }
            (None, _) => parameters.push(("client_id", client_id)),
        }
        question.form(&parameters)
    }

    async fn send(&self, question: &Question<'_>) -> Result<Fetched, OutboundFault> {
        let url = question.url;
        let config = match url.is_secure {
            true => Some(
                self.authorities
                    .client("auth.oauth.ca_path", url.ca_path.as_deref())
                    .await
                    .map_err(OutboundFault::Trust)?,
            ),
            false => None,
        };
        let mut fields = vec![("Accept", "application/json")];
        let authorization = question.authorization.as_deref();
        fields.extend(authorization.map(|value| ("Authorization", value.as_str())));
        fields.extend(question.content_type.map(|value| ("Content-Type", value)));
        let fetch = Fetch {
            url,
            method: question.method,
            fields: &fields,
            body: &question.body,
            wanted: &["content-type", "x-oauth-scopes"],
            time_max: TIME_MAX,
            bytes_max: PROVIDER_ANSWER_BYTES_MAX,
            policy: Policy::OperatorNamed,
        };
        fetch.send(config.as_ref()).await
    }
}

fn read(
    question: &Question<'_>,
    fetched: &Fetched,
) -> (ProviderResult, Result<Answer, ProviderFault>) {
    let status = fetched.status;
    if status == 429 || status >= 500 {
        let fault = ProviderFault::Unavailable(told(question, &format_args!("status {status}")));
        return (ProviderResult::Down, Err(fault));
    }
    let is_json = json::is_json(fetched.field("content-type"));
    let parsed = is_json.then(|| json::parse(&fetched.body)).flatten();
    if status == 200 && parsed.is_none() {
        let fault =
            ProviderFault::BadAnswer(told(question, &"answer is not JSON, or has a member twice"));
        return (ProviderResult::BadAnswer, Err(fault));
    }
    // GitHub answers 200 with an error.
    let has_error = parsed
        .as_ref()
        .is_some_and(|json| json.get("error").is_some());
    let result = match status {
        200..=299 if !has_error => ProviderResult::Ok,
        _ => ProviderResult::Refused,
    };
    let scopes = fetched.field("x-oauth-scopes");
    let answer = Answer {
        status,
        json: parsed,
        oauth_scopes: scopes.and_then(|scopes| String::from_utf8(scopes.to_vec()).ok()),
    };
    (result, Ok(answer))
}

/// A sentence for operators: which endpoint, and what happened.
fn told(question: &Question<'_>, what: &dyn fmt::Display) -> String {
    format!(
        "{} at {}: {what}",
        question.call.as_str(),
        question.url.host
    )
}

/// The label of a request without an answer.
pub(in crate::control::oauth) const fn result_of(fault: &OutboundFault) -> ProviderResult {
    match fault {
        fault if fault.is_unreachable() => ProviderResult::Unreachable,
        OutboundFault::TimedOut { .. } => ProviderResult::TimedOut,
        OutboundFault::Forbidden(_) => ProviderResult::Forbidden,
        _ => ProviderResult::BadAnswer,
    }
}
