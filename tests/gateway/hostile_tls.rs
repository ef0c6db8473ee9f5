//! TLS as an attacker would have it: on either side, in the middle, and in the files.

mod upstreams;

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use crate::harness::client::{Client, bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{Gateway, READER, Setup};
use crate::harness::pki::{Authority, Lifetime, Subject};
use crate::harness::site::Site;
use crate::harness::upstream::{Recorded, Upstream, json, plain_server};

/// Certificates and their key are replaced one after the other while clients come and go.
#[test]
fn no_handshake_fails_while_files_are_replaced_half_by_half() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let (is_over, failed, met) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicUsize::new(0)),
    );
    let visitors: Vec<_> = (0..2)
        .map(|_| {
            let (is_over, failed, met) = (is_over.clone(), failed.clone(), met.clone());
            let (visitor, address) = (site.visitor.clone(), gateway.address);
            std::thread::spawn(move || {
                while !is_over.load(SeqCst) {
                    match Client::try_tls(address, &visitor, "localhost") {
                        Ok(client) => client.close(),
                        Err(_) => {
                            failed.fetch_add(1, SeqCst);
                        }
                    }
                    met.fetch_add(1, SeqCst);
                    std::thread::park_timeout(Duration::from_millis(5));
                }
            })
        })
        .collect();
    let shown = || site.client(&gateway).agreed().certificate;
    for key_first in [true, false] {
        let next = site.authority.server(&["localhost"]);
        let (first, second) = match key_first {
            true => (
                ("server.key", next.key_pem()),
                ("server.crt", next.chain_pem()),
            ),
            false => (
                ("server.crt", next.chain_pem()),
                ("server.key", next.key_pem()),
            ),
        };
        let before = met.load(SeqCst);
        // In place, with a torn file in between.
        let path = site.shelf.path(first.0);
        std::fs::write(&path, &first.1[..first.1.len() / 2]).unwrap();
        eventually("half a file is there for a while", || {
            (met.load(SeqCst) > before + 400).then_some(())
        });
        std::fs::write(&path, &first.1).unwrap();
        let before = met.load(SeqCst);
        eventually("half a pair is there for a while", || {
            (met.load(SeqCst) > before + 400).then_some(())
        });
        std::fs::write(site.shelf.path(second.0), &second.1).unwrap();
        eventually("the new certificate is shown", || {
            (shown() == *next.certificate()).then_some(())
        });
    }
    is_over.store(true, SeqCst);
    for visitor in visitors {
        visitor.join().unwrap();
    }
    assert_eq!(failed.load(SeqCst), 0, "of {}", met.load(SeqCst));
}

fn rewrite(gateway: &Gateway, from: &str, to: &str) {
    let text = std::fs::read_to_string(gateway.config_path()).unwrap();
    let changed = text.replace(from, to);
    assert_ne!(text, changed);
    std::fs::write(gateway.config_path(), changed).unwrap();
    gateway.reload();
}

/// A ticket says who its client was; it must not say so to a listener that has since learned to ask.
#[test]
fn a_ticket_of_before_is_no_way_around_a_certificate() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, &site.client_auth("optional")).start();
    let request = post("/mcp", &bearer(READER), &call(1, "read_a"));
    let mut open = site.client(&gateway);
    assert_eq!(open.exchange(&request).status, 200);
    rewrite(
        &gateway,
        "client_auth = \"optional\"",
        "client_auth = \"required\"",
    );
    assert!(open.send(&request).try_answer().is_none(), "no certificate");
    let before = upstream.count();
    if let Ok(mut client) = Client::try_tls(gateway.address, &site.visitor, "localhost") {
        assert!(client.send(&request).rest().is_empty());
    }
    assert_eq!(upstream.count(), before);
}

