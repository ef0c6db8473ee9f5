//! A redirect URI, taken apart strictly (RFC 3986 §3).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::RedirectFault;
use super::scheme::is_app_scheme;
use crate::engine::limits::OAUTH_REDIRECT_URI_BYTES_MAX;

/// Longest host name, in bytes (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// Longest label of a host name, in bytes.
const LABEL_BYTES_MAX: usize = 63;

/// Hosts of `http` URIs.
const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Where a URI leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `https`.
    Secure,
    /// `http` on loopback.
    Loopback,
    /// A scheme that a program claims.
    App,
}

/// `scheme://authority` and what follows, or `scheme:/path`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts<'t> {
    pub(super) kind: Kind,
    pub(super) scheme: &'t str,
    /// Host and port; empty where there is none.
    pub(super) authority: &'t str,
    /// Name or address; IPv6 keeps its brackets.
    pub(super) host: &'t str,
    /// From the first `/` or `?` on; may be empty.
    pub(super) target: &'t str,
}

impl<'t> Parts<'t> {
    /// Takes `text` apart. Errors: each variant of [`RedirectFault`] but `Target`.
    pub(super) fn parse(text: &'t str) -> Result<Self, RedirectFault> {
        if text.len() > OAUTH_REDIRECT_URI_BYTES_MAX {
            return Err(RedirectFault::TooLong);
        }
        if !text.bytes().all(is_allowed) || !has_whole_escapes(text) {
            return Err(RedirectFault::Character);
        }
        let (scheme, rest) = text.split_once(':').ok_or(RedirectFault::Scheme)?;
        match scheme {
            "https" => Self::web(Kind::Secure, scheme, rest),
            "http" => {
                let parts = Self::web(Kind::Loopback, scheme, rest)?;
                if LOOPBACK_HOSTS.contains(&parts.host) {
                    Ok(parts)
                } else {
                    Err(RedirectFault::Insecure)
                }
            }
            _ if is_app_scheme(scheme) => Self::app(scheme, rest),
            _ => Err(RedirectFault::Scheme),
        }
    }

    /// What follows `?`.
    pub(super) fn query(&self) -> &'t str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// Whether a segment of the path is `.` or `..`, escaped or not: readers leave those out.
    pub(super) fn has_dot_segments(&self) -> bool {
        let path = self.target.split('?').next().unwrap_or_default();
        path.split('/').any(|segment| {
            let plain = segment.replace("%2e", ".").replace("%2E", ".");
            matches!(&*plain, "." | "..")
        })
    }

    fn web(kind: Kind, scheme: &'t str, rest: &'t str) -> Result<Self, RedirectFault> {
        let rest = rest.strip_prefix("//").ok_or(RedirectFault::Host)?;
        let (authority, target) = split_target(rest);
        let host = split_port(authority).ok_or(RedirectFault::Host)?;
        if !is_host(host) {
            return Err(RedirectFault::Host);
        }
        Ok(Self {
            kind,
            scheme,
            authority,
            host,
            target,
        })
    }

    /// `scheme://name/path`, or `com.example.app:/path` (RFC 8252 §7.1).
    fn app(scheme: &'t str, rest: &'t str) -> Result<Self, RedirectFault> {
        let (authority, target) = match rest.strip_prefix("//") {
            Some(rest) => split_target(rest),
            None if scheme.contains('.') && rest.starts_with('/') => ("", rest),
            None => return Err(RedirectFault::Scheme),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if !authority.bytes().all(is_name) || (authority.is_empty() && target.is_empty()) {
            return Err(RedirectFault::Host);
        }
        Ok(Self {
            kind: Kind::App,
            scheme,
            authority,
            host: authority,
            target,
        })
    }
}

/// What a URI is made of (RFC 3986 appendix A) without fragments, and without `*`, which somebody could take for a wildcard.
/// Everything else, `\` first of all, is read differently by different readers.
const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(
            byte,
            b'"' | b'#' | b'*' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
        )
}

fn has_whole_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// The authority, and what follows it.
fn split_target(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()))
}

/// The host of `host[:port]`. `None` where the port is none that everybody writes alike.
fn split_port(authority: &str) -> Option<&str> {
    let host_end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at(host_end);
    if rest.is_empty() {
        return Some(host);
    }
    let port = rest.strip_prefix(':')?;
    let is_plain = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    (is_plain && port.parse::<u16>().is_ok()).then_some(host)
}

/// A name in lower case, a dotted IPv4 address, or an IPv6 address in brackets that stands for itself: what some resolvers
/// take for an address in another spelling (`2130706433`, `0x7f.1`, `[::ffff:127.0.0.1]`) is none.
fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner.strip_suffix(']').map(str::parse::<Ipv6Addr>);
        return matches!(address, Some(Ok(address)) if is_plain_ipv6(address, host));
    }
    let Some(last) = host.rsplit('.').next() else {
        return false;
    };
    if last.starts_with(|first: char| first.is_ascii_digit()) {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    host.len() <= HOST_BYTES_MAX && host.split('.').all(is_label)
}

fn is_plain_ipv6(address: Ipv6Addr, written: &str) -> bool {
    address.to_ipv4_mapped().is_none() && format!("[{address}]") == written
}

fn is_label(label: &str) -> bool {
    let is_name =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(is_name)
        && !label.starts_with('-')
        && !label.ends_with('-')
}
