//! Several names on one listener.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use crate::harness::client::{Answer, Client, bearer, call};
use crate::harness::gateway::{READER, Setup};
use crate::harness::pki::Identity;
use crate::harness::site::Site;
use crate::harness::upstream::{Upstream, plain_server};

/// `localhost`, and beside it `one.test` with `*.wild.test`.
struct Names {
    site: Site,
    first: CertificateDer<'static>,
    other: Identity,
}

impl Names {
    fn new() -> Self {
        let site = Site::new();
        let first = site
            .authority
            .server(&["localhost", "any.test", "127.0.0.1"]);
        let other = site.authority.server(&["one.test", "*.wild.test"]);
        site.shelf.put_identity("server", &first);
        site.shelf.put_identity("other", &other);
        Self {
            first: first.certificate().clone(),
            site,
            other,
        }
    }

    fn setup(&self, upstream: &Upstream) -> Setup {
        let mut setup = self.site.setup(upstream, "").server(
            "allowed_hosts = [\"localhost\", \"any.test\", \"one.test\", \"a.wild.test\", \"127.0.0.1\"]",
        );
        setup.config.push_str(&format!(
            "[[server.tls.certificates]]\ncert_path = {:?}\nkey_path = {:?}\n",
            self.site.shelf.path("other.crt"),
            self.site.shelf.path("other.key"),
        ));
        setup
    }
}

fn call_as(client: &mut Client, host: &str) -> Answer {
    let body = call(1, "read_a");
    client.exchange(format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{body}",
        body.len(),
        bearer(READER)
    ))
}

#[test]
fn the_name_that_a_client_asks_for_picks_the_certificate() {
    let (names, upstream) = (Names::new(), Upstream::start(plain_server));
    let gateway = names.setup(&upstream).start();
    for (name, expected) in [
        ("localhost", &names.first),
        ("any.test", &names.first),
        ("ONE.test", names.other.certificate()),
        ("one.test", names.other.certificate()),
        ("a.wild.test", names.other.certificate()),
        // An address is no name.
        ("127.0.0.1", &names.first),
    ] {
        let visitor = Arc::clone(&names.site.visitor);
        let mut client = Client::connect_tls(gateway.address, &visitor, name);
        assert!(client.agreed().certificate == *expected, "{name}");
        let host = format!("{}:{}", name.to_lowercase(), gateway.address.port());
        assert_eq!(call_as(&mut client, &host).status, 200, "{name}");
    }
    // A wildcard stands for one label, and others get the first certificate, which they do not trust for their name.
    for name in ["a.b.wild.test", "wild.test", "else.test"] {
        assert!(Client::try_tls(gateway.address, &names.site.visitor, name).is_err());
    }
}

#[test]
fn a_request_for_another_host_than_the_connection_is_misdirected() {
    let (names, upstream) = (Names::new(), Upstream::start(plain_server));
    let gateway = names.setup(&upstream).start();
    for (name, host, status) in [
        ("one.test", "one.test", 200),
        ("one.test", "ONE.test", 200),
        ("one.test", "one.test:443", 200),
        ("one.test", "localhost", 421),
        ("one.test", "a.wild.test", 421),
        ("a.wild.test", "one.test", 421),
        ("localhost", "one.test", 421),
        ("localhost", "localhost", 200),
        // No name was sent.
        ("127.0.0.1", "one.test", 200),
        ("127.0.0.1", "localhost", 200),
        // Whatever TLS says, strangers stay strangers.
        ("localhost", "evil.test", 421),
    ] {
        let mut client = Client::connect_tls(gateway.address, &names.site.visitor, name);
        let before = upstream.count();
        let answer = call_as(&mut client, host);
        assert_eq!(answer.status, status, "{name} {host}: {answer:?}");
        assert_eq!(upstream.count() - before, usize::from(status == 200));
    }
}
