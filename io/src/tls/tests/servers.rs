//! Which certificate a listener shows, and which a client takes.

use std::time::SystemTime;

use super::*;
use crate::tls::testing::HOUR;

#[test]
fn name_that_is_asked_for_picks_the_certificate() {
    let ours = Authority::new("ours");
    let names: [&[&str]; 4] = [
        &["first.test"],
        &["*.wild.test"],
        &["a.wild.test", "Mixed.Test"],
        &["first.test", "*.first.test"],
    ];
    let issued = names.map(|names| ours.issue(names, |_| {}));
    let expected = [
        ("first.test", Some(0)),
        ("FIRST.test", Some(0)),
        ("b.wild.test", Some(1)),
        ("a.wild.test", Some(2)),
        ("mixed.test", Some(2)),
        ("x.first.test", Some(3)),
        // The first is shown, and is not for these.
        ("b.c.wild.test", None),
        ("wild.test", None),
        ("other.test", None),
        ("127.0.0.1", None),
    ];
    on_each_driver(async || {
        let listener = server(issued.iter().map(Issued::pair).collect(), ClientAuth::None);
        for (_, speaks) in VERSIONS {
            for (name, index) in expected {
                let client = client(speaks, ours.trust(), None);
                let (near, far) = shake(&client, &listener, name).await;
                match index {
                    Some(index) => {
                        let shown = &near.unwrap().with_certificates(|shown| shown[0].clone());
                        let chains = issued.iter().map(|issued| issued.pair().chain[0].clone());
                        assert_eq!(
                            chains.collect::<Vec<_>>().iter().position(|it| it == shown),
                            Some(index),
                            "{name}"
                        );
                        let asked = far.unwrap().tls_peer().unwrap().server_name.clone();
                        assert_eq!(asked.as_deref(), Some(&*name.to_lowercase()));
                    }
                    None => assert!(
                        matches!(near, Err(HandshakeFailure::Certificate(_))),
                        "{name}"
                    ),
                }
            }
        }
    });
}

#[test]
fn client_takes_no_server_but_the_one_that_it_named() {
    let ours = Authority::new("ours");
    let good = ours.issue(&["localhost"], |_| {});
    let expired = ours.issue(&["localhost"], |params| {
        params.not_before = (SystemTime::now() - 3 * HOUR).into();
        params.not_after = (SystemTime::now() - HOUR).into();
    });
    let foreign = Authority::new("theirs").issue(&["localhost"], |_| {});
    let for_ip = ours.issue(&["127.0.0.1"], |_| {});
    let rows = [
        (&good, "localhost", true),
        (&good, "localhost.test", false),
        (&expired, "localhost", false),
        (&foreign, "localhost", false),
        (&for_ip, "127.0.0.1", true),
        (&for_ip, "127.0.0.2", false),
    ];
    on_each_driver(async || {
        for (_, speaks) in VERSIONS {
            for (issued, name, is_taken) in rows {
                let listener = server(vec![issued.pair()], ClientAuth::None);
                let client = client(speaks, ours.trust(), None);
                let (near, far) = shake(&client, &listener, name).await;
                assert_eq!(near.is_ok(), is_taken, "{name}");
                if !is_taken {
                    assert!(matches!(near, Err(HandshakeFailure::Certificate(_))));
                    assert!(matches!(far, Err(HandshakeFailure::Protocol(_))), "{far:?}");
                }
            }
        }
    });
}

#[test]
fn oldest_version_is_kept() {
    let ours = Authority::new("ours");
    let own = ours.issue(&["localhost"], |_| {});
    on_each_driver(async || {
        let listener = ServerTls::new(ServerTlsSpec {
            certificates: vec![own.pair()],
            client_auth: ClientAuth::None,
            min_version: MinVersion::Tls13,
        })
        .unwrap();
        for (version, speaks) in VERSIONS {
            let client = client(speaks, ours.trust(), None);
            let (near, far) = shake(&client, &listener, "localhost").await;
            assert_eq!(near.is_ok(), version == "TLSv1.3");
            assert_eq!(far.is_ok(), version == "TLSv1.3");
        }
    });
}

#[test]
fn material_that_does_not_fit_is_refused_with_its_place() {
    let ours = Authority::new("ours");
    let [one, two] = [(); 2].map(|()| ours.issue(&["localhost"], |_| {}));
    let mixed = KeyPair::from_pem(one.chain.as_bytes(), two.key.as_bytes()).unwrap();
    let spec = |certificates, client_auth| ServerTlsSpec {
        certificates,
        client_auth,
        min_version: MinVersion::Tls12,
    };
    let refused = |certificates, auth| ServerTls::new(spec(certificates, auth)).unwrap_err();
    let mismatch = refused(vec![one.pair(), mixed], ClientAuth::None);
    assert_eq!(mismatch, (1, TlsError::KeyMismatch));
    assert_eq!(
        refused(vec![], ClientAuth::None),
        (0, TlsError::NoCertificate)
    );
    let nobody = ClientAuth::Required(Trust::default());
    assert_eq!(refused(vec![one.pair()], nobody), (1, TlsError::NoTrust));
    let client = ClientTls::new(ClientTlsSpec {
        trust: Trust::default(),
        certificate: None,
    });
    assert_eq!(client.unwrap_err(), TlsError::NoTrust);
    let shown = format!(
        "{:?} {:?}",
        one.pair(),
        server(vec![one.pair()], ClientAuth::None)
    );
    assert!(!shown.contains("PRIVATE") && shown.len() < 200, "{shown}");
}
