//! Tools that everybody has: `curl` and `openssl s_client`.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::harness::client::call;
use crate::harness::gateway::{Gateway, READER};
use crate::harness::site::Site;
use crate::harness::upstream::{Upstream, plain_server};

/// Whether `tool` can be run; says so where it cannot.
fn has(tool: &str, argument: &str) -> bool {
    let found = Command::new(tool).arg(argument).output().is_ok();
    if !found {
        eprintln!("skipped: {tool} is not installed");
    }
    found
}

fn curl(site: &Site, gateway: &Gateway, args: &[&str]) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20", "--cacert"])
        .arg(site.shelf.path("servers.pem"))
        .args(["--header", "Content-Type: application/json", "--data"])
        .arg(call(1, "read_a"))
        .args(args)
        .arg(format!("https://localhost:{}/mcp", gateway.address.port()))
        .args([
            "--connect-to",
            &format!("localhost::127.0.0.1:{}", gateway.address.port()),
        ])
        .output()
        .unwrap()
}

#[test]
fn curl_is_served() {
    if !has("curl", "--version") {
        return;
    }
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let key = format!("Authorization: Bearer {READER}");
    for version in [
        &["--tls-max", "1.2"][..],
        &["--tlsv1.3"],
        &["--http2"],
        &["--http1.0"],
    ] {
        let output = curl(&site, &gateway, &[&["--header", &key], version].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("called read_a"), "{version:?}: {output:?}");
    }
    let stranger = site.shelf.put("strangers.pem", &site.clients.pem());
    let refused = curl(
        &site,
        &gateway,
        &["--header", &key, "--cacert", &stranger.to_string_lossy()],
    );
    assert!(!refused.status.success(), "{refused:?}");
}

#[test]
fn curl_is_served_for_its_certificate() {
    if !has("curl", "--version") {
        return;
    }
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let mut setup = site.setup(&upstream, &site.client_auth("required"));
    setup.config.push_str(
        "[auth.mtls]\nenabled = true\nidentity_source = \"cn\"\nallowed_tools = [\"read_*\"]\n",
    );
    let gateway = setup.start();
    let (cert, key) = site
        .shelf
        .put_identity("curl", &site.clients.client("curl"));
    let shown = [
        "--cert",
        &cert.to_string_lossy(),
        "--key",
        &key.to_string_lossy(),
    ];
    let output = curl(&site, &gateway, &shown);
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("called read_a"),
        "{output:?}"
    );
    let without = curl(&site, &gateway, &[]);
    assert!(!without.status.success(), "{without:?}");
    assert_eq!(upstream.count(), 1);
}

#[test]
fn openssl_finds_a_good_chain_in_both_versions() {
    if !has("openssl", "version") {
        return;
    }
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    // A chain with an authority in between, which the listener must send.
    let between = site.authority.below("between");
    site.shelf
        .put_identity("server", &between.server(&["localhost"]));
    let gateway = site.setup(&upstream, "").start();
    for version in ["-tls1_2", "-tls1_3"] {
        let mut child = Command::new("openssl")
            .args([
                "s_client",
                version,
                "-verify_return_error",
                "-servername",
                "localhost",
            ])
            .args([
                "-verify_hostname",
                "localhost",
                "-alpn",
                "http/1.1",
                "-ign_eof",
                "-CAfile",
            ])
            .arg(site.shelf.path("servers.pem"))
            .args(["-connect", &gateway.address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        child.stdin.as_mut().unwrap().write_all(request).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            text.contains("Verify return code: 0 (ok)"),
            "{version}: {output:?}"
        );
        assert!(text.contains("ALPN protocol: http/1.1"), "{text}");
        assert!(text.contains("HTTP/1.1 200"), "{text}");
    }
}

#[test]
fn keys_of_every_kind_and_form_that_openssl_writes_are_taken() {
    if !has("openssl", "version") || !has("curl", "--version") {
        return;
    }
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let key = format!("Authorization: Bearer {READER}");
    // What is made, and what it is turned into.
    for (made, turned) in [
        ("rsa:2048", &["rsa", "-traditional"][..]),
        ("rsa:3072", &[]),
        ("ec:P-256", &["ec"]),
        ("ec:P-384", &[]),
        ("ed25519", &[]),
    ] {
        make_certificate(&site, made, turned);
        let gateway = site.setup(&upstream, "").start();
        for version in [["--tls-max", "1.2"], ["--tlsv1.3", "--http1.1"]] {
            let server = site.shelf.path("server.crt");
            let trust = ["--cacert", &server.to_string_lossy(), "--header", &key];
            let output = curl(&site, &gateway, &[&trust[..], &version].concat());
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(
                text.contains("called read_a"),
                "{made} {version:?}: {output:?}"
            );
        }
    }
}

/// Makes a certificate for `localhost` that vouches for itself, in the place of the site's.
fn make_certificate(site: &Site, made: &str, turned: &[&str]) {
    let (cert, key) = (site.shelf.path("server.crt"), site.shelf.path("server.key"));
    let run = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    let (cert, key) = (&*cert.to_string_lossy(), &*key.to_string_lossy());
    let curve = made.strip_prefix("ec:").unwrap_or_default();
    let group = format!("ec_paramgen_curve:{curve}");
    let kind = match curve {
        "" => vec!["-newkey", made],
        _ => vec!["-newkey", "ec", "-pkeyopt", &group],
    };
    let names = [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ];
    let files = [
        "req", "-x509", "-nodes", "-days", "2", "-keyout", key, "-out", cert,
    ];
    run(&[&files[..], &names, &kind].concat());
    if !turned.is_empty() {
        let next = &*site
            .shelf
            .path("server.key.next")
            .to_string_lossy()
            .into_owned();
        run(&[turned, &["-in", key, "-out", next]].concat());
        std::fs::rename(next, key).unwrap();
    }
}
