//! `source = "header"`: a proxy in front speaks TLS and says who it met.

use base64::Engine as _;

use crate::harness::client::{Answer, bearer, call, post};
use crate::harness::gateway::{Gateway, READER, Setup};
use crate::harness::pki::{Lifetime, Subject, pem};
use crate::harness::site::Site;
use crate::harness::upstream::{Upstream, plain_server};

/// Believes `proxies`, in `format`.
fn setup(upstream: &Upstream, proxies: &str, format: &str) -> Setup {
    let mut setup = Setup::in_front_of(&upstream.url());
    setup.config.push_str(&format!(
        "\n[auth.mtls]\nenabled = true\nsource = \"header\"\nheader_format = \"{format}\"\nidentity_source = \"cn\"\ntrusted_proxy_ips = [\"{proxies}\"]\n{}",
        super::IDENTITIES
    ));
    setup
}

fn with(gateway: &Gateway, fields: &str, tool: &str) -> Answer {
    gateway
        .client()
        .exchange(post("/mcp", fields, &call(7, tool)))
}

const MARKER: &str = "X-Client-Cert-Verified: SUCCESS\r\n";
const ALICE: &str = "X-Client-Cert-CN: alice\r\n";

/// How a proxy writes a certificate into a header.
type Written = fn(&[u8]) -> String;

#[test]
fn a_trusted_proxy_says_who_the_client_is() {
    let upstream = Upstream::start(plain_server);
    let gateway = setup(&upstream, "127.0.0.1", "plain").start();
    let good = format!("{MARKER}{ALICE}");
    assert_eq!(with(&gateway, &good, "read_a").status, 200);
    assert_eq!(with(&gateway, &good, "delete_all").code(), 40302);
    let record = gateway.record("a record of the call", |record| record["tool"] == "read_a");
    assert_eq!(record["identity_id"], "mtls:alice");
    let seen = upstream.requests()[0].head.to_lowercase();
    assert!(!seen.contains("x-client-cert"), "{seen}");
    assert_eq!(
        with(&gateway, &bearer(READER), "read_a").status,
        200,
        "who shows no certificate may show a key"
    );
}

