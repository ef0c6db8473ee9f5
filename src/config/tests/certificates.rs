//! `[server.tls]`, `https` upstreams and `[auth.mtls]`: what is accepted and refused, in TOML and in YAML, and what it becomes.

use super::diagnostics::{check, check_with};
use super::{HASH, config, load_in};
use crate::config::model::{CertificateFiles, ClientAuth, Target, TlsVersion, UpstreamTls};
use crate::config::{Fixed, compile};
use crate::engine::identity::mtls::{CertificateOrigin, IdentitySource, MtlsRules, ProxyFormat};

/// A listener with TLS that asks clients for certificates.
const ASKS: &str = "[server.tls]\ncert_path = 'a'\nkey_path = 'b'\nclient_auth = 'required'\nclient_ca_path = 'c'\n";

/// `[auth.mtls]` behind a proxy.
const HEADER: &str = "[auth.mtls]\nenabled = true\nsource = 'header'\ntrusted_proxy_ips = ['10.0.3.7']\nallowed_tools = ['*']\n";

fn files(cert: &str, key: &str) -> CertificateFiles {
    CertificateFiles {
        cert_path: cert.into(),
        key_path: key.into(),
    }
}

#[test]
fn the_listener_needs_a_certificate_and_its_key() {
    for (keys, expected) in [
        ("cert_path = 'a'\nkey_path = 'b'", None),
        ("cert_path = 'a'\nkey_path = 'b'\nmin_version = '1.3'", None),
        ("cert_path = 'a'", Some("key_path: error missing")),
        ("key_path = 'a'", Some("cert_path: error missing")),
        (
            "cert_path = ''\nkey_path = 'b'",
            Some("cert_path: error malformed"),
        ),
        (
            "cert_path = 'a'\nkey_path = 1",
            Some("key_path: error wrong_type"),
        ),
        (
            "cert_path = 'a'\nkey_path = 'b'\nmin_version = '1.1'",
            Some("min_version: error not_accepted"),
        ),
        (
            "cert_path = 'a'\nkey_path = 'b'\nmin_version = 1.2",
            Some("min_version: error wrong_type"),
        ),
        (
            "cert_path = 'a'\nkey_path = 'b'\nkey_pth = 'b'",
            Some("key_pth: error unknown_key"),
        ),
        (
            "cert_path = 'a'\nkey_path = 'b'\n[[server.tls.certificates]]\ncert_path = 'c'",
            Some("certificates[0].key_path: error missing"),
        ),
        (
            "[[server.tls.certificates]]\ncert_path = 'c'\nkey_path = 'd'",
            None,
        ),
    ] {
        let expected = expected.map(|expected| format!("server.tls.{expected}"));
        check_with(
            &format!("[server.tls]\n{keys}\n"),
            expected.as_deref().as_slice(),
        );
    }
    check_with(
        "[server.tls]\n",
        &[
            "server.tls.cert_path: error missing",
            "server.tls.key_path: error missing",
        ],
    );
}

#[test]
fn paths_start_at_the_folder_of_the_file() {
    let text = format!(
        "{}[server.tls]\ncert_path = 'a'\nkey_path = '/b'\n[[server.tls.certificates]]\ncert_path = 'c'\nkey_path = 'd'\n",
        super::base()
    );
    let loaded = load_in(Fixed::default(), "sub/c.toml", &text).unwrap();
    let tls = loaded.config.server.tls.unwrap();
    assert_eq!(
        tls.certificates,
        [files("sub/a", "/b"), files("sub/c", "sub/d")]
    );
    assert_eq!(
        (tls.client_auth, tls.min_version),
        (ClientAuth::None, TlsVersion::Tls12)
    );
}

