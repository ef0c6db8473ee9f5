//! Pages that only lead on.
//!
//! A form is answered with a page and not with a redirect: browsers hold every redirect that follows a form against
//! `form-action 'self'`, and would stop at the provider or at the application.

use maud::html;

use super::Page;
use crate::engine::route::PublicBase;
use crate::mailbox::{OAuthReply, Told};

/// Leads to `url`, which belongs to `where_to`.
pub(in crate::control::oauth::front) fn onward(
    base: &PublicBase,
    url: &str,
    where_to: &str,
    told: Told,
) -> OAuthReply {
    Page {
        status: 200,
        title: "Continue",
        base,
        refresh: Some(url),
        body: html! {
            h1 { "You are being sent on" }
            p { "Next is " strong { (where_to) } ". If nothing happens:" }
            p { a.button href=(url) { "Continue" } }
        },
    }
    .reply(told)
}

/// Leads back to the application at `url`. With a scheme of the application's own the browser stays on this page.
pub(in crate::control::oauth::front) fn return_to_application(
    base: &PublicBase,
    url: &str,
    told: Told,
) -> OAuthReply {
    Page {
        status: 200,
        title: "Back to the application",
        base,
        refresh: Some(url),
        body: html! {
            h1 { "Back to the application" }
            p { "You can close this page once the application goes on. If nothing happens:" }
            p { a.button href=(url) { "Open the application" } }
        },
    }
    .reply(told)
}