/// A proxy sends requests of many clients over one connection.
#[test]
fn what_a_proxy_told_of_one_request_is_not_remembered_for_the_next() {
    let upstream = Upstream::start(plain_server);
    let mut setup = Setup::in_front_of(&upstream.url());
    setup.config.push_str("\n[auth.mtls]\nenabled = true\nsource = \"header\"\nheader_format = \"plain\"\nidentity_source = \"cn\"\ntrusted_proxy_ips = [\"127.0.0.1\"]\n[[auth.mtls.identities]]\nmatch = \"alice\"\nallowed_tools = [\"read_*\"]\n[[auth.mtls.identities]]\nmatch = \"bob\"\nallowed_tools = [\"*\"]\n");
    let gateway = setup.start();
    let mut proxy = gateway.client();
    let verified =
        |name: &str| format!("X-Client-Cert-Verified: SUCCESS\r\nX-Client-Cert-CN: {name}\r\n");
    let rows = [
        (verified("bob"), 200, false),
        (verified("alice"), 200, true),
        (String::new(), 401, false),
        (verified("bob"), 200, false),
        (verified("mallory"), 401, false),
        ("X-Client-Cert-CN: bob\r\n".to_owned(), 401, false),
        ("X-Client-Cert-Verified: NONE\r\n".to_owned(), 401, false),
        (verified("alice"), 200, true),
        (verified("bob, alice"), 401, false),
        (verified("bob") + "X-Client-Cert-CN: bob\r\n", 401, false),
        (verified("BOB"), 401, false),
    ];
    for (fields, status, is_denied) in rows {
        let answer = proxy.exchange(post("/mcp", &fields, &call(1, "delete_all")));
        assert_eq!(answer.status, status, "{fields}: {answer:?}");
        assert_eq!(
            answer.text().contains("40302"),
            is_denied,
            "{fields}: {answer:?}"
        );
    }
    let called = upstream.requests().len();
    assert_eq!(called, 2, "bob's");
}

/// Who holds a handshake open holds up neither the others nor the end of the process.
#[test]
fn handshakes_that_drip_are_in_nobodys_way() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let mut gateway = site.setup(&upstream, "").start();
    let mut dripping: Vec<_> = (0..200)
        .map(|_| TcpStream::connect(gateway.address).unwrap())
        .collect();
    for round in 0..5 {
        for stream in &mut dripping {
            let _ = stream.write_all(&b"\x16\x03\x01\x02\x00"[round..=round]);
        }
        let answer = site.post(&gateway, READER, &call(1, "read_a"));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    gateway.signal(libc::SIGTERM);
    let begun = Instant::now();
    assert!(gateway.wait().success());
    // Far below the ten seconds that a handshake may take.
    assert!(
        begun.elapsed() < Duration::from_secs(7),
        "{:?}",
        begun.elapsed()
    );
}

/// One address has its share of handshakes, and no more.
#[test]
fn handshakes_count_as_connections() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let mut setup = site.setup(&upstream, "");
    setup
        .config
        .push_str("\n[server.limits]\nconnections_per_ip = 10\n");
    let gateway = setup.start();
    let mut half: Vec<_> = (0..10)
        .map(|_| TcpStream::connect(gateway.address).unwrap())
        .collect();
    for stream in &mut half {
        stream.write_all(b"\x16\x03\x01\x02").unwrap();
    }
    // One may come before the last of those is accepted, and then stays.
    let mut before = Vec::new();
    eventually("there is no room", || {
        match Client::try_tls(gateway.address, &site.visitor, "localhost") {
            Ok(client) => {
                before.push(client);
                None
            }
            Err(refused) => Some(refused),
        }
    });
    assert!(before.len() < 10, "{}", before.len());
    drop((half, before));
    eventually("there is room again", || {
        Client::try_tls(gateway.address, &site.visitor, "localhost").ok()
    });
}

/// Bytes of the request that stand in one record with others, or in many, are those of one connection in their order.
#[test]
fn requests_do_not_depend_on_the_bounds_of_records() {
    let site = Site::new();
    let upstream = Upstream::start(|request: &Recorded| {
        json(&format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#,
            request.json()["id"]
        ))
    });
    let gateway = site.setup(&upstream, "").start();
    let requests: String = (1..=6)
        .map(|id| post("/mcp", &bearer(READER), &call(id, "read_a")))
        .collect();
    for size in [1, 2, 3, 5, 64, 300, 1000] {
        let mut client = site.client(&gateway);
        for part in requests.as_bytes().chunks(size) {
            client.send(part);
        }
        for id in 1..=6 {
            assert_eq!(client.answer().json()["id"], id, "{size}");
        }
    }
}

const ALICE: &str = "identity_source = \"cn\"\n[[auth.mtls.identities]]\nmatch = \"alice\"\nallowed_tools = [\"read_*\"]\n[auth.anonymous]\nallowed_tools = [\"read_*\"]\n";