#[test]
fn clients_are_verified_by_somebody_or_not_asked() {
    let tls = |keys: &str| format!("[server.tls]\ncert_path = 'a'\nkey_path = 'b'\n{keys}\n");
    for (keys, expected) in [
        ("client_auth = 'none'", None),
        (
            "client_auth = 'optional'\nclient_ca_path = 'c'\ncrl_path = 'd'",
            None,
        ),
        ("client_auth = 'required'\nclient_ca_path = 'c'", None),
        (
            "client_auth = 'required'",
            Some("client_ca_path: error missing"),
        ),
        (
            "client_auth = 'optional'",
            Some("client_ca_path: error missing"),
        ),
        (
            "client_ca_path = 'c'",
            Some("client_ca_path: warning unused"),
        ),
        (
            "client_auth = 'none'\nclient_ca_path = 'c'",
            Some("client_ca_path: warning unused"),
        ),
        ("crl_path = 'c'", Some("crl_path: warning unused")),
        (
            "client_auth = 'yes'\nclient_ca_path = 'c'",
            Some("client_auth: error not_accepted"),
        ),
    ] {
        let expected = expected.map(|expected| format!("server.tls.{expected}"));
        check_with(&tls(keys), expected.as_deref().as_slice());
    }
}

#[test]
fn only_an_https_upstream_has_files_of_tls() {
    let auth = format!(
        "[[auth.api_keys]]\nid='a'\nkey_hash='{HASH}'\nallowed_tools=['*']\n[audit]\nstdout=true\n"
    );
    let pair = "tls_client_cert_path = 'a'\ntls_client_key_path = 'b'";
    for (keys, expected) in [
        ("url = 'https://x/mcp'".to_owned(), None),
        ("transport = 'sse'\nurl = 'https://x/sse'".to_owned(), None),
        ("url = 'https://x'\ntls_ca_path = 'ca'".to_owned(), None),
        (format!("url = 'https://x'\n{pair}"), None),
        (
            "url = 'https://x'\ntls_client_cert_path = 'a'".to_owned(),
            Some("tls_client_key_path: error missing"),
        ),
        (
            "url = 'https://x'\ntls_client_key_path = 'a'".to_owned(),
            Some("tls_client_cert_path: error missing"),
        ),
        (
            "url = 'http://x'\ntls_ca_path = 'ca'".to_owned(),
            Some("tls_ca_path: error conflict"),
        ),
        (
            "url = 'unix:/x'\ntls_ca_path = 'ca'".to_owned(),
            Some("tls_ca_path: error conflict"),
        ),
        (
            "command = 'x'\ntls_client_key_path = 'ca'".to_owned(),
            Some("tls_client_key_path: error conflict"),
        ),
    ] {
        let expected = expected.map(|expected| format!("upstream.{expected}"));
        check(
            &format!("{auth}[upstream]\n{keys}\n"),
            expected.as_deref().as_slice(),
        );
    }
    check(
        &format!(
            "{auth}[upstream]\ntls_ca_path = 'ca'\n{pair}\n[[upstream.servers]]\nname = 'a'\nurl = 'https://x'\n"
        ),
        &[
            "upstream.tls_ca_path: error conflict",
            "upstream.tls_client_cert_path: error conflict",
            "upstream.tls_client_key_path: error conflict",
        ],
    );
}

#[test]
fn an_https_upstream_is_asked_by_its_name_on_its_port() {
    for (url, port, host_header) in [
        ("https://x.example/mcp", 443, "x.example"),
        ("https://x.example:443/mcp", 443, "x.example"),
        ("https://x.example:80/mcp", 80, "x.example:80"),
        ("https://[::1]:8443/mcp", 8443, "[::1]:8443"),
        ("http://x.example:443/mcp", 443, "x.example:443"),
        ("http://x.example/mcp", 80, "x.example"),
    ] {
        let text = super::base().replace("http://localhost:8080/mcp", url);
        let config = config(&text);
        let Target::Http {
            port: found, tls, ..
        } = &config.upstreams[0].target
        else {
            panic!("{url}");
        };
        assert_eq!(*found, port, "{url}");
        let expected = url.starts_with("https").then(UpstreamTls::default);
        assert_eq!(*tls, expected, "{url}");
        let snapshot = compile(&config, 3000, 1).unwrap();
        let upstream = &snapshot.servers()[0].upstream;
        assert_eq!(&*upstream.host_header, host_header, "{url}");
    }
}

