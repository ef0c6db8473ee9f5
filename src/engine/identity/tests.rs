#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::IpAddr;
use std::sync::Arc;

use super::*;
use crate::engine::identity::{
    AddressRange, ApiKey, ApiKeyError, ChallengeError, CredentialError, KeyHash, KeyHashError,
    client_address, generate_key,
};
use crate::engine::limits::{CREDENTIAL_BYTES_MAX, IDENTITY_ID_BYTES_MAX};

const KEY: &str = "mcp_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn key(id: &str, secret: &str, expires_at_secs: Option<u64>) -> ApiKey {
    let grants = Arc::new(Grants::compile(&["*".to_owned()], &[]).unwrap());
    ApiKey {
        id: id.to_owned(),
        key_hash: KeyHash::of(secret.as_bytes()),
        grants,
        quota: None,
        expires_at_secs,
    }
}

fn authenticator(keys: Vec<ApiKey>, anonymous: bool) -> Authenticator {
    let access = anonymous.then(|| AnonymousAccess {
        grants: Arc::default(),
        quota: None,
    });
    Authenticator::new(AuthenticatorParts {
        keys: ApiKeys::compile(keys).unwrap(),
        anonymous: access,
        ..AuthenticatorParts::default()
    })
}

#[test]
fn a_generated_key_is_accepted_by_its_hash() {
    let random: [u8; 32] = std::array::from_fn(|index| index as u8);
    let generated = generate_key(&random);
    assert_eq!(generated.as_str(), KEY);
    let stored = KeyHash::of(generated.as_bytes()).to_string();
    let mut entry = key("full", "", None);
    entry.key_hash = KeyHash::parse(&stored).unwrap();
    let header = format!("Bearer {KEY}");
    let caller = authenticator(vec![entry], false)
        .authenticate(Some(header.as_bytes()), &Proving::bare(0))
        .unwrap();
    assert_eq!(
        (caller.id(), caller.identity(), caller.provider()),
        ("full", "key:full", Provider::ApiKey)
    );
}

#[test]
fn a_key_hash_has_one_spelling() {
    let good = KeyHash::of(b"x").to_string();
    assert_eq!(good.len(), 44);
    assert!(KeyHash::parse(&good).is_ok());
    let unpadded = good.trim_end_matches('=').to_owned();
    let url_safe = good.replace('+', "-").replace('/', "_") + "_";
    let spaced = format!(" {good}");
    let broken = format!("{good}\n");
    for text in [&*unpadded, &url_safe, &spaced, &broken, "sha256:xx"] {
        assert_eq!(
            KeyHash::parse(text).err(),
            Some(KeyHashError::NotBase64),
            "{text:?}"
        );
    }
    assert_eq!(
        KeyHash::parse("").err(),
        Some(KeyHashError::WrongLength { found: 0 })
    );
    assert_eq!(
        KeyHash::parse("AAAA").err(),
        Some(KeyHashError::WrongLength { found: 3 })
    );
    // The last character before the padding carries two bits that must be zero.
    let loose = format!("{}B=", "A".repeat(42));
    assert_eq!(KeyHash::parse(&loose).err(), Some(KeyHashError::NotBase64));
}

#[test]
fn only_one_bearer_token68_is_a_credential() {
    let long = format!("Bearer {}", "a".repeat(CREDENTIAL_BYTES_MAX + 1));
    type Row<'a> = (&'a [u8], Result<&'a [u8], CredentialError>);
    let rows: [Row<'_>; 22] = [
        (b"Bearer abc", Ok(b"abc")),
        (b"bearer abc", Ok(b"abc")),
        (b"BEARER abc", Ok(b"abc")),
        (b"Bearer  abc", Ok(b"abc")),
        (b"Bearer a-._~+/b==", Ok(b"a-._~+/b==")),
        (b"Bearer", Err(CredentialError::NoToken)),
        (b"Bearer ", Err(CredentialError::NoToken)),
        (b"Bearer a b", Err(CredentialError::NotToken68)),
        (b"Bearer a ", Err(CredentialError::NotToken68)),
        (b"Bearer a,b", Err(CredentialError::NotToken68)),
        (b"Bearer a=b", Err(CredentialError::NotToken68)),
        (b"Bearer =", Err(CredentialError::NotToken68)),
        (b"Bearer \"a\"", Err(CredentialError::NotToken68)),
        (b"Bearer a\0", Err(CredentialError::NotToken68)),
        (b"Bearer \xc3\xa9", Err(CredentialError::NotToken68)),
        (b"Bearer\tabc", Err(CredentialError::OtherScheme)),
        (b"Basic abc", Err(CredentialError::OtherScheme)),
        (b"Bearerx abc", Err(CredentialError::OtherScheme)),
        (b" Bearer abc", Err(CredentialError::OtherScheme)),
        (b"abc", Err(CredentialError::OtherScheme)),
        (b"", Err(CredentialError::OtherScheme)),
        (long.as_bytes(), Err(CredentialError::TooLong)),
    ];
    for (header, expected) in rows {
        let found = Credential::parse(header).map(Credential::token);
        assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(header));
    }
    assert!(Credential::parse(&long.as_bytes()[..long.len() - 1]).is_ok());
}

