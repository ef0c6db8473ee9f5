//! The provider's tokens as they are kept with a grant.

use std::fmt;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::json::{self, take_secret, text, texts, whole};
use super::token::TokenAnswer;

/// Form of what is kept.
const VERSION: u64 = 1;

/// What is kept of a login. `Debug` shows nothing of it.
#[derive(Clone)]
pub(super) struct KeptTokens {
    /// Whose they are.
    pub(super) user: Box<str>,
    pub(super) access: Zeroizing<String>,
    pub(super) refresh: Option<Zeroizing<String>>,
    /// First second at which the access token is worth nothing, where the provider said so.
    pub(super) expires_at_secs: Option<u64>,
    /// What was granted; `None`: what was asked for.
    pub(super) scopes: Option<Vec<Box<str>>>,
}

impl fmt::Debug for KeptTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptTokens(..)")
    }
}

impl KeptTokens {
    /// Those of `answer`, which came at `now_secs`, for `user`.
    pub(super) fn new(user: &str, answer: &TokenAnswer, now_secs: u64) -> Self {
        let end = |life_secs| now_secs.saturating_add(life_secs);
        Self {
            user: user.into(),
            access: answer.access.clone(),
            refresh: answer.refresh.clone(),
            expires_at_secs: answer.life_secs.map(end),
            scopes: answer.scopes.clone(),
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let Some(Value::Object(mut kept)) = json::parse(bytes) else {
            return None;
        };
        if whole(&kept, "v") != Some(VERSION) {
            return None;
        }
        Some(Self {
            user: text(&kept, "user")?.into(),
            access: take_secret(&mut kept, "access")?,
            refresh: take_secret(&mut kept, "refresh"),
            expires_at_secs: whole(&kept, "expires_at"),
            scopes: kept.contains_key("scopes").then(|| texts(&kept, "scopes")),
        })
    }

    pub(super) fn write(&self) -> Zeroizing<Vec<u8>> {
        let mut kept = json!({"v": VERSION, "user": &*self.user, "access": self.access.as_str()});
        if let Some(refresh) = &self.refresh {
            kept["refresh"] = refresh.as_str().into();
        }
        if let Some(end) = self.expires_at_secs {
            kept["expires_at"] = end.into();
        }
        if let Some(scopes) = &self.scopes {
            kept["scopes"] = scopes.iter().map(|scope| &**scope).collect();
        }
        Zeroizing::new(kept.to_string().into_bytes())
    }

    /// As the token endpoint would give them again.
    pub(super) fn into_answer(self) -> TokenAnswer {
        TokenAnswer {
            access: self.access,
            refresh: self.refresh,
            id_token: None,
            life_secs: None,
            scopes: self.scopes,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use zeroize::Zeroizing;

    use super::KeptTokens;

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        for (refresh, end, scopes) in [
            (None, None, None),
            (Some("r"), Some(5), Some(vec![])),
            (Some("r\"\\"), None, Some(vec!["a".into(), "b".into()])),
        ] {
            let kept = KeptTokens {
                user: "u".into(),
                access: Zeroizing::new("secret".to_owned()),
                refresh: refresh.map(|refresh: &str| Zeroizing::new(refresh.to_owned())),
                expires_at_secs: end,
                scopes: scopes.clone(),
            };
            assert!(!format!("{kept:?}").contains("secret"));
            let back = KeptTokens::parse(&kept.write()).unwrap();
            assert_eq!(&*back.user, "u");
            assert_eq!(&*back.access, "secret");
            assert_eq!(back.refresh.as_deref().map(String::as_str), refresh);
            assert_eq!((back.expires_at_secs, back.scopes), (end, scopes));
        }
        for bad in [
            "",
            "{}",
            r#"{"v":2,"user":"u","access":"a"}"#,
            r#"{"v":1,"user":"u"}"#,
        ] {
            assert!(KeptTokens::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