#[test]
fn certificates_are_identities_only_where_they_are_verified() {
    let native = "[auth.mtls]\nenabled = true\nallowed_tools = ['*']\n";
    let tls = "[server.tls]\ncert_path = 'a'\nkey_path = 'b'\n";
    let conflict = Some("auth.mtls.source: error conflict");
    for (text, expected) in [
        (format!("{ASKS}{native}"), None),
        (native.to_owned(), conflict),
        (format!("{tls}{native}"), conflict),
        (HEADER.to_owned(), None),
        (format!("{tls}{HEADER}"), None),
        (
            format!("{ASKS}{HEADER}"),
            Some("server.tls.client_auth: warning handshake_is_no_identity"),
        ),
        (ASKS.to_owned(), None),
    ] {
        check_with(&text, expected.as_slice());
    }
}

#[test]
fn certificates_alone_are_authentication() {
    let rest = "[upstream]\nurl = 'http://x'\n[audit]\nstdout = true\n";
    check(&format!("{rest}{HEADER}"), &[]);
    check(
        &format!("{rest}[auth.mtls]\nenabled = false\n"),
        &["auth: error no_authentication"],
    );
    check(
        &format!("{rest}[auth.mtls]\nallowed_tools = ['*']\n"),
        &[
            "auth: error no_authentication",
            "auth.mtls.enabled: warning switched_off",
        ],
    );
    // What is no switch is on, and refused.
    check(
        &format!("{rest}{}", HEADER.replace("true", "'true'")),
        &["auth.mtls.enabled: error wrong_type"],
    );
}

#[test]
fn headers_are_believed_from_named_proxies_alone() {
    let header = |keys: &str| {
        format!("[auth.mtls]\nenabled = true\nsource = 'header'\nallowed_tools = ['*']\n{keys}\n")
    };
    for (keys, expected) in [
        (
            "trusted_proxy_ips = ['10.0.3.7', '10.0.0.0/8', 'fd00::/8', '::1']",
            None,
        ),
        ("", Some("trusted_proxy_ips: error missing")),
        (
            "trusted_proxy_ips = []",
            Some("trusted_proxy_ips: error missing"),
        ),
        (
            "trusted_proxy_ips = ['proxy']",
            Some("trusted_proxy_ips[0]: error malformed"),
        ),
        (
            "trusted_proxy_ips = ['10.0.0.1/8']",
            Some("trusted_proxy_ips[0]: error malformed"),
        ),
        (
            "trusted_proxy_ips = '10.0.0.1'",
            Some("trusted_proxy_ips: error wrong_type"),
        ),
        (
            "trusted_proxy_ips = ['0.0.0.0/0']",
            Some("trusted_proxy_ips[0]: error trusts_too_many"),
        ),
        (
            "trusted_proxy_ips = ['::1', '::/0']",
            Some("trusted_proxy_ips[1]: error trusts_too_many"),
        ),
        (
            "trusted_proxy_ips = ['0.0.0.0/1']",
            Some("trusted_proxy_ips[0]: error trusts_too_many"),
        ),
        (
            "trusted_proxy_ips = ['::/1']",
            Some("trusted_proxy_ips[0]: error trusts_too_many"),
        ),
        (
            "trusted_proxy_ips = ['::1']\nheader_format = 'apache'",
            Some("header_format: error not_accepted"),
        ),
    ] {
        let expected = expected.map(|expected| format!("auth.mtls.{expected}"));
        check_with(&header(keys), expected.as_deref().as_slice());
    }
    let native = format!(
        "{ASKS}[auth.mtls]\nenabled = true\nallowed_tools = ['*']\ntrusted_proxy_ips = ['::1']\nheader_format = 'nginx'\n"
    );
    check_with(
        &native,
        &[
            "auth.mtls.trusted_proxy_ips: error conflict",
            "auth.mtls.header_format: error conflict",
        ],
    );
}

