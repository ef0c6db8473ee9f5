//! What the provider says of a user.

use serde_json::Value;

use super::ProviderFault;
use super::json::{Object, is_true, text};
use crate::engine::limits::IDENTITY_ID_BYTES_MAX;
use crate::engine::oauth::User;

/// Longest name that pages show, in characters.
const NAME_CHARS_MAX: usize = 80;

/// Longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3, less the brackets).
const EMAIL_BYTES_MAX: usize = 254;

/// Claims about one user from one provider, in the order in which they count.
#[derive(Debug, Default)]
pub(super) struct Claims(Vec<Object>);

/// A user, and what they are judged by.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) user: User,
    pub(super) claims: Claims,
    /// What the provider granted.
    pub(super) scopes: Vec<Box<str>>,
}

impl Claims {
    /// Those of `sources`, of which an earlier one counts before a later one. Whoever calls has made sure that all are about one
    /// user.
    pub(super) fn new(sources: impl IntoIterator<Item = Object>) -> Self {
        Self(sources.into_iter().collect())
    }

    /// Adds a source that counts after the others.
    pub(super) fn add(&mut self, source: Object) {
        self.0.push(source);
    }

    /// The value of the claim `name`.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        let mut values = self.0.iter().filter_map(|source| source.get(name));
        values.find(|value| !value.is_null())
    }

    /// The user whose id is the claim `id_claim`. Errors: it is missing, or can be no id.
    pub(super) fn user(&self, id_claim: &str) -> Result<User, ProviderFault> {
        let email = self.email();
        let id = match id_claim {
            // Whoever can write any address into their account would be whoever they like.
            "email" => email.clone(),
            _ => self.value(id_claim).and_then(id),
        };
        let id = id.ok_or_else(|| {
            let rule = match id_claim {
                "email" => "verified and an address",
                _ => "text or a whole number, without control characters",
            };
            let why = format!("claim {id_claim:?} is missing; it must be {rule}");
            ProviderFault::BadAnswer(why)
        })?;
        let name = ["name", "preferred_username", "login"]
            .iter()
            .find_map(|claim| self.value(claim)?.as_str().and_then(shown_name));
        Ok(User { id, name, email })
    }

    /// The e-mail address, where the very source that has it says that it is verified. The domain is in lower case.
    fn email(&self) -> Option<Box<str>> {
        let verified = self
            .0
            .iter()
            .find(|source| is_true(source, "email_verified"));
        verified.and_then(|source| email(text(source, "email")?))
    }

    /// The address of `user` as operators are told of it: that of the user where it is verified, else what is claimed.
    pub(super) fn address_shown(&self, user: &User) -> String {
        let claimed = self.value("email").and_then(|value| email(value.as_str()?));
        match (&user.email, claimed) {
            (Some(verified), _) => format!("with the e-mail address {verified:?}"),
            (None, Some(claimed)) => {
                format!("with the e-mail address {claimed:?} (not verified, so it does not count)")
            }
            (None, None) => "without a verified e-mail address".to_owned(),
        }
    }

    /// Whether the claim `name` is one of `wanted`, or an array that has one of them. Numbers and truth values count as they are
    /// written; an address counts where its source verified it, as everywhere.
    pub(super) fn has(&self, name: &str, wanted: &[String]) -> bool {
        if name == "email" {
            let known = self.email();
            return known
                .is_some_and(|known| wanted.iter().any(|one| email(one) == Some(known.clone())));
        }
        let is_wanted = |value: &Value| match value {
            Value::String(text) => wanted.iter().any(|wanted| wanted == text),
            Value::Number(_) | Value::Bool(_) => wanted.contains(&value.to_string()),
            _ => false,
        };
        match self.value(name) {
            Some(Value::Array(several)) => several.iter().any(is_wanted),
            Some(one) => is_wanted(one),
            None => false,
        }
    }
}

/// A claim as an identity.
pub(super) fn id(value: &Value) -> Option<Box<str>> {
    let text: Box<str> = match value {
        Value::String(text) => text.as_str().into(),
        Value::Number(number) if !number.is_f64() => number.to_string().into(),
        _ => return None,
    };
    let fits = (1..=IDENTITY_ID_BYTES_MAX).contains(&text.len());
    (fits && !text.chars().any(char::is_control)).then_some(text)
}

/// `text` as an e-mail address with its domain in lower case. `None` where it is none that is compared here.
pub(super) fn email(text: &str) -> Option<Box<str>> {
    let is_plain =
        text.len() <= EMAIL_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    let (local, domain) = text.split_once('@')?;
    let is_address = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    (is_plain && is_address).then(|| format!("{local}@{}", domain.to_ascii_lowercase()).into())
}

