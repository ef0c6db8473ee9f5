//! A login, and whether it still holds.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use guard_io::http1::Method;
use sha2::{Digest as _, Sha256};

use super::ask::{Answer, Question};
use super::claims::{Claims, Person};
use super::endpoints::Endpoints;
use super::id_token;
use super::json::{Object, text};
use super::remote::Remote;
use super::token::TokenAnswer;
use super::tokens::KeptTokens;
use super::{LoggedIn, LoginSecrets, ProviderFault};
use crate::config::model::{FetchUrl, OAuthProvider};
use crate::metrics::ProviderCall;

/// What an ID token is held against.
#[derive(Clone, Copy)]
enum Occasion<'a> {
    /// A login: there must be one where OpenID Connect is spoken, with this nonce.
    Login { nonce: &'a str },
    /// A refresh: there may be one.
    Refresh,
}

impl Remote {
    /// See [`Provider::authorization_url`](super::Provider::authorization_url).
    pub(super) async fn authorization_url(
        &self,
        secrets: &LoginSecrets,
    ) -> Result<String, ProviderFault> {
        let endpoints = self.endpoints().await?;
        let Some(url) = &endpoints.authorization else {
            let why = "it has no authorization endpoint; set auth.oauth.authorization_url";
            return Err(ProviderFault::Unavailable(why.to_owned()));
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(secrets.verifier.as_bytes()));
        let scopes = self.config.scopes.join(" ");
        let mut form = Serializer::new(String::new());
        form.append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.config.redirect_uri)
            .append_pair("state", &secrets.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if !scopes.is_empty() {
            form.append_pair("scope", &scopes);
        }
        if self.speaks_openid() {
            form.append_pair("nonce", &secrets.nonce);
        }
        for (name, value) in self.further_parameters(url) {
            form.append_pair(name, value);
        }
        let separator = if url.text.contains('?') { '&' } else { '?' };
        Ok(format!("{}{separator}{}", url.text, form.finish()))
    }

    /// Google gives a refresh token only to who asks so, and after the first login only when the user is asked again. Without one
    /// nobody could find out later whether the user is still one. What the operator wrote into the URL counts.
    fn further_parameters(&self, url: &FetchUrl) -> Vec<(&'static str, &'static str)> {
        let is_google = self.config.provider == OAuthProvider::Google;
        let mut wanted = match (is_google, &self.config.server) {
            (false, _) => Vec::new(),
            (true, None) => vec![("access_type", "offline")],
            (true, Some(_)) => vec![("access_type", "offline"), ("prompt", "consent")],
        };
        let query = url.target.split_once('?').map_or("", |(_, query)| query);
        wanted.retain(|(name, _)| {
            !form_urlencoded::parse(query.as_bytes()).any(|(written, _)| written == *name)
        });
        wanted
    }

    /// See [`Provider::check_issuer`](super::Provider::check_issuer).
    ///
    /// An answer without `iss` is refused where the provider's metadata promise one, or are not known. One with `iss` is taken as it is
    /// where the configuration names no issuer: there is nothing to hold it against, and no second provider to be confused with.
    pub(super) fn check_issuer(&self, iss: Option<&str>) -> Result<(), ProviderFault> {
        let issuer = self
            .config
            .issuer
            .as_ref()
            .map(|issuer| issuer.text.as_str());
        let endpoints = self.known.clone().or_else(|| self.discovery.last());
        let must_be_named = endpoints.is_none_or(|endpoints| endpoints.names_issuer);
        match (iss, issuer) {
            (None, _) if must_be_named => Err(ProviderFault::WrongIssuer),
            (Some(iss), Some(issuer)) if iss != issuer => Err(ProviderFault::WrongIssuer),
            _ => Ok(()),
        }
    }

    /// See [`Provider::redeem`](super::Provider::redeem).
    pub(super) async fn redeem(
        &self,
        code: &str,
        secrets: &LoginSecrets,
        now_secs: u64,
    ) -> Result<LoggedIn, ProviderFault> {
        let endpoints = self.endpoints().await?;
        let answer = self.redeem_code(&endpoints, code, secrets).await?;
        let nonce = &secrets.nonce;
        let person = self
            .person(&endpoints, &answer, Occasion::Login { nonce }, now_secs)
            .await?;
        self.admit(&person, &answer.access).await?;
        Ok(logged_in(person, &answer, now_secs))
    }

