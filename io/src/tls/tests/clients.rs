//! Which client certificates a listener takes.

use std::time::SystemTime;

use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, SerialNumber};

use super::*;
use crate::{
    limits::TLS_CLIENT_CHAIN_BYTES_MAX,
    tls::testing::{HOUR, leaf},
};

/// Lets a client with `certificate` come to a listener that asks for one; what the listener says.
async fn comes(
    authority: &Authority,
    auth: ClientAuth,
    certificate: Option<&Issued>,
) -> Vec<Result<usize, String>> {
    let own = authority.issue(&["localhost"], |_| {});
    let mut said = Vec::new();
    for (version, speaks) in VERSIONS {
        let listener = server(vec![own.pair()], auth.clone());
        let client = client(speaks, authority.trust(), certificate);
        let (near, far) = shake(&client, &listener, "localhost").await;
        said.push(match far {
            Ok(far) => {
                let peer = far.tls_peer().unwrap();
                assert_eq!(peer.version, version);
                assert!(!peer.is_resumed);
                Ok(far.with_certificates(<[_]>::len))
            }
            Err(HandshakeFailure::Certificate(why)) => {
                client_is_told(near).await;
                Err(why)
            }
            Err(other) => panic!("{other}"),
        });
    }
    said
}

/// Under TLS 1.3 the client believes in the connection until it reads.
async fn client_is_told(near: Result<Stream, HandshakeFailure>) {
    match near {
        Err(HandshakeFailure::Protocol(why)) => assert!(why.contains("alert"), "{why}"),
        Err(other) => panic!("{other}"),
        Ok(near) => {
            let error = near.read(&mut Buffer::new()).await.unwrap_err();
            assert!(error.to_string().contains("alert"), "{error}");
        }
    }
}

async fn check(
    authority: &Authority,
    auth: ClientAuth,
    certificate: Option<&Issued>,
    expected: Result<usize, &str>,
) {
    for said in comes(authority, auth, certificate).await {
        match (&said, expected) {
            (Ok(count), Ok(expected)) => assert_eq!(*count, expected),
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}; expected {part}"),
            _ => panic!("{said:?}; expected {expected:?}"),
        }
    }
}

