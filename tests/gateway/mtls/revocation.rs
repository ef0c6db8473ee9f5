//! Certificates that their authority took back.

use super::{IDENTITIES, assert_no_connection, call_as, client_as, setup};
use crate::harness::client::{bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::READER;
use crate::harness::pki::Authority;
use crate::harness::site::Site;
use crate::harness::upstream::{Step, Upstream, chunk, plain_server, sse_head};

#[test]
fn a_revoked_certificate_gets_no_connection() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let [alice, bob] = ["alice", "bob"].map(|name| site.clients.client(name));
    site.shelf
        .put("clients.crl", &site.clients.revokes(&[&alice]));
    let gateway = setup(&site, &upstream, "required", "").start();
    assert_no_connection(&site, &gateway, Some(&alice));
    assert_eq!(call_as(&site, &gateway, &bob, "read_a").status, 200);
}

#[test]
fn a_connection_ends_with_the_revocation_of_its_certificate() {
    let upstream = Upstream::start(|request| match request.head.starts_with("GET") {
        true => vec![sse_head(""), chunk(": open\n\n"), Step::AwaitClose],
        false => plain_server(request),
    });
    let site = Site::new();
    let gateway = setup(&site, &upstream, "required", "").start();
    let [alice, bob] = ["alice", "bob"].map(|name| site.clients.client(name));
    let visitor = site.visitor_as(&alice);
    let mut open = gateway.tls_client(&visitor);
    let mut other = client_as(&site, &gateway, &bob);
    let request = post("/mcp", "", &call(1, "read_a"));
    assert_eq!(open.exchange(&request).status, 200);
    assert_eq!(other.exchange(&request).status, 200);
    let mut stream = gateway.tls_client(&visitor);
    stream
        .send("GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        .stream_until_head_and("open");
    site.shelf
        .put("clients.crl", &site.clients.revokes(&[&alice]));
    gateway.reload();
    let refused = open.send(&request).try_answer();
    assert!(
        refused.as_ref().is_none_or(|answer| answer.status == 401),
        "{refused:?}"
    );
    let _ = stream.rest();
    eventually("the stream's upstream is let go", || {
        (upstream.closed_by_gateway() == 1).then_some(())
    });
    assert_eq!(other.exchange(&request).status, 200, "others live on");
    // A session of before does not bring the certificate back.
    let resumed = crate::harness::client::Client::try_tls(gateway.address, &visitor, "localhost");
    if let Ok(mut client) = resumed {
        assert!(client.send(&request).rest().is_empty());
    }
    assert_no_connection(&site, &gateway, Some(&alice));
}

#[test]
fn a_new_list_is_noticed_without_a_reload() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = setup(&site, &upstream, "required", "").start();
    let alice = site.clients.client("alice");
    let mut open = client_as(&site, &gateway, &alice);
    let request = post("/mcp", "", &call(1, "read_a"));
    assert_eq!(open.exchange(&request).status, 200);
    site.shelf
        .put("clients.crl", &site.clients.revokes(&[&alice]));
    eventually("the next request is refused", || {
        match open.send(&request).try_answer() {
            None => Some(()),
            Some(answer) => (answer.status == 401).then_some(()),
        }
    });
    assert_no_connection(&site, &gateway, Some(&alice));
}

#[test]
fn an_authority_that_is_no_longer_trusted_takes_its_clients_along() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let mut setup = site.setup(
        &upstream,
        &format!(
            "client_auth = \"required\"\nclient_ca_path = {:?}\n",
            site.shelf.path("clients.pem")
        ),
    );
    setup.config.push_str(&format!(
        "[auth.mtls]\nenabled = true\nidentity_source = \"cn\"\n{IDENTITIES}"
    ));
    let gateway = setup.start();
    let mut open = client_as(&site, &gateway, &site.clients.client("alice"));
    let request = post("/mcp", "", &call(1, "read_a"));
    assert_eq!(open.exchange(&request).status, 200);
    let next = Authority::root("next");
    site.shelf.put("clients.pem", &next.pem());
    gateway.reload();
    let refused = open.send(&request).try_answer();
    assert!(
        refused.as_ref().is_none_or(|answer| answer.status == 401),
        "{refused:?}"
    );
    let alice = next.client("alice");
    assert_eq!(call_as(&site, &gateway, &alice, "read_a").status, 200);
}

#[test]
fn who_showed_no_certificate_is_gone_once_one_is_required() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, &site.client_auth("optional")).start();
    let mut open = site.client(&gateway);
    let mut shown = client_as(&site, &gateway, &site.clients.client("alice"));
    let request = post("/mcp", &bearer(READER), &call(1, "read_a"));
    assert_eq!(open.exchange(&request).status, 200);
    assert_eq!(shown.exchange(&request).status, 200);
    let text = std::fs::read_to_string(gateway.config_path()).unwrap();
    let changed = text.replace("client_auth = \"optional\"", "client_auth = \"required\"");
    assert_ne!(text, changed);
    std::fs::write(gateway.config_path(), changed).unwrap();
    gateway.reload();
    let answered = open.send(&request).try_answer();
    assert!(answered.is_none(), "{answered:?}");
    assert_eq!(shown.exchange(&request).status, 200);
}
