//! Which requests are followed, which are answered to their client, and which to nobody but the user.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{
    AuthorizationRefusal, AuthorizationRequest, Form, OAUTH_STATE_BYTES_MAX, OAuthCode, RedirectUri,
};
use crate::engine::oauth::testing::{CHALLENGE, client, with_offer};
use crate::engine::oauth::{Client, ClientOrigin};

const ISSUER: &str = "https://gw.example";

fn parse_for(client: &Client, query: &str) -> Result<AuthorizationRequest, AuthorizationRefusal> {
    let form = Form::parse(query.as_bytes()).unwrap();
    with_offer(|offer| AuthorizationRequest::parse(&form, client, offer))
}

fn parse(query: &str) -> Result<AuthorizationRequest, AuthorizationRefusal> {
    parse_for(&client(), query)
}

/// A good request with `state`, in which `changes` replace or, with an empty value, take away parameters.
fn query(changes: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", "c"),
        ("redirect_uri", "https://app.example/cb"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", "https://gw.example/mcp"),
        ("scope", "read"),
    ];
    for (name, value) in changes {
        parameters.retain(|(other, _)| other != name);
        parameters.push((name, value));
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters).finish()
}

#[test]
fn a_good_request_says_what_is_asked_for() {
    let request = parse(&query(&[(
        "scope",
        "write openid read write offline_access",
    )]))
    .unwrap();
    assert_eq!(&*request.client_id, "c");
    assert_eq!(request.redirect_uri.as_str(), "https://app.example/cb");
    assert_eq!(request.state.as_deref(), Some("s"));
    assert_eq!(request.challenge.to_text(), CHALLENGE);
    assert_eq!(&*request.audience, "https://gw.example/mcp");
    assert_eq!(request.scopes.join(" "), "write read");
}

#[test]
fn what_may_be_left_out_has_a_meaning() {
    let left_out = ["redirect_uri", "state", "resource", "scope"].map(|name| (name, ""));
    let request = parse(&query(&left_out)).unwrap();
    assert_eq!(request.redirect_uri.as_str(), "https://app.example/cb");
    assert_eq!(request.state, None);
    assert_eq!(&*request.audience, "https://gw.example");
    assert_eq!(request.scopes.join(" "), "read write");
    let others = [
        ("prompt", "none"),
        ("nonce", "n"),
        ("login_hint", "ann"),
        ("response_mode", "query"),
        ("scope", "openid profile"),
        ("anything", "else"),
    ];
    assert!(parse(&query(&others)).unwrap().scopes.is_empty());
}

#[test]
fn nobody_is_sent_where_the_client_may_not_be() {
    let long = "s".repeat(OAUTH_STATE_BYTES_MAX + 1);
    for (changes, code) in [
        (("client_id", "d"), OAuthCode::InvalidClient),
        (("client_id", ""), OAuthCode::InvalidClient),
        (
            ("redirect_uri", "https://evil.example/cb"),
            OAuthCode::InvalidRequest,
        ),
        (
            ("redirect_uri", "https://app.example/cb/"),
            OAuthCode::InvalidRequest,
        ),
        (
            ("redirect_uri", "https://app.example/cb?a=b"),
            OAuthCode::InvalidRequest,
        ),
        (
            ("redirect_uri", "https://app.example@evil.example/cb"),
            OAuthCode::InvalidRequest,
        ),
        (
            ("redirect_uri", "javascript:alert(1)"),
            OAuthCode::InvalidRequest,
        ),
        (("state", &long), OAuthCode::InvalidRequest),
    ] {
        // Whatever else is wrong, the page comes first.
        for other in [("prompt", "x"), ("response_type", "token")] {
            let refusal = parse(&query(&[changes, other])).unwrap_err();
            assert!(
                matches!(refusal, AuthorizationRefusal::Page(fault) if fault.code == code),
                "{changes:?}: {refusal:?}"
            );
        }
    }
}

