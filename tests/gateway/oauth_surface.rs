//! The endpoints of OAuth as anybody may meet them, before any provider is asked.

use crate::harness::client::{Answer, bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{ADMIN, Gateway, Setup};
use crate::harness::upstream::{Upstream, plain_server};

/// A login with a provider that nothing listens for.
const LOGIN: &str = "[auth.oauth]\nprovider = \"github\"\nclient_id = \"own\"\nclient_secret = \"own-secret-of-the-gateway\"\nallowed_users = [\"*\"]\nopaque_tokens = false\nstore_path = \"oauth.redb\"\n";
const SERVER: &str = "[auth.oauth.server]\nenabled = true\n";

const GET: &[&str] = &["/oauth/authorize", "/oauth/callback"];
const POST: &[&str] = &[
    "/oauth/consent",
    "/oauth/token",
    "/oauth/register",
    "/oauth/revoke",
];
const READ: &[&str] = &["/oauth/jwks", "/.well-known/oauth-authorization-server"];

/// A gateway that people find at `public_url`, with `oauth` in its configuration.
fn gateway(upstream: &Upstream, public_url: &str, oauth: &str) -> Gateway {
    setup(upstream, public_url, oauth).start()
}

fn setup(upstream: &Upstream, public_url: &str, oauth: &str) -> Setup {
    let mut setup =
        Setup::in_front_of(&upstream.url()).server(&format!("public_url = \"{public_url}\""));
    setup.config.push_str(oauth);
    setup
}

fn request(line: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!("{line} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: {length}\r\n\r\n{body}")
}

fn get(gateway: &Gateway, path: &str) -> Answer {
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    gateway.client().exchange(head)
}

fn form(gateway: &Gateway, path: &str, fields: &str, body: &str) -> Answer {
    let fields = format!("Content-Type: application/x-www-form-urlencoded\r\n{fields}");
    let request = request(&format!("POST {path}"), &fields, body);
    gateway.client().exchange(request)
}

#[test]
fn what_is_not_configured_is_not_there() {
    let upstream = Upstream::start(plain_server);
    let login_only = format!("{LOGIN}[auth.oauth.server]\nenabled = false\n");
    for (oauth, served) in [("", 0), (login_only.as_str(), 4)] {
        let gateway = gateway(&upstream, "http://localhost:3000", oauth);
        let all = GET.iter().chain(POST).chain(READ);
        let found: Vec<_> = all
            .filter(|path| {
                let answer = gateway
                    .client()
                    .exchange(request(&format!("DELETE {path}"), "", ""));
                assert!([404, 405].contains(&answer.status), "{path}: {answer:?}");
                answer.status == 405
            })
            .collect();
        assert_eq!(found.len(), served, "{found:?}");
        for path in [
            "/oauth",
            "/oauth/",
            "/oauth/introspect",
            "/authorize",
            "/token",
        ] {
            assert_eq!(get(&gateway, path).status, 404, "{path}");
        }
    }
}

#[test]
fn methods_and_content_types_are_those_of_each_endpoint() {
    let upstream = Upstream::start(plain_server);
    let oauth = format!("{LOGIN}{SERVER}");
    let gateway = gateway(&upstream, "http://localhost:3000", &oauth);
    let allow = |line: String| {
        let answer = gateway.client().exchange(request(&line, "", ""));
        assert_eq!(answer.status, 405, "{line}: {answer:?}");
        answer.header("allow").map(str::to_owned)
    };
    for path in GET {
        assert_eq!(allow(format!("POST {path}")).as_deref(), Some("GET"));
    }
    for path in POST {
        assert_eq!(allow(format!("GET {path}")).as_deref(), Some("POST"));
        let answer = gateway.client().exchange(request(
            &format!("POST {path}"),
            "Content-Type: text/plain\r\n",
            "a=b",
        ));
        assert_eq!(answer.status, 415, "{path}: {answer:?}");
        match *path {
            "/oauth/consent" => {
                assert!(answer.header("content-type").unwrap().starts_with("text/"))
            }
            _ => assert_eq!(answer.json()["error"], "invalid_request"),
        }
    }
    for path in READ {
        assert_eq!(allow(format!("POST {path}")).as_deref(), Some("GET, HEAD"));
        let mut client = gateway.client();
        let head = client
            .send(format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
            .head();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        // Had a body followed, it would be taken for the next answer.
        let next = client.exchange(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_eq!(next.status, 200);
        assert!(next.json().is_object());
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn documents_name_the_public_url_wherever_they_are_read() {
    let upstream = Upstream::start(plain_server);
    let oauth = format!("{LOGIN}{SERVER}");
    let base = "http://localhost:3000/base";
    let gateway = gateway(&upstream, base, &oauth);
    let root = "/.well-known/oauth-authorization-server";
    for (path, status) in [
        (root.to_owned(), 200),
        (format!("{root}/base"), 200),
        (format!("{root}/base/mcp"), 404),
        (format!("{root}/other"), 404),
        ("/.well-known/openid-configuration".to_owned(), 404),
    ] {
        let answer = get(&gateway, &path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        if status == 200 {
            let document = answer.json();
            assert_eq!(document["issuer"], base);
            assert_eq!(document["token_endpoint"], format!("{base}/oauth/token"));
        }
    }
}

#[test]
fn a_person_is_met_with_a_page_that_nobody_frames_keeps_or_reads() {
    let upstream = Upstream::start(plain_server);
    let oauth = format!("{LOGIN}{SERVER}");
    let mut setup = setup(&upstream, "http://localhost:3000", &oauth);
    setup
        .server
        .push_str("\nallowed_origins = [\"https://app.example\"]\n[server.cors]\nenabled = true\n");
    let gateway = setup.start();
    let origin = "Origin: https://app.example\r\n";
    let page = gateway.client().exchange(request(
        "GET /oauth/authorize?client_id=SECRETQ&response_type=code",
        origin,
        "",
    ));
    assert!((400..500).contains(&page.status), "{page:?}");
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(!page.text().contains("SECRETQ"));
    assert_eq!(page.header("access-control-allow-origin"), None);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .contains("frame-ancestors 'none'")
    );
    let token = form(
        &gateway,
        "/oauth/token",
        origin,
        "grant_type=none&code=SECRETB",
    );
    assert_eq!(token.status, 400, "{token:?}");
    assert_eq!(
        token.header("access-control-allow-origin"),
        Some("https://app.example")
    );
    let preflight = gateway.client().exchange(format!(
        "OPTIONS /oauth/token HTTP/1.1\r\nHost: localhost\r\n{origin}Access-Control-Request-Method: POST\r\n\r\n"
    ));
    assert_eq!(preflight.status, 204);
    gateway.record("a token request", |record| {
        record["method"] == "oauth/token"
    });
    let records = format!("{:?}", gateway.records());
    assert!(
        records.contains("oauth/authorize") && !records.contains("SECRET"),
        "{records}"
    );
    let sample = "mcp_guard_oauth_requests_total{endpoint=\"token\",outcome=\"refused\"}";
    assert_eq!(
        eventually(sample, || Some(gateway.metric(sample)).filter(|n| *n > 0.0)),
        1.0
    );
}

#[test]
fn consent_is_given_on_the_gateways_own_page_alone() {
    let upstream = Upstream::start(plain_server);
    let oauth = format!("{LOGIN}{SERVER}");
    let mut setup = setup(&upstream, "https://gw.example", &oauth);
    setup.server.push_str(
        "\nallowed_hosts = [\"gw.example\"]\nallowed_origins = [\"https://app.example\"]\n",
    );
    let gateway = setup.start();
    for (origin, is_own) in [
        ("https://gw.example", true),
        ("https://gw.example:443", true),
        ("https://app.example", false),
        ("https://evil.example", false),
        ("http://gw.example", false),
        ("null", false),
        ("", false),
    ] {
        let fields = format!("Origin: {origin}\r\n");
        let answer = form(&gateway, "/oauth/consent", &fields, "allow=yes");
        let text = answer.text();
        // Its own page is refused for the login that there is none of.
        let link = "href=\"https://gw.example/oauth/authorize\"";
        let was_asked = !text.contains(link);
        assert!((400..500).contains(&answer.status), "{origin}: {answer:?}");
        assert_eq!(was_asked, is_own, "{origin}: {answer:?}");
        assert_eq!(answer.header("location"), None, "{origin}");
    }
}

#[test]
fn bodies_and_addresses_are_bounded_before_control_is_asked() {
    let upstream = Upstream::start(plain_server);
    let oauth = format!("{LOGIN}{SERVER}");
    let gateway = setup(&upstream, "http://localhost:3000", &oauth)
        .rate_limit("enabled = true")
        .start();
    let long = format!("grant_type={}", "a".repeat(40_000));
    let answer = form(&gateway, "/oauth/token", "", &long);
    assert_eq!(answer.status, 413);
    assert_eq!(answer.header("connection"), Some("close"));
    let refused = (0..2_000)
        .map(|_| get(&gateway, "/oauth/jwks"))
        .find(|answer| answer.status != 200)
        .unwrap();
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["error"], "temporarily_unavailable");
    assert!(refused.header("retry-after").is_some());
    let served = gateway
        .client()
        .exchange(post("/mcp", &bearer(ADMIN), &call(1, "read_a")));
    assert_eq!(
        served.status, 200,
        "callers with a credential notice nothing"
    );
}

#[test]
fn the_log_tells_the_addresses_of_a_login_at_the_start() {
    let upstream = Upstream::start(plain_server);
    let gateway = gateway(&upstream, "http://localhost:3000/base", LOGIN);
    let line = gateway.log_line("people log in at");
    for url in [
        "people log in at http://localhost:3000/base/oauth/authorize",
        "http://localhost:3000/base/oauth/callback",
        "http://localhost:3000/base/mcp",
    ] {
        assert!(line.contains(url), "{url} in {line}");
    }
}
