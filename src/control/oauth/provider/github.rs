//! GitHub, which speaks OAuth 2 and an API of its own.
//!
//! Sources: GitHub "Authorizing OAuth apps", "Scopes for OAuth apps", REST API "Users", "Organization members", "OAuth
//! authorizations".

use guard_io::http1::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ask::{Answer, Question};
use super::claims::{Claims, Person, email};
use super::json::{Object, is_true, text};
use super::remote::Remote;
use super::token::split_scopes;
use super::{ProviderFault, VouchFault};
use crate::config::model::FetchUrl;
use crate::metrics::ProviderCall;

const SEPARATORS: &[char] = &[' ', ','];

/// Scopes that others are part of.
const PARTS: [(&str, &[&str]); 12] = [
    ("user", &["read:user", "user:email", "user:follow"]),
    (
        "repo",
        &[
            "repo:status",
            "repo_deployment",
            "public_repo",
            "repo:invite",
            "security_events",
        ],
    ),
    (
        "admin:org",
        &["write:org", "read:org", "manage_runners:org"],
    ),
    ("write:org", &["read:org"]),
    ("admin:public_key", &["write:public_key", "read:public_key"]),
    ("write:public_key", &["read:public_key"]),
    ("admin:repo_hook", &["write:repo_hook", "read:repo_hook"]),
    ("write:repo_hook", &["read:repo_hook"]),
    ("admin:gpg_key", &["write:gpg_key", "read:gpg_key"]),
    ("write:gpg_key", &["read:gpg_key"]),
    ("write:packages", &["read:packages"]),
    ("project", &["read:project"]),
];

/// What opaque tokens of users begin with that were issued to an application. Others (`ghp_`, `github_pat_`, `ghs_`, `ghr_`) were not.
const APP_TOKENS: [&str; 2] = ["gho_", "ghu_"];

/// What the check of a token found.
pub(super) struct Checked {
    pub(super) person: Person,
    pub(super) expires_at_secs: Option<u64>,
}

impl Remote {
    /// Who the user of `access` is. `granted` is what the token endpoint said of its scopes.
    pub(super) async fn github_person(
        &self,
        access: &str,
        granted: Option<&[Box<str>]>,
    ) -> Result<Person, ProviderFault> {
        let answer = self.github(access, "").await?;
        let scopes = match (&answer.oauth_scopes, granted) {
            (Some(scopes), _) => split_scopes(scopes, SEPARATORS),
            (None, Some(granted)) => granted.to_vec(),
            (None, None) => Vec::new(),
        };
        let user = match (answer.status, answer.into_object()) {
            (200, Some(user)) => user,
            (401, _) => return Err(ProviderFault::Refused("invalid_grant")),
            (status, _) => return Err(bad("user", status)),
        };
        self.github_known(user, whole_scopes(scopes), access).await
    }

    /// The person that `user`, an object of GitHub's API, is about.
    async fn github_known(
        &self,
        user: Object,
        scopes: Vec<Box<str>>,
        access: &str,
    ) -> Result<Person, ProviderFault> {
        let claims = Claims::new([without_address(user)]);
        let mut user = claims.user(&self.config.user_id_claim)?;
        if scopes.iter().any(|scope| &**scope == "user:email") {
            user.email = self.github_email(access).await?;
        }
        Ok(Person {
            user,
            claims,
            scopes,
        })
    }

    /// The address that is the user's primary one and verified.
    async fn github_email(&self, access: &str) -> Result<Option<Box<str>>, ProviderFault> {
        let answer = self.github(access, "/emails").await?;
        let Some(Value::Array(addresses)) = answer.json.filter(|_| answer.status == 200) else {
            return Ok(None);
        };
        let mut primary = addresses
            .iter()
            .filter_map(Value::as_object)
            .filter(|address| {
                address.get("primary") == Some(&Value::Bool(true)) && is_true(address, "verified")
            });
        Ok(primary.find_map(|address| email(text(address, "email")?)))
    }

    /// Whether `person` is a member of one of the organizations that may come in. It takes the scope `read:org` to see that.
    pub(super) async fn is_member(
        &self,
        person: &Person,
        access: &str,
    ) -> Result<(), ProviderFault> {
        let mut found = Vec::with_capacity(self.rules.organizations.len());
        let mut is_hidden = false;
        for organization in &self.rules.organizations {
            let name: String = form_urlencoded::byte_serialize(organization.as_bytes()).collect();
            let answer = self
                .github(access, &format!("/memberships/orgs/{name}"))
                .await?;
            let object = answer.object();
            let state = object.and_then(|object| text(object, "state"));
            let is_it = object
                .and_then(|object| object.get("organization")?.get("login")?.as_str())
                .is_none_or(|login| login.eq_ignore_ascii_case(organization));
            let what = match (answer.status, state) {
                (200, Some("active")) if is_it => return Ok(()),
                (200, Some("pending")) if is_it => "has not accepted the invitation".to_owned(),
                (200, _) => "answer is not about an active member".to_owned(),
                (404, _) => "not a member (status 404)".to_owned(),
                (status, _) => format!("status {status}"),
            };
            is_hidden |= answer.status == 403;
            found.push(format!("{organization}: {what}"));
        }
        let remedy = match is_hidden {
            true => {
                "; GitHub does not let this application see: grant read:org, and let the organization approve the application (its Settings, Third-party Access)"
            }
            false => "",
        };
        Err(ProviderFault::NotAllowed(format!(
            "user {:?} is a member of none of auth.oauth.allowed_organizations ({}){remedy}",
            person.user.id,
            found.join(", ")
        )))
    }