/// Where callers without a credential are let in, one with a bad one is not one of them.
#[test]
fn a_bad_certificate_makes_nobody_anonymous() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let mut setup = site.setup(&upstream, &site.client_auth("optional"));
    setup.config += &format!("[auth.mtls]\nenabled = true\n{ALICE}");
    let gateway = setup.start();
    let request = post("/mcp", "", &call(1, "read_a"));
    let mut nobody = site.client(&gateway);
    assert_eq!(nobody.exchange(&request).status, 200);
    let of = |subject: &Subject| site.clients.client_with(subject);
    let unmapped = of(&Subject::named("mallory"));
    let mut client = gateway.tls_client(&site.visitor_as(&unmapped));
    assert_eq!(client.exchange(&request).status, 401);
    let stranger = Authority::root("clients").client("alice");
    let over = of(&Subject::named("alice").ends(Lifetime::Over));
    for (what, bad) in [("stranger", stranger), ("over", over)] {
        let visitor = site.visitor_as(&bad);
        let met = Client::try_tls(gateway.address, &visitor, "localhost");
        let answered = met.map(|mut client| client.send(&request).rest());
        assert!(answered.is_ok_and(|bytes| bytes.is_empty()), "{what}");
    }
    let short = of(&Subject::named("alice").ends(Lifetime::For(Duration::from_secs(3))));
    let mut alice = gateway.tls_client(&site.visitor_as(&short));
    assert_eq!(alice.exchange(&request).status, 200);
    eventually("its certificate ends", || {
        let answer = alice.send(&request).try_answer();
        answer
            .is_none_or(|answer| answer.status == 401)
            .then_some(())
    });
}

/// The same of what a proxy tells; from others it is as if it were not there.
#[test]
fn bad_headers_make_nobody_anonymous() {
    let upstream = Upstream::start(plain_server);
    for (proxy, expected) in [("127.0.0.1", 401), ("127.0.0.2", 200)] {
        for (format, fields) in [
            ("plain", "X-Client-Cert-Verified: FAILED\r\n"),
            ("plain", "X-Client-Cert-CN: alice\r\n"),
            ("plain", "X-Client-Cert-Verified: SUCCESS\r\n"),
            (
                "plain",
                "X-Client-Cert-Verified: NONE\r\nX-Client-Cert-Verified: NONE\r\n",
            ),
            ("plain", "X-Client-Cert-Verified: none\r\n"),
            ("nginx", "X-SSL-Client-Verify: FAILED:expired\r\n"),
            ("nginx", "X-SSL-Client-Verify: SUCCESS\r\n"),
            ("nginx", "X-SSL-Client-Cert: x\r\n"),
            (
                "haproxy",
                "X-SSL-Client-Used: 1\r\nX-SSL-Client-Verify: 10\r\n",
            ),
            ("haproxy", "X-SSL-Client-Used: 1\r\n"),
            ("haproxy", "X-SSL-Client-DER: AAAA\r\n"),
            ("envoy", "X-Forwarded-Client-Cert:\r\n"),
            ("envoy", "X-Forwarded-Client-Cert: Subject=\"CN=alice\"\r\n"),
            ("envoy", "X-Forwarded-Client-Cert: Hash=00,Hash=00\r\n"),
            ("traefik", "X-Forwarded-Tls-Client-Cert: ,\r\n"),
        ] {
            let mut setup = Setup::in_front_of(&upstream.url());
            setup.config += &format!(
                "\n[auth.mtls]\nenabled = true\nsource = \"header\"\nheader_format = \"{format}\"\ntrusted_proxy_ips = [\"{proxy}\"]\n{ALICE}"
            );
            let gateway = setup.start();
            let request = post("/mcp", fields, &call(1, "read_a"));
            let answer = gateway.client().exchange(request);
            assert_eq!(answer.status, expected, "{format} {fields}: {answer:?}");
        }
    }
    let reached = upstream.requests();
    let is_told = |seen: &Recorded| seen.head.to_lowercase().contains("client");
    assert!(!reached.iter().any(is_told), "{reached:?}");
}

/// Neither open connections nor handshakes notice reloads, with new files or old ones.
#[test]
fn reloads_in_a_row_fail_no_request() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, &site.client_auth("optional")).start();
    let is_over = Arc::new(AtomicBool::new(false));
    let alice = site.visitor_as(&site.clients.client("alice"));
    let callers: Vec<_> = [site.visitor.clone(), alice]
        .into_iter()
        .map(|visitor| {
            let (is_over, address) = (is_over.clone(), gateway.address);
            std::thread::spawn(move || {
                let request = post("/mcp", &bearer(READER), &call(1, "read_a"));
                let mut kept = Client::connect_tls(address, &visitor, "localhost");
                let mut served = 0;
                while !is_over.load(SeqCst) {
                    assert_eq!(kept.exchange(&request).status, 200);
                    let mut fresh = Client::connect_tls(address, &visitor, "localhost");
                    assert_eq!(fresh.exchange(&request).status, 200);
                    served += 1;
                }
                served
            })
        })
        .collect();
    for round in 0..30 {
        if round % 3 == 0 {
            let next = site.authority.server(&["localhost"]);
            site.shelf.put_identity("server", &next);
            site.shelf.put("clients.crl", &site.clients.revokes(&[]));
        }
        gateway.reload();
    }
    is_over.store(true, SeqCst);
    for caller in callers {
        assert!(caller.join().unwrap() > 0);
    }
}
