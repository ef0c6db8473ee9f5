//! Certificates whose files change while the gateway runs, and files that are no good.

use std::path::Path;
use std::process::Command;

use rustls::pki_types::CertificateDer;

use crate::harness::client::{Client, bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{Gateway, READER, Setup};
use crate::harness::pki::{Identity, Lifetime};
use crate::harness::site::Site;
use crate::harness::upstream::{Upstream, plain_server};

fn shown(site: &Site, gateway: &Gateway) -> CertificateDer<'static> {
    site.client(gateway).agreed().certificate
}

fn fresh(site: &Site) -> Identity {
    site.authority.server(&["localhost"])
}

#[track_caller]
fn assert_serves(client: &mut Client) {
    let answer = client.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn new_files_are_for_new_connections_and_old_connections_live_on() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let mut old = site.client(&gateway);
    assert_serves(&mut old);
    let next = fresh(&site);
    assert!(shown(&site, &gateway) != *next.certificate());
    site.shelf.put_identity("server", &next);
    eventually("the new certificate is shown", || {
        (shown(&site, &gateway) == *next.certificate()).then_some(())
    });
    assert_serves(&mut old);
    assert_serves(&mut site.client(&gateway));
}

#[test]
fn files_behind_swapped_links_are_noticed() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    // As Kubernetes mounts a secret: files are links into a folder that is a link itself, and only that one is swapped.
    let shelf = &site.shelf;
    let (first, second) = (fresh(&site), fresh(&site));
    shelf.put_identity("2026-01/tls", &first);
    shelf.put_identity("2026-02/tls", &second);
    shelf.link("..data", "2026-01");
    shelf.link("server.crt", "..data/tls.crt");
    shelf.link("server.key", "..data/tls.key");
    let gateway = site.setup(&upstream, "").start();
    assert!(shown(&site, &gateway) == *first.certificate());
    shelf.link("..data", "2026-02");
    eventually("the new certificate is shown", || {
        (shown(&site, &gateway) == *second.certificate()).then_some(())
    });
}

#[test]
fn a_bad_file_keeps_the_certificate_that_was_good() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let before = shown(&site, &gateway);
    site.shelf.put("server.crt", "no certificate");
    gateway.log_line("server.crt");
    assert!(shown(&site, &gateway) == before);
    // A key of another certificate, whichever of the two files came first.
    site.shelf.put("server.crt", &fresh(&site).chain_pem());
    assert!(shown(&site, &gateway) == before);
    let good = fresh(&site);
    site.shelf.put_identity("server", &good);
    eventually("the good one is shown", || {
        (shown(&site, &gateway) == *good.certificate()).then_some(())
    });
}

#[test]
fn a_reload_reads_the_files_at_once_and_refuses_bad_ones() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let next = fresh(&site);
    site.shelf.put_identity("server", &next);
    gateway.reload();
    assert!(shown(&site, &gateway) == *next.certificate());
    site.shelf.put("server.key", "no key");
    let refused = Client::connect(gateway.admin).exchange(format!(
        "POST /reload HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
        gateway.admin
    ));
    assert_ne!(refused.status, 200, "{refused:?}");
    assert!(shown(&site, &gateway) == *next.certificate());
    site.shelf.put("server.key", &next.key_pem());
    gateway.signal(libc::SIGHUP);
    assert_serves(&mut site.client(&gateway));
}

/// What `validate` and `run` say of the configuration at `path`; both must refuse it.
fn refusals(path: &Path) -> String {
    ["validate", "run"]
        .map(|command| {
            let output = Command::new(env!("CARGO_BIN_EXE_mcp-guard"))
                .arg("--config")
                .arg(path)
                .arg(command)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(1), "{command}: {output:?}");
            String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
        })
        .join("\n----\n")
}

