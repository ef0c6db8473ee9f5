//! Heads as real proxies sent them.

use super::*;

/// 2027-01-15, when the certificates that the proxies were shown are in their time.
const SENT_SECS: u64 = 1_800_000_000;

/// The name that a head tells which a real proxy sent: nginx 1.22 and HAProxy 2.6, configured as in `docs/client-certificates.md`, to a
/// client that itself sent each of the fields, forged and some twice.
fn sent(head_of_proxy: &str, format: ProxyFormat, source: IdentitySource) -> Outcome {
    let lines = head_of_proxy.lines().skip(1);
    let fields: Vec<_> = lines.map(|line| line.split_once(':').unwrap()).collect();
    let (digest, bytes) = head(&fields);
    let headers = digest.certificate.of(&bytes);
    let Some(told) = Told::find(headers, format, source)? else {
        return Ok(None);
    };
    let Evidence::Certificate(certificate) = told.read(source)? else {
        return Err(NoIdentity);
    };
    let name = certificate.name(source, SENT_SECS)?;
    Ok(Some(name.to_owned()))
}

#[test]
fn heads_that_proxies_really_sent_are_read_as_they_were_meant() {
    use ProxyFormat::{Haproxy, Nginx};
    let verified = [
        (Nginx, include_str!("../sent/nginx_verified.head")),
        (Haproxy, include_str!("../sent/haproxy_verified.head")),
    ];
    for (format, head) in verified {
        for (source, name) in [
            (Cn, "Smith, J\"o\""),
            (SanUri, "spiffe://td/alice"),
            (SanDns, "alice.example"),
            (SanEmail, "Alice@example.com"),
        ] {
            let found = sent(head, format, source);
            assert_eq!(found, Ok(Some(name.to_owned())), "{format:?} {source:?}");
        }
    }
    let rows = [
        (Nginx, include_str!("../sent/nginx_none.head"), Ok(None)),
        (
            Nginx,
            include_str!("../sent/nginx_failed.head"),
            Err(Unverified),
        ),
        (Haproxy, include_str!("../sent/haproxy_none.head"), Ok(None)),
        (
            Haproxy,
            include_str!("../sent/haproxy_failed.head"),
            Err(Unverified),
        ),
    ];
    for (format, head, expected) in rows {
        assert_eq!(sent(head, format, Cn), expected, "{format:?} {head}");
    }
}
