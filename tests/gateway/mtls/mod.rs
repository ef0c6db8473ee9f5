//! Client certificates: who gets a connection, and who they are.

mod headers;
mod names;
mod proxies;
mod revocation;

use crate::harness::client::{Answer, Client, bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{ADMIN, Gateway, READER, Setup, key_entry};
use crate::harness::pki::{Authority, Identity, Lifetime, Subject};
use crate::harness::site::Site;
use crate::harness::upstream::{Upstream, answer, plain_server};

/// `alice` reads, `bob` does everything, and nobody else may do anything.
const IDENTITIES: &str = "[[auth.mtls.identities]]\nmatch = \"alice\"\nallowed_tools = [\"read_*\"]\n[[auth.mtls.identities]]\nmatch = \"bob\"\nallowed_tools = [\"*\"]\n";

/// Certificates are `wanted`, and their common names are identities, with further `keys` of `[auth.mtls]`.
fn setup(site: &Site, upstream: &Upstream, wanted: &str, keys: &str) -> Setup {
    let mut setup = site.setup(upstream, &site.client_auth(wanted));
    setup.config.push_str(&format!(
        "[auth.mtls]\nenabled = true\nidentity_source = \"cn\"\n{keys}\n{IDENTITIES}"
    ));
    setup
}

/// A connection that shows `identity`.
fn client_as(site: &Site, gateway: &Gateway, identity: &Identity) -> Client {
    gateway.tls_client(&site.visitor_as(identity))
}

/// `tool` is called without a bearer token, on a connection of its own that shows `identity`.
fn call_as(site: &Site, gateway: &Gateway, identity: &Identity, tool: &str) -> Answer {
    client_as(site, gateway, identity).exchange(post("/mcp", "", &call(7, tool)))
}

/// That who shows `identity` gets no connection, so no answer.
#[track_caller]
fn assert_no_connection(site: &Site, gateway: &Gateway, identity: Option<&Identity>) {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let visitor = site.authority.visitor_with(identity, &[version]);
        let Ok(mut client) = Client::try_tls(gateway.address, &visitor, "localhost") else {
            continue;
        };
        client.send(post("/mcp", &bearer(ADMIN), &call(1, "read_a")));
        let answered = client.rest();
        assert!(
            answered.is_empty(),
            "{}",
            String::from_utf8_lossy(&answered)
        );
        assert!(client.cut().is_some(), "an alert says so");
    }
}

#[test]
fn a_good_certificate_is_an_identity() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = setup(&site, &upstream, "required", "").start();
    let alice = site.clients.client("alice");
    let answer = call_as(&site, &gateway, &alice, "read_a");
    assert_eq!(answer.status, 200, "{answer:?}");
    let denied = call_as(&site, &gateway, &alice, "delete_all");
    assert_eq!((denied.status, denied.code()), (200, 40302));
    // Through an authority in between, which the client sends along. Each that signed has a list.
    let between = site.clients.below("between");
    let lists = site.clients.revokes(&[]) + &between.revokes(&[]);
    let bob = between.client("bob");
    assert_no_connection(&site, &gateway, Some(&bob));
    site.shelf.put("clients.crl", &lists);
    gateway.reload();
    assert_eq!(call_as(&site, &gateway, &bob, "delete_all").status, 200);
    let record = gateway.record("a record of the call", |record| record["tool"] == "read_a");
    assert_eq!(record["identity_id"], "mtls:alice");
    assert_eq!(record["auth_provider"], "mtls");
    assert!(gateway.metric("mcp_guard_auth_total{provider=\"mtls\",result=\"success\"}") >= 1.0);
}

#[test]
fn certificates_that_are_not_good_get_no_connection() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    for wanted in ["required", "optional"] {
        let gateway = setup(&site, &upstream, wanted, "").start();
        let of = |subject: Subject| site.clients.client_with(&subject);
        for identity in [
            of(Subject::named("alice").ends(Lifetime::Over)),
            of(Subject::named("alice").ends(Lifetime::NotYet)),
            of(Subject {
                is_for_servers: true,
                ..Subject::named("alice")
            }),
            Authority::root("clients").client("alice"),
            site.authority.client("alice"),
        ] {
            assert_no_connection(&site, &gateway, Some(&identity));
        }
        let alice = site.clients.client("alice");
        assert_eq!(call_as(&site, &gateway, &alice, "read_a").status, 200);
    }
    assert_eq!(upstream.count(), 2);
}