#[test]
fn files_that_cannot_be_used_are_refused_by_name() {
    let upstream = Upstream::start(plain_server);
    for (file, text, word) in [
        ("server.crt", Some(""), "certificate"),
        (
            "server.crt",
            Some("-----BEGIN CERTIFICATE-----\n!!!\n"),
            "PEM",
        ),
        ("server.crt", None, "server.tls.cert_path"),
        ("server.key", Some("secret-secret"), "key"),
        ("server.key", None, "server.tls.key_path"),
        ("clients.pem", Some("nobody"), "authority"),
        ("clients.pem", None, "server.tls.client_ca_path"),
        ("clients.crl", Some("nothing"), "revocation"),
        ("clients.crl", None, "server.tls.crl_path"),
    ] {
        let site = Site::new();
        let setup = site.setup(&upstream, &site.client_auth("optional"));
        let path = site.shelf.path(file);
        match text {
            Some(text) => drop(site.shelf.put(file, text)),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("mcp-guard.toml");
        std::fs::write(&config, setup.text(&folder)).unwrap();
        let said = refusals(&config);
        for half in said.split("\n----\n") {
            assert!(half.contains(&*path.to_string_lossy()), "{file}: {half}");
            assert!(
                half.to_lowercase().contains(&word.to_lowercase()),
                "{word}: {half}"
            );
            assert!(!half.contains("secret-secret"), "{half}");
        }
    }
}

#[test]
fn the_key_of_another_certificate_is_refused() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    site.shelf.put("server.key", &fresh(&site).key_pem());
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mcp-guard.toml");
    std::fs::write(&config, site.setup(&upstream, "").text(&folder)).unwrap();
    let said = refusals(&config);
    assert!(
        said.contains("server.key") || said.contains("server.crt"),
        "{said}"
    );
    assert!(!said.contains("PRIVATE KEY"), "{said}");
}

#[test]
fn the_end_of_the_certificate_is_a_metric() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let soon = std::time::Duration::from_secs(3 * 24 * 3600);
    let ending = site
        .authority
        .server_that_ends(&["localhost"], Some(Lifetime::For(soon)));
    site.shelf.put_identity("server", &ending);
    let gateway = site.setup(&upstream, "").start();
    let metrics = gateway.admin_get("/metrics").text();
    let line = metrics
        .lines()
        .find(|line| line.starts_with("mcp_guard_tls_certificate_expiry_timestamp_seconds"))
        .unwrap_or_else(|| panic!("{metrics}"));
    let value: f64 = line.rsplit_once(' ').unwrap().1.parse().unwrap();
    let expected = crate::harness::issuer::now_secs() as f64 + soon.as_secs_f64();
    assert!((value - expected).abs() < 120.0, "{line}");
}

#[test]
fn tls_is_switched_on_and_off_by_a_reload() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut kept = gateway.client();
    assert_serves(&mut kept);
    let plain = std::fs::read_to_string(gateway.config_path()).unwrap();
    let secure = plain.clone() + &site.section("");
    std::fs::write(gateway.config_path(), &secure).unwrap();
    gateway.reload();
    let mut secured = site.client(&gateway);
    assert_serves(&mut secured);
    let request = post("/mcp", &bearer(READER), &call(1, "read_a"));
    let in_clear = kept.send(&request).try_answer();
    assert!(in_clear.is_none(), "what was in clear ends: {in_clear:?}");
    let mut refused = gateway.client();
    let answer = refused.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")));
    assert_eq!(answer.status, 400, "{answer:?}");
    std::fs::write(gateway.config_path(), &plain).unwrap();
    gateway.reload();
    assert_serves(&mut gateway.client());
    assert!(Client::try_tls(gateway.address, &site.visitor, "localhost").is_err());
    assert_eq!(upstream.count(), 3);
}

#[test]
fn certificates_change_under_load_without_a_failed_request() {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for stays in [true, false, false] {
            let (site, gateway) = (&site, &gateway);
            let (is_over, answered) = (&is_over, &answered);
            scope.spawn(move || {
                let mut kept = site.client(gateway);
                while !is_over.load(SeqCst) {
                    if !stays {
                        kept = site.client(gateway);
                    }
                    assert_serves(&mut kept);
                    answered.fetch_add(1, SeqCst);
                }
            });
        }
        for _ in 0..5 {
            site.shelf.put_identity("server", &fresh(&site));
            gateway.reload();
            let target = answered.load(SeqCst) + 30;
            eventually("requests are answered", || {
                (answered.load(SeqCst) >= target).then_some(())
            });
        }
        is_over.store(true, SeqCst);
    });
}
