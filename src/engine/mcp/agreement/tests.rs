#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{Agreement, Disagreement, agree, agree_without_body};
use crate::engine::mcp::headers::HeaderDigest;
use crate::engine::mcp::revision::{Era, Revision};
use crate::engine::mcp::scan::{ScanLimits, scan};

const MODERN: &str = "2026-07-28";

fn digest(headers: &str) -> HeaderDigest {
    let fields = headers.lines().filter_map(|line| line.split_once(':'));
    HeaderDigest::read(
        headers.as_bytes(),
        fields.map(|(name, value)| (name.as_bytes(), value.as_bytes())),
    )
    .unwrap()
}

fn decide(headers: &str, body: &str) -> Result<Agreement, Disagreement> {
    let scanned = scan(body.as_bytes(), &ScanLimits::default()).unwrap();
    agree(
        &digest(headers),
        headers.as_bytes(),
        &scanned,
        body.as_bytes(),
    )
}

#[track_caller]
fn check(headers: &str, body: &str, expected: Result<Revision, Disagreement>) {
    let agreed = decide(headers, body);
    assert_eq!(
        agreed.map(|agreement| agreement.revision),
        expected,
        "{headers}\n{body}"
    );
    if let Ok(agreement) = agreed {
        assert_eq!(agreement.era, agreement.revision.era());
    }
}

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#)
}

/// A request that opens as `version` does, with more `params`.
fn modern(method: &str, version: &str, params: &str) -> String {
    let meta = format!(
        r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{version}","io.modelcontextprotocol/clientCapabilities":{{}}}}"#
    );
    request(method, &format!("{meta}{params}"))
}