#[test]
fn without_a_certificate_there_is_a_connection_only_where_it_is_optional() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let required = setup(&site, &upstream, "required", "").start();
    assert_no_connection(&site, &required, None);
    assert_eq!(upstream.count(), 0);
    let optional = setup(&site, &upstream, "optional", "").start();
    let nobody = site
        .client(&optional)
        .exchange(post("/mcp", "", &call(1, "read_a")));
    assert_eq!((nobody.status, nobody.code()), (401, 40101));
    assert_eq!(
        site.post(&optional, READER, &call(1, "read_a")).status,
        200,
        "a key is as good as ever"
    );
}

#[test]
fn a_certificate_that_is_mapped_to_nobody_is_refused() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = setup(&site, &upstream, "required", "").start();
    for name in ["carol", "Alice", "alice2", "al", "*"] {
        let refused = call_as(&site, &gateway, &site.clients.client(name), "read_a");
        assert_eq!((refused.status, refused.code()), (401, 40101), "{name}");
        assert!(!refused.text().contains(name), "{refused:?}");
    }
    assert_eq!(upstream.count(), 0);
    assert!(
        gateway.metric("mcp_guard_auth_total{provider=\"mtls\",result=\"certificate_unmapped\"}")
            >= 5.0
    );
    gateway.record("the reason", |record| {
        record["event_type"] == "auth_failure"
            && record.to_string().contains("certificate_unmapped")
    });
    // With a default, they are who they are.
    let keys = "allowed_tools = [\"read_b\"]";
    let gateway = setup(&site, &upstream, "required", keys).start();
    let carol = site.clients.client("carol");
    assert_eq!(call_as(&site, &gateway, &carol, "read_b").status, 200);
    assert_eq!(call_as(&site, &gateway, &carol, "read_a").code(), 40302);
}

#[test]
fn a_certificate_beside_a_bearer_is_refused_unless_that_is_allowed() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let alice = site.clients.client("alice");
    let with = |gateway: &Gateway, key: &str, tool: &str| {
        client_as(&site, gateway, &alice).exchange(post("/mcp", &bearer(key), &call(1, tool)))
    };
    let strict = setup(&site, &upstream, "required", "").start();
    for key in [ADMIN, "mcp_wrong", "a.b.c"] {
        let refused = with(&strict, key, "read_a");
        assert_eq!(refused.status, 401, "{key}: {refused:?}");
    }
    assert_eq!(upstream.count(), 0);
    let lenient = setup(&site, &upstream, "required", "allow_bearer = true").start();
    // The bearer is the identity: it may what alice may not.
    assert_eq!(with(&lenient, ADMIN, "delete_all").status, 200);
    assert_eq!(
        with(&lenient, "mcp_wrong", "read_a").status,
        401,
        "a bad bearer never falls back on the certificate"
    );
    assert_eq!(call_as(&site, &lenient, &alice, "read_a").status, 200);
    lenient.record("the key is the identity", |record| {
        record["tool"] == "delete_all" && record["identity_id"] == "key:admin"
    });
}

#[test]
fn without_the_section_a_certificate_is_a_check_and_no_identity() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, &site.client_auth("required")).start();
    let alice = site.clients.client("alice");
    assert_eq!(call_as(&site, &gateway, &alice, "read_a").status, 401);
    let with_key = client_as(&site, &gateway, &alice).exchange(post(
        "/mcp",
        &bearer(READER),
        &call(1, "read_a"),
    ));
    assert_eq!(with_key.status, 200);
    assert_no_connection(&site, &gateway, None);
}

