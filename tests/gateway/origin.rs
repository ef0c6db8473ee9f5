//! Browsers and DNS rebinding.

use crate::harness::client::{bearer, call, post};
use crate::harness::gateway::{ADMIN, Setup};
use crate::harness::upstream::{Upstream, plain_server};

#[test]
fn a_foreign_origin_or_host_is_refused_before_anything_else() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let port = gateway.address.port();
    let status = |host: &str, origin: &str| {
        let request = post(
            "/mcp",
            &format!("{}{origin}", bearer(ADMIN)),
            &call(1, "read_a"),
        )
        .replace("Host: localhost", &format!("Host: {host}"));
        gateway.client().exchange(request).status
    };
    for origin in [
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "http://localhost:1",
        "http://localhost@evil.example",
        "",
    ] {
        assert_eq!(
            status("localhost", &format!("Origin: {origin}\r\n")),
            403,
            "{origin}"
        );
    }
    for host in [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "169.254.169.254",
    ] {
        let status = status(host, "");
        assert!([403, 421].contains(&status), "{host}: {status}");
    }
    assert_eq!(upstream.count(), 0);
    for host in [
        "localhost".to_owned(),
        format!("127.0.0.1:{port}"),
        format!("LOCALHOST:{port}"),
        format!("[::1]:{port}"),
    ] {
        assert_eq!(
            status(&host, &format!("Origin: http://localhost:{port}\r\n")),
            200,
            "{host}"
        );
    }
}

#[test]
fn preflights_are_answered_for_allowed_origins_only_and_need_no_credential() {
    let upstream = Upstream::start(plain_server);
    let setup = Setup::in_front_of(&upstream.url())
        .server("allowed_origins = [\"https://app.example\"]\n[server.cors]\nenabled = true");
    let gateway = setup.start();
    let preflight = |origin: &str| {
        gateway.client().exchange(format!("OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\r\n"))
    };
    let allowed = preflight("https://app.example");
    assert_eq!(allowed.status, 204);
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        Some("https://app.example")
    );
    assert_eq!(preflight("https://evil.example").status, 403);
    let fields = format!("{}Origin: https://app.example\r\n", bearer(ADMIN));
    let answer = gateway
        .client()
        .exchange(post("/mcp", &fields, &call(1, "read_a")));
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://app.example")
    );
    assert!(
        answer
            .header("access-control-expose-headers")
            .unwrap()
            .to_lowercase()
            .contains("mcp-session-id")
    );
    let plain = Setup::in_front_of(&upstream.url()).start();
    assert_eq!(
        plain
            .client()
            .exchange("OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .status,
        405
    );
}
