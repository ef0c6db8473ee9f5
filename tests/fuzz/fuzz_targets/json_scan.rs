//! The scanner against `serde_json`: whatever it accepts is JSON without duplicate members, and reads the same there.
#![no_main]

use std::collections::HashSet;
use std::fmt;

use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::mcp::message::{Body, Message};
use mcp_guard::engine::mcp::scan::{ScanLimits, scan};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let Ok(scanned) = scan(body, &ScanLimits::default()) else {
        return;
    };
    if let Err(error) = serde_json::from_slice::<Unique>(body) {
        panic!("accepted, but: {error}");
    }
    let value: Value = serde_json::from_slice(body).expect("read once already");
    match (&scanned, &value) {
        (Body::One(message), value) => check(message, value, body),
        (Body::Batch(messages), Value::Array(values)) => {
            assert_eq!(messages.len(), values.len());
            messages
                .iter()
                .zip(values)
                .for_each(|(message, value)| check(message, value, body));
        }
        (Body::Batch(_), _) => panic!("a batch that is no array"),
    }
});

fn check(message: &Message, value: &Value, body: &[u8]) {
    assert_eq!(value["jsonrpc"], "2.0");
    if let Some(id) = message.request_id() {
        assert_eq!(
            serde_json::from_slice::<Value>(id.raw(body)).expect("an id is a value"),
            value["id"]
        );
    }
    if let Some(call) = message.call() {
        assert_eq!(
            Some(call.method_text.as_str(body)),
            value["method"].as_str()
        );
        let params = &value["params"];
        let text = |member: &str| params[member].as_str();
        assert_eq!(
            call.params.name.as_ref().map(|text| text.as_str(body)),
            text("name")
        );
        assert_eq!(
            call.params.uri.as_ref().map(|text| text.as_str(body)),
            text("uri")
        );
        assert_eq!(
            call.params.task_id.as_ref().map(|text| text.as_str(body)),
            text("taskId")
        );
        let version = &params["_meta"]["io.modelcontextprotocol/protocolVersion"];
        assert_eq!(
            call.params
                .meta
                .protocol_version
                .as_ref()
                .map(|text| text.as_str(body)),
            version.as_str()
        );
    } else {
        assert!(value.get("method").is_none());
    }
}

/// A JSON value in which no object has a member twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E: Error>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Unique, A::Error> {
        while elements.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unique, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            // How arbitrary_precision hands over a number.
            if name == "$serde_json::private::Number" {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            members.next_value::<Unique>()?;
            if !names.insert(name) {
                return Err(A::Error::custom("a member twice"));
            }
        }
        Ok(Unique)
    }
}
