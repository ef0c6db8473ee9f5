#![allow(clippy::unwrap_used, reason = "a test may panic")]

use sha2::{Digest as _, Sha256};

use super::*;
use crate::engine::identity::mtls::CertificateError;
use crate::engine::identity::mtls::testing::{
    BEGIN_SECS, Says, base64, certify, head, url_encoded_pem,
};

use CertificateFault::{Ambiguous, BadHeaders, BadName, NoIdentity, Unreadable, Unverified};
use IdentitySource::{Cn, SanDns, SanEmail, SanUri};

type Outcome = Result<Option<String>, CertificateFault>;

/// The name that a head of these fields tells.
fn told(fields: &[(&str, &str)], format: ProxyFormat, source: IdentitySource) -> Outcome {
    let (digest, bytes) = head(fields);
    let headers = digest.certificate.of(&bytes);
    let Some(told) = Told::find(headers, format, source)? else {
        return Ok(None);
    };
    match told.read(source)? {
        Evidence::Certificate(certificate) => certificate
            .name(source, BEGIN_SECS)
            .map(|name| Some(name.to_owned())),
        Evidence::Name(name) => Ok(Some(name.into())),
    }
}

type Row<'a> = (
    &'a [(&'a str, &'a str)],
    Result<Option<&'a str>, CertificateFault>,
);

fn check(format: ProxyFormat, source: IdentitySource, rows: &[Row<'_>]) {
    for (fields, expected) in rows {
        let expected = expected.map(|name| name.map(str::to_owned));
        assert_eq!(
            told(fields, format, source),
            expected,
            "{format:?} {fields:?}"
        );
    }
}

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

#[test]
fn envoy_tells_one_element_with_a_hash() {
    let hash = format!("Hash={}", "0a".repeat(32));
    let rows: [(IdentitySource, String, Result<&str, CertificateFault>); 38] = [
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a"),
            Ok("spiffe://td/a"),
        ),
        (
            SanUri,
            format!("By=spiffe://td/gw;{hash};Subject=\"\";URI=spiffe://td/a"),
            Ok("spiffe://td/a"),
        ),
        (
            SanUri,
            format!("by=x;by=y;{};uri=spiffe://td/a", hash.to_uppercase()),
            Ok("spiffe://td/a"),
        ),
        (
            SanUri,
            format!("{hash};URI=\"spiffe://td/a\""),
            Ok("spiffe://td/a"),
        ),
        (
            SanUri,
            format!("{hash};URI=https://x/?a=b"),
            Ok("https://x/?a=b"),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a;URI=spiffe://td/a"),
            Ok("spiffe://td/a"),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a;URI=spiffe://td/b"),
            Err(Ambiguous),
        ),
        (SanUri, format!("{hash};URI="), Err(NoIdentity)),
        (SanUri, hash.clone(), Err(NoIdentity)),
        // A DNS name with a semicolon in it.
        (
            SanUri,
            format!("{hash};URI=;DNS=x;URI=spiffe://td/admin"),
            Err(BadName),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/\\\"a"),
            Err(BadHeaders),
        ),
        (SanUri, "URI=spiffe://td/a".to_owned(), Err(Unverified)),
        (
            SanUri,
            "Hash=;URI=spiffe://td/a".to_owned(),
            Err(BadHeaders),
        ),
        (
            SanUri,
            "Hash=0a0a;URI=spiffe://td/a".to_owned(),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash}0a;URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{}zz;URI=spiffe://td/a", &hash[..hash.len() - 2]),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};{hash};URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a,{hash};URI=spiffe://td/b"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a,"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!(",{hash};URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a;"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!(";{hash};URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (SanUri, format!("{hash};URI"), Err(BadHeaders)),
        (
            SanUri,
            format!("{hash}; URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};URI=\"spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};URI=\"spiffe://td/a\"b"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};=x;URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};Later=\"x;y,z\";URI=spiffe://td/a"),
            Ok("spiffe://td/a"),
        ),
        (SanUri, "spiffe://td/a".to_owned(), Err(BadHeaders)),
        (
            SanDns,
            format!("{hash};URI=;DNS=A.example"),
            Ok("a.example"),
        ),
        (
            SanDns,
            format!("{hash};DNS=a.example;DNS=b.example"),
            Err(Ambiguous),
        ),
        (
            SanDns,
            format!("{hash};Subject=\"CN=a.example\""),
            Err(NoIdentity),
        ),
        (
            SanEmail,
            format!("{hash};URI=spiffe://td/a"),
            Err(NoIdentity),
        ),
        (
            Cn,
            format!("{hash};Subject=\"CN=alice,O=x;y\""),
            Err(BadName),
        ),
        (
            Cn,
            format!("{hash};Subject=\"CN=Smith\\, John,O=x\";URI="),
            Ok("Smith, John"),
        ),
        (
            Cn,
            format!("{hash};Subject=\"O=x\\\",CN=eve,O=y\\\"\""),
            Ok("eve"),
        ),
        (
            Cn,
            format!("{hash};Subject=\"CN=a\";Subject=\"CN=a\""),
            Err(BadHeaders),
        ),
        (Cn, format!("{hash};Subject=\"\""), Err(NoIdentity)),
    ];
    for (source, value, expected) in &rows {
        let fields = [("X-Forwarded-Client-Cert", value.as_str())];
        check(
            ProxyFormat::Envoy,
            *source,
            &[(&fields, expected.map(Some))],
        );
    }
    let once = ("x-forwarded-client-cert", rows[0].1.as_str());
    check(
        ProxyFormat::Envoy,
        SanUri,
        &[
            (&[], Ok(None)),
            (&[once], Ok(Some("spiffe://td/a"))),
            (&[once, once], Err(BadHeaders)),
            (&[("x-forwarded-client-cert", "")], Err(BadHeaders)),
        ],
    );
}

