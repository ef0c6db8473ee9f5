//! The header fields of a modern request, out of its body.
//!
//! Source: 2026-07-28 Streamable HTTP, Standard Request Headers.

use crate::engine::mcp::message::{Call, Message};
use crate::engine::mcp::methods::NameSource;
use crate::engine::mcp::revision::Revision;
use crate::engine::mcp::sentinel::encoded;

/// A header field: name and value.
pub type Field = (Box<str>, Box<[u8]>);

/// The fields that mirror `message`, scanned from `body`: `MCP-Protocol-Version`, and on requests `Mcp-Method` and, where the
/// method has one, `Mcp-Name`. `None` for a response, which the era does not have.
#[must_use]
pub fn mirrored(message: &Message, body: &[u8]) -> Option<Vec<Field>> {
    let call = message.call()?;
    let version = match &call.params.meta.protocol_version {
        Some(version) => version.as_bytes(body),
        None => Revision::R2026_07_28.as_str().as_bytes(),
    };
    let mut fields = vec![("MCP-Protocol-Version".into(), version.into())];
    fields.push(("Mcp-Method".into(), call.method_text.as_bytes(body).into()));
    if let Some(name) = name(call, body) {
        fields.push(("Mcp-Name".into(), encoded(name).into()));
    }
    Some(fields)
}

fn name<'b>(call: &'b Call, body: &'b [u8]) -> Option<&'b str> {
    let params = &call.params;
    let text = match call.method.name_source()? {
        NameSource::Name => &params.name,
        NameSource::Uri => &params.uri,
        NameSource::TaskId => &params.task_id,
    };
    text.as_ref().map(|text| text.as_str(body))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::mirrored;
    use crate::engine::mcp::message::Body;
    use crate::engine::mcp::scan::{ScanLimits, scan};

    #[test]
    fn the_fields_mirror_the_body() {
        for (body, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\u00fcber","_meta":{"io.modelcontextprotocol/protocolVersion":"2027-01-01"}}}"#,
                Some(
                    "MCP-Protocol-Version: 2027-01-01\nMcp-Method: tools/call\nMcp-Name: =?base64?w7xiZXI=?=\n",
                ),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///a","name":"x"}}"#,
                Some(
                    "MCP-Protocol-Version: 2026-07-28\nMcp-Method: resources/read\nMcp-Name: file:///a\n",
                ),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
                Some("MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/list\n"),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t"}}"#,
                Some("MCP-Protocol-Version: 2026-07-28\nMcp-Method: tasks/get\nMcp-Name: t\n"),
            ),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None),
        ] {
            let Body::One(message) = scan(body.as_bytes(), &ScanLimits::default()).unwrap() else {
                panic!("{body}");
            };
            let text = mirrored(&message, body.as_bytes()).map(|fields| {
                fields
                    .iter()
                    .map(|(name, value)| format!("{name}: {}\n", str::from_utf8(value).unwrap()))
                    .collect::<String>()
            });
            assert_eq!(text.as_deref(), expected, "{body}");
        }
    }
}
