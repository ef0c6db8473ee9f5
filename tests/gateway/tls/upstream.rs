//! Upstreams behind `https`.

use crate::harness::client::{bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{READER, Setup};
use crate::harness::pki::{Authority, Lifetime};
use crate::harness::proxy::Proxy;
use crate::harness::shelf::Shelf;
use crate::harness::upstream::{
    Recorded, Step, Upstream, answer, chunk, json, last_chunk, plain_server, sse_head,
};

/// An authority of upstreams, with its file.
struct Scene {
    shelf: Shelf,
    authority: Authority,
}

impl Scene {
    fn new() -> Self {
        let (shelf, authority) = (Shelf::new(), Authority::root("upstreams"));
        shelf.put("upstreams.pem", &authority.pem());
        Self { shelf, authority }
    }

    /// In front of `upstream` under the name `host`, with further `keys` of `[upstream]`.
    fn setup(&self, upstream: &Upstream, host: &str, keys: &str) -> Setup {
        Setup {
            config: format!(
                "[upstream]\nurl = \"{}\"\nera = \"both\"\ntls_ca_path = {:?}\n{keys}\n",
                upstream.url_as(host),
                self.shelf.path("upstreams.pem"),
            ),
            ..Setup::in_front_of("")
        }
    }
}

#[test]
fn an_upstream_of_its_own_authority_is_spoken_with() {
    let scene = Scene::new();
    let server = scene.authority.server(&["localhost", "127.0.0.1"]);
    let upstream = Upstream::start_tls(Authority::host(&server, None), plain_server);
    for host in ["localhost", "127.0.0.1"] {
        let before = upstream.handshakes();
        let gateway = scene.setup(&upstream, host, "").start();
        let mut client = gateway.client();
        for id in 0..10 {
            let answer = client.exchange(post("/mcp", &bearer(READER), &call(id, "read_a")));
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(
                answer.json()["result"]["content"][0]["text"],
                "called read_a"
            );
        }
        assert!(
            upstream.handshakes() - before <= 2,
            "connections are used again"
        );
        let seen = upstream.requests().pop().unwrap();
        let expected = format!("{host}:{}", upstream.address.port());
        assert_eq!(seen.header("host"), Some(&*expected));
    }
}

#[test]
fn an_upstream_that_is_not_what_it_should_be_sees_not_one_byte() {
    let scene = Scene::new();
    let stranger = Authority::root("strangers");
    let of = |names: &[&str]| scene.authority.server(names);
    let client_only = scene.authority.client("localhost");
    for (what, identity) in [
        ("another name", of(&["other.test"])),
        ("a name below", of(&["sub.localhost"])),
        ("an address for a name", of(&["127.0.0.1"])),
        ("another authority", stranger.server(&["localhost"])),
        (
            "over",
            scene
                .authority
                .server_that_ends(&["localhost"], Some(Lifetime::Over)),
        ),
        (
            "not yet",
            scene
                .authority
                .server_that_ends(&["localhost"], Some(Lifetime::NotYet)),
        ),
        (
            "made for clients, and named in its subject alone",
            client_only,
        ),
    ] {
        let upstream = Upstream::start_tls(Authority::host(&identity, None), plain_server);
        let gateway = scene.setup(&upstream, "localhost", "").start();
        let answer = gateway.post(READER, &call(5, "read_a"));
        assert_eq!(
            (answer.status, answer.code()),
            (502, -32603),
            "{what}: {answer:?}"
        );
        assert_eq!(answer.json()["id"], 5, "{what}");
        assert!(!answer.text().to_lowercase().contains("cert"), "{what}");
        eventually("the upstream gives up", || {
            (upstream.refused() >= 1).then_some(())
        });
        assert_eq!((upstream.count(), upstream.handshakes()), (0, 0), "{what}");
    }
}

#[test]
fn an_upstream_that_speaks_no_tls_is_a_bad_gateway() {
    let scene = Scene::new();
    let upstream = Upstream::start(plain_server);
    let gateway = scene
        .setup(
            &upstream,
            "localhost",
            "timeout = \"2s\"\nconnect_timeout = \"2s\"",
        )
        .start();
    let answer = gateway.post(READER, &call(5, "read_a"));
    assert!([502, 504].contains(&answer.status), "{answer:?}");
    assert_eq!(upstream.count(), 0);
}

#[test]
fn an_upstream_that_is_silent_in_the_handshake_is_given_up() {
    let scene = Scene::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "https://localhost:{}/mcp",
        listener.local_addr().unwrap().port()
    );
    let setup = Setup {
        config: format!(
            "[upstream]\nurl = \"{url}\"\nera = \"both\"\nconnect_timeout = \"1s\"\ntls_ca_path = {:?}\n",
            scene.shelf.path("upstreams.pem")
        ),
        ..Setup::in_front_of("")
    };
    let gateway = setup.start();
    let answer = gateway.post(READER, &call(5, "read_a"));
    assert!([502, 504].contains(&answer.status), "{answer:?}");
}