    /// See [`Provider::still_holds`](super::Provider::still_holds).
    pub(super) async fn still_holds(
        &self,
        tokens: &[u8],
        now_secs: u64,
    ) -> Result<LoggedIn, ProviderFault> {
        self.ask_again(tokens, now_secs)
            .await
            .map_err(|fault| match fault {
                // Anything but a clear word about this user may be a fault of the configuration, or of the provider's.
                ProviderFault::NotAllowed(_)
                | ProviderFault::Refused("invalid_grant")
                | ProviderFault::Unavailable(_) => fault,
                other => ProviderFault::Unavailable(other.to_string()),
            })
    }

    async fn ask_again(&self, tokens: &[u8], now_secs: u64) -> Result<LoggedIn, ProviderFault> {
        let unusable = || ProviderFault::Unavailable("what was kept of it cannot be read".into());
        let kept = KeptTokens::parse(tokens).ok_or_else(unusable)?;
        let kept = self.latest(kept);
        let endpoints = self.endpoints().await?;
        let Some(spent) = kept.refresh.clone() else {
            let (user, answer) = (kept.user.clone(), still_living(kept, now_secs)?);
            return self.same_user(&endpoints, &user, &answer, now_secs).await;
        };
        let user = kept.user.clone();
        let answer = renewed(self.refresh(&endpoints, &spent).await?, kept);
        let outcome = self.same_user(&endpoints, &user, &answer, now_secs).await;
        // Also where all went well: whoever asked may have left, or fail to keep what is told here.
        if answer.refresh.as_ref() != Some(&spent) {
            self.rescue(&spent, KeptTokens::new(&user, &answer, now_secs));
        }
        outcome
    }

    /// That `answer` is of `user`, who may still come in.
    async fn same_user(
        &self,
        endpoints: &Endpoints,
        user: &str,
        answer: &TokenAnswer,
        now_secs: u64,
    ) -> Result<LoggedIn, ProviderFault> {
        let person = self
            .person(endpoints, answer, Occasion::Refresh, now_secs)
            .await?;
        if *person.user.id != *user {
            tracing::warn!("tokens of a login are of another user now");
            return Err(ProviderFault::Refused("invalid_grant"));
        }
        self.admit(&person, &answer.access).await?;
        Ok(logged_in(person, answer, now_secs))
    }

    /// Who the user behind `answer` is.
    async fn person(
        &self,
        endpoints: &Endpoints,
        answer: &TokenAnswer,
        occasion: Occasion<'_>,
        now_secs: u64,
    ) -> Result<Person, ProviderFault> {
        if self.config.provider == OAuthProvider::GitHub {
            return self
                .github_person(&answer.access, answer.scopes.as_deref())
                .await;
        }
        let id_claims = self.id_claims(answer, occasion, now_secs)?;
        let userinfo = match &endpoints.userinfo {
            Some(url) => Some(self.userinfo(url, &answer.access).await?),
            None => None,
        };
        if let (Some(id_claims), Some(userinfo)) = (&id_claims, &userinfo)
            && text(id_claims, "sub") != text(userinfo, "sub")
        {
            let why = "userinfo is about another user than the ID token";
            return Err(ProviderFault::BadAnswer(why.to_owned()));
        }
        if id_claims.is_none() && userinfo.is_none() {
            let why = "neither an ID token nor a userinfo endpoint says who the user is";
            return Err(ProviderFault::BadAnswer(why.to_owned()));
        }
        let claims = Claims::new(id_claims.into_iter().chain(userinfo));
        // What is not said is as it was asked for (RFC 6749 §5.1).
        let as_asked = || {
            self.config
                .scopes
                .iter()
                .map(|scope| scope.as_str().into())
                .collect()
        };
        Ok(Person {
            user: claims.user(&self.config.user_id_claim)?,
            claims,
            scopes: answer.scopes.clone().unwrap_or_else(as_asked),
        })
    }

