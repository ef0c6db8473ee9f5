//! Addresses that answers may be sent to.
//!
//! **Invariant:** an address has one spelling and one reading. Whatever a browser, a proxy and this file could take for two different
//! hosts is refused when it is registered, so that comparing text is enough afterwards (RFC 9700 §4.1.3).

mod parts;
mod scheme;

use std::fmt;

use form_urlencoded::byte_serialize;

use crate::engine::limits::OAUTH_REDIRECT_URI_BYTES_MAX;
use parts::{Kind, Parts};

/// Parameters of answers. A redirect URI that has one already would give its client two.
const ANSWER_PARAMETERS: [&str; 6] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
];

/// A redirect URI that a client may have (RFC 6749 §3.1.2, RFC 8252): `https`, `http` on loopback, or a private-use scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(Box<str>);

/// Why a text is no redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectFault {
    /// Longer than [`OAUTH_REDIRECT_URI_BYTES_MAX`].
    TooLong,
    /// A character that readers of URIs disagree on, an escape that is none, a wildcard or a fragment.
    Character,
    /// The scheme is none, written in upper case, or one that runs or shows something by itself.
    Scheme,
    /// The host is missing, has user information, a port that is none, or a form that some take for another host.
    Host,
    /// `http` to a host that is not this machine.
    Insecure,
    /// Its path has segments that readers leave out, or its query has a parameter of answers.
    Target,
}

impl fmt::Display for RedirectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(
                f,
                "redirect URI is too long; limit is {OAUTH_REDIRECT_URI_BYTES_MAX} bytes"
            ),
            Self::Character => f.write_str(
                "redirect URI has a character that is not allowed; wildcards and fragments are not",
            ),
            Self::Scheme => f.write_str(
                "redirect URI has no scheme that is allowed; accepted are https, http on loopback, and schemes of applications",
            ),
            Self::Host => f.write_str("redirect URI has no plain host"),
            Self::Insecure => f.write_str(
                "redirect URI is http; that is for 127.0.0.1, [::1] and localhost alone",
            ),
            Self::Target => f.write_str(
                "redirect URI has dot segments, or a parameter that answers have themselves",
            ),
        }
    }
}

impl std::error::Error for RedirectFault {}

impl RedirectUri {
    /// Reads `text`. Errors: each variant of [`RedirectFault`]. O(bytes).
    pub fn parse(text: &str) -> Result<Self, RedirectFault> {
        let parts = Parts::parse(text)?;
        if parts.has_dot_segments() || has_answer_parameters(parts.query()) {
            return Err(RedirectFault::Target);
        }
        Ok(Self(text.into()))
    }

    /// As registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an answer that is asked for at `presented` may go there, since this one is registered: they are the same to the
    /// letter, or differ in the port of a loopback address alone, which a program learns only when it runs (RFC 8252 §7.3).
    #[must_use]
    pub fn matches(&self, presented: &Self) -> bool {
        self == presented
            || self
                .without_loopback_port()
                .is_some_and(|registered| presented.without_loopback_port() == Some(registered))
    }

    /// Whether it leads to the machine that the user's browser runs on.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.without_loopback_port().is_some()
    }

    /// Whether it leads to a program that claims a scheme, rather than to a host. Any program may claim any.
    #[must_use]
    pub fn is_app(&self) -> bool {
        self.parts().is_some_and(|parts| parts.kind == Kind::App)
    }

    /// What a person can tell it by: host and port, or the scheme of a program. Printable ASCII without quotes or angle brackets.
    #[must_use]
    pub fn origin_shown(&self) -> &str {
        self.parts().map_or("", |parts| match parts.kind {
            Kind::App => parts.scheme,
            Kind::Secure | Kind::Loopback => parts.authority,
        })
    }

    /// Scheme, host and port, for a `form-action` or a record; `scheme:` of a program.
    #[must_use]
    pub fn origin(&self) -> &str {
        let Some(parts) = self.parts() else { return "" };
        let end = match parts.kind {
            Kind::App => parts.scheme.len() + 1,
            Kind::Secure | Kind::Loopback => {
                parts.scheme.len() + "://".len() + parts.authority.len()
            }
        };
        self.0.get(..end).unwrap_or_default()
    }

    /// This URI with `parameters` behind its own, escaped; a space is `%20`, which every reader takes for one.
    #[must_use]
    pub fn with_answer(&self, parameters: &[(&str, &str)]) -> String {
        let mut url = String::from(&*self.0);
        let mut separator = match url.find('?') {
            None => "?",
            Some(at) if at + 1 == url.len() || url.ends_with('&') => "",
            Some(_) => "&",
        };
        for (name, value) in parameters {
            url.push_str(separator);
            url.push_str(name);
            url.push('=');
            byte_serialize(value.as_bytes()).for_each(|piece| match piece {
                "+" => url.push_str("%20"),
                _ => url.push_str(piece),
            });
            separator = "&";
        }
        url
    }

    /// Scheme and host, and what follows the port, of an `http` URI on loopback.
    fn without_loopback_port(&self) -> Option<(&str, &str)> {
        let parts = self.parts()?;
        (parts.kind == Kind::Loopback).then_some((parts.host, parts.target))
    }

    /// Always `Some`: the text was taken apart when it was read.
    fn parts(&self) -> Option<Parts<'_>> {
        Parts::parse(&self.0).ok()
    }
}

/// Readers decode names before they compare them, and so does this.
fn has_answer_parameters(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| ANSWER_PARAMETERS.contains(&&*name))
}

#[cfg(test)]
mod tests;
