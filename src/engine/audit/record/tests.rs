#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::Value;

use super::*;

fn line(record: &Record<'_>) -> String {
    let mut out = Vec::new();
    record.encode(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.ends_with("}\n") && text.matches('\n').count() == 1,
        "one line: {text:?}"
    );
    text
}

/// A record with `text` in every field that takes one, and every number at its widest.
fn stuffed(text: &str) -> Record<'_> {
    let bytes = Some(text.as_bytes());
    Record {
        timestamp_us: u64::MAX,
        event: EventType::AuthSuccess,
        request_id: bytes,
        trace_id: bytes,
        identity_id: bytes,
        auth_provider: Some(text),
        peer: Some(IpAddr::from([0xffff_u16; 8])),
        server: Some(text),
        method: bytes,
        tool: bytes,
        prompt: bytes,
        resource: bytes,
        decision: Some(Decision::Unauthenticated),
        rule: Some(text),
        success: Some(false),
        status: Some(u16::MAX),
        duration_us: Some(u64::MAX),
        upstream_us: Some(u64::MAX),
        request_bytes: Some(u64::MAX),
        response_bytes: Some(u64::MAX),
        session: Some(SessionTag::of(text.as_bytes())),
        message: bytes,
    }
}

#[test]
fn a_typical_record_reads_as_expected() {
    let mut record = Record::new(EventType::ToolCall, 1_785_231_000_000_001);
    record.request_id = Some(b"0198f0c2a1b2c3d4");
    record.identity_id = Some(b"key:full");
    record.auth_provider = Some("api_key");
    record.peer = Some(IpAddr::from([127, 0, 0, 1]));
    record.method = Some(b"tools/call");
    record.tool = Some(b"echo");
    record.decision = Some(Decision::Allowed);
    record.rule = Some(r#"allowed_tools[0] "*""#);
    record.success = Some(true);
    record.status = Some(200);
    record.duration_us = Some(1_042);
    record.upstream_us = Some(7);
    assert_eq!(
        line(&record),
        concat!(
            r#"{"timestamp":"2026-07-28T09:30:00.000001Z","event_type":"tool_call","request_id":"0198f0c2a1b2c3d4","#,
            r#""identity_id":"key:full","auth_provider":"api_key","peer":"127.0.0.1","method":"tools/call","tool":"echo","#,
            r#""decision":"allowed","rule":"allowed_tools[0] \"*\"","success":true,"status":200,"duration_ms":1.042,"#,
            r#""upstream_ms":0.007}"#,
            "\n"
        )
    );
}

#[test]
fn every_field_is_written_under_its_name_and_in_order() {
    let parsed: Value = serde_json::from_str(&line(&stuffed("x"))).unwrap();
    let names: Vec<&str> = parsed
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, FIELDS);
}

#[test]
fn no_bytes_make_a_record_invalid_or_longer_than_its_bound() {
    let texts = [
        "\u{1}",
        "\u{202e}",
        "\"",
        "\\",
        "🦀",
        "\u{2028}",
        "a",
        "\n{\"x\":1}\n",
        "\0",
    ];
    for text in texts {
        let line = line(&stuffed(&text.repeat(3_000)));
        assert!(
            line.len() <= AUDIT_RECORD_BYTES_MAX,
            "{} bytes of {text:?}",
            line.len()
        );
        assert!(
            line.len() <= RECORD_BYTES_WORST,
            "{} > {RECORD_BYTES_WORST}",
            line.len()
        );
        let parsed: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed.as_object().unwrap().len(), FIELDS.len(), "{text:?}");
    }
}

#[test]
fn bytes_that_are_not_text_are_recorded_as_such() {
    let mut record = Record::new(EventType::Request, 0);
    record.method = Some(b"\xff\xfe\"tools/call");
    let parsed: Value = serde_json::from_str(&line(&record)).unwrap();
    assert_eq!(parsed["method"], "\u{fffd}\u{fffd}\"tools/call");
}

#[test]
fn a_session_is_recorded_by_tag_alone() {
    let secret = b"0123456789abcdef0123456789abcdef";
    let mut record = Record::new(EventType::Session, 0);
    record.session = Some(SessionTag::of(secret));
    let text = line(&record);
    assert!(!text.contains("0123456789abcdef"), "{text}");
    assert_ne!(SessionTag::of(b"a"), SessionTag::of(b"b"));
    assert_eq!(SessionTag::of(b"abc").as_bytes(), b"ba7816bf8f01cfea");
}

#[test]
fn an_address_is_written_without_its_mapping() {
    for (address, expected) in [
        ("::ffff:10.0.0.255", "10.0.0.255"),
        ("2001:db8::1", "2001:db8::1"),
        ("0.0.0.0", "0.0.0.0"),
    ] {
        let mut record = Record::new(EventType::Request, 0);
        record.peer = Some(address.parse().unwrap());
        let parsed: Value = serde_json::from_str(&line(&record)).unwrap();
        assert_eq!(parsed["peer"], expected);
    }
}

#[test]
fn encoding_into_room_enough_allocates_nothing() {
    let mut out = Vec::with_capacity(AUDIT_RECORD_BYTES_MAX);
    stuffed(&"\u{1}".repeat(500)).encode(&mut out);
    assert_eq!(out.capacity(), AUDIT_RECORD_BYTES_MAX);
}