#[test]
fn every_byte_outside_token68_is_refused() {
    for byte in 0..=u8::MAX {
        let is_inside = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let header = [b"Bearer a", &[byte][..], b"a"].concat();
        assert_eq!(Credential::parse(&header).is_ok(), is_inside, "{byte}");
    }
}

#[test]
fn a_bad_credential_is_refused_with_its_reason() {
    let keys = || {
        vec![
            key("full", "mcp_good", None),
            key("old", "mcp_old", Some(1_000)),
        ]
    };
    let rows: [(Option<&[u8]>, AuthFailure, ChallengeError); 6] = [
        (None, AuthFailure::Missing, ChallengeError::None),
        (
            Some(b"Bearer mcp_bad"),
            AuthFailure::UnknownKey,
            ChallengeError::InvalidToken,
        ),
        (
            Some(b"Bearer good"),
            AuthFailure::NotAnApiKey,
            ChallengeError::InvalidToken,
        ),
        (
            Some(b"Bearer mcp_old"),
            AuthFailure::ExpiredKey,
            ChallengeError::InvalidToken,
        ),
        (
            Some(b"Basic eDp5"),
            AuthFailure::Malformed(CredentialError::OtherScheme),
            ChallengeError::None,
        ),
        (
            Some(b"Bearer"),
            AuthFailure::Malformed(CredentialError::NoToken),
            ChallengeError::InvalidToken,
        ),
    ];
    for (header, failure, challenge) in rows {
        let found = authenticator(keys(), false)
            .authenticate(header, &Proving::bare(1_000))
            .unwrap_err();
        assert_eq!((found, found.challenge()), (failure, challenge));
    }
}

#[test]
fn a_key_expires_at_its_second() {
    let keys = authenticator(vec![key("old", "mcp_old", Some(1_000))], false);
    assert!(
        keys.authenticate(Some(b"Bearer mcp_old"), &Proving::bare(999))
            .is_ok()
    );
    assert!(
        keys.authenticate(Some(b"Bearer mcp_old"), &Proving::bare(1_000))
            .is_err()
    );
}

#[test]
fn a_bad_credential_never_becomes_anonymous() {
    let open = authenticator(vec![key("full", "mcp_good", None)], true);
    assert_eq!(
        open.authenticate(None, &Proving::bare(0))
            .unwrap()
            .identity(),
        "anonymous"
    );
    for header in [
        &b"Bearer mcp_bad"[..],
        b"Bearer",
        b"Basic x",
        b"",
        b"Bearer anonymous",
    ] {
        assert!(open.authenticate(Some(header), &Proving::bare(0)).is_err());
    }
}

#[test]
fn ids_and_keys_are_used_once() {
    let twice = vec![
        key("a", "mcp_1", None),
        key("a", "mcp_2", None),
        key("b", "mcp_1", None),
    ];
    let errors = ApiKeys::compile(twice).unwrap_err();
    assert_eq!(
        errors,
        [
            ApiKeyError::SameId { index: 1 },
            ApiKeyError::SameKey { index: 2 }
        ]
    );
    let long = "x".repeat(IDENTITY_ID_BYTES_MAX + 1);
    for id in ["", "a\nb", &long] {
        assert_eq!(
            ApiKeys::compile(vec![key(id, "mcp_1", None)]).unwrap_err(),
            [ApiKeyError::BadId { index: 0 }]
        );
    }
}

