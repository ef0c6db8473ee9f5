//! Codes and refresh tokens in the wrong hands, and what the right ones get.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{Extent, Form, OAuthCode, OAuthFault, TokenAnswer, TokenAsk, TokenRequest};
use crate::engine::oauth::testing::{NOW, VERIFIER, code, grant, with_offer};
use crate::engine::oauth::{Code, Grant};

fn parse(form: &str) -> Result<TokenRequest, OAuthFault> {
    let form = Form::parse(form.as_bytes()).unwrap();
    TokenRequest::parse(&form, None)
}

/// A good request for the code of [`code`], with `more` behind it.
fn code_form(more: &str) -> String {
    format!("grant_type=authorization_code&client_id=c&code=mcpg_code_x&{more}")
}

fn redeem(form: &str, code: &Code, now_secs: u64) -> Result<Extent, OAuthFault> {
    let request = parse(form)?;
    let TokenAsk::Code(ask) = &request.asked else {
        panic!("{request:?}");
    };
    assert_eq!(ask.code, code.hash);
    with_offer(|offer| request.redeem(ask, code, offer, now_secs))
}

fn narrow(more: &str, grant: &Grant, now_secs: u64) -> Result<Extent, OAuthFault> {
    let request = parse(&format!(
        "grant_type=refresh_token&client_id=c&refresh_token=mcpg_refresh_x&{more}"
    ))?;
    let TokenAsk::Refresh(ask) = &request.asked else {
        panic!("{request:?}");
    };
    with_offer(|offer| request.narrow(ask, grant, offer, now_secs))
}

fn extent(audience: &str, scopes: &[&str]) -> Extent {
    Extent {
        audience: audience.into(),
        scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
    }
}

const REDIRECT: &str = "redirect_uri=https://app.example/cb";
const RESOURCE: &str = "resource=https://gw.example/mcp";

#[test]
fn a_code_is_worth_what_its_user_allowed() {
    let expected = extent("https://gw.example/mcp", &["read", "write"]);
    for more in [
        format!("code_verifier={VERIFIER}&{REDIRECT}&{RESOURCE}"),
        format!("code_verifier={VERIFIER}&{REDIRECT}"),
        format!("code_verifier={VERIFIER}"),
        format!("code_verifier={VERIFIER}&resource=https://GW.example/mcp/"),
        format!("code_verifier={VERIFIER}&scope=ignored"),
    ] {
        let redeemed = redeem(&code_form(&more), &code(), NOW + 59);
        assert_eq!(redeemed, Ok(expected.clone()), "{more}");
    }
}

#[test]
fn a_code_in_other_hands_is_worth_nothing() {
    let good = format!("code_verifier={VERIFIER}&{REDIRECT}&{RESOURCE}");
    let other_verifier = VERIFIER.replace('k', "l");
    use OAuthCode::{InvalidGrant, InvalidRequest, InvalidTarget};
    for (more, expected) in [
        (REDIRECT.to_owned(), InvalidRequest),
        (format!("code_verifier=&{REDIRECT}"), InvalidRequest),
        (
            format!("code_verifier={other_verifier}&{REDIRECT}"),
            InvalidGrant,
        ),
        (format!("code_verifier=short&{REDIRECT}"), InvalidGrant),
        (
            format!("code_verifier={VERIFIER}&redirect_uri=https://app.example/cb/"),
            InvalidGrant,
        ),
        (
            format!("code_verifier={VERIFIER}&redirect_uri=https://evil.example/cb"),
            InvalidGrant,
        ),
        (
            format!("code_verifier={VERIFIER}&resource=https://gw.example/mcp/github"),
            InvalidTarget,
        ),
        (
            format!("code_verifier={VERIFIER}&resource=https://gw.example"),
            InvalidTarget,
        ),
        (
            format!("code_verifier={VERIFIER}&resource=https://evil.example/mcp"),
            InvalidTarget,
        ),
        (
            format!("{good}&resource=https://gw.example/mcp"),
            InvalidTarget,
        ),
    ] {
        let fault = redeem(&code_form(&more), &code(), NOW).unwrap_err();
        assert_eq!(fault.code, expected, "{more}");
    }
    let ended = redeem(&code_form(&good), &code(), NOW + 60).unwrap_err();
    assert_eq!(ended.code, InvalidGrant);
    let mut foreign = code();
    foreign.grant.client_id = "d".into();
    let fault = redeem(&code_form(&good), &foreign, NOW).unwrap_err();
    assert_eq!(fault.code, InvalidGrant);
}