#[test]
fn an_upstream_may_ask_for_a_certificate() {
    let scene = Scene::new();
    let clients = Authority::root("clients");
    let server = scene.authority.server(&["localhost"]);
    let upstream = Upstream::start_tls(Authority::host(&server, Some(&clients)), plain_server);
    let (cert, key) = scene
        .shelf
        .put_identity("client", &clients.below("between").client("gateway"));
    let own = format!("tls_client_cert_path = {cert:?}\ntls_client_key_path = {key:?}\n");
    let gateway = scene.setup(&upstream, "localhost", &own).start();
    assert_eq!(gateway.post(READER, &call(1, "read_a")).status, 200);
    let without = scene.setup(&upstream, "localhost", "").start();
    let answer = without.post(READER, &call(1, "read_a"));
    assert_eq!(answer.status, 502, "{answer:?}");
    assert_eq!(upstream.count(), 1);
}

#[test]
fn sessions_with_an_upstream_are_resumed() {
    let scene = Scene::new();
    let server = scene.authority.server(&["localhost"]);
    let upstream = Upstream::start_tls(Authority::host(&server, None), |request| {
        let mut steps = plain_server(request);
        steps.push(Step::Close);
        steps
    });
    let mut setup = scene.setup(&upstream, "localhost", "");
    setup.args = vec!["--workers".into(), "1".into()];
    let gateway = setup.start();
    for _ in 0..6 {
        assert_eq!(gateway.post(READER, &call(1, "read_a")).status, 200);
    }
    assert!(
        upstream.resumed() >= 4,
        "{} of {}",
        upstream.resumed(),
        upstream.handshakes()
    );
}

#[test]
fn large_answers_and_streams_pass_whole() {
    let scene = Scene::new();
    let server = scene.authority.server(&["localhost"]);
    let upstream = Upstream::start_tls(Authority::host(&server, None), |request: &Recorded| {
        let id = request.json()["id"].clone();
        match request.body.contains("read_b") {
            true => vec![
                sse_head(""),
                chunk(
                    "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"progress\":1}}\n\n",
                ),
                Step::AwaitRelease,
                chunk(&format!(
                    "data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}\n\n"
                )),
                last_chunk(),
            ],
            false => json(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"text":"{}"}}}}"#,
                "r".repeat(5 << 20)
            )),
        }
    });
    let gateway = scene.setup(&upstream, "localhost", "").start();
    let mut client = gateway.client();
    let large = client.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")));
    assert_eq!(
        large.json()["result"]["text"].as_str().unwrap().len(),
        5 << 20
    );
    client.send(post("/mcp", &bearer(READER), &call(2, "read_b")));
    client.stream_until_head_and("progress");
    upstream.release();
    client.stream_until("\"result\"");
    assert_eq!(client.chunk(), Some(Vec::new()));
}

#[test]
fn an_answer_without_length_is_whole_only_where_its_end_was_announced() {
    let scene = Scene::new();
    let server = scene.authority.server(&["localhost"]);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    for (end, is_whole) in [(Step::Close, true), (Step::Cut, false)] {
        let upstream = Upstream::start_tls(Authority::host(&server, None), move |request| {
            let id = request.json()["id"].clone();
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[]}}}}"#);
            vec![
                Step::Send(format!("{head}{body}").into_bytes()),
                end.clone(),
            ]
        });
        let gateway = scene.setup(&upstream, "localhost", "").start();
        let mut client = gateway.client();
        let answer = client.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")));
        let looks_whole = answer.status == 200
            && answer.is_complete
            && client.cut().is_none()
            && answer.json()["result"].is_object();
        assert_eq!(looks_whole, is_whole, "{answer:?}");
    }
}

#[test]
fn new_files_for_an_upstream_are_taken_while_requests_go_on() {
    let scene = Scene::new();
    let (old, new) = (Authority::root("old"), Authority::root("new"));
    scene.shelf.put("upstreams.pem", &old.pem());
    let of_new = new.server(&["localhost"]);
    let upstream = Upstream::start_tls(Authority::host(&of_new, None), plain_server);
    let gateway = scene.setup(&upstream, "localhost", "").start();
    assert_eq!(gateway.post(READER, &call(1, "read_a")).status, 502);
    scene.shelf.put("upstreams.pem", &new.pem());
    eventually("the new authority is trusted", || {
        (gateway.post(READER, &call(1, "read_a")).status == 200).then_some(())
    });
}

#[test]
fn a_required_upstream_that_cannot_be_trusted_makes_the_gateway_not_ready() {
    let scene = Scene::new();
    for (names, status) in [(["localhost"], 200), (["other.test"], 503)] {
        let server = scene.authority.server(&names);
        let upstream = Upstream::start_tls(Authority::host(&server, None), plain_server);
        let setup = Setup {
            config: format!(
                "[[upstream.servers]]\nname = \"one\"\nrequired = true\nurl = \"{}\"\nera = \"both\"\ntls_ca_path = {:?}\n",
                upstream.url_as("localhost"),
                scene.shelf.path("upstreams.pem"),
            ),
            ..Setup::in_front_of("")
        };
        let gateway = setup.start();
        eventually("it is known", || {
            (gateway.admin_get("/ready").status == status).then_some(())
        });
        assert_eq!(upstream.count(), 0, "a probe sends nothing");
    }
}