#[test]
fn ten_thousand_keys_are_told_apart() {
    let keys = (0..10_000)
        .map(|n| key(&format!("id{n}"), &format!("mcp_{n}"), None))
        .collect();
    let table = authenticator(keys, false);
    assert_eq!(table.keys().len(), 10_000);
    for n in [0, 1, 4_999, 9_999] {
        let caller = table
            .authenticate(
                Some(format!("Bearer mcp_{n}").as_bytes()),
                &Proving::bare(0),
            )
            .unwrap();
        assert_eq!(caller.id(), format!("id{n}"));
    }
    assert!(
        table
            .authenticate(Some(b"Bearer mcp_10000"), &Proving::bare(0))
            .is_err()
    );
}

#[test]
fn nothing_secret_is_printed() {
    let keys = authenticator(vec![key("full", "mcp_good", None)], false);
    let header = b"Bearer mcp_good";
    let shown = format!(
        "{keys:?} {:?} {:?}",
        Credential::parse(header),
        key("full", "mcp_good", None)
    );
    let hash = KeyHash::of(b"mcp_good").to_string();
    assert!(
        !shown.contains("mcp_good") && !shown.contains(&hash),
        "{shown}"
    );
}

#[test]
fn an_identity_can_be_explained_by_either_name() {
    let keys = authenticator(vec![key("full", "mcp_good", None)], true);
    assert_eq!(keys.explain_as("full").unwrap().identity(), "key:full");
    assert_eq!(keys.explain_as("key:full").unwrap().identity(), "key:full");
    assert_eq!(
        keys.explain_as("anonymous").unwrap().provider(),
        Provider::Anonymous
    );
    assert!(keys.explain_as("nobody").is_none());
}

#[test]
fn an_address_range_holds_what_its_prefix_says() {
    let rows = [
        ("10.0.0.0/8", "10.1.2.3", true),
        ("10.0.0.0/8", "11.0.0.0", false),
        ("10.0.0.1", "10.0.0.1", true),
        ("10.0.0.1", "10.0.0.2", false),
        ("0.0.0.0/0", "255.255.255.255", true),
        ("0.0.0.0/0", "::1", false),
        ("10.0.0.0/8", "::ffff:10.9.9.9", true),
        ("fd00::/8", "fdff::1", true),
        ("fd00::/8", "fe00::1", false),
        ("::/0", "::1", true),
        ("::1", "::1", true),
    ];
    for (range, address, expected) in rows {
        let parsed = AddressRange::parse(range).unwrap();
        assert_eq!(
            parsed.contains(address.parse().unwrap()),
            expected,
            "{range} {address}"
        );
    }
    for text in [
        "",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/",
        "10.0.0.1/8",
        "::1/129",
        "localhost",
        "10.0.0.0/8/8",
    ] {
        assert!(AddressRange::parse(text).is_err(), "{text}");
    }
}

#[test]
fn only_a_trusted_proxy_is_believed_about_the_client() {
    let trusted = ["10.0.0.0/8", "fd00::/8"].map(|range| AddressRange::parse(range).unwrap());
    let rows: [(&str, &[&str], &str); 14] = [
        ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", &["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        (
            "10.0.0.1",
            &["198.51.100.7, 10.0.0.2 ,10.0.0.3"],
            "198.51.100.7",
        ),
        ("10.0.0.1", &["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
        ("fd00::1", &["[2001:db8::7]:4711"], "2001:db8::7"),
        ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", &["198.51.100.7, nonsense"], "10.0.0.1"),
        (
            "10.0.0.1",
            &["198.51.100.7, nonsense, 10.0.0.2"],
            "10.0.0.2",
        ),
        ("10.0.0.1", &[""], "10.0.0.1"),
    ];
    for (peer, fields, expected) in rows {
        let fields = fields.iter().map(|field| field.as_bytes());
        let found = client_address(peer.parse().unwrap(), fields, &trusted);
        assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer}");
    }
    let endless = "10.0.0.2,".repeat(10_000) + "10.0.0.2";
    let found = client_address(
        "10.0.0.1".parse().unwrap(),
        [endless.as_bytes()].into_iter(),
        &trusted,
    );
    assert_eq!(found, "10.0.0.2".parse::<IpAddr>().unwrap());
}