    /// What GitHub says of an opaque token, which it issued to this gateway's client or knows nothing of.
    pub(super) async fn github_check(
        &self,
        url: &FetchUrl,
        token: &str,
    ) -> Result<Checked, VouchFault> {
        if !is_app_token(token) {
            return Err(VouchFault::Inactive(
                "GitHub issues no such token to an application",
            ));
        }
        let Some(secret) = &self.config.client_secret else {
            return Err(VouchFault::Unavailable(
                "auth.oauth.client_secret is missing".into(),
            ));
        };
        let body = json!({ "access_token": token }).to_string().into_bytes();
        let question = Question::new(ProviderCall::Introspection, Method::Post, url)
            .basic(&self.config.client_id, secret)
            .body("application/json", body);
        let answer = self.ask(&question).await.map_err(unavailable)?;
        let checked = match (answer.status, answer.into_object()) {
            (200, Some(checked)) => checked,
            (404 | 422, _) => return Err(VouchFault::Inactive("GitHub does not know it")),
            (status, _) => return Err(unavailable(bad("token check", status))),
        };
        self.read_check(checked, token).await
    }

    async fn read_check(&self, checked: Object, token: &str) -> Result<Checked, VouchFault> {
        let client = checked.get("app").and_then(|app| app.get("client_id"));
        if client.and_then(Value::as_str) != Some(&*self.config.client_id) {
            return Err(VouchFault::Inactive("it was issued to another application"));
        }
        let expires_at_secs = match checked.get("expires_at") {
            None | Some(Value::Null) => None,
            Some(end) => Some(date(end).ok_or_else(|| {
                VouchFault::Unavailable("token check: expires_at is no date".into())
            })?),
        };
        let Some(Value::Object(user)) = checked.get("user") else {
            return Err(VouchFault::Inactive("it is of no user"));
        };
        let scopes = checked.get("scopes").and_then(Value::as_array);
        let scopes = scopes.into_iter().flatten().filter_map(Value::as_str);
        let scopes = whole_scopes(scopes.map(Box::from).collect());
        // The check has a short form of the user; the whole one is asked for where a rule needs more.
        let short = self.github_known(user.clone(), scopes.clone(), token).await;
        let person = match short {
            Ok(person) if self.rules.judge(&person).is_ok() => person,
            _ => self
                .github_person(token, Some(&scopes))
                .await
                .map_err(unavailable)?,
        };
        Ok(Checked {
            person,
            expires_at_secs,
        })
    }

    /// Asks for what is at `rest` behind the user of `access`.
    async fn github(&self, access: &str, rest: &str) -> Result<Answer, ProviderFault> {
        let Some(user) = &self.config.userinfo_url else {
            let why = "auth.oauth.userinfo_url is missing";
            return Err(ProviderFault::Unavailable(why.to_owned()));
        };
        let url = FetchUrl {
            text: format!("{}{rest}", user.text),
            target: format!("{}{rest}", user.target),
            ..user.clone()
        };
        let question = Question::new(ProviderCall::UserInfo, Method::Get, &url).bearer(access);
        self.ask(&question).await
    }
}

/// A profile's address is what its owner wrote there.
fn without_address(mut user: Object) -> Object {
    user.remove("email");
    user.remove("email_verified");
    user
}

/// `scopes` and every part of them.
fn whole_scopes(mut scopes: Vec<Box<str>>) -> Vec<Box<str>> {
    let held = scopes.clone();
    for (_, parts) in PARTS
        .iter()
        .filter(|(whole, _)| held.iter().any(|scope| **scope == **whole))
    {
        for part in *parts {
            if !scopes.iter().any(|scope| **scope == **part) {
                scopes.push((*part).into());
            }
        }
    }
    scopes
}

/// Tokens of before 2021 are 40 hexadecimal digits.
fn is_app_token(token: &str) -> bool {
    let is_old = token.len() == 40 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_old || APP_TOKENS.iter().any(|prefix| token.starts_with(prefix))
}

fn date(value: &Value) -> Option<u64> {
    let date: Timestamp = value.as_str()?.parse().ok()?;
    u64::try_from(date.as_second()).ok()
}

fn bad(what: &str, status: u16) -> ProviderFault {
    ProviderFault::BadAnswer(format!(
        "{what}: answer has status {status}; 200 and a JSON object are needed"
    ))
}

fn unavailable(fault: ProviderFault) -> VouchFault {
    super::introspection::of_fault(fault)
}

#[cfg(test)]
mod tests {
    use super::{is_app_token, whole_scopes};

    #[test]
    fn a_scope_stands_for_its_parts() {
        for (held, expected) in [
            ("user", "user read:user user:email user:follow"),
            ("read:user", "read:user"),
            (
                "admin:org user:email",
                "admin:org user:email write:org read:org manage_runners:org",
            ),
            ("user read:user", "user read:user user:email user:follow"),
            ("", ""),
        ] {
            let held = held.split_terminator(' ').map(Box::from).collect();
            assert_eq!(whole_scopes(held).join(" "), expected);
        }
    }

    #[test]
    fn tokens_of_persons_and_servers_are_not_asked_about() {
        for good in [
            "gho_16C7e42F292c6912E7710c838347Ae178B4a",
            "ghu_a",
            &"0a".repeat(20),
        ] {
            assert!(is_app_token(good), "{good}");
        }
        for bad in [
            "ghp_a",
            "github_pat_a",
            "ghs_a",
            "ghr_a",
            "a",
            "GHO_a",
            &"0g".repeat(20),
        ] {
            assert!(!is_app_token(bad), "{bad}");
        }
    }
}
