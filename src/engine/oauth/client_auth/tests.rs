//! Clients that prove themselves, and those that try to.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{CREDENTIAL_BYTES_MAX, ClientCredentials, Form, OAuthCode, OAuthFault, STANDARD};
use crate::engine::oauth::testing::client;
use crate::engine::oauth::{Client, SecretHash};
use base64::Engine as _;

fn confidential() -> Client {
    Client {
        secret: Some(SecretHash::of(b"s:e+c")),
        ..client()
    }
}

fn parse(form: &str, header: Option<&str>) -> Result<ClientCredentials, OAuthFault> {
    let form = Form::parse(form.as_bytes()).unwrap();
    ClientCredentials::parse(&form, header.map(str::as_bytes))
}

fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

#[test]
fn a_client_proves_itself_in_header_or_form() {
    for (form, header, is_public, is_confidential) in [
        ("client_id=c", None, true, false),
        ("client_id=c&client_secret=", None, true, false),
        ("client_id=c&client_secret=s%3Ae%2Bc", None, false, true),
        ("client_id=c&client_secret=wrong", None, false, false),
        ("client_id=d&client_secret=s%3Ae%2Bc", None, false, false),
        ("client_id=d", None, false, false),
        ("", Some(basic("c:s%3Ae%2Bc")), false, true),
        ("client_id=c", Some(basic("c:s%3Ae%2Bc")), false, true),
        ("", Some(basic("%63:s:e%2Bc")), false, true),
        ("", Some(basic("c:wrong")), false, false),
        ("", Some(basic("d:s%3Ae%2Bc")), false, false),
        ("", Some(basic("c:")), true, false),
    ] {
        let shown = parse(form, header.as_deref()).unwrap();
        let is_proven = |client: &Client| shown.check(client).is_ok();
        assert_eq!(is_proven(&client()), is_public, "{form} {header:?}");
        assert_eq!(
            is_proven(&confidential()),
            is_confidential,
            "{form} {header:?}"
        );
    }
    let fault = parse("client_id=c", None).unwrap().check(&confidential());
    assert_eq!(fault, Err(ClientCredentials::refused()));
}

#[test]
fn a_scheme_counts_without_case_and_a_client_has_one_method() {
    let lower = basic("c:x").replace("Basic", "bASIC");
    assert!(parse("", Some(&lower)).is_ok());
    let long = "x".repeat(CREDENTIAL_BYTES_MAX);
    let long_id = "i".repeat(513);
    use OAuthCode::{InvalidClient, InvalidRequest};
    for (form, header, code) in [
        ("", None, InvalidRequest),
        ("client_secret=x", None, InvalidRequest),
        (
            "client_id=c&client_secret=x",
            Some(basic("c:x")),
            InvalidRequest,
        ),
        ("client_id=d", Some(basic("c:x")), InvalidRequest),
        ("client_id=c&client_assertion=x", None, InvalidClient),
        ("client_id=c", Some("Bearer abc".to_owned()), InvalidClient),
        ("client_id=c", Some("Basic".to_owned()), InvalidClient),
        ("client_id=c", Some("Basic ".to_owned()), InvalidClient),
        ("client_id=c", Some("Basic !!!".to_owned()), InvalidClient),
        ("client_id=c", Some("BasicYzp4".to_owned()), InvalidClient),
        ("client_id=c", Some(basic("no colon")), InvalidClient),
        ("client_id=c", Some(basic("c")), InvalidClient),
        ("", Some(basic(":x")), InvalidClient),
        ("", Some(basic("c:%zz")), InvalidClient),
        ("", Some(basic("c:a\0b")), InvalidClient),
        ("", Some(basic(&long)), InvalidClient),
        (&format!("client_id={long_id}"), None, InvalidClient),
    ] {
        let fault = parse(form, header.as_deref()).unwrap_err();
        assert_eq!(fault.code, code, "{form} {header:?}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let shown = parse("client_id=c&client_secret=hunter2", None).unwrap();
    assert!(!format!("{shown:?}").contains("hunter2"));
}