#[test]
fn a_client_with_several_addresses_must_choose() {
    let mut client = client();
    let loopback = RedirectUri::parse("http://127.0.0.1/cb").unwrap();
    client.redirect_uris.push(loopback);
    let refusal = parse_for(&client, &query(&[("redirect_uri", "")])).unwrap_err();
    assert!(matches!(refusal, AuthorizationRefusal::Page(_)));
    let chosen = query(&[("redirect_uri", "http://127.0.0.1:49152/cb")]);
    let request = parse_for(&client, &chosen).unwrap();
    assert_eq!(request.redirect_uri.as_str(), "http://127.0.0.1:49152/cb");
    client.redirect_uris.clear();
    assert!(parse_for(&client, &query(&[("redirect_uri", "")])).is_err());
}

#[test]
fn a_client_is_told_what_is_wrong_with_the_rest() {
    use OAuthCode::{InvalidRequest, InvalidScope, InvalidTarget, UnsupportedResponseType};
    for (changes, code) in [
        (("response_type", ""), InvalidRequest),
        (("response_type", "token"), UnsupportedResponseType),
        (("response_type", "code id_token"), UnsupportedResponseType),
        (("response_mode", "fragment"), InvalidRequest),
        (("response_mode", "form_post"), InvalidRequest),
        (("request", "a.b.c"), InvalidRequest),
        (("request_uri", "https://evil.example/"), InvalidRequest),
        (("code_challenge", ""), InvalidRequest),
        (("code_challenge", "short"), InvalidRequest),
        (("code_challenge_method", ""), InvalidRequest),
        (("code_challenge_method", "plain"), InvalidRequest),
        (("resource", "https://evil.example/mcp"), InvalidTarget),
        (("scope", "a\"b"), InvalidScope),
        (("scope", "é"), InvalidScope),
    ] {
        let refusal = parse(&query(&[changes])).unwrap_err();
        let AuthorizationRefusal::Redirect(redirect) = &refusal else {
            panic!("{changes:?}: {refusal:?}");
        };
        assert_eq!(refusal.fault().code, code, "{changes:?}");
        let location = redirect.location(ISSUER);
        let begin = format!("https://app.example/cb?error={}&", code.as_str());
        assert!(location.starts_with(&begin), "{location}");
        let end = "&state=s&iss=https%3A%2F%2Fgw.example";
        assert!(location.ends_with(end), "{location}");
    }
}

#[test]
fn a_client_that_nobody_vouches_for_makes_no_open_redirect() {
    let loopback = RedirectUri::parse("http://localhost/cb").unwrap();
    let bad = |uri| query(&[("redirect_uri", uri), ("response_type", "token")]);
    for (origin, is_trusted) in [
        (ClientOrigin::Configured, true),
        (ClientOrigin::Document, false),
        (ClientOrigin::Registered { at_secs: 1 }, false),
    ] {
        let mut client = client();
        client.origin = origin;
        client.redirect_uris.push(loopback.clone());
        for (uri, expected) in [
            ("https://app.example/cb", is_trusted),
            ("http://localhost:49152/cb", true),
        ] {
            let refusal = parse_for(&client, &bad(uri)).unwrap_err();
            let is_sent = matches!(refusal, AuthorizationRefusal::Redirect(_));
            assert_eq!(is_sent, expected, "{origin:?} {uri}");
            assert_eq!(refusal.fault().code, OAuthCode::UnsupportedResponseType);
        }
    }
}

#[test]
fn one_resource_at_most_can_be_asked_for() {
    let twice = format!("{}&resource=https://gw.example/mcp", query(&[]));
    let fault = parse(&twice).unwrap_err().fault();
    assert_eq!(fault.code, OAuthCode::InvalidTarget);
}

#[test]
fn an_answer_carries_state_and_issuer_and_nothing_breaks_out_of_them() {
    let request = parse(&query(&[("state", "a&code=b#c?d=+/")])).unwrap();
    assert_eq!(
        request.success_location("mcpg_code_x", ISSUER),
        "https://app.example/cb?code=mcpg_code_x&state=a%26code%3Db%23c%3Fd%3D%2B%2F&iss=https%3A%2F%2Fgw.example"
    );
    let denied = super::OAuthFault::new(OAuthCode::AccessDenied, "no, thank you");
    let request = parse(&query(&[("state", "")])).unwrap();
    assert_eq!(
        request.fault_location(denied, ISSUER),
        "https://app.example/cb?error=access_denied&error_description=no%2C%20thank%20you&iss=https%3A%2F%2Fgw.example"
    );
}
