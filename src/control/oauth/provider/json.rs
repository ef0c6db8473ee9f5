//! JSON of providers, read strictly.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::engine::limits::TOKEN_DEPTH_MAX;
use crate::engine::mcp::json::Reader;

/// Members of an object.
pub(super) type Object = Map<String, Value>;

/// The one document that `bytes` are. `None` where they are none, or an object in it has a member twice, which two readers could
/// read in two ways.
pub(super) fn parse(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = Reader::strict(text, TOKEN_DEPTH_MAX);
    reader.value().ok()?;
    reader.cursor.finish().ok()?;
    serde_json::from_str(text).ok()
}

/// Whether `content_type` is JSON's: `application/json` or `application/*+json`.
pub(in crate::control::oauth) fn is_json(content_type: Option<&[u8]>) -> bool {
    let text = content_type.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let essence = text.and_then(|text| text.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| {
        let essence = essence.to_ascii_lowercase();
        let subtype = essence.strip_prefix("application/");
        subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
    })
}

/// The text `name`; `None` where it is missing, empty or of another type.
pub(super) fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    let text = object.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
}

/// The same, taken out.
pub(super) fn take_secret(object: &mut Object, name: &str) -> Option<Zeroizing<String>> {
    match object.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(Zeroizing::new(text)),
        _ => None,
    }
}

/// The whole number `name`, not negative; also where it is written as text, as some providers do.
pub(super) fn whole(object: &Object, name: &str) -> Option<u64> {
    match object.get(name)? {
        Value::Number(number) => number.as_u64().or_else(|| floor(number.as_f64()?)),
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// `true`, also where it is written as text.
pub(super) fn is_true(object: &Object, name: &str) -> bool {
    match object.get(name) {
        Some(Value::Bool(is_true)) => *is_true,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// Whether the value of `name` is `text`, or an array that has it.
pub(super) fn holds(object: &Object, name: &str, text: &str) -> bool {
    match object.get(name) {
        Some(Value::String(one)) => one == text,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(text)),
        _ => false,
    }
}

/// The texts of the value of `name`: one, or an array of them.
pub(super) fn texts(object: &Object, name: &str) -> Vec<Box<str>> {
    match object.get(name) {
        Some(Value::String(one)) => vec![one.as_str().into()],
        Some(Value::Array(several)) => {
            let texts = several.iter().filter_map(Value::as_str);
            texts.map(Box::from).collect()
        }
        _ => Vec::new(),
    }
}

fn floor(number: f64) -> Option<u64> {
    let is_in_range = number.is_finite() && (0.0..9e15).contains(&number);
    is_in_range.then_some(number as u64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{is_json, is_true, parse, whole};

    #[test]
    fn a_document_has_one_reading() {
        for good in ["{}", "[]", r#"{"a":{"b":1},"c":{"b":2}}"#, " {\"a\":1}\n"] {
            assert!(parse(good.as_bytes()).is_some(), "{good}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for bad in [
            r#"{"sub":"a","sub":"b"}"#,
            r#"{"sub":"a","s\u0075b":"b"}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            "{}{}",
            "{",
            "",
            "access_token=a",
            "\u{feff}{}",
            &deep,
        ] {
            assert!(parse(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(parse(b"{\"a\":\"\xff\"}").is_none());
    }

    #[test]
    fn json_is_what_says_so() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/token-introspection+json",
        ] {
            assert!(is_json(Some(good.as_bytes())), "{good}");
        }
        for bad in ["text/html", "application/jwt", "text/json", "json", ""] {
            assert!(!is_json(Some(bad.as_bytes())), "{bad}");
        }
        assert!(!is_json(None));
    }

    #[test]
    fn numbers_and_truth_may_be_written_as_text() {
        let object = parse(
            br#"{"a":5,"b":"6","c":7.9,"d":-1,"e":"x","f":true,"g":"true","h":1,"i":"","j":1e300}"#,
        );
        let object = object.unwrap();
        let object = object.as_object().unwrap();
        for (name, expected) in [
            ("a", Some(5)),
            ("b", Some(6)),
            ("c", Some(7)),
            ("d", None),
            ("e", None),
            ("i", None),
            ("j", None),
            ("z", None),
        ] {
            assert_eq!(whole(object, name), expected, "{name}");
        }
        for (name, expected) in [("f", true), ("g", true), ("h", false), ("e", false)] {
            assert_eq!(is_true(object, name), expected, "{name}");
        }
    }
}
