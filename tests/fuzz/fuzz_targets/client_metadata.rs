//! What clients say of themselves: what is accepted, `serde_json` reads alike, and the `url` crate, which reads addresses as browsers
//! do, goes to the host that our pages show.
//!
//! Input: a registration or document; and the same bytes as a redirect URI and as a `client_id`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::oauth::{Client, DocumentUrl, RedirectUri, Registration, shown_name};
use serde_json::Value;
use url::{Position, Url};

const URL: &str = "https://app.example/c";

fuzz_target!(|input: &[u8]| {
    if let Ok(registration) = Registration::parse(input) {
        let registered = registration.register(1).expect("random bytes");
        reads_alike(&registered.client, input);
        assert!(DocumentUrl::parse(&registered.client.id).is_none());
    }
    let url = DocumentUrl::parse(URL).expect("good");
    if let Ok(client) = Client::from_document(&url, input) {
        let document = reads_alike(&client, input);
        assert_eq!(document["client_id"], URL);
        assert!(client.secret.is_none());
    }
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(uri) = RedirectUri::parse(text) {
        leads_where_it_says(&uri);
    }
    if let Some(url) = DocumentUrl::parse(text) {
        // A name that is no internationalised one, a browser does not go to at all.
        if let Ok(read) = Url::parse(url.as_str()) {
            assert_eq!(read.scheme(), "https");
            assert_eq!(written_authority(&read, url.as_str()), url.authority());
            assert!(read.query().is_none() && read.fragment().is_none() && read.path() != "/");
        }
    }
    if let Some(shown) = shown_name(text) {
        assert_eq!(shown_name(&shown).as_deref(), Some(&*shown));
        assert!(!shown.contains(char::is_control));
    }
});

fn reads_alike(client: &Client, input: &[u8]) -> Value {
    let value: Value = serde_json::from_slice(input).expect("metadata are JSON");
    let uris = value["redirect_uris"].as_array().expect("a list");
    let kept: Vec<_> = client
        .redirect_uris
        .iter()
        .map(RedirectUri::as_str)
        .collect();
    assert_eq!(*uris, kept);
    assert!(!kept.is_empty() && !client.name.is_empty());
    client.redirect_uris.iter().for_each(leads_where_it_says);
    value
}

fn leads_where_it_says(uri: &RedirectUri) {
    assert!(uri.matches(uri));
    let location = uri.with_answer(&[("code", "a b&c"), ("iss", "https://gw.example")]);
    assert!(location.starts_with(uri.as_str()));
    for text in [uri.as_str(), &location] {
        let Ok(read) = Url::parse(text) else { continue };
        assert!(
            read.username().is_empty() && read.password().is_none(),
            "{text}"
        );
        assert!(read.fragment().is_none(), "{text}");
        assert!(
            !matches!(read.scheme(), "javascript" | "data" | "file" | "blob"),
            "{text}"
        );
        if uri.is_app() {
            assert_eq!(read.scheme(), uri.origin_shown(), "{text}");
        } else {
            assert_eq!(written_authority(&read, text), uri.origin_shown(), "{text}");
            assert!(read.scheme() == "https" || uri.is_loopback(), "{text}");
        }
    }
    let read = Url::parse(&location).ok();
    let codes = read.iter().flat_map(Url::query_pairs);
    let codes: Vec<_> = codes.filter(|(name, _)| name == "code").collect();
    assert!(
        read.is_none() || codes == [("code".into(), "a b&c".into())],
        "{location}"
    );
}

/// Host and port of `read`, with the port that goes without saying where `text` says it.
fn written_authority(read: &Url, text: &str) -> String {
    let plain = &read[Position::BeforeHost..Position::AfterPort];
    let default = if read.scheme() == "https" {
        ":443"
    } else {
        ":80"
    };
    let after = text.split("://").nth(1).unwrap_or_default();
    let authority = after.split(['/', '?']).next().unwrap_or_default();
    if read.port().is_none() && authority.ends_with(default) {
        format!("{plain}{default}")
    } else {
        plain.to_owned()
    }
}
