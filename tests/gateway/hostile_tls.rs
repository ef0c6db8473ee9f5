//! TLS as an attacker would have it: on either side, in the middle, and in the files.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use crate::harness::client::{Answer, Client, bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{Gateway, READER, Setup};
use crate::harness::pki::Authority;
use crate::harness::site::Site;
use crate::harness::upstream::{Recorded, Step, Upstream, json, plain_server};

/// In front of `upstream`, which speaks TLS as `localhost`, with the certificate of `site`.
fn secured(site: &Site, upstream: &Upstream, keys: &str) -> Setup {
    let mut setup = Setup::in_front_of("");
    setup.config = format!(
        "[upstream]\nurl = \"{}\"\nera = \"both\"\ntls_ca_path = {:?}\n{keys}\n",
        upstream.url_as("localhost"),
        site.shelf.path("servers.pem"),
    );
    setup
}

/// An upstream under TLS that answers by `script`.
fn upstream_of(
    site: &Site,
    script: impl Fn(&Recorded) -> Vec<Step> + Send + Sync + 'static,
) -> Upstream {
    let server = site.authority.server(&["localhost"]);
    Upstream::start_tls(Authority::host(&server, None), script)
}

const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;

/// Whether a client would take `answer` for the server's whole result.
fn looks_whole(answer: &Answer) -> bool {
    answer.status == 200 && answer.is_complete && answer.text().contains("\"result\"")
}

/// Only what was framed whole, or whose end was announced, may look whole, whatever the client asked for.
#[test]
fn an_answer_that_was_cut_never_looks_whole() {
    let ends = [
        ("cut", Step::Cut),
        ("said", Step::Close),
        ("reset", Step::Reset),
    ];
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\nTransfer-Encoding: chunked\r\n\r\n";
    let length = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\nContent-Length: {}\r\n\r\n{RESULT}",
        RESULT.len() + 30
    );
    let until = format!("HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\n\r\n{RESULT}");
    let bodies = [
        ("length", length, false),
        (
            "chunks",
            format!("{chunked}{:x}\r\n{RESULT}\r\n", RESULT.len()),
            false,
        ),
        (
            "inside a chunk",
            format!("{chunked}{:x}\r\n{RESULT}", RESULT.len() + 30),
            false,
        ),
        (
            "before the last blank line",
            format!("{chunked}{:x}\r\n{RESULT}\r\n0\r\n", RESULT.len()),
            false,
        ),
        ("until close", until, true),
        ("no head", "HTTP/1.1 200 OK\r\nContent-".to_owned(), false),
    ];
    for (framing, wire, whole_when_said) in &bodies {
        for (end, last) in &ends {
            let site = Site::new();
            let (wire, last) = (wire.replace("TYPE", "application/json"), last.clone());
            let upstream = upstream_of(&site, move |_| {
                vec![Step::Send(wire.clone().into_bytes()), last.clone()]
            });
            let mut setup = secured(&site, &upstream, "");
            setup.config.push_str(&site.section(""));
            let gateway = setup.start();
            for tool in ["read_a", "read_b"] {
                let answer = site.post(&gateway, READER, &call(1, tool));
                let may = *whole_when_said && *end == "said";
                assert_eq!(looks_whole(&answer), may, "{framing}, {end}: {answer:?}");
            }
        }
    }
}

/// Whatever lies behind an answer is nobody's: not that of the next request.
#[test]
fn an_answer_that_nobody_asked_for_is_given_to_nobody() {
    let forged =
        r#"{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"forged"}]}}"#;
    let forged = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{forged}",
        forged.len()
    );
    let site = Site::new();
    let upstream = upstream_of(&site, move |request: &Recorded| {
        let mut steps = plain_server(request);
        // In one record with the answer, so that it is decrypted with it.
        if let Step::Send(bytes) = &mut steps[0] {
            bytes.extend_from_slice(forged.as_bytes());
        }
        steps
    });
    let mut setup = secured(&site, &upstream, "");
    setup.args = vec!["--workers".into(), "1".into()];
    let gateway = setup.start();
    let mut client = gateway.client();
    for id in 1..20 {
        let answer = client.exchange(post("/mcp", &bearer(READER), &call(id, "read_a")));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.text().contains("forged"), "{answer:?}");
        assert_eq!(answer.json()["id"], id);
    }
}

/// A pooled connection that ended while it idled, in any way, costs no request.
#[test]
fn pooled_connections_that_ended_are_not_used() {
    for last in [Step::Close, Step::Cut] {
        let site = Site::new();
        let end = last.clone();
        let upstream = upstream_of(&site, move |request: &Recorded| {
            let mut steps = plain_server(request);
            steps.push(end.clone());
            steps
        });
        let mut setup = secured(&site, &upstream, "");
        setup.args = vec!["--workers".into(), "1".into()];
        let gateway = setup.start();
        let mut client = gateway.client();
        for id in 1..10 {
            let served = client.exchange(post("/mcp", &bearer(READER), &call(id, "read_a")));
            assert_eq!(served.status, 200, "{last:?}: {served:?}");
            eventually("the upstream has closed", || {
                (upstream.open() == 0).then_some(())
            });
        }
        assert_eq!(upstream.count(), 9, "nothing was sent twice");
    }
}

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
    eventually("there is no room", || {
        let refused = Client::try_tls(gateway.address, &site.visitor, "localhost");
        refused.err()
    });
    drop(half);
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
