//! What is read, and what is said of what cannot be.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::Write,
    process::{Command, Stdio},
    time::SystemTime,
};

use super::*;
use crate::tls::testing::{Authority, HOUR};

/// What openssl makes of `input`; `None` where it is not installed.
fn openssl(arguments: &[&str], input: &str) -> Option<Vec<u8>> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    Some(output.stdout)
}

#[test]
fn keys_are_read_in_each_form() {
    let ours = Authority::new("ours");
    let issued = ours.issue(&["localhost"], |_| {});
    let (chain, key) = (issued.chain.as_bytes(), &issued.key);
    assert!(key.contains("BEGIN PRIVATE KEY"));
    certified(issued.pair()).unwrap();
    let both = format!("{}{key}", issued.chain);
    certified(KeyPair::from_pem(both.as_bytes(), both.as_bytes()).unwrap()).unwrap();
    let Some(sec1) = openssl(&["pkey", "-traditional"], key) else {
        return;
    };
    assert!(contains(&sec1, b"BEGIN EC PRIVATE KEY"));
    certified(KeyPair::from_pem(chain, &sec1).unwrap()).unwrap();
    let pkcs1 = openssl(&["genrsa", "-traditional", "2048"], "").unwrap();
    assert!(contains(&pkcs1, b"BEGIN RSA PRIVATE KEY"));
    let other = KeyPair::from_pem(chain, &pkcs1).unwrap();
    assert_eq!(certified(other).unwrap_err(), TlsError::KeyMismatch);
    for options in [
        &["pkey", "-aes256", "-passout", "pass:secret"][..],
        &["pkey", "-aes256", "-traditional", "-passout", "pass:secret"],
    ] {
        let encrypted = openssl(options, key).unwrap();
        let said = KeyPair::from_pem(chain, &encrypted).unwrap_err();
        assert!(said.to_string().contains("openssl pkey"), "{said}");
    }
}

#[test]
fn what_is_missing_or_malformed_is_named() {
    let ours = Authority::new("ours");
    let issued = ours.issue(&["localhost"], |_| {});
    let (chain, key) = (issued.chain.as_str(), issued.key.as_str());
    let cut = &key[..key.len() - 30];
    let spoilt = key.replace("\nM", "\n!");
    let rows = [
        ("", key, TlsError::NoCertificate),
        (key, key, TlsError::NoCertificate),
        (chain, "", TlsError::NoKey),
        (chain, chain, TlsError::NoKey),
        (
            chain,
            cut,
            TlsError::BadPem("a section has no end line".into()),
        ),
        (
            chain,
            &spoilt,
            TlsError::BadPem("a section is not base64".into()),
        ),
    ];
    for (chain, key, expected) in rows {
        let said = KeyPair::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert_eq!(said, expected);
        assert!(!said.to_string().contains(&issued.key[30..50]));
    }
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let pair = KeyPair::from_pem(nonsense.as_bytes(), key.as_bytes()).unwrap();
    assert!(matches!(certified(pair), Err(TlsError::BadCertificate(_))));
    let nonsense = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let pair = KeyPair::from_pem(chain.as_bytes(), nonsense.as_bytes()).unwrap();
    assert!(matches!(certified(pair), Err(TlsError::BadKey(_))));
}

#[test]
fn trust_is_read_with_lists_in_both_forms() {
    let [ours, theirs] = ["ours", "theirs"].map(Authority::new);
    let roots = format!("{}{}", ours.pem(), theirs.pem());
    let soon = SystemTime::now() + HOUR;
    let lists = format!("{}{}", ours.revokes(&[1], soon), theirs.revokes(&[], soon));
    let trust = Trust::from_pem(roots.as_bytes(), Some(lists.as_bytes())).unwrap();
    assert_eq!((trust.roots.len(), trust.revocations.len()), (2, 2));
    let der: Vec<u8> = trust
        .revocations
        .iter()
        .flat_map(|list| list.to_vec())
        .collect();
    let again = Trust::from_pem(roots.as_bytes(), Some(&der)).unwrap();
    assert_eq!(again.revocations, trust.revocations);

    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let refused =
        |roots: &str, lists: Option<&[u8]>| Trust::from_pem(roots.as_bytes(), lists).unwrap_err();
    assert_eq!(refused("", None), TlsError::NoTrust);
    assert_eq!(refused("text", None), TlsError::NoTrust);
    assert!(matches!(
        refused(nonsense, None),
        TlsError::BadCertificate(_)
    ));
    for lists in [
        &b""[..],
        b"text",
        roots.as_bytes(),
        &der[..der.len() - 1],
        &[0x30, 0],
    ] {
        let said = refused(&roots, Some(lists));
        assert!(matches!(said, TlsError::BadCrl(_)), "{said}");
    }
}