#[test]
fn identities_have_patterns_and_lists() {
    let with = |keys: &str| format!("{HEADER}[[auth.mtls.identities]]\n{keys}\n");
    let allowed = "allowed_tools = ['x']";
    for (keys, expected) in [
        (format!("match = 'spiffe://example.com/*'\n{allowed}"), None),
        (allowed.to_owned(), Some("match: error missing")),
        (
            format!("match = ''\n{allowed}"),
            Some("match: error malformed"),
        ),
        (
            format!("match = 'a**b'\n{allowed}"),
            Some("match: error malformed"),
        ),
        (
            format!("match = '[a'\n{allowed}"),
            Some("match: error malformed"),
        ),
        (
            format!("match = \"a\\u0000\"\n{allowed}"),
            Some("match: error malformed"),
        ),
        (
            "match = 'a'".to_owned(),
            Some("allowed_tools: warning allows_nothing"),
        ),
        (
            "match = 'a'\nallowed_tools = ['git::x']".to_owned(),
            Some("allowed_tools[0]: error unknown_server"),
        ),
        (
            "match = 'a'\nallowed_tools = ['x']\ndenied_tools = ['']".to_owned(),
            Some("denied_tools[0]: error bad_entry"),
        ),
        (
            format!("match = 'a'\n{allowed}\nrate_limit = 0"),
            Some("rate_limit: error out_of_range"),
        ),
        (
            format!("match = 'a'\n{allowed}\nscopes = ['x']"),
            Some("scopes: error unknown_key"),
        ),
    ] {
        let expected = expected.map(|expected| format!("auth.mtls.identities[0].{expected}"));
        check_with(&with(&keys), expected.as_deref().as_slice());
    }
    let twice = format!(
        "{}[[auth.mtls.identities]]\nmatch = 'a'\n{allowed}\n",
        with(&format!("match = 'a'\n{allowed}"))
    );
    check_with(&twice, &["auth.mtls.identities[1].match: error same_as"]);
}

#[test]
fn certificates_that_map_to_nobody_are_warned_about() {
    let bare = HEADER.replace("allowed_tools = ['*']\n", "");
    let nobody = &["auth.mtls.allowed_tools: warning allows_nothing"];
    check_with(&bare, nobody);
    check_with(&format!("{bare}allowed_tools = []\n"), nobody);
    check_with(
        &format!("{bare}[[auth.mtls.identities]]\nmatch = 'a'\nallowed_tools = ['x']\n"),
        &[],
    );
}

#[test]
fn a_bearer_beside_a_certificate_needs_somebody_to_come_with_one() {
    check_with(&format!("{HEADER}allow_bearer = true\n"), &[]);
    let rest = "[upstream]\nurl = 'http://x'\n[audit]\nstdout = true\n";
    check(
        &format!("{rest}{HEADER}allow_bearer = true\n"),
        &["auth.mtls.allow_bearer: warning unused"],
    );
}

/// What `keys` of `[auth.mtls]` behind a proxy become.
fn rules(keys: &str) -> MtlsRules {
    let text = format!("{}{HEADER}{keys}\n", super::base());
    let snapshot = compile(&config(&text), 3000, 1).unwrap();
    snapshot.identity.mtls().unwrap().clone()
}

