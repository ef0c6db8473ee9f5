//! What every answer says of itself.

use super::{Browser, asking, body, clients, editor, field, led_to};
use crate::control::oauth::testing::{Bench, config};
use crate::mailbox::OAuthReply;

async fn every_answer() -> Vec<(&'static str, OAuthReply)> {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    let welcome = browser.authorize(&bench, "").await;
    let onward = browser.press(&bench, &welcome, "allow").await;
    let token = browser.come_back(&bench, &led_to(&onward)).await;
    let consent = browser.authorize(&bench, &editor()).await;
    let denied = browser.press(&bench, &consent, "deny").await;
    let code = browser.log_in(&bench, &editor()).await;
    let skipped = browser.authorize(&bench, &editor()).await;
    let program = browser
        .log_in(&bench, &asking("registered", "cursor://x/cb", &[]))
        .await;
    let failure = browser.callback(&bench, "").await;
    vec![
        ("welcome", welcome),
        ("onward", onward),
        ("token", token),
        ("consent", consent),
        ("denied", denied),
        ("code", code),
        ("skipped", skipped),
        ("program", program),
        ("failure", failure),
    ]
}

#[tokio::test(flavor = "current_thread")]
async fn every_page_is_bare_of_scripts_cannot_be_framed_and_is_not_kept() {
    for (name, reply) in every_answer().await {
        assert_eq!(field(&reply, "Cache-Control"), Some("no-store"), "{name}");
        if reply.body.is_empty() {
            assert_eq!(reply.status, 302, "{name}");
            continue;
        }
        let policy = field(&reply, "Content-Security-Policy").unwrap();
        for rule in [
            "default-src 'none'",
            "style-src 'sha256-",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{name}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{name}: {policy}");
        assert_eq!(field(&reply, "X-Frame-Options"), Some("DENY"), "{name}");
        assert_eq!(
            field(&reply, "Content-Type"),
            Some("text/html; charset=utf-8"),
            "{name}"
        );
        let body = body(&reply);
        assert!(
            body.starts_with("<!DOCTYPE html><html lang=\"en\">"),
            "{name}"
        );
        assert!(body.contains("<title>") && body.contains("<h1>"), "{name}");
        for foreign in [
            "<script",
            "<img",
            "<link",
            "<iframe",
            " style=",
            " onclick=",
            "src=",
        ] {
            assert!(!body.contains(foreign), "{name}: {foreign}");
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn every_field_can_be_written_and_no_url_of_ours_has_a_secret() {
    for (name, reply) in every_answer().await {
        for (field, value) in &reply.fields {
            let is_plain = value
                .bytes()
                .all(|byte| byte == b' ' || byte.is_ascii_graphic());
            assert!(is_plain, "{name}: {field}: {value}");
        }
        let message = reply.told.message.as_deref().unwrap_or_default();
        assert!(
            !message.contains("mcpg_") && !message.contains("ey"),
            "{name}: {message}"
        );
    }
}
