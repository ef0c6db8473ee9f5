//! Real proxies in front, which speak TLS and tell of the certificates that they were shown: nginx and HAProxy, with the
//! configuration that `docs/identity.md` gives for them. Skipped where they are not installed.

use crate::harness::client::{Client, bearer, call, post};
use crate::harness::gateway::{Gateway, READER, Setup};
use crate::harness::pki::{Authority, Identity, Subject};
use crate::harness::proxy::Proxy;
use crate::harness::site::Site;
use crate::harness::upstream::{Upstream, plain_server};

fn gateway(upstream: &Upstream, format: &str) -> Gateway {
    let mut setup = Setup::in_front_of(&upstream.url());
    setup.config.push_str(&format!(
        "\n[auth.mtls]\nenabled = true\nsource = \"header\"\nheader_format = \"{format}\"\nidentity_source = \"cn\"\ntrusted_proxy_ips = [\"127.0.0.1\"]\n{}",
        super::IDENTITIES
    ));
    setup.start()
}

/// What holds for every proxy that asks for certificates and lets nobody in with a bad one.
fn check(site: &Site, upstream: &Upstream, gateway: &Gateway, proxy: &Proxy) {
    let status = |identity: Option<&Identity>, fields: &str, tool: &str| {
        let visitor = match identity {
            Some(identity) => site.visitor_as(identity),
            None => site.authority.visitor(),
        };
        let mut client = Client::try_tls(proxy.address, &visitor, "localhost").ok()?;
        let answer = client
            .send(post("/mcp", fields, &call(1, tool)))
            .try_answer()?;
        Some((answer.status, answer.text()))
    };
    let [alice, carol] = ["alice", "carol"].map(|name| site.clients.client(name));
    let (code, text) = status(Some(&alice), "", "read_a").unwrap();
    assert!(
        code == 200 && text.contains("called read_a"),
        "{code} {text}"
    );
    let (code, text) = status(Some(&alice), "", "delete_all").unwrap();
    assert!(code == 200 && text.contains("40302"), "{code} {text}");
    assert_eq!(status(Some(&carol), "", "read_a").unwrap().0, 401);
    let before = upstream.count();
    // What a client says of itself is overwritten, and is no certificate.
    let forged = "X-SSL-Client-Verify: SUCCESS\r\nX-SSL-Client-Verify: 0\r\nX-SSL-Client-Used: 1\r\nX-SSL-Client-Cert: x\r\nX-SSL-Client-DER: x\r\nX-Client-Cert-CN: alice\r\nX-Client-Cert-Verified: SUCCESS\r\n";
    assert_eq!(status(None, forged, "read_a").unwrap().0, 401);
    let (code, text) = status(Some(&alice), forged, "read_a").unwrap();
    assert!(
        code == 200 && text.contains("called read_a"),
        "{code} {text}"
    );
    assert_eq!(status(None, "", "read_a").unwrap().0, 401);
    let keyed = status(None, &bearer(READER), "read_a").unwrap();
    assert_eq!(keyed.0, 200, "a key is as good as ever: {}", keyed.1);
    assert_eq!(upstream.count() - before, 2);
    // Certificates of others: whatever the proxy does with them, they are nobody.
    let strangers = Authority::root("clients");
    let over = Subject::named("alice").ends(crate::harness::pki::Lifetime::Over);
    for identity in [strangers.client("alice"), site.clients.client_with(&over)] {
        let answered = status(Some(&identity), "", "read_a");
        assert!(answered.is_none_or(|(code, _)| code >= 400));
    }
    assert_eq!(upstream.count() - before, 2);
    let record = gateway.record("a record of alice", |record| record["tool"] == "read_a");
    assert_eq!(record["identity_id"], "mtls:alice");
}

#[test]
fn nginx_tells_of_the_certificate() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = gateway(&upstream, "nginx");
    for wanted in ["optional", "optional_no_ca"] {
        let arguments = ["-e", "/dev/null", "-c"];
        let proxy = Proxy::start(&site.shelf, "nginx", &arguments, |port| {
            let path = |name: &str| site.shelf.path(name).display().to_string();
            format!(
                "daemon off; master_process off; pid {pid}; error_log /dev/null;\n\
                 events {{ }}\n\
                 http {{\n\
                 access_log off; client_body_temp_path {body}; proxy_temp_path {proxied};\n\
                 fastcgi_temp_path {proxied}; uwsgi_temp_path {proxied}; scgi_temp_path {proxied};\n\
                 server {{\n\
                 listen 127.0.0.1:{port} ssl;\n\
                 ssl_certificate {cert}; ssl_certificate_key {key};\n\
                 ssl_client_certificate {clients}; ssl_verify_client {wanted};\n\
                 location / {{\n\
                 proxy_pass http://{gateway}; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
                 proxy_set_header Host $host; proxy_buffering off;\n\
                 proxy_set_header X-SSL-Client-Verify $ssl_client_verify;\n\
                 proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;\n\
                 }} }} }}\n",
                pid = path("nginx.pid"),
                body = path("body"),
                proxied = path("proxied"),
                cert = path("server.crt"),
                key = path("server.key"),
                clients = path("clients.pem"),
                gateway = gateway.address,
            )
        });
        let Some(proxy) = proxy else { return };
        check(&site, &upstream, &gateway, &proxy);
    }
}

#[test]
fn haproxy_tells_of_the_certificate() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = gateway(&upstream, "haproxy");
    let server = site.authority.server(&["localhost"]);
    let both = format!("{}{}", server.chain_pem(), server.key_pem());
    site.shelf.put("server.pem", &both);
    for lenient in ["", "crt-ignore-err all ca-ignore-err all"] {
        let proxy = Proxy::start(&site.shelf, "haproxy", &["-db", "-q", "-f"], |port| {
            format!(
                "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
                 frontend f\n bind 127.0.0.1:{port} ssl crt {cert} ca-file {clients} verify optional {lenient}\n \
                 http-request set-header X-SSL-Client-Used %[ssl_c_used]\n \
                 http-request set-header X-SSL-Client-Verify %[ssl_c_verify]\n \
                 http-request set-header X-SSL-Client-DER %[ssl_c_der,base64]\n \
                 default_backend b\n\
                 backend b\n server gateway {gateway}\n",
                cert = site.shelf.path("server.pem").display(),
                clients = site.shelf.path("clients.pem").display(),
                gateway = gateway.address,
            )
        });
        let Some(proxy) = proxy else { return };
        check(&site, &upstream, &gateway, &proxy);
    }
}