#[test]
fn a_legacy_message_is_held_to_its_version_header() {
    let call = request("tools/call", r#""name":"a""#);
    for (headers, expected) in [
        ("", Ok(Revision::R2025_03_26)),
        (
            "MCP-Protocol-Version: 2024-11-05",
            Ok(Revision::R2024_11_05),
        ),
        (
            "mcp-protocol-version:2025-06-18 ",
            Ok(Revision::R2025_06_18),
        ),
        (
            "MCP-Protocol-Version: 2025-11-25",
            Ok(Revision::R2025_11_25),
        ),
        (
            "MCP-Protocol-Version: 2025-11-26",
            Err(Disagreement::VersionInvalid),
        ),
        (
            "MCP-Protocol-Version: 2026-07-27",
            Err(Disagreement::VersionInvalid),
        ),
        (
            "MCP-Protocol-Version: 1.0",
            Err(Disagreement::VersionInvalid),
        ),
        ("MCP-Protocol-Version:", Err(Disagreement::VersionInvalid)),
        (
            "MCP-Protocol-Version: 2025-06-18, 2025-06-18",
            Err(Disagreement::VersionInvalid),
        ),
    ] {
        check(headers, &call, expected);
        check(
            &format!("{headers}\nMcp-Method: x\nMcp-Name: y\nMcp-Name: z"),
            &call,
            expected,
        );
    }
    assert!(!decide("", &call).unwrap().is_version_known);
    assert!(
        decide("mcp-protocol-version:2025-03-26", &call)
            .unwrap()
            .is_version_known
    );
}

#[test]
fn a_modern_request_is_held_to_every_mirrored_header() {
    let call = modern("tools/call", MODERN, r#","name":"get_weather""#);
    let version = "MCP-Protocol-Version: 2026-07-28";
    for (headers, expected) in [
        (
            "Mcp-Method: tools/call\nMcp-Name: get_weather",
            Ok(Revision::R2026_07_28),
        ),
        (
            "MCP-METHOD:  tools/call\t\nmcp-name: get_weather ",
            Ok(Revision::R2026_07_28),
        ),
        (
            "Mcp-Method: tools/call\nMcp-Name: =?base64?Z2V0X3dlYXRoZXI=?=",
            Ok(Revision::R2026_07_28),
        ),
        (
            "Mcp-Method: tools/call\nMcp-Name: get_weather\nMcp-Session-Id: stale\nLast-Event-ID: 1",
            Ok(Revision::R2026_07_28),
        ),
        (
            "Mcp-Name: get_weather",
            Err(Disagreement::MethodHeaderMissing),
        ),
        (
            "Mcp-Method: tools/list\nMcp-Name: get_weather",
            Err(Disagreement::MethodMismatch),
        ),
        (
            "Mcp-Method: Tools/Call\nMcp-Name: get_weather",
            Err(Disagreement::MethodMismatch),
        ),
        (
            "Mcp-Method:\nMcp-Name: get_weather",
            Err(Disagreement::MethodMismatch),
        ),
        (
            "Mcp-Method: tools/call\nMcp-Method: tools/call\nMcp-Name: get_weather",
            Err(Disagreement::MethodMismatch),
        ),
        (
            "Mcp-Method: =?base64?dG9vbHMvY2FsbA==?=\nMcp-Name: get_weather",
            Err(Disagreement::MethodMismatch),
        ),
        (
            "Mcp-Method: tools/call",
            Err(Disagreement::NameHeaderMissing),
        ),
        (
            "Mcp-Method: tools/call\nMcp-Name: get_wether",
            Err(Disagreement::NameMismatch),
        ),
        (
            "Mcp-Method: tools/call\nMcp-Name: Get_Weather",
            Err(Disagreement::NameMismatch),
        ),
        (
            "Mcp-Method: tools/call\nMcp-Name:",
            Err(Disagreement::NameMismatch),
        ),
        (
            "Mcp-Method: tools/call\nMcp-Name: get_weather\nMcp-Name: get_weather",
            Err(Disagreement::NameMismatch),
        ),
        (
            "Mcp-Method: tools/call\nMcp-Name: =?base64?Z2V0X3dlYXRoZXI?=",
            Err(Disagreement::NameMismatch),
        ),
        (
            "Mcp-Method: tools/call\nMcp-Name: =?base64?%%%?=",
            Err(Disagreement::NameMismatch),
        ),
    ] {
        check(&format!("{version}\n{headers}"), &call, expected);
    }
}

#[test]
fn the_name_header_mirrors_what_the_method_names() {
    for (method, params, name, expected) in [
        ("prompts/get", r#","name":"p","uri":"u""#, Some("p"), true),
        ("prompts/get", r#","name":"p","uri":"u""#, Some("u"), false),
        (
            "resources/read",
            r#","name":"p","uri":"file:///a b""#,
            Some("file:///a b"),
            true,
        ),
        (
            "resources/read",
            r#","uri":"file:///ü""#,
            Some("=?base64?ZmlsZTovLy/DvA==?="),
            true,
        ),
        (
            "resources/read",
            r#","uri":"file:///ü""#,
            Some("file:///ü"),
            false,
        ),
        ("tasks/get", r#","taskId":"t""#, Some("t"), true),
        ("tasks/update", r#","taskId":"t""#, Some("t"), true),
        ("tasks/cancel", r#","taskId":"t""#, None, false),
        ("tools/list", "", None, true),
        ("server/discover", "", None, true),
        (
            "completion/complete",
            r#","ref":{"type":"ref/prompt","name":"p"}"#,
            None,
            true,
        ),
        ("subscriptions/listen", r#","notifications":{}"#, None, true),
        ("x/unknown", r#","name":"n""#, None, true),
    ] {
        let name = name
            .map(|name| format!("\nMcp-Name: {name}"))
            .unwrap_or_default();
        let headers = format!("MCP-Protocol-Version: 2026-07-28\nMcp-Method: {method}{name}");
        assert_eq!(
            decide(&headers, &modern(method, MODERN, params)).is_ok(),
            expected,
            "{method} {headers}"
        );
    }
}

#[test]
fn header_and_meta_name_the_same_version() {
    let mirrored = "Mcp-Method: tools/list";
    for (header, meta, expected) in [
        (Some("2026-07-28"), "2026-07-28", Ok(true)),
        (Some("2026-12-01"), "2026-12-01", Ok(false)),
        (Some("draft"), "draft", Ok(false)),
        (Some("2025-11-25"), "2025-11-25", Ok(false)),
        (
            Some("2026-07-28"),
            "2026-12-01",
            Err(Disagreement::VersionMismatch),
        ),
        (
            Some("2025-06-18"),
            "2026-07-28",
            Err(Disagreement::VersionMismatch),
        ),
        (
            Some("2026-07-28"),
            "2025-06-18",
            Err(Disagreement::VersionMismatch),
        ),
        (None, "2026-07-28", Err(Disagreement::VersionHeaderMissing)),
        (None, "", Err(Disagreement::VersionHeaderMissing)),
    ] {
        let header = header
            .map(|version| format!("MCP-Protocol-Version: {version}\n"))
            .unwrap_or_default();
        let agreed = decide(
            &format!("{header}{mirrored}"),
            &modern("tools/list", meta, ""),
        );
        assert_eq!(
            agreed.map(|agreement| agreement.is_version_known),
            expected,
            "{header} {meta}"
        );
        assert!(agreed.is_err() || agreed.unwrap().era == Era::Modern);
    }
}

#[test]
fn a_modern_request_carries_version_and_capabilities() {
    let headers = "MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/list";
    let version = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
    for (meta, expected) in [
        ("", Err(Disagreement::MetaVersionMissing)),
        (r#""_meta":{}"#, Err(Disagreement::MetaVersionMissing)),
        (r#""_meta":null"#, Err(Disagreement::MetaVersionMissing)),
        (
            &format!(r#""_meta":{{{version}}}"#),
            Err(Disagreement::MetaCapabilitiesMissing),
        ),
        (
            &format!(r#""_meta":{{{version},"io.modelcontextprotocol/clientCapabilities":null}}"#),
            Err(Disagreement::MetaCapabilitiesMissing),
        ),
        (
            &format!(r#""_meta":{{{version},"io.modelcontextprotocol/clientCapabilities":{{}}}}"#),
            Ok(Revision::R2026_07_28),
        ),
    ] {
        check(headers, &request("tools/list", meta), expected);
    }
}

#[test]
fn notifications_need_no_mirrored_headers_and_may_not_lie_in_them() {
    let cancelled =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    for (headers, expected) in [
        ("", Ok(Revision::R2025_03_26)),
        (
            "MCP-Protocol-Version: 2026-07-28",
            Ok(Revision::R2026_07_28),
        ),
        (
            "MCP-Protocol-Version: 2026-07-28\nMcp-Method: notifications/cancelled",
            Ok(Revision::R2026_07_28),
        ),
        (
            "MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/call",
            Err(Disagreement::MethodMismatch),
        ),
    ] {
        check(headers, cancelled, expected);
    }
}

#[test]
fn batches_belong_to_2025_03_26_alone() {
    let batch = format!(
        "[{},{}]",
        request("ping", ""),
        r#"{"jsonrpc":"2.0","method":"notifications/x"}"#
    );
    for (headers, expected) in [
        ("", Ok(Revision::R2025_03_26)),
        (
            "MCP-Protocol-Version: 2025-03-26",
            Ok(Revision::R2025_03_26),
        ),
        (
            "MCP-Protocol-Version: 2024-11-05",
            Err(Disagreement::BatchUnsupported),
        ),
        (
            "MCP-Protocol-Version: 2025-06-18",
            Err(Disagreement::BatchUnsupported),
        ),
        (
            "MCP-Protocol-Version: 2025-11-25",
            Err(Disagreement::BatchUnsupported),
        ),
        (
            "MCP-Protocol-Version: 2026-07-28",
            Err(Disagreement::BatchUnsupported),
        ),
        (
            "MCP-Protocol-Version: 2026-12-12",
            Err(Disagreement::BatchUnsupported),
        ),
        ("MCP-Protocol-Version: x", Err(Disagreement::VersionInvalid)),
    ] {
        check(headers, &batch, expected);
    }
}

#[test]
fn a_batch_holds_what_a_batch_may() {
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    let ping = request("ping", "");
    let other = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    for (members, expected) in [
        (vec![ping.as_str()], Ok(Revision::R2025_03_26)),
        (vec![response, response], Ok(Revision::R2025_03_26)),
        (
            vec![&ping, &other("\"1\""), &other("2")],
            Ok(Revision::R2025_03_26),
        ),
        (vec![&ping, response], Err(Disagreement::BatchMixed)),
        (
            vec![response, r#"{"jsonrpc":"2.0","method":"notifications/x"}"#],
            Err(Disagreement::BatchMixed),
        ),
        (
            vec![&ping, &request("initialize", "").replace(":1", ":2")],
            Err(Disagreement::BatchInitialize),
        ),
        (
            vec![&ping, &other("2"), &ping],
            Err(Disagreement::BatchIdRepeated),
        ),
        (
            vec![&other("\"a\""), &other("\"\\u0061\"")],
            Err(Disagreement::BatchIdRepeated),
        ),
        (
            vec![&modern("tools/list", MODERN, "")],
            Err(Disagreement::BatchUnsupported),
        ),
    ] {
        check("", &format!("[{}]", members.join(",")), expected);
    }
}

#[test]
fn modern_clients_send_no_responses() {
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    check(
        "MCP-Protocol-Version: 2026-07-28",
        response,
        Err(Disagreement::ResponseUnsupported),
    );
    check(
        "MCP-Protocol-Version: 2025-11-25",
        response,
        Ok(Revision::R2025_11_25),
    );
}

#[test]
fn requests_without_a_body_are_of_the_era_of_their_header() {
    for (headers, expected) in [
        ("", Ok(Era::Legacy)),
        ("MCP-Protocol-Version: 2025-06-18", Ok(Era::Legacy)),
        ("MCP-Protocol-Version: 2026-07-28", Ok(Era::Modern)),
        ("MCP-Protocol-Version: 2027-01-01", Ok(Era::Modern)),
        (
            "MCP-Protocol-Version: latest",
            Err(Disagreement::VersionInvalid),
        ),
    ] {
        let agreed = agree_without_body(&digest(headers), headers.as_bytes());
        assert_eq!(agreed.map(|agreement| agreement.era), expected, "{headers}");
    }
}

#[test]
fn codes_tell_headers_from_meta_from_messages() {
    assert_eq!(Disagreement::NameMismatch.rpc_code(), -32020);
    assert_eq!(Disagreement::VersionHeaderMissing.rpc_code(), -32020);
    assert_eq!(Disagreement::MetaCapabilitiesMissing.rpc_code(), -32602);
    assert_eq!(Disagreement::BatchUnsupported.rpc_code(), -32600);
    assert_eq!(Disagreement::VersionInvalid.status(), 400);
}
