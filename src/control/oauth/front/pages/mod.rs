//! Pages: what people read during a login.
//!
//! **Invariant:** no page has a script, loads anything, can be framed, or shows what a request said: a client's name and id come from
//! what is known of it, escaped. Sources: RFC 9700 §4.16 (clickjacking), RFC 6819 §5.2.3.

mod consent;
mod failure;
mod onward;
mod token;
mod welcome;

pub(super) use consent::{ConsentPage, consent};
pub(super) use failure::{Failure, failure, failure_of_person};
pub(super) use onward::{onward, return_to_application};
pub(super) use token::{TokenPage, token};
pub(super) use welcome::welcome;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::engine::route::PublicBase;
use crate::mailbox::{OAuthReply, Told};

/// What stands where scopes would be listed.
const NO_SCOPES: &str = "none: only the tools that need no scope";

const STYLE: &str = include_str!("style.css");

/// Nothing is loaded or run; the style is known by its hash; forms go nowhere but here; nobody frames a page.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// A page before it is written.
struct Page<'a> {
    status: u16,
    title: &'a str,
    /// Whose gateway it is.
    base: &'a PublicBase,
    /// Where the browser goes by itself.
    refresh: Option<&'a str>,
    body: Markup,
}

impl Page<'_> {
    fn reply(self, told: Told) -> OAuthReply {
        OAuthReply {
            status: self.status,
            fields: vec![
                ("Content-Type", "text/html; charset=utf-8".to_owned()),
                ("Cache-Control", "no-store".to_owned()),
                ("Content-Security-Policy", POLICY.clone()),
                ("X-Frame-Options", "DENY".to_owned()),
                ("X-Robots-Tag", "noindex".to_owned()),
            ],
            body: Zeroizing::new(self.write().into_string().into_bytes()),
            told,
        }
    }

    fn write(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex";
                    // With `no-referrer` browsers send forms with `Origin: null` (Fetch, "append a request `Origin` header").
                    meta name="referrer" content="same-origin";
                    @if let Some(url) = self.refresh {
                        meta http-equiv="refresh" content={ "0; url=" (url) };
                    }
                    title { (self.title) " · mcp-guard" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        header { "mcp-guard at " (host(self.base)) }
                        (self.body)
                    }
                }
            }
        }
    }
}

/// A time as people write it.
pub(super) fn in_words(at_secs: u64) -> String {
    let at = i64::try_from(at_secs).ok();
    let at = at.and_then(|secs| Timestamp::from_second(secs).ok());
    at.map_or_else(String::new, |at| {
        at.strftime("%Y-%m-%d %H:%M UTC").to_string()
    })
}

/// Where forms go.
fn consent_path(base: &PublicBase) -> String {
    format!("{}/oauth/consent", base.path())
}

/// Where people begin who come by themselves.
fn login_path(base: &PublicBase) -> String {
    format!("{}/oauth/authorize", base.path())
}

/// The host of the gateway, with its port where that is not the usual one.
fn host(base: &PublicBase) -> &str {
    let origin = base.origin();
    origin.split_once("://").map_or(origin, |(_, host)| host)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
