//! Who of the provider's users may come in.

use crate::config::model::OAuthProvider;
use crate::config::problem::Problem;
use crate::config::read::scopes::is_text;
use crate::config::read::table::Table;
use crate::config::tree::Value;
use crate::engine::identity::mtls::IdentityPattern;
use crate::engine::limits::{
    IDENTITY_ID_BYTES_MAX, JWT_CLAIM_BYTES_MAX, OAUTH_CLAIMS_MAX, OAUTH_ORGANIZATIONS_MAX,
    OAUTH_USERS_MAX,
};

const PATTERN: &str = "a pattern over whole user ids and e-mail addresses: 1 to 256 characters, `*`, `?` and `[set]`, never `**`";
const ORGANIZATION: &str = "the name of an organization, as in https://github.com/NAME: 1 to 39 letters, digits and hyphens";
const CLAIM: &str = "one to 64 values, each 1 to 256 bytes of text without control characters";
const CLAIM_NAME: &str = "the name of a claim: 1 to 128 bytes of text without control characters";
const GITHUB_ALLOWED: &str = "patterns over user ids (numbers) and verified e-mail addresses, or allowed_organizations; anybody in the world has an account there: [\"*\"] says everybody";
const GOOGLE_ALLOWED: &str = "patterns over e-mail addresses such as \"*@example.com\", or required_claims such as { hd = \"example.com\" }; anybody in the world has an account there: [\"*\"] says everybody";
const SOMEBODY: &str = "at least one; an empty list would let nobody in";

const GITHUB_API: &str = "https://api.github.com";

/// Longest name of a GitHub organization, in bytes.
const ORGANIZATION_BYTES_MAX: usize = 39;

/// `allowed_users`, `allowed_organizations` and `required_claims`.
pub(super) struct People {
    /// Patterns over user ids and e-mail addresses.
    pub(super) users: Vec<IdentityPattern>,
    /// In lower case.
    pub(super) organizations: Vec<String>,
    /// Names and values.
    pub(super) claims: Vec<(String, Vec<String>)>,
}

pub(super) fn read(table: &Table<'_>, provider: OAuthProvider) -> People {
    let people = People {
        users: users(table, provider),
        organizations: organizations(table, provider),
        claims: claims(table),
    };
    let accepted = match provider {
        OAuthProvider::GitHub => GITHUB_ALLOWED,
        OAuthProvider::Google => GOOGLE_ALLOWED,
        OAuthProvider::Okta | OAuthProvider::Custom => return people,
    };
    let keys = ["allowed_users", "allowed_organizations", "required_claims"];
    let says_nothing = keys.iter().all(|key| !table.has(key));
    let has_no_claim = table.has("required_claims") && people.claims.is_empty();
    if says_nothing || (has_no_claim && keys[..2].iter().all(|key| !table.has(key))) {
        table.report("allowed_users", Problem::Missing { accepted });
    }
    people
}

fn users(table: &Table<'_>, provider: OAuthProvider) -> Vec<IdentityPattern> {
    const KEY: &str = "allowed_users";
    let users = table.parsed(KEY, PATTERN, pattern);
    if let Some(users) = &users {
        check_length(table, KEY, users.len(), OAUTH_USERS_MAX);
    }
    if provider == OAuthProvider::GitHub && !table.has("user_id_claim") {
        refuse_logins(table);
    }
    let users = users.unwrap_or_default();
    let is_open = users.iter().any(|user| user.as_str() == "*");
    let is_public = matches!(provider, OAuthProvider::GitHub | OAuthProvider::Google);
    let is_narrowed = table.has("allowed_organizations") || table.has("required_claims");
    if is_open && is_public && !is_narrowed {
        table.report(
            KEY,
            Problem::OpenToEverybody {
                provider: provider.as_str(),
            },
        );
    }
    users
}

/// Ids are numbers at GitHub: a login without a wildcard could never match.
fn refuse_logins(table: &Table<'_>) {
    const KEY: &str = "allowed_users";
    let Some(Value::List(items)) = table.value(KEY) else {
        return;
    };
    let api = table.text("userinfo_url").unwrap_or_default();
    let api = api.strip_suffix("/user").unwrap_or(GITHUB_API);
    for (index, item) in items.iter().enumerate() {
        if let Value::Text(text) = &item.value
            && is_login(text)
        {
            let (login, api) = (text.to_string(), api.to_owned());
            let problem = Problem::LoginIsNoId { login, api };
            table.report(&format!("{KEY}[{index}]"), problem);
        }
    }
}

fn is_login(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.bytes().all(known) && text.bytes().any(|byte| !byte.is_ascii_digit())
}

/// A pattern over whole user ids.
pub(super) fn pattern(text: &str) -> Option<IdentityPattern> {
    let sound = is_text(text, IDENTITY_ID_BYTES_MAX);
    IdentityPattern::parse(text).ok().filter(|_| sound)
}

