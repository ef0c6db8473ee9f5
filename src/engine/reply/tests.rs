#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};

use super::*;
use crate::engine::identity::ChallengeError;
use crate::engine::policy::SubjectKind;

/// Every failure once, with its status and code.
fn table() -> Vec<(Failure, u16, i32)> {
    let detail = "what is wrong";
    vec![
        (Failure::BadHead, 400, -32600),
        (Failure::HeadTooLarge, 431, -32600),
        (Failure::HeadTimeout, 408, -32600),
        (Failure::HttpVersion, 505, -32600),
        (Failure::ForeignHost, 421, -32600),
        (Failure::ForeignOrigin, 403, -32600),
        (Failure::BadPath, 400, -32600),
        (Failure::NotFound, 404, -32600),
        (Failure::MethodNotAllowed { allow: "POST" }, 405, -32600),
        (Failure::UpgradeRefused, 400, -32600),
        (Failure::ExpectationFailed, 417, -32600),
        (
            Failure::Unauthorized {
                challenge: ChallengeError::None,
            },
            401,
            40101,
        ),
        (Failure::InsufficientScope, 403, 40301),
        (
            Failure::AuthRateLimited {
                retry_after_secs: 3,
            },
            429,
            42901,
        ),
        (
            Failure::Denied {
                kind: Some(SubjectKind::Tool),
            },
            200,
            40302,
        ),
        (Failure::Denied { kind: None }, 200, 40302),
        (
            Failure::RateLimited {
                retry_after_secs: 3,
            },
            429,
            42901,
        ),
        (Failure::TooManyStreams, 429, 42901),
        (Failure::ContentType, 415, -32600),
        (Failure::ContentEncoding, 415, -32600),
        (Failure::BodyTooLarge { limit_bytes: 1 }, 413, -32600),
        (Failure::BodyTimeout, 408, -32600),
        (Failure::BadBody, 400, -32600),
        (Failure::NotJson { detail }, 400, -32700),
        (Failure::NotAMessage { detail }, 400, -32600),
        (Failure::BatchRefused, 400, -32600),
        (Failure::HeaderMismatch { detail }, 400, -32020),
        (Failure::MetaMissing { detail }, 400, -32602),
        (Failure::BadParams { detail }, 400, -32602),
        (Failure::UnsupportedVersion, 400, -32022),
        (Failure::UnknownLegacyVersion, 400, -32600),
        (Failure::UnknownMethod, 404, -32601),
        (Failure::SessionMissing, 400, -32600),
        (Failure::SessionUnknown, 404, -32600),
        (Failure::BadHeader { detail }, 400, -32600),
        (Failure::UpstreamRefused, 502, -32603),
        (Failure::UpstreamUnreachable, 502, -32603),
        (Failure::UpstreamTimeout, 504, -32603),
        (Failure::UpstreamBadAnswer, 502, -32603),
        (Failure::UpstreamBroke, 502, -32603),
        (Failure::Overloaded, 503, -32603),
        (Failure::Draining, 503, -32603),
        (Failure::AuditFull, 503, -32603),
        (Failure::KeysUnavailable, 503, -32603),
        (Failure::Internal, 500, -32603),
    ]
}

fn body(failure: Failure, id: ReplyId<'_>) -> Value {
    let mut out = Vec::new();
    failure.encode(id, "req-1", &mut out);
    serde_json::from_slice(&out).unwrap()
}

fn headers(failure: Failure) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    failure.each_header(None, |name, value| {
        fields.push((name.to_owned(), value.to_owned()))
    });
    fields
}

#[test]
fn every_failure_has_its_status_its_code_and_a_json_rpc_body() {
    for (failure, status, code) in table() {
        assert_eq!(
            (failure.status(), failure.rpc_code()),
            (status, code),
            "{failure:?}"
        );
        let answer = body(failure, ReplyId::Known(b"7"));
        assert_eq!(answer["jsonrpc"], "2.0");
        assert_eq!(answer["id"], 7);
        assert_eq!(answer["error"]["code"], code);
        assert_eq!(answer["error"]["message"], failure.message());
        assert_eq!(answer["error"]["data"], json!({"requestId": "req-1"}));
        assert_eq!(
            headers(failure)[0],
            ("content-type".to_owned(), "application/json".to_owned())
        );
    }
}