/// `text` as pages may show it: without what prints as nothing or turns the direction of what follows.
fn shown_name(text: &str) -> Option<Box<str>> {
    let is_shown = |character: &char| {
        !character.is_control()
            && !matches!(*character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let shown: String = text.chars().filter(is_shown).take(NAME_CHARS_MAX).collect();
    let shown = shown.trim();
    (!shown.is_empty()).then(|| shown.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::Claims;
    use crate::control::oauth::provider::json::{Object, parse};

    fn object(text: &str) -> Object {
        parse(text.as_bytes()).unwrap().as_object().unwrap().clone()
    }

    #[test]
    fn an_id_is_text_or_a_whole_number() {
        for (claims, claim, expected) in [
            (r#"{"sub":"a|b"}"#, "sub", Some("a|b")),
            (r#"{"id":583231}"#, "id", Some("583231")),
            (r#"{"id":9007199254740993}"#, "id", Some("9007199254740993")),
            (r#"{"id":1.5}"#, "id", None),
            (r#"{"id":true}"#, "id", None),
            (r#"{"id":["a"]}"#, "id", None),
            (r#"{"id":null}"#, "id", None),
            (r#"{"sub":""}"#, "sub", None),
            (r#"{"sub":"a\u0000b"}"#, "sub", None),
            (r#"{"sub":"a\nb"}"#, "sub", None),
            ("{}", "sub", None),
            (r#"{"email":"a@b.c"}"#, "email", None),
            (r#"{"email":"a@b.c","email_verified":false}"#, "email", None),
            (
                r#"{"email":"a@B.c","email_verified":true}"#,
                "email",
                Some("a@b.c"),
            ),
        ] {
            let user = Claims::new([object(claims)]).user(claim);
            assert_eq!(
                user.ok().map(|user| user.id.to_string()).as_deref(),
                expected,
                "{claims}"
            );
        }
        let long = format!(r#"{{"sub":"{}"}}"#, "a".repeat(257));
        assert!(Claims::new([object(&long)]).user("sub").is_err());
    }

    #[test]
    fn an_address_counts_only_where_its_own_source_verified_it() {
        for (first, second, expected) in [
            (
                r#"{"email":"a@b.c","email_verified":true}"#,
                "{}",
                Some("a@b.c"),
            ),
            (
                r#"{"email":"a@b.c","email_verified":"true"}"#,
                "{}",
                Some("a@b.c"),
            ),
            (r#"{"email":"a@b.c"}"#, r#"{"email_verified":true}"#, None),
            (
                r#"{"email":"a@b.c"}"#,
                r#"{"email":"d@e.f","email_verified":true}"#,
                Some("d@e.f"),
            ),
            (r#"{"email":"a@b.c","email_verified":1}"#, "{}", None),
            (r#"{"email":"a@b@c","email_verified":true}"#, "{}", None),
            (r#"{"email":"a b@c","email_verified":true}"#, "{}", None),
            (r#"{"email":"@c","email_verified":true}"#, "{}", None),
            (r#"{"email":["a@b.c"],"email_verified":true}"#, "{}", None),
        ] {
            let claims = Claims::new([object(first), object(second)]);
            assert_eq!(claims.email().as_deref(), expected, "{first} {second}");
        }
    }

    #[test]
    fn a_required_claim_is_a_value_or_has_it() {
        let claims = Claims::new([
            object(r#"{"hd":"a.example","level":3,"staff":true,"groups":["x","y"],"o":{"a":"b"}}"#),
            object(r#"{"hd":"b.example","later":"z"}"#),
        ]);
        for (name, value, expected) in [
            ("hd", "a.example", true),
            ("hd", "b.example", false),
            ("hd", "A.example", false),
            ("level", "3", true),
            ("staff", "true", true),
            ("groups", "y", true),
            ("groups", "z", false),
            ("o", "b", false),
            ("later", "z", true),
            ("none", "", false),
        ] {
            let has = claims.has(name, &["other".to_owned(), value.to_owned()]);
            assert_eq!(has, expected, "{name} {value}");
        }
    }

    #[test]
    fn an_address_that_nobody_verified_is_no_required_claim() {
        let wanted = ["boss@Corp.example".to_owned()];
        for (claims, expected) in [
            (
                r#"{"email":"boss@corp.EXAMPLE","email_verified":true}"#,
                true,
            ),
            (r#"{"email":"boss@corp.example"}"#, false),
            (
                r#"{"email":"boss@corp.example","email_verified":false}"#,
                false,
            ),
            (
                r#"{"email":"Boss@corp.example","email_verified":true}"#,
                false,
            ),
            (r#"{"email":["boss@corp.example"]}"#, false),
        ] {
            let person = Claims::new([object(claims)]);
            assert_eq!(person.has("email", &wanted), expected, "{claims}");
        }
    }

    #[test]
    fn a_name_shows_as_what_it_is() {
        for (name, shown) in [
            ("Ann", Some("Ann")),
            (" A\u{202e}nn\u{200b}\n ", Some("Ann")),
            ("\u{200b}", None),
        ] {
            let claims = format!(r#"{{"sub":"a","name":{}}}"#, serde_json::json!(name));
            let user = Claims::new([object(&claims)]).user("sub").unwrap();
            assert_eq!(user.name.as_deref(), shown);
        }
    }
}
