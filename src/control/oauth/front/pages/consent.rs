//! May this application act for you?

use maud::{Markup, html};

use super::{NO_SCOPES, Page, consent_path};
use crate::engine::oauth::ClientOrigin;
use crate::engine::route::PublicBase;
use crate::mailbox::{OAuthReply, Told};

/// What the page says.
pub(in crate::control::oauth::front) struct ConsentPage<'a> {
    /// Whose gateway it is.
    pub(in crate::control::oauth::front) base: &'a PublicBase,
    /// What the client calls itself.
    pub(in crate::control::oauth::front) name: &'a str,
    /// Its id.
    pub(in crate::control::oauth::front) client_id: &'a str,
    /// How it is known.
    pub(in crate::control::oauth::front) origin: ClientOrigin,
    /// Where the answer goes: a host, or a scheme.
    pub(in crate::control::oauth::front) destination: &'a str,
    /// Whether it is a scheme, which an application of this computer opens.
    pub(in crate::control::oauth::front) is_app: bool,
    /// Whether any program of this computer could be there.
    pub(in crate::control::oauth::front) is_local: bool,
    /// What tokens are for.
    pub(in crate::control::oauth::front) audience: &'a str,
    /// With which scopes.
    pub(in crate::control::oauth::front) scopes: &'a [Box<str>],
    /// Who people log in with, in words.
    pub(in crate::control::oauth::front) provider: &'a str,
    /// Who has logged in already.
    pub(in crate::control::oauth::front) user: Option<&'a str>,
    /// Names the login in the form.
    pub(in crate::control::oauth::front) ticket: &'a str,
}

/// The page that asks.
pub(in crate::control::oauth::front) fn consent(page: &ConsentPage<'_>, told: Told) -> OAuthReply {
    Page {
        status: 200,
        title: "Allow access?",
        base: page.base,
        refresh: None,
        body: page.body(),
    }
    .reply(told)
}

impl ConsentPage<'_> {
    fn body(&self) -> Markup {
        html! {
            h1 { "Allow “" bdi { (self.shown_name()) } "” to use MCP servers as you?" }
            @if let Some(user) = self.user {
                p { "You are logged in as " strong { bdi { (user) } } "." }
            }
            (self.facts())
            @if let Some(warning) = self.warning() {
                p.warning role="note" { (warning) }
            }
            form method="post" action=(consent_path(self.base)) {
                input type="hidden" name="ticket" value=(self.ticket);
                button type="submit" name="decision" value="allow" { (self.allow()) }
                button.second type="submit" name="decision" value="deny" { "Deny" }
            }
            p.next { (self.next()) }
        }
    }

    fn facts(&self) -> Markup {
        html! {
            dl {
                dt { "Application" }
                dd { (self.known()) }
                dt { "Sends you back to" }
                dd {
                    @if self.is_app {
                        "the application that opens " code { (self.destination) ":" } " links, on this device"
                    } @else {
                        code { (self.destination) }
                        @if self.is_local { ", on this device" }
                    }
                }
                dt { "Access to" }
                dd {
                    @if self.is_for_all() {
                        "every MCP server of this gateway that you may use"
                    } @else {
                        code { (self.audience) }
                    }
                }
                dt { "Scopes" }
                dd {
                    @if self.scopes.is_empty() {
                        (NO_SCOPES)
                    } @else {
                        ul { @for scope in self.scopes { li { code { (scope) } } } }
                    }
                }
            }
        }
    }

    fn is_for_all(&self) -> bool {
        let base = [self.base.origin(), self.base.path()].concat();
        *self.audience == *base
    }

    fn shown_name(&self) -> &str {
        if self.name.trim().is_empty() {
            "an application without a name"
        } else {
            self.name
        }
    }

    /// How far the name can be believed.
    fn known(&self) -> Markup {
        match self.origin {
            ClientOrigin::Configured => html! { "set up by the operator of this gateway" },
            ClientOrigin::Document => {
                html! { "described by " code { (document_host(self.client_id)) } }
            }
            ClientOrigin::Registered { .. } => {
                html! { "registered itself; nobody has checked who it is" }
            }
        }
    }

    fn warning(&self) -> Option<&'static str> {
        match (self.origin, self.is_local) {
            (ClientOrigin::Configured, _) | (ClientOrigin::Document, false) => None,
            (_, true) => Some(
                "The answer goes to a program on this device, and any program can use this name. Allow it only if you \
                 have just begun this login yourself, in that program.",
            ),
            (ClientOrigin::Registered { .. }, false) => Some(
                "Anybody can register an application under this name. Allow it only if you have just begun this login \
                 yourself, and if you know the address that it sends you back to.",
            ),
        }
    }

    fn allow(&self) -> String {
        match self.user {
            Some(_) => "Allow".to_owned(),
            None => format!("Allow and log in with {}", self.provider),
        }
    }

    fn next(&self) -> &'static str {
        match self.user {
            Some(_) => {
                "If you allow it, you are sent back to the application. It never sees your password."
            }
            None => {
                "If you allow it, you log in next, and are then sent back to the application. It never sees your password."
            }
        }
    }
}

/// The host of a metadata document's URL.
fn document_host(client_id: &str) -> &str {
    let rest = client_id
        .split_once("://")
        .map_or(client_id, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