fn organizations(table: &Table<'_>, provider: OAuthProvider) -> Vec<String> {
    const KEY: &str = "allowed_organizations";
    let names = table.parsed(KEY, ORGANIZATION, |text| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let sound = (1..=ORGANIZATION_BYTES_MAX).contains(&text.len()) && text.bytes().all(known);
        sound.then(|| text.to_ascii_lowercase())
    });
    if let Some(names) = &names {
        check_length(table, KEY, names.len(), OAUTH_ORGANIZATIONS_MAX);
    }
    if table.has(KEY) && provider != OAuthProvider::GitHub {
        let other = format!("{} = {:?}", table.path_of("provider"), provider.as_str());
        let remedy =
            "only GitHub has organizations; use required_claims, such as { groups = [\"…\"] }";
        table.report(KEY, Problem::Conflict { other, remedy });
    }
    names.unwrap_or_default()
}

fn claims(table: &Table<'_>) -> Vec<(String, Vec<String>)> {
    const KEY: &str = "required_claims";
    let claims = table.text_or_texts_table(KEY);
    if claims.len() > OAUTH_CLAIMS_MAX {
        let value = claims.len().to_string();
        let accepted = format!("up to {OAUTH_CLAIMS_MAX} claims");
        table.report(KEY, Problem::OutOfRange { value, accepted });
    }
    for (name, values) in &claims {
        let key = format!("{KEY}.{name}");
        let is_bounded = (1..=OAUTH_CLAIMS_MAX).contains(&values.len());
        if !is_text(name, JWT_CLAIM_BYTES_MAX) {
            table.malformed::<()>(&key, name, CLAIM_NAME);
        } else if !is_bounded
            || !values
                .iter()
                .all(|value| is_text(value, IDENTITY_ID_BYTES_MAX))
        {
            table.malformed::<()>(&key, &values.join(", "), CLAIM);
        }
    }
    let owned = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect();
    let claims = claims.into_iter();
    claims
        .map(|(name, values)| (name.to_owned(), owned(values)))
        .collect()
}

/// A list that is there says who may come in: an empty one must never be taken for "everybody".
fn check_length(table: &Table<'_>, key: &'static str, length: usize, length_max: usize) {
    if matches!(table.value(key), Some(Value::List(items)) if items.is_empty()) {
        let (value, accepted) = (None, SOMEBODY.to_owned());
        table.report(key, Problem::Malformed { value, accepted });
    }
    if length > length_max {
        let value = length.to_string();
        let accepted = format!("up to {length_max} entries");
        table.report(key, Problem::OutOfRange { value, accepted });
    }
}

impl People {
    /// What is asked about a user must be asked for: otherwise nobody could come in.
    pub(super) fn check_scopes(
        &self,
        table: &Table<'_>,
        provider: OAuthProvider,
        scopes: &[String],
    ) {
        let has_any = |known: &[&str]| scopes.iter().any(|scope| known.contains(&scope.as_str()));
        let email: &[&str] = match provider {
            OAuthProvider::GitHub => &["user:email", "user"],
            OAuthProvider::Google => &["email", "https://www.googleapis.com/auth/userinfo.email"],
            OAuthProvider::Okta | OAuthProvider::Custom => return,
        };
        let by_email = self.users.iter().any(|user| user.as_str().contains('@'));
        if by_email && !has_any(email) {
            missing(table, email[0], "allowed_users");
        }
        let organization = ["read:org", "write:org", "admin:org"];
        let is_github = provider == OAuthProvider::GitHub;
        if is_github && !self.organizations.is_empty() && !has_any(&organization) {
            missing(table, organization[0], "allowed_organizations");
        }
    }
}

/// Whoever is told apart by ID tokens, or by the userinfo endpoint of an OpenID provider, is so with this scope alone
/// (OpenID Connect Core §3.1.2.1, §5.3).
pub(super) fn require_openid(table: &Table<'_>, provider: OAuthProvider, scopes: &[String]) {
    const OPENID: &str = "openid";
    let is_openid = match provider {
        OAuthProvider::GitHub => false,
        OAuthProvider::Google | OAuthProvider::Okta => true,
        // With all of its endpoints written it need not be one.
        OAuthProvider::Custom => table.has("issuer") && !table.has("userinfo_url"),
    };
    if is_openid && table.has("scopes") && !scopes.iter().any(|scope| scope == OPENID) {
        let (scope, needed_by) = (OPENID, "who a user is".to_owned());
        table.report("scopes", Problem::ScopeNeeded { scope, needed_by });
    }
}

fn missing(table: &Table<'_>, scope: &'static str, needed_by: &'static str) {
    let needed_by = table.path_of(needed_by);
    table.report("scopes", Problem::ScopeNeeded { scope, needed_by });
}