#[test]
fn a_grant_for_everything_can_be_used_for_one_resource() {
    let mut code = code();
    code.grant.audience = "https://gw.example".into();
    for (resource, expected) in [
        ("", Some("https://gw.example")),
        ("resource=https://gw.example/", Some("https://gw.example")),
        (
            "resource=https://gw.example/mcp/x",
            Some("https://gw.example/mcp/x"),
        ),
        ("resource=https://evil.example/mcp", None),
    ] {
        let more = format!("code_verifier={VERIFIER}&{resource}");
        let redeemed = redeem(&code_form(&more), &code, NOW).ok();
        let audience = redeemed.map(|extent| String::from(extent.audience));
        assert_eq!(audience.as_deref(), expected, "{resource}");
        let narrowed = narrow(resource, &code.grant, NOW).ok();
        let audience = narrowed.map(|extent| String::from(extent.audience));
        assert_eq!(audience.as_deref(), expected, "{resource}");
    }
}

#[test]
fn a_refresh_gets_less_but_never_more() {
    for (more, scopes) in [
        ("", &["read", "write"][..]),
        ("scope=write", &["write"]),
        ("scope=write+admin+read", &["write", "read"]),
        ("scope=admin", &[]),
    ] {
        let narrowed = narrow(more, &grant(), NOW).unwrap();
        assert_eq!(narrowed, extent("https://gw.example/mcp", scopes), "{more}");
    }
    for (more, expected) in [
        ("scope=%22", OAuthCode::InvalidScope),
        (
            "resource=https://gw.example/mcp/github",
            OAuthCode::InvalidTarget,
        ),
        ("resource=https://gw.example", OAuthCode::InvalidTarget),
    ] {
        let fault = narrow(more, &grant(), NOW).unwrap_err();
        assert_eq!(fault.code, expected, "{more}");
    }
    let mut foreign = grant();
    foreign.client_id = "d".into();
    let fault = narrow("", &foreign, NOW).unwrap_err();
    assert_eq!(fault.code, OAuthCode::InvalidGrant);
    let fault = narrow("", &grant(), NOW + 1_000).unwrap_err();
    assert_eq!(fault.code, OAuthCode::InvalidGrant);
}

#[test]
fn a_request_without_what_it_needs_is_refused() {
    use OAuthCode::{InvalidRequest, UnsupportedGrantType};
    for (form, expected) in [
        ("client_id=c", InvalidRequest),
        ("client_id=c&grant_type=password", UnsupportedGrantType),
        (
            "client_id=c&grant_type=client_credentials",
            UnsupportedGrantType,
        ),
        ("client_id=c&grant_type=refresh_token", InvalidRequest),
        ("client_id=c&grant_type=authorization_code", InvalidRequest),
        ("grant_type=refresh_token&refresh_token=x", InvalidRequest),
    ] {
        assert_eq!(parse(form).unwrap_err().code, expected, "{form}");
    }
}

#[test]
fn a_request_shows_no_secret() {
    let form = format!(
        "{}&client_secret=hunter2",
        code_form(&format!("code_verifier={VERIFIER}"))
    );
    let shown = format!("{:?}", parse(&form).unwrap());
    for secret in ["mcpg_code_x", "hunter2", VERIFIER] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn an_answer_says_what_was_granted() {
    let extent = extent("https://gw.example/mcp", &["read", "write"]);
    let answer = TokenAnswer {
        access_token: "a.b.c",
        expires_in_secs: 900,
        refresh_token: Some("mcpg_refresh_x"),
        extent: &extent,
    };
    let expected = serde_json::json!({
        "access_token": "a.b.c",
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "read write",
        "refresh_token": "mcpg_refresh_x",
    });
    assert_eq!(answer.to_json(), expected);
    let without = TokenAnswer {
        refresh_token: None,
        ..answer
    };
    assert!(without.to_json().get("refresh_token").is_none());
}
