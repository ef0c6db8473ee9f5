//! Where a person begins who wants a token for themselves.

use maud::html;

use super::{Page, consent_path, host};
use crate::engine::route::PublicBase;
use crate::mailbox::{OAuthReply, Told};

/// The page with the button. Nobody is sent to the provider without a press of it, so that no other site can log anybody in.
pub(in crate::control::oauth::front) fn welcome(
    base: &PublicBase,
    provider: &str,
    ticket: &str,
) -> OAuthReply {
    Page {
        status: 200,
        title: "Log in",
        base,
        refresh: None,
        body: html! {
            h1 { "Log in to use MCP servers at " (host(base)) }
            p { "You get a token for applications that cannot log in by themselves, and the lines to paste into them." }
            form method="post" action=(consent_path(base)) {
                input type="hidden" name="ticket" value=(ticket);
                button type="submit" name="decision" value="allow" { "Log in with " (provider) }
            }
            p.next { "Applications that can log in by themselves need no token from here: give them the address of the MCP server." }
        },
    }
    .reply(Told::default())
}