#[test]
fn only_good_certificates_of_the_right_authority_are_taken() {
    let ours = Authority::new("ours");
    let required = || ClientAuth::Required(ours.trust());
    let optional = || ClientAuth::Optional(ours.trust());
    let good = ours.issue(&["a.client"], |_| {});
    let between = ours.below("between").issue(&["b.client"], |_| {});
    let expired = ours.issue(&["c.client"], |params| {
        params.not_before = (SystemTime::now() - 3 * HOUR).into();
        params.not_after = (SystemTime::now() - HOUR).into();
    });
    let early = ours.issue(&["d.client"], |params| {
        params.not_before = (SystemTime::now() + HOUR).into();
        params.not_after = (SystemTime::now() + 2 * HOUR).into();
    });
    let foreign = Authority::new("ours").issue(&["e.client"], |_| {});
    let for_servers = ours.issue(&["f.client"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let authority = ours.issue(&["g.client"], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let self_signed = self_signed();
    let mut deep = ours.below("1");
    for depth in 2..=6 {
        deep = deep.below(&depth.to_string());
    }
    let six_between = deep.issue(&["h.client"], |_| {});
    let seven_between = deep.below("7").issue(&["i.client"], |_| {});
    let (ours, good, between) = (&ours, &good, &between);
    on_each_driver(async || {
        check(ours, ClientAuth::None, Some(good), Ok(0)).await;
        check(ours, optional(), None, Ok(0)).await;
        check(ours, optional(), Some(good), Ok(1)).await;
        check(ours, required(), Some(good), Ok(1)).await;
        check(ours, required(), Some(between), Ok(2)).await;
        check(ours, required(), Some(&six_between), Ok(7)).await;
        check(ours, required(), Some(&seven_between), Err("")).await;
        check(ours, required(), None, Err("no certificates")).await;
        for auth in [optional(), required()] {
            check(ours, auth.clone(), Some(&expired), Err("expired")).await;
            check(ours, auth.clone(), Some(&early), Err("not valid yet")).await;
            check(ours, auth.clone(), Some(&foreign), Err("BadSignature")).await;
            check(
                ours,
                auth.clone(),
                Some(&for_servers),
                Err("extended key usage"),
            )
            .await;
            check(
                ours,
                auth.clone(),
                Some(&authority),
                Err("CaUsedAsEndEntity"),
            )
            .await;
            check(ours, auth.clone(), Some(&self_signed), Err("UnknownIssuer")).await;
        }
    });
}

/// Certificates behind those that are needed are held as well, for as long as the connection lasts.
#[test]
fn a_chain_longer_than_its_bound_is_refused() {
    let ours = Authority::new("ours");
    let good = ours.issue(&["client"], |_| {});
    let stuffing = Authority::new("stuffing").pem();
    let bytes = |issued: &Issued| -> usize {
        let pair = issued.pair();
        pair.chain.iter().map(|each| each.len()).sum()
    };
    let mut at_most = good.clone();
    let mut above = good;
    while bytes(&above) <= TLS_CLIENT_CHAIN_BYTES_MAX {
        at_most = above.clone();
        above.chain.push_str(&stuffing);
    }
    let (held, ours) = (at_most.pair().chain.len(), &ours);
    on_each_driver(async || {
        for auth in [
            ClientAuth::Optional(ours.trust()),
            ClientAuth::Required(ours.trust()),
        ] {
            check(ours, auth.clone(), Some(&at_most), Ok(held)).await;
            check(ours, auth, Some(&above), Err("limit is 16384")).await;
        }
    });
}

/// Their names together are longer than the message could say.
#[test]
fn more_authorities_than_can_be_told_are_trusted_all_the_same() {
    let ours = Authority::new("ours");
    let good = ours.issue(&["client"], |_| {});
    let mut roots = ours.pem();
    for number in 0..700 {
        roots.push_str(&Authority::new(&format!("{number:0100}")).pem());
    }
    let trust = Trust::from_pem(roots.as_bytes(), None).unwrap();
    on_each_driver(async || {
        let auth = ClientAuth::Required(trust.clone());
        check(&ours, auth, Some(&good), Ok(1)).await;
    });
}

fn self_signed() -> Issued {
    let key = rcgen::KeyPair::generate().unwrap();
    Issued {
        chain: leaf(&["self.client"]).self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

#[test]
fn revoked_and_unlisted_certificates_are_refused() {
    let root = Authority::new("root");
    let between = root.below("between");
    let (soon, past) = (SystemTime::now() + HOUR, SystemTime::now() - HOUR);
    let numbered = |authority: &Authority, serial: u64| {
        authority.issue(&["client"], |params| {
            params.serial_number = Some(SerialNumber::from(serial));
        })
    };
    let (good, revoked) = (numbered(&root, 7), numbered(&root, 8));
    let (good_below, revoked_below) = (numbered(&between, 7), numbered(&between, 9));
    let of_root = root.revokes(&[8], soon);
    let both = format!("{of_root}{}", between.revokes(&[9], soon));
    let old = root.revokes(&[8], past);
    let foreign = Authority::new("root").revokes(&[], soon);
    let required = |lists: &str| ClientAuth::Required(root.trust_with(lists));
    on_each_driver(async || {
        let root = &root;
        check(root, required(&of_root), Some(&good), Ok(1)).await;
        check(root, required(&of_root), Some(&revoked), Err("Revoked")).await;
        check(root, required(&both), Some(&good_below), Ok(2)).await;
        check(root, required(&both), Some(&revoked_below), Err("Revoked")).await;
        // No list of the authority in between: unknown is refused.
        check(root, required(&of_root), Some(&good_below), Err("")).await;
        // A list that should have been replaced by now says nothing.
        check(root, required(&old), Some(&good), Err("expired")).await;
        check(root, required(&foreign), Some(&good), Err("")).await;
    });
}

#[test]
fn certificates_that_new_trust_refuses_are_no_longer_trusted() {
    let ours = Authority::new("ours");
    let own = ours.issue(&["localhost"], |_| {});
    let issued = ours.issue(&["client"], |params| {
        params.serial_number = Some(SerialNumber::from(5_u64));
    });
    let shown = issued.pair().chain;
    let soon = SystemTime::now() + HOUR;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let theirs = Authority::new("theirs").trust();
    let revoking = ours.trust_with(&ours.revokes(&[5], soon));
    let rows = [
        (ClientAuth::Required(ours.trust()), &shown[..], now, true),
        (ClientAuth::Optional(ours.trust()), &shown[..], now, true),
        (
            ClientAuth::Required(ours.trust()),
            &shown[..],
            now + 7200,
            false,
        ),
        (ClientAuth::Required(theirs), &shown[..], now, false),
        (ClientAuth::Required(revoking), &shown[..], now, false),
        (ClientAuth::None, &shown[..], now, false),
        (ClientAuth::None, &[], now, true),
        (ClientAuth::Optional(ours.trust()), &[], now, true),
        (ClientAuth::Required(ours.trust()), &[], now, false),
    ];
    for (auth, shown, at, expected) in rows {
        let text = format!("{auth:?} {at}");
        let tls = server(vec![own.pair()], auth);
        assert_eq!(tls.still_trusts(shown, at), expected, "{text}");
    }
}
