//! The page for a form that was sent from another address than the gateway's own.
//!
//! Mostly somebody has opened the login page under another name of this host, or behind a proxy that `server.public_url` does not
//! name: only that address can be accepted, so it is shown. Nothing of the page comes from the request.

use maud::{DOCTYPE, html};

use crate::engine::route::PublicBase;

/// What a browser may do with the page: show it, by itself.
pub(super) const FIELDS: [(&str, &str); 2] = [
    (
        "content-security-policy",
        "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-frame-options", "DENY"),
];

/// Its content type.
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// The page, with a link to the login page of the gateway at `base`.
pub(super) fn page(base: &PublicBase) -> String {
    let url = [base.origin(), base.path(), "/oauth/authorize"].concat();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { "Not the address of this gateway · mcp-guard" }
            }
            body {
                h1 { "That page was not at the address of this gateway" }
                p { "Nothing was done. To log in, open " a href=(url) { (url) } }
                p { "If an application sent you here, go back to it and log in again." }
            }
        }
    }
    .into_string()
}