#[test]
fn a_key_and_a_certificate_of_one_name_are_two() {
    let upstream = Upstream::start(|request| match request.body.contains("initialize\"") {
        true => answer(
            200,
            "Content-Type: application/json\r\nMcp-Session-Id: upstream-1\r\n",
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ),
        false => plain_server(request),
    });
    let site = Site::new();
    let mut setup = setup(&site, &upstream, "optional", "")
        .rate_limit("requests_per_second = 0.01\nburst_size = 4");
    const KEY: &str = "mcp_YWxpY2UtYWxpY2UtYWxpY2UtYWxpY2UtYWxpY2UtYWw";
    setup
        .config
        .push_str(&key_entry("alice", KEY, "[\"read_*\"]"));
    let gateway = setup.start();
    let [alice, bob] = ["alice", "bob"].map(|name| site.clients.client(name));
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let opened = client_as(&site, &gateway, &alice).exchange(post("/mcp", "", initialize));
    let session = format!(
        "Mcp-Session-Id: {}\r\n",
        opened.header("mcp-session-id").unwrap()
    );
    let request = |fields: &str| post("/mcp", fields, &call(2, "read_a"));
    let own = client_as(&site, &gateway, &alice).exchange(request(&session));
    assert_eq!(own.status, 200, "{own:?}");
    let others = client_as(&site, &gateway, &bob).exchange(request(&session));
    assert_eq!(others.status, 404, "another certificate: {others:?}");
    let fields = format!("{session}{}", bearer(KEY));
    let keys = site.client(&gateway).exchange(request(&fields));
    assert_eq!(keys.status, 404, "the key of the same name: {keys:?}");
    // Two requests of alice's four are used; of the key's four as many as were charged to it.
    let statuses = [0; 3].map(|_| call_as(&site, &gateway, &alice, "read_a").status);
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(site.post(&gateway, KEY, &call(1, "read_a")).status, 200);
}

#[test]
fn a_resumed_connection_is_of_the_same_identity() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = setup(&site, &upstream, "required", "").start();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let [alice, bob] = ["alice", "bob"].map(|name| {
            let identity = site.clients.client(name);
            site.authority.visitor_with(Some(&identity), &[version])
        });
        for round in 0..3 {
            for (visitor, code) in [(&alice, Some(40302)), (&bob, None)] {
                let mut client = gateway.tls_client(visitor);
                let answer = client.exchange(post("/mcp", "", &call(1, "delete_all")));
                assert_eq!(answer.status, 200, "{answer:?}");
                let told = answer.json()["error"]["code"].as_i64();
                assert_eq!(told, code, "{version:?} {round}");
                assert_eq!(client.agreed().is_resumed, round > 0, "{version:?} {round}");
            }
        }
    }
}

#[test]
fn a_connection_does_not_outlive_its_certificate() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = setup(&site, &upstream, "required", "").start();
    let soon = Lifetime::For(std::time::Duration::from_secs(4));
    let brief = site
        .clients
        .client_with(&Subject::named("alice").ends(soon));
    let mut client = client_as(&site, &gateway, &brief);
    let request = post("/mcp", "", &call(1, "read_a"));
    assert_eq!(client.exchange(&request).status, 200);
    eventually("the certificate is over", || {
        let is_refused = client.send(&request).try_answer()?.status == 401;
        is_refused.then_some(())
    });
}

#[test]
fn nobody_with_a_certificate_is_anonymous() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let mut setup = setup(&site, &upstream, "optional", "");
    setup
        .config
        .push_str("[auth.anonymous]\nallowed_tools = [\"read_a\"]\n");
    let gateway = setup.start();
    let carol = site.clients.client("carol");
    assert_eq!(call_as(&site, &gateway, &carol, "read_a").status, 401);
    let no_name = site.clients.client_with(&Subject::default());
    assert_eq!(call_as(&site, &gateway, &no_name, "read_a").status, 401);
    assert_eq!(upstream.count(), 0);
    let nobody = site
        .client(&gateway)
        .exchange(post("/mcp", "", &call(1, "read_a")));
    assert_eq!(nobody.status, 200, "who shows none is: {nobody:?}");
}

#[test]
fn a_reload_takes_an_identity_from_a_connection_that_is_open() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = setup(&site, &upstream, "required", "").start();
    let mut open = client_as(&site, &gateway, &site.clients.client("alice"));
    let request = post("/mcp", "", &call(1, "read_a"));
    assert_eq!(open.exchange(&request).status, 200);
    let text = std::fs::read_to_string(gateway.config_path()).unwrap();
    let changed = text.replace("match = \"alice\"", "match = \"alicia\"");
    assert_ne!(text, changed);
    std::fs::write(gateway.config_path(), changed).unwrap();
    gateway.reload();
    assert_eq!(open.exchange(&request).status, 401);
}
