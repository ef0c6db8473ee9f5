//! Formats with a marker of their own, and Traefik's.

use super::*;

const VERIFIED: (&str, &str) = ("X-Client-Cert-Verified", "SUCCESS");

#[test]
fn plain_headers_tell_a_name_with_the_marker_alone() {
    let cn = ("X-Client-Cert-CN", "alice");
    let uri = ("X-Client-Cert-SAN-URI", "spiffe://td/a");
    check(
        ProxyFormat::Plain,
        Cn,
        &[
            (&[], Ok(None)),
            (
                &[
                    ("x-client-cert-verified", " SUCCESS "),
                    ("x-client-cert-cn", " alice "),
                ],
                Ok(Some("alice")),
            ),
            (&[VERIFIED, cn, uri], Ok(Some("alice"))),
            (&[VERIFIED, uri], Err(NoIdentity)),
            (&[VERIFIED], Err(NoIdentity)),
            (&[VERIFIED, ("X-Client-Cert-CN", "")], Err(NoIdentity)),
            (&[cn], Err(Unverified)),
            (&[("X-Client-Cert-Verified", ""), cn], Err(Unverified)),
            (
                &[("X-Client-Cert-Verified", "success"), cn],
                Err(Unverified),
            ),
            (
                &[("X-Client-Cert-Verified", "FAILED:expired"), cn],
                Err(Unverified),
            ),
            (&[("X-Client-Cert-Verified", "FAILED")], Err(Unverified)),
            (&[("X-Client-Cert-Verified", "NONE")], Ok(None)),
            (
                &[("X-Client-Cert-Verified", "NONE"), ("X-Client-Cert-CN", "")],
                Ok(None),
            ),
            (&[("X-Client-Cert-Verified", "NONE"), cn], Err(BadHeaders)),
            (&[("X-Client-Cert-Verified", "NONE"), uri], Err(BadHeaders)),
            (&[VERIFIED, VERIFIED, cn], Err(BadHeaders)),
            (&[VERIFIED, cn, cn], Err(BadHeaders)),
            (&[VERIFIED, cn, uri, uri], Err(BadHeaders)),
            (
                &[VERIFIED, ("X-Client-Cert-CN", "eve, alice")],
                Err(BadHeaders),
            ),
            (&[VERIFIED, ("X-Client-Cert-CN", "a\u{1}")], Err(BadName)),
            (
                &[("X-Client-Cert-Verified", "SUCCESS, SUCCESS"), cn],
                Err(Unverified),
            ),
        ],
    );
    check(
        ProxyFormat::Plain,
        SanUri,
        &[(&[VERIFIED, cn, uri], Ok(Some("spiffe://td/a")))],
    );
    check(
        ProxyFormat::Plain,
        SanDns,
        &[
            (
                &[VERIFIED, ("X-Client-Cert-SAN-DNS", "A.Example")],
                Ok(Some("a.example")),
            ),
            (
                &[VERIFIED, ("X-Client-Cert-SAN-DNS", "a.example,b.example")],
                Err(BadHeaders),
            ),
            (
                &[VERIFIED, ("X-Client-Cert-SAN-DNS", "a.example b.example")],
                Err(BadName),
            ),
        ],
    );
    check(
        ProxyFormat::Plain,
        SanEmail,
        &[(
            &[VERIFIED, ("X-Client-Cert-SAN-Email", "a@X")],
            Ok(Some("a@x")),
        )],
    );
}

