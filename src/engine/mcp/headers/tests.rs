#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{CertificateField, HeaderDigest, HeaderRefusal, Mirror, RepeatedField};

fn read(head: &str) -> Result<(HeaderDigest, Vec<u8>), HeaderRefusal> {
    let base = head.as_bytes().to_vec();
    let fields = base.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], &line[colon + 1..]))
    });
    let digest = HeaderDigest::read(&base, fields)?;
    Ok((digest, base))
}

#[test]
fn each_field_is_found_in_any_case_and_trimmed() {
    let (digest, base) = read(
        "HOST: gw\nOrigin: https://a\nAccept: */*\nMcp-Name: x\nUser-Agent: ua\nmcp-method:tools/call \nTraceState: s\n\
         traceparent: 00\ncontent-type: application/json; charset=UTF-8\nX-Request-Id: r\nauthorization: Bearer k\n\
         last-event-id: 7\nMcp-Session-Id: s1\ncontent-encoding: identity\nMCP-Protocol-Version: 2025-06-18\n\
         Mcp-Param-A: 1\nmcp_name: evil\ncookie: c",
    )
    .unwrap();
    let value = |span: Option<crate::engine::span::Span>| {
        std::str::from_utf8(span.unwrap().of(&base))
            .unwrap()
            .to_owned()
    };
    assert_eq!(value(digest.host), "gw");
    assert_eq!(value(digest.origin), "https://a");
    assert_eq!(value(digest.accept), "*/*");
    assert_eq!(value(digest.user_agent), "ua");
    assert_eq!(value(digest.traceparent), "00");
    assert_eq!(value(digest.tracestate), "s");
    assert_eq!(value(digest.request_id), "r");
    assert_eq!(value(digest.authorization), "Bearer k");
    assert_eq!(value(digest.last_event_id), "7");
    assert_eq!(value(digest.session_id), "s1");
    assert_eq!(value(digest.protocol_version), "2025-06-18");
    assert!(matches!(digest.method, Mirror::Once(span) if span.of(&base) == b"tools/call"));
    assert!(matches!(digest.name, Mirror::Once(span) if span.of(&base) == b"x"));
    assert!(digest.is_json && !digest.is_encoded);
    assert_eq!((digest.params, digest.underscored), (1, 1));
}

#[test]
fn a_repeated_single_field_is_refused() {
    for field in [
        "host",
        "origin",
        "content-type",
        "authorization",
        "last-event-id",
        "mcp-session-id",
        "mcp-protocol-version",
    ] {
        let head = format!("{field}: a\n{}: a", field.to_uppercase());
        assert_eq!(read(&head).unwrap_err(), HeaderRefusal::Repeated { field });
    }
}

#[test]
fn repeated_mirrors_are_noted_and_not_refused() {
    let (digest, _) =
        read("mcp-name: a\nmcp-name: a\nmcp-method: b\nmcp-method: c\nmcp-method: b").unwrap();
    assert_eq!(
        (digest.name, digest.method),
        (Mirror::Repeated, Mirror::Repeated)
    );
}

#[test]
fn a_repeated_traceparent_is_no_traceparent() {
    assert!(
        read("traceparent: a\ntraceparent: b\ntraceparent: c")
            .unwrap()
            .0
            .traceparent
            .is_none()
    );
}

#[test]
fn an_empty_value_is_present() {
    let (digest, base) = read("mcp-protocol-version:\nmcp-method: ").unwrap();
    assert!(digest.protocol_version.unwrap().of(&base).is_empty());
    assert!(matches!(digest.method, Mirror::Once(span) if span.is_empty()));
}

#[test]
fn a_session_id_is_visible_ascii_within_its_bound() {
    let long = "s".repeat(1024);
    for (id, accepted) in [
        ("s", true),
        ("!~", true),
        ("", false),
        ("a b", false),
        ("é", false),
        ("a\u{7f}", false),
        (long.as_str(), true),
    ] {
        assert_eq!(
            read(&format!("mcp-session-id:{id}")).is_ok(),
            accepted,
            "{id}"
        );
    }
    assert!(read(&format!("mcp-session-id:{long}s")).is_err());
}

#[test]
fn only_json_in_utf_8_is_json() {
    for (value, json) in [
        ("application/json", true),
        ("Application/JSON ; Charset=utf-8", true),
        ("application/json;charset=\"utf-8\"", true),
        ("application/json; profile=x", true),
        ("application/json; charset=utf-16", false),
        ("application/json; charset=latin1", false),
        ("application/jsonx", false),
        ("application/vnd.api+json", false),
        ("text/plain", false),
        ("text/plain; application/json", false),
        ("", false),
    ] {
        assert_eq!(
            read(&format!("content-type: {value}")).unwrap().0.is_json,
            json,
            "{value}"
        );
    }
}

#[test]
fn any_content_coding_but_identity_is_an_encoding() {
    for (value, encoded) in [
        ("identity", false),
        ("Identity", false),
        ("gzip", true),
        ("", true),
        ("identity, br", true),
    ] {
        assert_eq!(
            read(&format!("content-encoding: {value}"))
                .unwrap()
                .0
                .is_encoded,
            encoded,
            "{value}"
        );
    }
}

#[test]
fn fields_about_a_certificate_are_noted_and_never_refused() {
    let mut all = String::new();
    for (field, name) in CertificateField::ALL {
        let (digest, base) = read(&format!("{}: v ", name.to_uppercase())).unwrap();
        let headers = digest.certificate.of(&base);
        for (other, _) in CertificateField::ALL {
            let expected = (other == field).then_some(&b"v"[..]);
            assert_eq!(headers.value(other), Ok(expected), "{name} {other:?}");
        }
        assert_eq!(
            (digest.certificate.seen(), digest.underscored),
            (1, 0),
            "{name}"
        );
        let (digest, base) = read(&format!("{name}: v\n{name}: v")).unwrap();
        let headers = digest.certificate.of(&base);
        assert_eq!(headers.value(field), Err(RepeatedField), "{name}");
        assert_eq!(digest.certificate.seen(), 2);
        all.push_str(&format!("{name}: {name}\n"));
    }
    let (digest, base) = read(&all).unwrap();
    for (field, name) in CertificateField::ALL {
        let found = digest.certificate.of(&base).value(field);
        assert_eq!(found, Ok(Some(name.as_bytes())));
    }
}

#[test]
fn every_field_of_a_family_is_counted_and_no_other() {
    for (name, seen) in [
        ("x-client-cert-fingerprint", 1),
        ("X-SSL-Client-S-DN", 1),
        ("x-forwarded-tls-client-cert-info", 1),
        ("Client-Cert", 1),
        ("Client-Cert-Chain", 1),
        ("client-certs", 1),
        ("x-ssl-client", 0),
        ("x-forwarded-client", 0),
        ("x-forwarded-for", 0),
        ("x_ssl_client_cert", 0),
        ("cache-control", 0),
        ("", 0),
    ] {
        let (digest, _) = read(&format!("{name}: v")).unwrap();
        assert_eq!(digest.certificate.seen(), seen, "{name}");
    }
}
