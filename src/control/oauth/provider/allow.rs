//! Who may come in: `allowed_users`, `required_claims` and `allowed_organizations`. Each that is configured must let a user in.

use super::claims::{Claims, Person};
use crate::config::model::{OAuth, OAuthProvider};
use crate::engine::identity::mtls::IdentityPattern;
use crate::engine::oauth::User;

/// The rules of one configuration.
#[derive(Debug)]
pub(super) struct AllowRules {
    users: Vec<IdentityPattern>,
    claims: Vec<(String, Vec<String>)>,
    /// Organizations of which one must have the user.
    pub(super) organizations: Vec<String>,
    /// Whether everybody has an account there, so that an account alone says nothing.
    is_public: bool,
}

impl AllowRules {
    pub(super) fn new(config: &OAuth) -> Self {
        Self {
            users: config.allowed_users.iter().map(with_lower_domain).collect(),
            claims: config.required_claims.clone(),
            organizations: config.allowed_organizations.clone(),
            is_public: matches!(
                config.provider,
                OAuthProvider::GitHub | OAuthProvider::Google
            ),
        }
    }

    /// Whether `person` may come in, as far as they can be judged without asking for their organizations. Errors: a sentence for
    /// operators.
    pub(super) fn judge(&self, person: &Person) -> Result<(), String> {
        let is_silent =
            self.users.is_empty() && self.claims.is_empty() && self.organizations.is_empty();
        if is_silent && self.is_public {
            return Err("nobody is named who may come in; set auth.oauth.allowed_users".to_owned());
        }
        let id = &person.user.id;
        if !self.may_be_named(&person.user) {
            let address = person.claims.address_shown(&person.user);
            return Err(unnamed(&person.user, &address));
        }
        let lacking = self
            .claims
            .iter()
            .find(|(name, values)| !person.claims.has(name, values));
        match lacking {
            Some((name, _)) if person.claims.value(name).is_none() => Err(format!(
                "provider sent no claim {name:?} of user {id:?}; a scope may be needed for it (auth.oauth.scopes)"
            )),
            Some((name, _)) => Err(format!(
                "claim {name:?} of user {id:?} is not as auth.oauth.required_claims has it"
            )),
            None => Ok(()),
        }
    }

    /// The same by what is known of a user without anybody being asked.
    pub(super) fn judge_name(&self, user: &User) -> Result<(), String> {
        match self.may_be_named(user) {
            true => Ok(()),
            false => Err(unnamed(user, &Claims::default().address_shown(user))),
        }
    }

    fn may_be_named(&self, user: &User) -> bool {
        self.users.is_empty() || self.names(user)
    }

    /// By the id or the verified address, and by nothing that a stranger may choose: a login of GitHub can be digits alone, and so
    /// look like the id of somebody else.
    fn names(&self, user: &User) -> bool {
        let names = [Some(&user.id), user.email.as_ref()];
        let mut names = names.into_iter().flatten();
        names.any(|name| self.users.iter().any(|pattern| pattern.matches(name)))
    }
}

fn unnamed(user: &User, address: &str) -> String {
    let id = &user.id;
    format!("user {id:?} {address} is not among auth.oauth.allowed_users")
}

/// `pattern` with what follows its last `@` in lower case, as the domains of addresses are that it meets.
fn with_lower_domain(pattern: &IdentityPattern) -> IdentityPattern {
    let lower = pattern
        .as_str()
        .rsplit_once('@')
        .and_then(|(local, domain)| {
            IdentityPattern::parse(&format!("{local}@{}", domain.to_ascii_lowercase())).ok()
        });
    lower.unwrap_or_else(|| pattern.clone())
}