#[test]
fn what_a_proxy_says_twice_or_halfway_is_refused() {
    let upstream = Upstream::start(plain_server);
    let gateway = setup(&upstream, "127.0.0.1", "plain").start();
    let bob = "X-Client-Cert-CN: bob\r\n";
    for fields in [
        ALICE.to_owned(),
        MARKER.to_owned(),
        format!("{MARKER}{ALICE}{ALICE}"),
        format!("{MARKER}{ALICE}{bob}"),
        format!("{MARKER}{MARKER}{ALICE}"),
        format!("X-Client-Cert-Verified: FAILED\r\n{MARKER}{ALICE}"),
        format!("X-Client-Cert-Verified: FAILED\r\n{ALICE}"),
        format!("X-Client-Cert-Verified: NONE\r\n{ALICE}"),
        format!("X-Client-Cert-Verified: success, SUCCESS\r\n{ALICE}"),
        format!("X-Client-Cert-Verified:\r\n{ALICE}"),
        format!("{MARKER}X-Client-Cert-CN:\r\n"),
        format!("{MARKER}X-Client-Cert-CN: carol\r\n"),
        format!("{MARKER}X_Client_Cert_CN: alice\r\n"),
        format!("{MARKER}X-Client-Cert-SAN-DNS: alice\r\n"),
        format!("{MARKER}{ALICE}{}", bearer(READER)),
    ] {
        let answer = with(&gateway, &fields, "read_a");
        assert!([400, 401].contains(&answer.status), "{fields}: {answer:?}");
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn from_anybody_else_the_same_headers_are_nothing_and_are_counted() {
    let upstream = Upstream::start(plain_server);
    let formats = [
        format!("{MARKER}{ALICE}"),
        "X-SSL-Client-Verify: SUCCESS\r\nX-SSL-Client-Cert: x\r\n".to_owned(),
        "X-Forwarded-Client-Cert: Hash=aa;Subject=\"CN=alice\"\r\n".to_owned(),
        "X-Forwarded-Tls-Client-Cert: x\r\n".to_owned(),
    ];
    for format in ["plain", "nginx", "envoy", "haproxy", "traefik"] {
        let gateway = setup(&upstream, "10.1.2.3", format).start();
        let before = upstream.count();
        for fields in &formats {
            assert_eq!(
                with(&gateway, fields, "read_a").status,
                401,
                "{format} {fields}"
            );
            let keyed = format!("{fields}{}", bearer(READER));
            assert_eq!(with(&gateway, &keyed, "read_a").status, 200, "{format}");
        }
        for seen in &upstream.requests()[before..] {
            let head = seen.head.to_lowercase();
            assert!(
                !head.contains("client-cert") && !head.contains("x-ssl"),
                "{head}"
            );
        }
        let counted = "mcp_guard_bounds_reached_total{bound=\"identity_header\"}";
        assert_eq!(
            gateway.metric(counted),
            12.0,
            "six fields, sent twice: {format}"
        );
    }
}

#[test]
fn an_address_that_somebody_else_told_of_is_not_trusted() {
    let upstream = Upstream::start(plain_server);
    let mut setup = setup(&upstream, "10.1.2.3", "plain");
    // The client's address may come out of a header here; whom to believe of certificates may not.
    setup.server = "trusted_proxies = [\"127.0.0.1\"]".to_owned();
    let gateway = setup.start();
    for told in [
        "X-Forwarded-For: 10.1.2.3\r\n",
        "Forwarded: for=10.1.2.3\r\n",
    ] {
        let answer = with(&gateway, &format!("{told}{MARKER}{ALICE}"), "read_a");
        assert_eq!(answer.status, 401, "{told}: {answer:?}");
    }
    assert_eq!(upstream.count(), 0);
}

fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

/// What nginx says of the certificate `der`.
fn nginx(der: &[u8]) -> String {
    let certificate = percent_encoded(&pem("CERTIFICATE", der));
    format!("X-SSL-Client-Verify: SUCCESS\r\nX-SSL-Client-Cert: {certificate}\r\n")
}

/// What Envoy says of it.
fn envoy(der: &[u8]) -> String {
    let (hash, certificate) = (sha256(der), percent_encoded(&pem("CERTIFICATE", der)));
    format!("X-Forwarded-Client-Cert: Hash={hash};Cert=\"{certificate}\"\r\n")
}

/// What Traefik says of it.
fn traefik(der: &[u8]) -> String {
    let base64 = base64::engine::general_purpose::STANDARD.encode(der);
    format!(
        "X-Forwarded-Tls-Client-Cert: {}\r\n",
        percent_encoded(&base64)
    )
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn certificates_in_headers_are_read_as_those_of_handshakes() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let good = site.clients.client("alice");
    let over = site
        .clients
        .client_with(&Subject::named("alice").ends(Lifetime::Over));
    let formats: [(&str, Written); 3] = [("nginx", nginx), ("envoy", envoy), ("traefik", traefik)];
    for (format, fields) in formats {
        let gateway = setup(&upstream, "127.0.0.1", format).start();
        let answer = with(&gateway, &fields(good.certificate()), "read_a");
        assert_eq!(answer.status, 200, "{format}: {answer:?}");
        let refused = with(&gateway, &fields(over.certificate()), "read_a");
        assert_eq!(refused.status, 401, "{format}: {refused:?}");
        let twice = fields(good.certificate()).repeat(2);
        let refused = with(&gateway, &twice, "read_a");
        assert!(
            [400, 401].contains(&refused.status),
            "{format}: {refused:?}"
        );
        // The plain format is another proxy's.
        let other = with(&gateway, &format!("{MARKER}{ALICE}"), "read_a");
        assert_eq!(other.status, 401, "{format}: {other:?}");
        let broken = fields(&good.certificate()[..200]);
        assert_eq!(with(&gateway, &broken, "read_a").status, 401, "{format}");
    }
    assert_eq!(upstream.count(), 3);
}