#[test]
fn codes_keep_to_the_ranges_that_the_protocol_leaves() {
    for (failure, _, code) in table() {
        let own = [40101, 40301, 40302, 42901].contains(&code);
        let rpc = code == -32700 || (-32603..=-32600).contains(&code);
        let mcp = (-32022..=-32020).contains(&code);
        assert!(own || rpc || mcp, "{failure:?} has {code}");
    }
}

#[test]
fn the_id_is_echoed_byte_for_byte_or_absent_as_the_revision_wants() {
    let text = |id| {
        let mut out = Vec::new();
        Failure::NotFound.encode(id, "r", &mut out);
        String::from_utf8(out).unwrap()
    };
    for token in [r#""a\u0062""#, "9007199254740993", "-1", r#""listen:0""#] {
        assert!(text(ReplyId::Known(token.as_bytes())).contains(&format!(r#""id":{token},"#)));
    }
    assert!(text(ReplyId::unknown(false)).contains(r#""id":null,"#));
    assert!(!text(ReplyId::unknown(true)).contains("\"id\""));
}

#[test]
fn the_headers_that_clients_act_on_are_there() {
    let find = |failure, name: &str| {
        headers(failure)
            .into_iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value)
    };
    let unauthorized = |challenge| Failure::Unauthorized { challenge };
    let bearer = r#"Bearer realm="mcp-guard""#;
    assert_eq!(
        find(unauthorized(ChallengeError::None), "www-authenticate").unwrap(),
        bearer
    );
    let invalid = find(
        unauthorized(ChallengeError::InvalidToken),
        "www-authenticate",
    )
    .unwrap();
    assert_eq!(invalid, format!(r#"{bearer}, error="invalid_token""#));
    assert_eq!(
        find(Failure::InsufficientScope, "www-authenticate").unwrap(),
        r#"Bearer error="insufficient_scope""#
    );
    assert_eq!(
        find(Failure::MethodNotAllowed { allow: "GET, POST" }, "allow").unwrap(),
        "GET, POST"
    );
    for (failure, status, _) in table() {
        assert_eq!(
            find(failure, "retry-after").is_some(),
            status == 429 || status == 503,
            "{failure:?}"
        );
        assert_eq!(
            find(failure, "www-authenticate").is_some(),
            status == 401 || failure == Failure::InsufficientScope,
            "{failure:?}"
        );
    }
    assert_eq!(
        find(
            Failure::RateLimited {
                retry_after_secs: 42
            },
            "retry-after"
        )
        .unwrap(),
        "42"
    );
}

#[test]
fn a_denial_names_the_kind_and_nothing_else() {
    let kinds = [
        ("tool", SubjectKind::Tool),
        ("prompt", SubjectKind::Prompt),
        ("resource", SubjectKind::Resource),
    ];
    for (word, kind) in kinds {
        assert_eq!(
            Failure::Denied { kind: Some(kind) }.message(),
            format!("{word} not available")
        );
    }
}

#[test]
fn a_version_failure_names_the_versions() {
    let mut out = Vec::new();
    let versions = VersionData {
        supported: &["2025-11-25", "2025-06-18"],
        requested: Some(b"2099-\"01\""),
    };
    Failure::UnsupportedVersion.encode_with(ReplyId::Known(b"1"), "r", &versions, &mut out);
    let answer: Value = serde_json::from_slice(&out).unwrap();
    let expected = json!({"requestId": "r", "supported": ["2025-11-25", "2025-06-18"], "requested": "2099-\"01\""});
    assert_eq!(answer["error"]["data"], expected);
}

#[test]
fn a_failure_on_a_stream_is_one_sse_event() {
    let mut out = Vec::new();
    Failure::UpstreamBroke.encode_event(ReplyId::Known(b"\"x\""), "r", &mut out);
    let text = String::from_utf8(out).unwrap();
    let data = text
        .strip_prefix("event: message\ndata: ")
        .unwrap()
        .strip_suffix("\n\n")
        .unwrap();
    assert!(!data.contains('\n'));
    assert_eq!(serde_json::from_str::<Value>(data).unwrap()["id"], "x");
}
