//! The fields that a client owes for the arguments of a call (2026-07-28, Client Behavior).

use super::ParamHeaders;
use crate::engine::mcp::json::string_at;
use crate::engine::mcp::sentinel::encoded;
use crate::engine::span::Span;

impl ParamHeaders {
    /// The fields that mirror `arguments`, the JSON text of a call's arguments, as name and value.
    ///
    /// An argument that is missing, `null`, an object or an array has none. Numbers and booleans go as they are written.
    #[must_use]
    pub fn fields(&self, arguments: Option<&str>) -> Vec<(Box<str>, Box<[u8]>)> {
        let Some(arguments) = arguments else {
            return Vec::new();
        };
        let fields = self.params.iter().filter_map(|param| {
            let token = param.value(arguments)?;
            let value = match token.starts_with('"') {
                true => encoded(&string_at(token, Span::new(0, token.len()))?),
                false => token.as_bytes().to_vec(),
            };
            Some((param.field.clone(), value.into()))
        });
        fields.collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::ParamHeaders;

    const SCHEMA: &str = r#"{"type":"object","properties":{
        "s":{"type":"string","x-mcp-header":"S"},
        "n":{"type":"integer","x-mcp-header":"N"},
        "b":{"type":"boolean","x-mcp-header":"B"},
        "o":{"type":"object","properties":{"s":{"type":"string","x-mcp-header":"O-S"}}}}}"#;

    #[test]
    fn what_is_written_agrees_with_the_arguments() {
        let params = ParamHeaders::of_schema(SCHEMA.as_bytes()).unwrap();
        for (arguments, expected) in [
            (r#"{"s":"a b"}"#, "mcp-param-s: a b\n"),
            (r#"{"s":"\u00fc","x":1}"#, "mcp-param-s: =?base64?w7w=?=\n"),
            (
                r#"{"s":"a\r\nb: c"}"#,
                "mcp-param-s: =?base64?YQ0KYjogYw==?=\n",
            ),
            (
                r#"{"n":-7,"b":false}"#,
                "mcp-param-n: -7\nmcp-param-b: false\n",
            ),
            (
                r#"{"o":{"s":" "},"s":null}"#,
                "mcp-param-o-s: =?base64?IA==?=\n",
            ),
            (r#"{"s":{"s":"x"},"n":[1],"o":7}"#, ""),
            ("{}", ""),
            ("[]", ""),
        ] {
            let fields = params.fields(Some(arguments));
            let text: String = fields
                .iter()
                .map(|(name, value)| format!("{name}: {}\n", str::from_utf8(value).unwrap()))
                .collect();
            assert_eq!(text, expected, "{arguments}");
            let fields = fields.iter().map(|(name, value)| (&**name, &**value));
            assert_eq!(params.agree(Some(arguments), fields), Ok(()), "{arguments}");
        }
        assert!(params.fields(None).is_empty());
    }
}
