//! `[auth.oauth.server]` and its clients.

use super::{SECRET, found, github, oauth, said};
use crate::config::model::OAuthServer;

fn text(keys: &str) -> String {
    github(&format!("[auth.oauth.server]\nenabled = true\n{keys}"))
}

fn server(keys: &str) -> OAuthServer {
    oauth(&text(keys)).server.unwrap()
}

fn client(keys: &str) -> String {
    text(&format!("[[auth.oauth.server.clients]]\n{keys}"))
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let found = server("");
    assert_eq!(found.access_token_ttl.as_secs(), 600);
    assert_eq!(found.refresh_token_ttl.as_secs(), 14 * 86_400);
    assert_eq!(found.grant_ttl.as_secs(), 90 * 86_400);
    assert!(found.dynamic_registration && found.client_id_documents);
    assert!(found.trusted_client_hosts.is_empty() && found.clients.is_empty());
    let found = oauth(&text(""));
    assert!(found.login && !found.opaque_tokens);
    assert!(
        oauth(&github(
            "opaque_tokens = true\n[auth.oauth.server]\nenabled = true"
        ))
        .opaque_tokens
    );
}

#[test]
fn a_server_is_on_only_where_it_says_so() {
    found(
        &github("[auth.oauth.server]\ngrant_ttl = '1d'"),
        &["server.enabled: warning switched_off"],
    );
    for off in ["[auth.oauth.server]\nenabled = false", ""] {
        let found = oauth(&github(off));
        assert!(found.server.is_none() && found.opaque_tokens);
    }
}

#[test]
fn lives_have_bounds_and_an_order() {
    for (keys, expected) in [
        ("access_token_ttl = '1m'", None),
        ("access_token_ttl = '1h'", None),
        (
            "access_token_ttl = '59s'",
            Some("server.access_token_ttl: error out_of_range"),
        ),
        (
            "access_token_ttl = '61m'",
            Some("server.access_token_ttl: error out_of_range"),
        ),
        ("grant_ttl = '1h'", None),
        (
            "grant_ttl = '366d'",
            Some("server.grant_ttl: error out_of_range"),
        ),
        ("grant_ttl = '1d'\nrefresh_token_ttl = '1d'", None),
        (
            "grant_ttl = '1d'\nrefresh_token_ttl = '2d'",
            Some("server.refresh_token_ttl: error conflict"),
        ),
    ] {
        found(&text(keys), expected.as_slice());
    }
    assert_eq!(
        server("grant_ttl = '1h'").refresh_token_ttl.as_secs(),
        3_600
    );
}

#[test]
fn clients_that_nobody_could_be_are_warned_about() {
    let closed = "dynamic_registration = false\nclient_id_documents = false\n";
    found(&text(closed), &["server.enabled: warning unused"]);
    let client = "[[auth.oauth.server.clients]]\nclient_id = 'a'\nredirect_uris = ['https://a/']";
    found(&text(&format!("{closed}{client}")), &[]);
    found(
        &text(
            "client_id_documents = false\ntrusted_client_hosts = ['a']\nclient_ca_path = 'ca.pem'",
        ),
        &[
            "server.trusted_client_hosts: warning unused",
            "server.client_ca_path: warning unused",
        ],
    );
}

#[test]
fn hosts_are_names_without_anything_else() {
    for (host, read) in [
        ("Client.Internal", Some("client.internal")),
        ("10.0.0.7", Some("10.0.0.7")),
        ("[fd00::7]", Some("fd00::7")),
        ("a:8443", None),
        ("https://a", None),
        ("a/b", None),
        ("*", None),
        ("", None),
    ] {
        let keys = format!("trusted_client_hosts = ['{host}']");
        let expected =
            (read.is_none()).then_some("server.trusted_client_hosts[0]: error malformed");
        found(&text(&keys), expected.as_slice());
        if let Some(read) = read {
            assert_eq!(server(&keys).trusted_client_hosts, [read]);
        }
    }
}

#[test]
fn a_client_has_an_id_and_somewhere_to_send_people_back_to() {
    let uris = "redirect_uris = ['https://app.example/cb', 'http://127.0.0.1/cb']";
    let sound = format!("client_id = 'app'\n{uris}");
    let found_server = oauth(&client(&sound)).server.unwrap();
    assert_eq!(found_server.clients[0].name, "app");
    assert_eq!(found_server.clients[0].redirect_uris.len(), 2);
    for (keys, expected) in [
        (uris.to_owned(), Some("client_id: error missing")),
        (
            "client_id = 'app'".to_owned(),
            Some("redirect_uris: error missing"),
        ),
        (
            "client_id = 'app'\nredirect_uris = []".to_owned(),
            Some("redirect_uris: error out_of_range"),
        ),
        (
            "client_id = 'app'\nredirect_uris = ['http://app.example/cb']".to_owned(),
            Some("redirect_uris[0]: error malformed"),
        ),
        (
            "client_id = 'app'\nredirect_uris = ['https://app.example/cb#x']".to_owned(),
            Some("redirect_uris[0]: error malformed"),
        ),
        (
            "client_id = 'app'\nredirect_uris = ['javascript:alert(1)']".to_owned(),
            Some("redirect_uris[0]: error malformed"),
        ),
        (
            format!("client_id = 'https://app.example/client.json'\n{uris}"),
            Some("client_id: error malformed"),
        ),
        (
            format!("client_id = 'a b'\n{uris}"),
            Some("client_id: error malformed"),
        ),
        (
            format!("{sound}\nclient_secret = 'short'"),
            Some("client_secret: error secret_short"),
        ),
        (format!("{sound}\nclient_secret = '{SECRET}'"), None),
        (format!("{sound}\nname = ''"), Some("name: error malformed")),
    ] {
        let expected = expected.map(|expected| format!("server.clients[0].{expected}"));
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        found(&client(&keys), &expected);
    }
}

#[test]
fn two_clients_are_never_called_alike() {
    let one = "[[auth.oauth.server.clients]]\nclient_id = 'a'\nredirect_uris = ['https://a/']\n";
    let text = text(&format!("{one}{one}"));
    found(&text, &["server.clients[1].client_id: error same_as"]);
    assert!(said(&text).contains("auth.oauth.server.clients[0].client_id"));
}