#[test]
fn nginx_tells_a_certificate_that_it_verified() {
    let der = certify(&[Says::Cn("alice")]);
    let pem = url_encoded_pem(&der);
    let good = ("X-SSL-Client-Verify", "SUCCESS");
    let cert = ("X-SSL-Client-Cert", pem.as_str());
    let cut = &pem[..pem.len() - 40];
    let other = pem.replace("MII", "MIJ");
    check(
        ProxyFormat::Nginx,
        Cn,
        &[
            (&[], Ok(None)),
            (&[good, cert], Ok(Some("alice"))),
            (&[("X-SSL-Client-Verify", "NONE")], Ok(None)),
            (
                &[("X-SSL-Client-Verify", "NONE"), ("X-SSL-Client-Cert", "")],
                Ok(None),
            ),
            (&[("X-SSL-Client-Verify", "NONE"), cert], Err(BadHeaders)),
            (&[cert], Err(Unverified)),
            (
                &[
                    ("X-SSL-Client-Verify", "FAILED:self signed certificate"),
                    cert,
                ],
                Err(Unverified),
            ),
            (
                &[("X-SSL-Client-Verify", "FAILED:certificate has expired")],
                Err(Unverified),
            ),
            (&[("X-SSL-Client-Verify", "0"), cert], Err(Unverified)),
            (&[good], Err(BadHeaders)),
            (&[good, good, cert], Err(BadHeaders)),
            (
                &[good, ("X-SSL-Client-Verify", "NONE"), cert],
                Err(BadHeaders),
            ),
            (&[good, cert, cert], Err(BadHeaders)),
            (&[good, ("X-SSL-Client-Cert", cut)], Err(BadHeaders)),
            (&[good, ("X-SSL-Client-Cert", "alice")], Err(BadHeaders)),
            (
                &[good, ("X-SSL-Client-Cert", &other)],
                Err(Unreadable(CertificateError::Malformed)),
            ),
            // The plain format's headers mean nothing here.
            (&[VERIFIED, ("X-Client-Cert-CN", "eve")], Ok(None)),
            (
                &[good, cert, VERIFIED, ("X-Client-Cert-CN", "eve")],
                Ok(Some("alice")),
            ),
        ],
    );
    check(
        ProxyFormat::Nginx,
        SanDns,
        &[(&[good, cert], Err(NoIdentity))],
    );
}

#[test]
fn haproxy_tells_a_certificate_that_was_used_and_verified() {
    let der = base64(&certify(&[Says::Uri("spiffe://td/a")]));
    let used = ("X-SSL-Client-Used", "1");
    let good = ("X-SSL-Client-Verify", "0");
    let cert = ("X-SSL-Client-DER", der.as_str());
    let none = ("X-SSL-Client-DER", "");
    check(
        ProxyFormat::Haproxy,
        SanUri,
        &[
            (&[], Ok(None)),
            (&[used, good, cert], Ok(Some("spiffe://td/a"))),
            // `ssl_c_verify` is 0 where no certificate was shown.
            (&[("X-SSL-Client-Used", "0"), good, none], Ok(None)),
            (&[("X-SSL-Client-Used", "0"), good], Ok(None)),
            (&[("X-SSL-Client-Used", "0"), good, cert], Err(BadHeaders)),
            (&[good, cert], Err(Unverified)),
            (&[cert], Err(Unverified)),
            (&[used, cert], Err(Unverified)),
            (
                &[used, ("X-SSL-Client-Verify", "10"), cert],
                Err(Unverified),
            ),
            (
                &[used, ("X-SSL-Client-Verify", "SUCCESS"), cert],
                Err(Unverified),
            ),
            (
                &[used, ("X-SSL-Client-Verify", "18"), none],
                Err(Unverified),
            ),
            (
                &[("X-SSL-Client-Used", "true"), good, cert],
                Err(Unverified),
            ),
            (&[used, good], Err(BadHeaders)),
            (&[used, good, none], Err(BadHeaders)),
            (&[used, used, good, cert], Err(BadHeaders)),
            (&[used, good, good, cert], Err(BadHeaders)),
            (&[used, good, cert, cert], Err(BadHeaders)),
            (&[used, good, ("X-SSL-Client-DER", "!")], Err(BadHeaders)),
            (
                &[used, good, ("X-SSL-Client-DER", "AQID")],
                Err(Unreadable(CertificateError::Malformed)),
            ),
        ],
    );
}

#[test]
fn traefik_tells_a_chain_of_which_the_first_is_the_clients() {
    let der = base64(&certify(&[Says::Email("bob@x")]));
    let issuer = base64(&certify(&[Says::Email("ca@x")]));
    let escaped = der
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let chain = format!("{der},{issuer}");
    let name = "X-Forwarded-Tls-Client-Cert";
    check(
        ProxyFormat::Traefik,
        SanEmail,
        &[
            (&[], Ok(None)),
            (&[(name, &der)], Ok(Some("bob@x"))),
            (&[(name, &escaped)], Ok(Some("bob@x"))),
            (&[(name, &chain)], Ok(Some("bob@x"))),
            (&[(name, &der), (name, &issuer)], Err(BadHeaders)),
            (&[(name, "")], Err(BadHeaders)),
            (&[(name, ",")], Err(BadHeaders)),
            (&[(name, &der[..der.len() - 5])], Err(BadHeaders)),
            (
                &[("X-Forwarded-Tls-Client-Cert-Info", "Subject=\"CN=eve\"")],
                Ok(None),
            ),
        ],
    );
}
