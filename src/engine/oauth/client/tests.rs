//! What clients say of themselves, in registrations and in documents.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};

use super::{
    Client, ClientAuthMethod, ClientOrigin, DocumentUrl, MetadataFault, Registered, Registration,
};
use crate::engine::limits::{OAUTH_CLIENT_METADATA_BYTES_MAX, OAUTH_REDIRECT_URIS_MAX};
use crate::engine::oauth::{OAuthCode, RedirectFault, SecretHash};

const URL: &str = "https://app.example/oauth/client.json";

fn register(body: &Value) -> Result<Registered, MetadataFault> {
    let registration = Registration::parse(body.to_string().as_bytes())?;
    Ok(registration.register(1_700_000_000).unwrap())
}

/// A good description in which `changes` are made; `null` takes away.
fn described(changes: Value) -> Value {
    let mut body = json!({
        "client_id": URL,
        "client_name": "App",
        "redirect_uris": ["http://127.0.0.1:3000/cb", "https://app.example/cb"],
        "token_endpoint_auth_method": "none",
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn document(body: &Value) -> Result<Client, MetadataFault> {
    let url = DocumentUrl::parse(URL).unwrap();
    Client::from_document(&url, body.to_string().as_bytes())
}

#[test]
fn a_registration_of_today_is_taken_and_told_back() {
    // As VS Code sends it.
    let body = json!({
        "client_name": "Visual Studio Code",
        "client_uri": "https://code.visualstudio.com",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"],
        "redirect_uris": ["https://vscode.dev/redirect", "http://127.0.0.1/", "http://127.0.0.1:33418/"],
        "scope": "read offline_access",
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "contacts": null,
        "software_statement": {"ignored": [1, 2.5, null]},
    });
    let registered = register(&body).unwrap();
    let client = &registered.client;
    assert_eq!(&*client.name, "Visual Studio Code");
    assert_eq!(
        client.origin,
        ClientOrigin::Registered {
            at_secs: 1_700_000_000
        }
    );
    assert_eq!(client.auth_method, ClientAuthMethod::None);
    assert!(client.secret.is_none() && client.refreshes);
    let answer = registered.to_json();
    assert_eq!(answer["client_id"], *client.id);
    assert_eq!(answer["client_id_issued_at"], 1_700_000_000);
    assert_eq!(answer["redirect_uris"], body["redirect_uris"]);
    assert_eq!(
        answer["grant_types"],
        json!(["authorization_code", "refresh_token"])
    );
    assert_eq!(answer["token_endpoint_auth_method"], "none");
    assert!(answer.get("client_secret").is_none());
    assert!(DocumentUrl::parse(&client.id).is_none());
}

#[test]
fn a_client_gets_a_secret_where_its_method_needs_one() {
    for (method, expected) in [
        (json!("client_secret_basic"), ClientAuthMethod::Basic),
        (json!("client_secret_post"), ClientAuthMethod::Post),
        (Value::Null, ClientAuthMethod::Basic),
    ] {
        let body = described(json!({"token_endpoint_auth_method": method}));
        let registered = register(&body).unwrap();
        let answer = registered.to_json();
        let secret = answer["client_secret"].as_str().unwrap();
        let hash = SecretHash::of(secret.as_bytes());
        assert_eq!(registered.client.secret, Some(hash));
        assert_eq!(registered.client.auth_method, expected);
        assert_eq!(answer["client_secret_expires_at"], 0);
        assert_eq!(answer["token_endpoint_auth_method"], expected.as_str());
        assert!(!format!("{registered:?}").contains(secret));
        let again = register(&body).unwrap();
        assert_ne!(again.client.id, registered.client.id);
        assert_ne!(again.client.secret, registered.client.secret);
    }
}

#[test]
fn a_client_cannot_choose_its_id_or_secret() {
    let body = described(json!({"client_id": "admin", "client_secret": "known"}));
    let registered = register(&body).unwrap();
    assert_ne!(&*registered.client.id, "admin");
    assert!(registered.client.secret.is_none());
    assert!(!registered.to_json().to_string().contains("known"));
}

#[test]
fn refresh_tokens_go_to_clients_that_did_not_leave_them_out() {
    for (grants, expected) in [
        (Value::Null, true),
        (json!(["authorization_code", "refresh_token"]), true),
        (json!(["authorization_code"]), false),
    ] {
        let body = described(json!({"grant_types": grants}));
        assert_eq!(register(&body).unwrap().client.refreshes, expected);
        assert_eq!(document(&body).unwrap().refreshes, expected);
    }
}

#[test]
fn what_is_wrong_with_a_description_is_said() {
    use MetadataFault::{
        AuthMethod, GrantTypes, Name, RedirectUri, RedirectUris, ResponseTypes, Scope, WrongType,
    };
    let many = vec!["https://app.example/cb"; OAUTH_REDIRECT_URIS_MAX + 1];
    let bad = |index, fault| RedirectUri { index, fault };
    let rows = [
        (json!({"redirect_uris": null}), RedirectUris),
        (json!({"redirect_uris": []}), RedirectUris),
        (json!({"redirect_uris": many}), RedirectUris),
        (
            json!({"redirect_uris": "https://app.example/cb"}),
            WrongType("redirect_uris"),
        ),
        (json!({"redirect_uris": [1]}), WrongType("redirect_uris")),
        (
            json!({"redirect_uris": ["https://a.example/", "javascript:alert(1)"]}),
            bad(1, RedirectFault::Scheme),
        ),
        (
            json!({"redirect_uris": ["http://a.example/"]}),
            bad(0, RedirectFault::Insecure),
        ),
        (json!({"client_name": "n".repeat(129)}), Name),
        (json!({"client_name": 1}), WrongType("client_name")),
        (
            json!({"token_endpoint_auth_method": "private_key_jwt"}),
            AuthMethod,
        ),
        (
            json!({"token_endpoint_auth_method": ["none"]}),
            WrongType("token_endpoint_auth_method"),
        ),
        (json!({"grant_types": ["client_credentials"]}), GrantTypes),
        (json!({"grant_types": []}), GrantTypes),
        (
            json!({"grant_types": "authorization_code"}),
            WrongType("grant_types"),
        ),
        (json!({"response_types": ["token"]}), ResponseTypes),
        (json!({"response_types": {}}), WrongType("response_types")),
        (json!({"scope": "a\"b"}), Scope),
        (json!({"scope": ["a"]}), WrongType("scope")),
    ];
    for (changes, expected) in rows {
        let body = described(changes);
        assert_eq!(register(&body).unwrap_err(), expected, "{body}");
        assert_eq!(document(&body).unwrap_err(), expected, "{body}");
    }
    assert!(register(&described(json!({"client_name": "n".repeat(128)}))).is_ok());
    let told = RedirectUris.fault().code;
    assert_eq!(told, OAuthCode::InvalidRedirectUri);
}

#[test]
fn a_description_is_one_json_object_and_has_a_bound() {
    let good = described(json!({})).to_string();
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(100), "]".repeat(100));
    for body in [
        "",
        "[]",
        "null",
        "\"x\"",
        "{}x",
        &format!("\u{feff}{good}"),
        &format!("{good},"),
        &deep,
        &good.replacen('{', "{\"client_name\":\"Other\",", 1),
        &good.replacen('{', "{\"client\\u005fname\":\"Other\",", 1),
        &good.replacen('{', "{\"x\":{\"a\":1,\"a\":2},", 1),
        &good.replacen("App", "\\ud800", 1),
    ] {
        let fault = Registration::parse(body.as_bytes()).unwrap_err();
        assert_eq!(fault, MetadataFault::NotJson, "{body}");
    }
    assert_eq!(
        Registration::parse(b"{\"client_name\":\"\xff\"}").unwrap_err(),
        MetadataFault::NotJson
    );
    let padded = format!("{good:>OAUTH_CLIENT_METADATA_BYTES_MAX$}");
    assert!(Registration::parse(padded.as_bytes()).is_ok());
    let too_long = format!(" {padded}");
    assert_eq!(
        Registration::parse(too_long.as_bytes()).unwrap_err(),
        MetadataFault::TooLong
    );
}

#[test]
fn names_are_made_fit_to_be_shown() {
    let body = described(json!({"client_name": "Cl\u{200b}aude\u{202e}\r\n "}));
    assert_eq!(&*register(&body).unwrap().client.name, "Claude");
    for nothing in [Value::Null, json!(""), json!("\u{200b}")] {
        let body = described(json!({"client_name": nothing}));
        assert_eq!(&*register(&body).unwrap().client.name, "unnamed client");
        assert_eq!(document(&body).unwrap_err(), MetadataFault::Name);
    }
}

#[test]
fn a_document_is_about_its_own_url_and_holds_no_secret() {
    let client = document(&described(json!({}))).unwrap();
    assert_eq!(&*client.id, URL);
    assert_eq!(client.origin, ClientOrigin::Document);
    assert!(client.secret.is_none());
    assert!(document(&described(json!({"token_endpoint_auth_method": null}))).is_ok());
    use MetadataFault::{AuthMethod, ClientId, HoldsSecret, WrongType};
    for (changes, expected) in [
        (json!({"client_id": null}), ClientId),
        (
            json!({"client_id": "https://app.example/oauth/client.json/"}),
            ClientId,
        ),
        (
            json!({"client_id": "HTTPS://app.example/oauth/client.json"}),
            ClientId,
        ),
        (
            json!({"client_id": "https://evil.example/oauth/client.json"}),
            ClientId,
        ),
        (json!({"client_id": 1}), WrongType("client_id")),
        (json!({"client_secret": "x"}), HoldsSecret),
        (json!({"client_secret_expires_at": 0}), HoldsSecret),
        (
            json!({"token_endpoint_auth_method": "client_secret_basic"}),
            AuthMethod,
        ),
        (
            json!({"token_endpoint_auth_method": "client_secret_post"}),
            AuthMethod,
        ),
        (
            json!({"token_endpoint_auth_method": "client_secret_jwt"}),
            AuthMethod,
        ),
    ] {
        let body = described(changes);
        assert_eq!(document(&body).unwrap_err(), expected, "{body}");
    }
}

#[test]
fn the_url_of_a_document_has_one_reading() {
    for (id, authority) in [
        (URL, Some("app.example")),
        ("https://app.example:8443/c", Some("app.example:8443")),
        ("https://app.example/a/", Some("app.example")),
        ("https://127.0.0.1:8443/c", Some("127.0.0.1:8443")),
        ("https://app.example", None),
        ("https://app.example/", None),
        ("http://app.example/c", None),
        ("http://127.0.0.1/c", None),
        ("HTTPS://app.example/c", None),
        ("https://APP.example/c", None),
        ("https://app.example/c?x=1", None),
        ("https://app.example?/c", None),
        ("https://app.example/c#x", None),
        ("https://user@app.example/c", None),
        ("https://user:pw@app.example/c", None),
        ("https://app.example/a/../c", None),
        ("https://app.example/./c", None),
        ("https://app.example/%2e%2e/c", None),
        ("https://app.example\\@evil.example/c", None),
        ("https://app.example./c", None),
        ("https://2130706433/c", None),
        ("https://0x7f.1/c", None),
        ("https://[::ffff:127.0.0.1]/c", None),
        ("https:///c", None),
        ("ftp://app.example/c", None),
        ("reg_0123", None),
        ("", None),
    ] {
        let url = DocumentUrl::parse(id);
        assert_eq!(url.as_ref().map(DocumentUrl::authority), authority, "{id}");
    }
    let long = format!("https://app.example/{}", "a".repeat(492));
    assert!(DocumentUrl::parse(&long).is_some());
    assert!(DocumentUrl::parse(&format!("{long}a")).is_none());
}