    /// The claims of the ID token, where OpenID Connect is spoken with an issuer that is known.
    fn id_claims(
        &self,
        answer: &TokenAnswer,
        occasion: Occasion<'_>,
        now_secs: u64,
    ) -> Result<Option<Object>, ProviderFault> {
        if !self.speaks_openid() || self.config.issuer.is_none() {
            return Ok(None);
        }
        let nonce = match (occasion, &answer.id_token) {
            (Occasion::Refresh, None) => return Ok(None),
            (Occasion::Refresh, Some(_)) => None,
            (Occasion::Login { nonce }, _) => Some(nonce),
        };
        let claims = match &answer.id_token {
            Some(token) => id_token::read(token, &self.config, nonce, now_secs),
            None => {
                Err("token endpoint gave no ID token, although scope openid was asked for".into())
            }
        };
        let claims = claims.map_err(|why| ProviderFault::BadAnswer(why.into_owned()))?;
        Ok(Some(claims))
    }

    /// What the userinfo endpoint says of the user of `access`.
    async fn userinfo(&self, url: &FetchUrl, access: &str) -> Result<Object, ProviderFault> {
        read_userinfo(self.ask_userinfo(url, access).await?)
    }

    /// The same for a token that somebody brought. `None`: it may be good, and was not given for this (RFC 6750 §3.1). That is said
    /// of the token, and not that the provider is down: anybody can bring such a one.
    pub(super) async fn userinfo_if_told(
        &self,
        url: &FetchUrl,
        access: &str,
    ) -> Result<Option<Object>, ProviderFault> {
        let answer = self.ask_userinfo(url, access).await?;
        match answer.status {
            400 | 403 => Ok(None),
            _ => read_userinfo(answer).map(Some),
        }
    }

    async fn ask_userinfo(&self, url: &FetchUrl, access: &str) -> Result<Answer, ProviderFault> {
        let question = Question::new(ProviderCall::UserInfo, Method::Get, url).bearer(access);
        self.ask(&question).await
    }

    /// Whether `person`, whose token is `access`, may come in.
    pub(super) async fn admit(&self, person: &Person, access: &str) -> Result<(), ProviderFault> {
        self.rules
            .judge(person)
            .map_err(ProviderFault::NotAllowed)?;
        if self.rules.organizations.is_empty() {
            return Ok(());
        }
        match self.config.provider {
            OAuthProvider::GitHub => self.is_member(person, access).await,
            _ => Err(ProviderFault::NotAllowed(
                "auth.oauth.allowed_organizations is for github alone".to_owned(),
            )),
        }
    }
}

fn read_userinfo(answer: Answer) -> Result<Object, ProviderFault> {
    match answer.status {
        200 => answer.into_object().ok_or_else(|| {
            ProviderFault::BadAnswer("userinfo: answer is not a JSON object".to_owned())
        }),
        401 => Err(ProviderFault::Refused("invalid_grant")),
        status => Err(ProviderFault::BadAnswer(format!(
            "userinfo: answer has status {status}; 200 is needed"
        ))),
    }
}

fn logged_in(person: Person, answer: &TokenAnswer, now_secs: u64) -> LoggedIn {
    LoggedIn {
        tokens: KeptTokens::new(&person.user.id, answer, now_secs).write(),
        user: person.user,
        scopes: person.scopes,
    }
}

/// The access token of a login without a refresh token, while it lives: afterwards nobody can be asked.
fn still_living(kept: KeptTokens, now_secs: u64) -> Result<TokenAnswer, ProviderFault> {
    let life_secs = kept.expires_at_secs.map(|end| end.saturating_sub(now_secs));
    if life_secs == Some(0) {
        let why = "the login's access token has ended, and it came without a refresh token";
        return Err(ProviderFault::Unavailable(why.to_owned()));
    }
    Ok(TokenAnswer {
        life_secs,
        ..kept.into_answer()
    })
}

/// What a refresh gave, and what stays as it was (RFC 6749 §5.1, §6).
fn renewed(fresh: TokenAnswer, kept: KeptTokens) -> TokenAnswer {
    TokenAnswer {
        refresh: fresh.refresh.or(kept.refresh),
        scopes: fresh.scopes.or(kept.scopes),
        ..fresh
    }
}
