//! A schema and arguments of any kind: the fields that the gateway writes from them are those that it would accept.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::mcp::param_headers::ParamHeaders;
use mcp_guard::engine::mcp::param_headers::listing::read_listing;

fuzz_target!(|input: (&[u8], &str)| {
    let (schema, arguments) = input;
    let _ = read_listing(schema);
    let Ok(headers) = ParamHeaders::of_schema(schema) else {
        return;
    };
    let is_object =
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(arguments).is_ok();
    if !is_object {
        return;
    }
    let written = headers.fields(Some(arguments));
    let fields = written.iter().map(|(name, value)| (&**name, &**value));
    assert!(
        headers.agree(Some(arguments), fields).is_ok(),
        "{written:?}"
    );
});