#[test]
fn names_of_sources_and_formats_are_understood() {
    for (name, source) in [
        ("cn", IdentitySource::Cn),
        ("san_dns", IdentitySource::SanDns),
        ("san_email", IdentitySource::SanEmail),
        ("san_uri", IdentitySource::SanUri),
        ("sandns", IdentitySource::SanDns),
        ("sanemail", IdentitySource::SanEmail),
        ("sanuri", IdentitySource::SanUri),
    ] {
        assert_eq!(rules(&format!("identity_source = '{name}'")).source, source);
    }
    for (name, expected) in [
        ("plain", ProxyFormat::Plain),
        ("nginx", ProxyFormat::Nginx),
        ("envoy", ProxyFormat::Envoy),
        ("haproxy", ProxyFormat::Haproxy),
        ("traefik", ProxyFormat::Traefik),
    ] {
        let origin = rules(&format!("header_format = '{name}'")).origin;
        assert!(matches!(origin, CertificateOrigin::Header { format, .. } if format == expected));
    }
    check_with(
        &format!("{HEADER}identity_source = 'dn'\n"),
        &["auth.mtls.identity_source: error not_accepted"],
    );
}

#[test]
fn identities_take_the_limits_that_they_do_not_have() {
    let one =
        |keys: &str| format!("[[auth.mtls.identities]]\nmatch = '{keys}\nallowed_tools = ['x']\n");
    let rules = rules(&format!(
        "rate_limit = 2\n{}{}",
        one("a'"),
        one("b'\nrate_limit = 9")
    ));
    let rates: Vec<_> = rules
        .identities
        .iter()
        .map(|one| one.access.quota)
        .collect();
    assert_eq!(rates[0], rules.default.as_ref().unwrap().quota);
    assert!(rates[0].is_some() && rates[1].is_some() && rates[0] != rates[1]);
    assert!(rules.identities[0].pattern.matches("a") && !rules.allow_bearer);
}

#[test]
fn without_a_default_others_are_refused() {
    let text = format!(
        "{}{}",
        super::base(),
        HEADER.replace("allowed_tools = ['*']\n", "")
    );
    let snapshot = compile(&config(&text), 3000, 1).unwrap();
    assert!(snapshot.identity.mtls().unwrap().default.is_none());
}

#[test]
fn credentials_in_clear_are_warned_about() {
    let base = super::base();
    let server = |keys: &str| format!("{base}[server]\n{keys}\n");
    let clear: &[&str] = &["server.host: warning credentials_in_clear"];
    check(&server("host = '0.0.0.0'"), clear);
    check(&server("host = '10.0.0.7'"), clear);
    check(&server("host = '127.0.0.1'"), &[]);
    check(&server("host = '::1'"), &[]);
    check(
        &server("host = '0.0.0.0'\ntrusted_proxies = ['10.0.0.0/8']"),
        &[],
    );
    check(
        &server("host = '0.0.0.0'\n[server.tls]\ncert_path = 'a'\nkey_path = 'b'"),
        &[],
    );
    check(&format!("{}{HEADER}", server("host = '0.0.0.0'")), &[]);
    // Nobody has a credential to lose.
    check(
        "[server]\nhost = '0.0.0.0'\n[auth.anonymous]\nallowed_tools = ['*']\ni_understand = true\n\
         [upstream]\nurl = 'http://x'\n[audit]\nstdout = true\n",
        &[],
    );
}

#[test]
fn a_public_url_says_how_the_listener_speaks() {
    let tls = "[server.tls]\ncert_path = 'a'\nkey_path = 'b'\n";
    for (scheme, tls, expected) in [
        ("https", tls, None),
        ("http", "", None),
        ("https", "", None),
        (
            "http",
            tls,
            Some("server.public_url: warning public_url_in_clear"),
        ),
    ] {
        check_with(
            &format!("[server]\npublic_url = '{scheme}://mcp.example.com'\n{tls}"),
            expected.as_slice(),
        );
    }
}

#[test]
fn too_many_certificates_are_refused() {
    let one = "[[server.tls.certificates]]\ncert_path = 'a'\nkey_path = 'b'\n";
    check_with(&one.repeat(255), &[]);
    check_with(
        &one.repeat(256),
        &["server.tls.certificates: error out_of_range"],
    );
}
