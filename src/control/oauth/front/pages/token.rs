//! The page with a person's own token.

use maud::{Markup, html};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{NO_SCOPES, Page};
use crate::engine::route::PublicBase;
use crate::mailbox::{OAuthReply, Told};

/// Lines to paste: id of the field, which applications read them, and under which key.
const SNIPPETS: [(&str, &str, &str); 2] = [
    (
        "snippet",
        "For Cursor, Claude and others (mcpServers)",
        "mcpServers",
    ),
    ("snippet-vscode", "For VS Code (servers)", "servers"),
];

/// What the page says. It holds a secret.
pub(in crate::control::oauth::front) struct TokenPage<'a> {
    /// Whose gateway it is.
    pub(in crate::control::oauth::front) base: &'a PublicBase,
    /// The token.
    pub(in crate::control::oauth::front) token: &'a str,
    /// Who logged in, for people.
    pub(in crate::control::oauth::front) user: &'a str,
    /// Who that is to the gateway.
    pub(in crate::control::oauth::front) identity: &'a str,
    /// What the token may be used with.
    pub(in crate::control::oauth::front) scopes: &'a [Box<str>],
    /// Servers that it reaches, by name and path below the public URL.
    pub(in crate::control::oauth::front) servers: &'a [(Box<str>, String)],
    /// When it ends, in words.
    pub(in crate::control::oauth::front) ends_at: &'a str,
}

/// The page.
pub(in crate::control::oauth::front) fn token(page: &TokenPage<'_>, told: Told) -> OAuthReply {
    Page {
        status: 200,
        title: "Your token",
        base: page.base,
        refresh: None,
        body: page.body(),
    }
    .reply(told)
}

impl TokenPage<'_> {
    fn body(&self) -> Markup {
        html! {
            h1 { "You are logged in as " bdi { (self.user) } }
            dl {
                dt { "Identity" }
                dd { code { (self.identity) } }
                dt { "Token ends" }
                dd { (self.ends_at) }
                dt { "Scopes" }
                dd {
                    @if self.scopes.is_empty() {
                        (NO_SCOPES)
                    } @else {
                        ul { @for scope in self.scopes { li { code { (scope) } } } }
                    }
                }
            }
            p.warning role="note" {
                "Whoever has this token can act as you until it ends. It is shown once: this page cannot be opened again."
            }
            @for (id, label, key) in SNIPPETS {
                label for=(id) { (label) }
                textarea id=(id) readonly rows="13" wrap="off" spellcheck="false" autocomplete="off" { (*self.snippet(key)) }
            }
            label for="token" { "The token alone" }
            textarea id="token" readonly rows="10" spellcheck="false" autocomplete="off" { (self.token) }
            p.next { "Click into a field, select all, copy. Then close this page." }
        }
    }

    fn snippet(&self, key: &str) -> Zeroizing<String> {
        let (origin, path) = (self.base.origin(), self.base.path());
        let authorization = Zeroizing::new(format!("Bearer {}", self.token));
        let entry = |(name, server): &(Box<str>, String)| {
            let entry = json!({
                "type": "http",
                "url": format!("{origin}{path}{server}"),
                "headers": {"Authorization": *authorization},
            });
            (name.to_string(), entry)
        };
        let servers: Map<String, Value> = self.servers.iter().map(entry).collect();
        Zeroizing::new(format!("{:#}", json!({ key: servers })))
    }
}
