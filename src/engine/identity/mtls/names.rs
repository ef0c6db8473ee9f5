//! What a name in a certificate must look like to be an identity.

use super::{CertificateFault, IdentitySource};
use crate::engine::limits::IDENTITY_ID_BYTES_MAX;

/// Longest DNS name, in bytes (RFC 1035 §2.3.4, without the root's dot).
const DNS_NAME_BYTES_MAX: usize = 253;

impl IdentitySource {
    /// `text` as an identity of this kind, in the one spelling that patterns meet: DNS names and the domains of e-mail
    /// addresses in lower case, everything else as it is. `None` where it is no such name, or too long.
    pub(super) fn admit(self, text: &str) -> Option<String> {
        let fits = (1..=IDENTITY_ID_BYTES_MAX).contains(&text.len());
        let is_name = fits
            && match self {
                Self::Cn => is_common_name(text),
                Self::SanDns => is_dns_name(text),
                Self::SanEmail => is_mailbox(text),
                Self::SanUri => is_uri(text),
            };
        is_name.then(|| match self {
            Self::Cn | Self::SanUri => text.to_owned(),
            Self::SanDns => text.to_ascii_lowercase(),
            Self::SanEmail => lower_domain(text),
        })
    }
}

/// Text that prints as what it is: no control characters, nothing invisible, nothing that turns the direction of what
/// follows in a log, no white space around it.
fn is_common_name(text: &str) -> bool {
    let is_visible = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.trim() == text && text.chars().all(is_visible)
}

/// Labels of letters, digits, `-` and `_`. A wildcard names many and is nobody.
fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.len() <= DNS_NAME_BYTES_MAX && text.split('.').all(is_label)
}

/// One `@` between a local part without quotes and a domain (RFC 5280 §4.2.1.6, `Mailbox` without its quoted form).
fn is_mailbox(text: &str) -> bool {
    let is_local = |local: &str| {
        !local.is_empty()
            && local
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"\"(),:;<>@[\\]".contains(&byte))
    };
    text.split_once('@')
        .is_some_and(|(local, domain)| is_local(local) && is_dns_name(domain))
}

fn lower_domain(mailbox: &str) -> String {
    let domain = mailbox.find('@').unwrap_or(mailbox.len());
    let (local, domain) = mailbox.split_at(domain);
    format!("{local}{}", domain.to_ascii_lowercase())
}

/// An absolute URI in its ASCII form (RFC 3986), compared byte by byte as SPIFFE ids are.
fn is_uri(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    };
    let is_character = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    text.split_once(':')
        .is_some_and(|(scheme, rest)| is_scheme(scheme) && !rest.is_empty())
        && text.bytes().all(is_character)
}

/// The names of one kind that a certificate has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Names {
    /// None.
    #[default]
    Absent,
    /// One, or one several times.
    One(Box<str>),
    /// Several that differ: which of them acts cannot be told.
    Several,
    /// One of them is no name.
    Bad,
}

impl Names {
    /// Adds a name that was admitted, or `None` for one that was not.
    pub(super) fn add(&mut self, name: Option<String>) {
        *self = match (std::mem::take(self), name) {
            (Self::Bad, _) | (_, None) => Self::Bad,
            (Self::Absent, Some(name)) => Self::One(name.into()),
            (Self::One(known), Some(name)) if *known == *name => Self::One(known),
            (Self::One(_) | Self::Several, Some(_)) => Self::Several,
        };
    }

    /// The one name.
    pub(super) fn only(&self) -> Result<&str, CertificateFault> {
        match self {
            Self::Absent => Err(CertificateFault::NoIdentity),
            Self::One(name) => Ok(name),
            Self::Several => Err(CertificateFault::Ambiguous),
            Self::Bad => Err(CertificateFault::BadName),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{IdentitySource, Names};

    #[test]
    fn a_name_is_admitted_in_one_spelling_or_not_at_all() {
        use IdentitySource::{Cn, SanDns, SanEmail, SanUri};
        let long = "a".repeat(257);
        let rows: [(IdentitySource, &str, Option<&str>); 46] = [
            (Cn, "alice", Some("alice")),
            (Cn, "Alice Bôb, Jr.", Some("Alice Bôb, Jr.")),
            (Cn, &long[..256], Some(&long[..256])),
            (Cn, &long, None),
            (Cn, "", None),
            (Cn, " alice", None),
            (Cn, "alice ", None),
            (Cn, "alice\0.evil", None),
            (Cn, "alice\n", None),
            (Cn, "al\u{200b}ice", None),
            (Cn, "al\u{202e}ice", None),
            (Cn, "al\u{85}ice", None),
            (SanDns, "Agent.Example.COM", Some("agent.example.com")),
            (SanDns, "a_b-c", Some("a_b-c")),
            (SanDns, "*.example.com", None),
            (SanDns, "example.com.", None),
            (SanDns, ".example.com", None),
            (SanDns, "a..b", None),
            (SanDns, "a b", None),
            (SanDns, "a\0b", None),
            (SanDns, "exämple.com", None),
            (SanDns, "", None),
            (SanDns, &long[..64], None),
            (SanDns, &long[..63], Some(&long[..63])),
            (SanEmail, "Bob@Example.COM", Some("Bob@example.com")),
            (SanEmail, "b+c@x", Some("b+c@x")),
            (SanEmail, "bob", None),
            (SanEmail, "@x", None),
            (SanEmail, "bob@", None),
            (SanEmail, "bob@x@y", None),
            (SanEmail, "\"a b\"@x", None),
            (SanEmail, "bob@x\0", None),
            (SanEmail, "bob@x,eve@y", None),
            (SanEmail, "bôb@x", None),
            (SanUri, "spiffe://td/Agent", Some("spiffe://td/Agent")),
            (SanUri, "urn:uuid:1", Some("urn:uuid:1")),
            (SanUri, "HTTPS://X/?a=b#c", Some("HTTPS://X/?a=b#c")),
            (SanUri, "spiffe:", None),
            (SanUri, "//td/agent", None),
            (SanUri, "1a:b", None),
            (SanUri, "spiffe://td/a b", None),
            (SanUri, "spiffe://td/a\0", None),
            (SanUri, "spiffe://td/é", None),
            (SanUri, "spiffe://td/\"", None),
            (SanUri, "agent", None),
            (SanUri, "", None),
        ];
        for (source, text, expected) in rows {
            let found = source.admit(text);
            assert_eq!(found.as_deref(), expected, "{source:?} {text:?}");
        }
    }

    #[test]
    fn only_one_name_is_an_identity() {
        let rows: [(&[Option<&str>], Names); 8] = [
            (&[], Names::Absent),
            (&[Some("a")], Names::One("a".into())),
            (&[Some("a"), Some("a")], Names::One("a".into())),
            (&[Some("a"), Some("b")], Names::Several),
            (&[Some("a"), Some("b"), Some("a")], Names::Several),
            (&[Some("a"), None], Names::Bad),
            (&[None, Some("a")], Names::Bad),
            (&[Some("a"), Some("b"), None], Names::Bad),
        ];
        for (names, expected) in rows {
            let mut found = Names::default();
            for name in names {
                found.add(name.map(str::to_owned));
            }
            assert_eq!(found, expected, "{names:?}");
        }
    }
}