#[test]
fn envoys_certificate_decides_alone_and_fits_its_hash() {
    let der = certify(&[Says::Cn("alice"), Says::Email("a@x")]);
    let pem = url_encoded_pem(&der);
    let hash: String = Sha256::digest(&der)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let other = "0a".repeat(32);
    let rows = [
        (
            Cn,
            format!("Hash={hash};Cert=\"{pem}\";Subject=\"CN=eve\""),
            Ok(Some("alice")),
        ),
        (
            SanEmail,
            format!("Hash={hash};Cert=\"{pem}\""),
            Ok(Some("a@x")),
        ),
        (
            SanUri,
            format!("Hash={hash};Cert=\"{pem}\";URI=spiffe://td/eve"),
            Err(NoIdentity),
        ),
        (Cn, format!("Hash={other};Cert=\"{pem}\""), Err(BadHeaders)),
        (Cn, format!("Cert=\"{pem}\""), Err(Unverified)),
        (
            Cn,
            format!("Hash={hash};Cert=\"{pem}\";Cert=\"{pem}\""),
            Err(BadHeaders),
        ),
        (
            Cn,
            format!("Hash={hash};Cert=\"\";Subject=\"CN=eve\""),
            Err(BadHeaders),
        ),
        (
            Cn,
            format!("Hash={hash};Cert=\"{pem}{pem}\""),
            Err(BadHeaders),
        ),
    ];
    for (source, value, expected) in &rows {
        let fields = [("X-Forwarded-Client-Cert", value.as_str())];
        check(ProxyFormat::Envoy, *source, &[(&fields, *expected)]);
    }
}

#[test]
fn what_one_certificate_was_told_by_is_told_apart() {
    let digest_of = |value: &[u8]| {
        Told {
            format: ProxyFormat::Plain,
            value,
        }
        .digest()
    };
    assert_eq!(digest_of(b"a"), digest_of(b"a"));
    assert_ne!(digest_of(b"a"), digest_of(b"b"));
}
