//! What the provider says of opaque tokens (RFC 7662), and who may come in with them.

use guard_io::http1::Method;
use serde_json::Value;

use super::ask::Question;
use super::claims::{Claims, Person};
use super::endpoints::Endpoints;
use super::json::{Object, text, texts, whole};
use super::remote::Remote;
use super::token::split_scopes;
use super::{ProviderFault, VouchFault};
use crate::config::model::{FetchUrl, OAuthProvider};
use crate::engine::identity::opaque::Vouched;
use crate::engine::limits::PROVIDER_CLOCK_SECS_MAX;
use crate::metrics::ProviderCall;

/// What was said of a token that is good.
pub(super) struct Told {
    members: Object,
    scopes: Vec<Box<str>>,
    expires_at_secs: Option<u64>,
}

impl Told {
    /// Reads `members`. Errors: `exp` is there and no date.
    pub(super) fn read(members: Object, scopes: Vec<Box<str>>) -> Result<Self, VouchFault> {
        let expires_at_secs = whole(&members, "exp");
        if expires_at_secs.is_none() && members.contains_key("exp") {
            return Err(VouchFault::Unavailable(
                "introspection: exp is no date".into(),
            ));
        }
        Ok(Self {
            members,
            scopes,
            expires_at_secs,
        })
    }
}

impl Remote {
    /// See [`Provider::vouch`](super::Provider::vouch).
    pub(super) async fn vouch(&self, token: &str, now_secs: u64) -> Result<Vouched, VouchFault> {
        let endpoints = self.endpoints().await.map_err(of_fault)?;
        let Some(url) = &endpoints.introspection else {
            // A userinfo endpoint answers for tokens of every client, and so proves nothing.
            let why = "it has no introspection endpoint; set auth.oauth.introspection_url";
            return Err(VouchFault::Unavailable(why.to_owned()));
        };
        let vouched = match self.config.provider {
            OAuthProvider::GitHub => {
                let checked = self.github_check(url, token).await?;
                self.admit_token(&checked.person, token).await?;
                let own = vec![self.config.client_id.as_str().into()];
                let client = Some(self.config.client_id.as_str());
                self.vouched(
                    checked.person,
                    own,
                    client,
                    checked.expires_at_secs,
                    now_secs,
                )
            }
            provider => {
                let told = match provider {
                    OAuthProvider::Google => self.google_info(url, token).await?,
                    _ => self.introspect(&endpoints, url, token, now_secs).await?,
                };
                let audiences = texts(&told.members, "aud");
                let client = match provider {
                    OAuthProvider::Google => Some(self.config.client_id.clone()),
                    _ => text(&told.members, "client_id").map(str::to_owned),
                };
                let end = told.expires_at_secs;
                let person = self.user_of(told, &endpoints, token).await?;
                self.vouched(person, audiences, client.as_deref(), end, now_secs)
            }
        };
        match vouched.expires_at_secs {
            Some(end) if now_secs >= end => Err(VouchFault::Inactive("it has expired")),
            _ => Ok(vouched),
        }
    }

    /// Asks the introspection endpoint (RFC 7662 §2). Errors: the token is worth nothing, or is none that may be shown here.
    async fn introspect(
        &self,
        endpoints: &Endpoints,
        url: &FetchUrl,
        token: &str,
        now_secs: u64,
    ) -> Result<Told, VouchFault> {
        let question = Question::new(ProviderCall::Introspection, Method::Post, url);
        let parameters = [("token", token), ("token_type_hint", "access_token")];
        let question = self.form_as_client(question, endpoints.introspection_auth, &parameters);
        let answer = self.ask(&question).await.map_err(of_fault)?;
        let status = answer.status;
        let members = match answer.into_object() {
            Some(members) if status == 200 => members,
            Some(members) if status == 400 && is_about_token(&members) => {
                return Err(VouchFault::Inactive("the provider takes it for no token"));
            }
            _ => {
                let why = format!(
                    "introspection: answer has status {status}; 200 and a JSON object are needed (401: is auth.oauth.client_secret right?)"
                );
                return Err(VouchFault::Unavailable(why));
            }
        };
        match members.get("active") {
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => return Err(VouchFault::Inactive("it is not active")),
            _ => {
                let why = "introspection: active is missing, or neither true nor false";
                return Err(VouchFault::Unavailable(why.to_owned()));
            }
        }
        self.check_members(&members, now_secs)
            .map_err(VouchFault::Inactive)?;
        let scopes = match members.get("scope") {
            Some(Value::String(scopes)) => split_scopes(scopes, &[' ']),
            _ => split_scopes(&texts(&members, "scope").join(" "), &[' ']),
        };
        Told::read(members, scopes)
    }

