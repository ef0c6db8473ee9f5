#![allow(clippy::unwrap_used, reason = "a test may panic")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::failure::{Failure, failure, failure_of_person};
use super::{ConsentPage, POLICY, TokenPage, consent, onward, token};
use crate::engine::oauth::ClientOrigin;
use crate::engine::route::PublicBase;
use crate::mailbox::{OAuthReply, Told};

fn base() -> PublicBase {
    PublicBase::parse("https://gw.example/base").unwrap()
}

fn body(reply: &OAuthReply) -> String {
    String::from_utf8(reply.body.to_vec()).unwrap()
}

#[test]
fn the_policy_names_the_style_that_is_in_the_page() {
    let page = body(&failure(&base(), Failure::Internal, "why"));
    let (_, rest) = page.split_once("<style>").unwrap();
    let (style, _) = rest.split_once("</style>").unwrap();
    let hash = STANDARD.encode(Sha256::digest(style));
    assert!(POLICY.contains(&hash), "{}", *POLICY);
}

#[test]
fn every_failure_says_what_to_do_and_keeps_the_reason_for_the_record() {
    for kind in Failure::ALL {
        let reply = failure(&base(), kind, "the reason");
        assert!(!body(&reply).contains("the reason"), "{kind:?}");
        assert_eq!(reply.told.message.as_deref(), Some("the reason"));
        assert!(
            matches!(reply.status, 200 | 400 | 403 | 500 | 503),
            "{kind:?}"
        );
    }
}

#[test]
fn a_client_is_shown_as_far_as_it_can_be_believed() {
    let registered = ClientOrigin::Registered { at_secs: 0 };
    let rows = [
        (
            ClientOrigin::Configured,
            true,
            "set up by the operator",
            None,
        ),
        (
            ClientOrigin::Document,
            false,
            "<code>doc.example</code>",
            None,
        ),
        (
            ClientOrigin::Document,
            true,
            "<code>doc.example</code>",
            Some("program on this device"),
        ),
        (
            registered,
            false,
            "registered itself",
            Some("Anybody can register"),
        ),
        (
            registered,
            true,
            "registered itself",
            Some("program on this device"),
        ),
    ];
    for (origin, is_local, known, warning) in rows {
        let page = ConsentPage {
            base: &base(),
            name: "  ",
            client_id: "https://doc.example/client.json",
            origin,
            destination: "app.example",
            is_app: false,
            is_local,
            audience: "https://gw.example/base",
            scopes: &[],
            provider: "GitHub",
            user: None,
            ticket: "t",
        };
        let shown = body(&consent(&page, Told::default()));
        assert!(shown.contains(known), "{origin:?}: {shown}");
        assert!(shown.contains("an application without a name"));
        assert!(shown.contains("action=\"/base/oauth/consent\""));
        assert_eq!(
            shown.contains("class=\"warning\""),
            warning.is_some(),
            "{origin:?}"
        );
        assert!(
            warning.is_none_or(|warning| shown.contains(warning)),
            "{origin:?}: {shown}"
        );
    }
}

#[test]
fn a_page_leads_on_to_exactly_the_url() {
    let url = "https://issuer.example/authorize?a=b&c=%22;'x'";
    let shown = body(&onward(&base(), url, "GitHub", Told::default()));
    let escaped = url.replace('&', "&amp;");
    assert!(
        shown.contains(&format!("content=\"0; url={escaped}\"")),
        "{shown}"
    );
    assert!(shown.contains(&format!("href=\"{escaped}\"")), "{shown}");
}

#[test]
fn who_came_alone_can_begin_anew_from_a_failure() {
    let link = "href=\"/base/oauth/authorize\"";
    for kind in Failure::ALL {
        let alone = body(&failure_of_person(&base(), kind, "why"));
        assert!(alone.contains(link), "{kind:?}: {alone}");
        let sent = body(&failure(&base(), kind, "why"));
        assert!(!sent.contains("<a "), "{kind:?}: {sent}");
    }
}

#[test]
fn a_scheme_is_told_as_what_an_application_opens() {
    let rows = [
        (
            true,
            "the application that opens <code>cursor:</code> links",
        ),
        (false, "<code>cursor</code>, on this device"),
    ];
    for (is_app, expected) in rows {
        let page = ConsentPage {
            base: &base(),
            name: "Cursor",
            client_id: "c",
            origin: ClientOrigin::Configured,
            destination: "cursor",
            is_app,
            is_local: true,
            audience: "https://gw.example/base",
            scopes: &[],
            provider: "GitHub",
            user: None,
            ticket: "t",
        };
        let shown = body(&consent(&page, Told::default()));
        assert!(shown.contains(expected), "{shown}");
    }
}

#[test]
fn lines_to_paste_have_the_key_that_each_application_reads() {
    let page = TokenPage {
        base: &base(),
        token: "TOKEN",
        user: "Ada",
        identity: "oauth:x 1",
        scopes: &[],
        servers: &[("files".into(), "/mcp/files".to_owned())],
        ends_at: "later",
    };
    let shown = body(&token(&page, Told::default()));
    for key in ["mcpServers", "servers"] {
        let pasted: Vec<serde_json::Value> = shown
            .split("</textarea>")
            .filter_map(|before| before.rsplit_once('>'))
            .filter_map(|(_, text)| serde_json::from_str(&text.replace("&quot;", "\"")).ok())
            .collect();
        let entry = pasted.iter().find_map(|each| each.get(key)).unwrap();
        let entry = &entry["files"];
        assert_eq!(entry["url"], "https://gw.example/base/mcp/files", "{key}");
        assert_eq!(entry["headers"]["Authorization"], "Bearer TOKEN", "{key}");
    }
}