#[test]
fn check_upstream_tells_what_is_wrong_with_a_certificate() {
    let scene = Scene::new();
    for (names, code) in [(["localhost"], 0), (["other.test"], 1)] {
        let server = scene.authority.server(&names);
        let upstream = Upstream::start_tls(Authority::host(&server, None), mcp_server);
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("mcp-guard.toml");
        let text = scene.setup(&upstream, "localhost", "").text(&folder);
        std::fs::write(&config, text).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_mcp-guard"))
            .arg("--config")
            .arg(&config)
            .args(["check-upstream", "--timeout", "10"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(said.contains("certificate"), code == 1, "{said}");
    }
}

/// Enough of a server for a round trip in the older era.
fn mcp_server(request: &Recorded) -> Vec<Step> {
    let id = request.json()["id"].clone();
    match request.json()["method"].as_str() {
        Some("initialize") => json(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"s","version":"1"}}}}}}"#
        )),
        _ => plain_server(request),
    }
}

#[test]
fn an_http_sse_upstream_is_spoken_with_under_tls() {
    let scene = Scene::new();
    let server = scene.authority.server(&["localhost"]);
    let upstream = Upstream::start_tls(Authority::host(&server, None), |request| {
        match request.head.starts_with("GET") {
            true => vec![
                sse_head(""),
                chunk("event: endpoint\ndata: /message?s=1\n\n"),
                Step::AwaitClose,
            ],
            false => answer(202, "", ""),
        }
    });
    let setup = Setup {
        config: format!(
            "[upstream]\ntransport = \"sse\"\nurl = \"{}\"\ntls_ca_path = {:?}\n",
            upstream.url_as("localhost"),
            scene.shelf.path("upstreams.pem"),
        ),
        ..Setup::in_front_of("")
    };
    let gateway = setup.start();
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let mut client = gateway.client();
    client.send(post("/mcp", &bearer(READER), initialize));
    let posted = upstream.wait_for(2);
    assert!(
        posted.head.starts_with("POST /message?s=1"),
        "{}",
        posted.head
    );
    assert!(upstream.handshakes() >= 1);
}

#[test]
fn nginx_is_an_upstream_like_any_other() {
    let scene = Scene::new();
    let behind = Upstream::start(plain_server);
    let clients = Authority::root("clients");
    scene.shelf.put("clients.pem", &clients.pem());
    scene
        .shelf
        .put_identity("nginx", &scene.authority.server(&["localhost"]));
    let (cert, key) = scene
        .shelf
        .put_identity("client", &clients.client("gateway"));
    for versions in ["TLSv1.2", "TLSv1.3"] {
        let path = |name: &str| scene.shelf.path(name).display().to_string();
        let nginx = Proxy::start(&scene.shelf, "nginx", &["-e", "/dev/null", "-c"], |port| {
            format!(
                "daemon off; master_process off; pid {pid}; error_log /dev/null;\n\
                 events {{ }}\n\
                 http {{\n\
                 access_log off; client_body_temp_path {temp}; proxy_temp_path {temp};\n\
                 fastcgi_temp_path {temp}; uwsgi_temp_path {temp}; scgi_temp_path {temp};\n\
                 server {{\n\
                 listen 127.0.0.1:{port} ssl; ssl_protocols {versions}; keepalive_requests 2;\n\
                 ssl_certificate {cert}; ssl_certificate_key {key};\n\
                 ssl_client_certificate {clients}; ssl_verify_client on;\n\
                 location / {{ proxy_pass http://{behind}; }}\n\
                 }} }}\n",
                pid = path("nginx.pid"),
                temp = path("temp"),
                cert = path("nginx.crt"),
                key = path("nginx.key"),
                clients = path("clients.pem"),
                behind = behind.address,
            )
        });
        let Some(nginx) = nginx else { return };
        let setup = Setup {
            config: format!(
                "[upstream]\nurl = \"https://localhost:{}/mcp\"\nera = \"both\"\ntls_ca_path = {:?}\ntls_client_cert_path = {cert:?}\ntls_client_key_path = {key:?}\n",
                nginx.address.port(),
                scene.shelf.path("upstreams.pem"),
            ),
            ..Setup::in_front_of("")
        };
        let gateway = setup.start();
        // Every second answer ends its connection.
        for id in 0..10 {
            let answer = gateway.post(READER, &call(id, "read_a"));
            assert_eq!(answer.status, 200, "{versions}: {answer:?}");
        }
        let large = "x".repeat(500_000);
        let body = call(1, "read_a").replacen("{\"n\"", &format!("{{\"x\":\"{large}\",\"n\""), 1);
        assert_eq!(gateway.post(READER, &body).status, 200, "{versions}");
    }
    assert_eq!(behind.count(), 22);
}
