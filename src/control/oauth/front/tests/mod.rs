#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod attacks;
mod flow;
mod headers;
mod memory;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::{Serializer, parse};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{authorize, callback, consent};
use crate::control::oauth::testing::{Bench, PROVIDER, asked as request, client};
use crate::engine::oauth::{Client, ClientOrigin, OAuthEndpoint};
use crate::mailbox::{OAuthReply, OAuthRequest};

const ORIGIN: &str = "https://gw.example";

/// Clients of every kind.
fn clients() -> Vec<Client> {
    let registered = ClientOrigin::Registered { at_secs: 0 };
    vec![
        client(
            "editor",
            ClientOrigin::Configured,
            &["https://app.example/cb", "http://127.0.0.1/cb"],
        ),
        client(
            "other",
            ClientOrigin::Configured,
            &["https://app.example/cb"],
        ),
        client(
            "registered",
            registered,
            &[
                "https://web.example/cb",
                "http://localhost/cb",
                "cursor://x/cb",
            ],
        ),
        client(
            "https://doc.example/client",
            ClientOrigin::Document,
            &["https://doc.example/cb"],
        ),
    ]
}

/// A browser with its cookies.
#[derive(Clone, Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn authorize(&mut self, bench: &Bench, query: &str) -> OAuthReply {
        let asked = OAuthRequest {
            query: query.as_bytes().into(),
            ..self.request(OAuthEndpoint::Authorize)
        };
        self.keep(authorize(bench, &asked).await)
    }

    async fn callback(&mut self, bench: &Bench, query: &str) -> OAuthReply {
        let asked = OAuthRequest {
            query: query.as_bytes().into(),
            ..self.request(OAuthEndpoint::Callback)
        };
        self.keep(callback(bench, &asked).await)
    }

    /// Presses a button of the page in `reply`.
    async fn press(&mut self, bench: &Bench, reply: &OAuthReply, decision: &str) -> OAuthReply {
        self.post(
            bench,
            &form(reply, decision),
            Some(ORIGIN),
            Some("same-origin"),
        )
        .await
    }

    async fn post(
        &mut self,
        bench: &Bench,
        form: &str,
        origin: Option<&str>,
        site: Option<&str>,
    ) -> OAuthReply {
        let asked = OAuthRequest {
            body: Zeroizing::new(form.as_bytes().to_vec()),
            origin: origin.map(|origin| origin.as_bytes().into()),
            fetch_site: site.map(|site| site.as_bytes().into()),
            ..self.request(OAuthEndpoint::Consent)
        };
        self.keep(consent(bench, &asked).await)
    }

    /// From the page to where the client's answer leads.
    async fn log_in(&mut self, bench: &Bench, query: &str) -> OAuthReply {
        let page = self.authorize(bench, query).await;
        let onward = self.press(bench, &page, "allow").await;
        self.come_back(bench, &led_to(&onward)).await
    }

    /// From the provider at `url` back to the gateway.
    async fn come_back(&mut self, bench: &Bench, url: &str) -> OAuthReply {
        bench.let_in();
        self.callback(bench, &good_answer(url)).await
    }

    fn request(&self, endpoint: OAuthEndpoint) -> OAuthRequest {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies =
            (!cookies.is_empty()).then(|| Zeroizing::new(cookies.join("; ").into_bytes()));
        OAuthRequest {
            cookie: cookies,
            ..request(endpoint)
        }
    }

    fn keep(&mut self, reply: OAuthReply) -> OAuthReply {
        for (_, value) in reply
            .fields
            .iter()
            .filter(|(name, _)| *name == "Set-Cookie")
        {
            let (name, rest) = value.split_once('=').unwrap();
            let (value, attributes) = rest.split_once("; ").unwrap();
            if attributes.contains("Max-Age=0;") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }
}

/// An authorization request of `client` that may go to `redirect_uri`, with `more`.
fn asking(client: &str, redirect_uri: &str, more: &[(&str, &str)]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest("v".repeat(43)));
    let mut query = Serializer::new(String::new());
    query.extend_pairs([
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", redirect_uri),
        ("state", "client state"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    query.extend_pairs(more).finish()
}

/// What the editor asks for.
fn editor() -> String {
    asking(
        "editor",
        "https://app.example/cb",
        &[("scope", "files:read")],
    )
}

/// The provider's answer to the request at `url`, with a code.
fn good_answer(url: &str) -> String {
    let state = parameter(url, "state").unwrap();
    Serializer::new(String::new())
        .extend_pairs([
            ("state", &*state),
            ("code", "provider-code"),
            ("iss", PROVIDER),
        ])
        .finish()
}

fn form(page: &OAuthReply, decision: &str) -> String {
    let ticket = ticket(page);
    format!("ticket={ticket}&decision={decision}")
}

fn ticket(page: &OAuthReply) -> String {
    let body = body(page);
    let start = body
        .find("name=\"ticket\" value=\"")
        .unwrap_or_else(|| panic!("{body}"));
    body[start..].split('"').nth(3).unwrap().to_owned()
}

fn body(reply: &OAuthReply) -> String {
    String::from_utf8(reply.body.to_vec()).unwrap()
}

fn field<'r>(reply: &'r OAuthReply, name: &str) -> Option<&'r str> {
    let found = reply
        .fields
        .iter()
        .find(|(found, _)| found.eq_ignore_ascii_case(name));
    found.map(|(_, value)| &**value)
}

/// Where the browser goes from `reply`: by a redirect, or by a page that leads on.
fn led_to(reply: &OAuthReply) -> String {
    if let Some(location) = field(reply, "Location") {
        assert_eq!(reply.status, 302);
        return location.to_owned();
    }
    let body = body(reply);
    let (_, rest) = body
        .split_once("content=\"0; url=")
        .unwrap_or_else(|| panic!("{body}"));
    rest.split('"').next().unwrap().replace("&amp;", "&")
}

fn leads_on(reply: &OAuthReply) -> bool {
    field(reply, "Location").is_some() || body(reply).contains("http-equiv=\"refresh\"")
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let mut pairs = parse(query.as_bytes()).filter(|(found, _)| found == name);
    pairs.next().map(|(_, value)| value.into_owned())
}