    /// What a token must be beside active: from this issuer, an access token, in force, and bound to no key that its bearer would
    /// have to prove (RFC 9449 §7.1).
    fn check_members(&self, members: &Object, now_secs: u64) -> Result<(), &'static str> {
        let iss = members.get("iss").and_then(Value::as_str);
        let issuer = self
            .config
            .issuer
            .as_ref()
            .map(|issuer| issuer.text.as_str());
        if iss.is_some() && issuer.is_some() && iss != issuer {
            return Err("iss is not auth.oauth.issuer");
        }
        if whole(members, "nbf").is_some_and(|begin| begin > now_secs + PROVIDER_CLOCK_SECS_MAX) {
            return Err("it is not in force yet");
        }
        if members.get("cnf").is_some_and(|cnf| !cnf.is_null()) {
            return Err("it is bound to a key");
        }
        let is = |name, accepted: &[&str]| {
            text(members, name)
                .is_none_or(|kind| accepted.iter().any(|one| kind.eq_ignore_ascii_case(one)))
        };
        // Servers answer for refresh and ID tokens as well, and each says in its own way that they are.
        let is_access_token = is("token_type", &["bearer", "access_token"])
            && is("typ", &["bearer", "jwt", "at+jwt", "access_token"])
            && is("token_use", &["access", "access_token"]);
        is_access_token.then_some(()).ok_or("it is no access token")
    }

    /// Who the user of a token is that was told of, and that they may come in. Userinfo is asked only where what was told is not
    /// enough.
    async fn user_of(
        &self,
        told: Told,
        endpoints: &Endpoints,
        token: &str,
    ) -> Result<Person, VouchFault> {
        let subject = text(&told.members, "sub").map(str::to_owned);
        let mut claims = Claims::new([told.members]);
        let mut judged = self.judged(claims, told.scopes.clone());
        if let (Err((former, _)), Some(url), Some(subject)) =
            (&mut judged, &endpoints.userinfo, &subject)
            && let Some(userinfo) = self.userinfo_if_told(url, token).await.map_err(of_fault)?
        {
            if text(&userinfo, "sub") != Some(subject) {
                return Err(VouchFault::Inactive("userinfo is about another user"));
            }
            claims = std::mem::take(former);
            claims.add(userinfo);
            judged = self.judged(claims, told.scopes);
        }
        judged.map_err(|(_, fault)| fault)
    }

    /// The person of `claims`, who may come in; or the claims again, and why not.
    fn judged(
        &self,
        claims: Claims,
        scopes: Vec<Box<str>>,
    ) -> Result<Person, (Claims, VouchFault)> {
        let user = match claims.user(&self.config.user_id_claim) {
            Ok(user) => user,
            Err(_) => return Err((claims, VouchFault::Inactive("it names no user"))),
        };
        let person = Person {
            user,
            claims,
            scopes,
        };
        match self.rules.judge(&person) {
            Ok(()) => Ok(person),
            Err(why) => Err((person.claims, VouchFault::NotAllowed(why))),
        }
    }

    async fn admit_token(&self, person: &Person, token: &str) -> Result<(), VouchFault> {
        self.admit(person, token).await.map_err(of_fault)
    }

    fn vouched(
        &self,
        person: Person,
        audiences: Vec<Box<str>>,
        client_id: Option<&str>,
        expires_at_secs: Option<u64>,
        now_secs: u64,
    ) -> Vouched {
        let until = now_secs.saturating_add(self.config.token_cache_ttl.as_secs());
        Vouched {
            user: person.user.id,
            scopes: person.scopes,
            audiences,
            client_id: client_id.map(Box::from),
            expires_at_secs,
            ask_again_at_secs: expires_at_secs.map_or(until, |end| end.min(until)),
        }
    }
}

/// Whether an error is about the token that was asked about (RFC 6750 §3.1, RFC 7009 §2.2.1), and not about the gateway: whoever
/// brings such a token must not make it look as if the provider were down.
fn is_about_token(error: &Object) -> bool {
    matches!(
        text(error, "error"),
        Some("invalid_token" | "unsupported_token_type")
    )
}

/// What a fault says of a token.
pub(super) fn of_fault(fault: ProviderFault) -> VouchFault {
    match fault {
        ProviderFault::NotAllowed(why) => VouchFault::NotAllowed(why),
        ProviderFault::Refused("invalid_grant") => VouchFault::Inactive("its user is not known"),
        ProviderFault::Unavailable(why) | ProviderFault::BadAnswer(why) => {
            VouchFault::Unavailable(why)
        }
        other => VouchFault::Unavailable(other.to_string()),
    }
}
