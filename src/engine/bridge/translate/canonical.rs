//! One form of equal JSON: members sorted by name, no white space, scalars as written.
//!
//! For keys and digests alone; nothing canonical is ever sent. A client that writes the same value twice writes its numbers
//! and strings alike, so scalars are not converted, and two values that differ never look the same.

use sha2::{Digest as _, Sha256};

use super::object::{Object, elements, quoted};

/// Nesting that is sorted, in levels; deeper values count as written. Bounds the recursion.
const DEPTH_MAX: usize = 256;

/// `text`, which is JSON, in its canonical form.
#[must_use]
pub fn canonical(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    write(text.trim(), DEPTH_MAX, &mut out);
    out
}

fn write(text: &str, depth: usize, out: &mut String) {
    let parts = match (depth, text.as_bytes().first()) {
        (1.., Some(b'{')) => Object::parse(text).map(|object| write_object(&object, depth, out)),
        (1.., Some(b'[')) => elements(text).map(|parts| write_array(&parts, depth, out)),
        _ => None,
    };
    if parts.is_none() {
        out.push_str(text);
    }
}

fn write_object(object: &Object<'_>, depth: usize, out: &mut String) {
    let mut members: Vec<_> = object.members().collect();
    members.sort_by(|one, two| one.0.cmp(&two.0));
    out.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&quoted(name));
        out.push(':');
        write(value, depth - 1, out);
    }
    out.push('}');
}

fn write_array(elements: &[&str], depth: usize, out: &mut String) {
    out.push('[');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(element, depth - 1, out);
    }
    out.push(']');
}

/// What identifies a call across its retries: method and parameters without `_meta` and what only a retry carries.
#[must_use]
pub fn digest(method: &str, params: &Object<'_>) -> [u8; 32] {
    let mut salient = params.clone();
    for name in ["_meta", "inputResponses", "requestState"] {
        salient.remove(name);
    }
    let mut digest = Sha256::new();
    digest.update((method.len() as u64).to_be_bytes());
    digest.update(method);
    digest.update(canonical(&salient.to_string()));
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Object, canonical, digest};

    #[test]
    fn equal_values_have_one_form_and_others_another() {
        for (one, two, same) in [
            (
                r#"{"a":1,"b":{"d":[],"c":2}}"#,
                r#"{ "b" : {"c":2,"d":[ ]} , "a":1 }"#,
                true,
            ),
            (r#"{"\u0061":1}"#, r#"{"a":1}"#, true),
            (r#"{"a":1}"#, r#"{"a":1.0}"#, false),
            (
                r#"{"a":9007199254740993}"#,
                r#"{"a":9007199254740992}"#,
                false,
            ),
            (r#"[1,2]"#, r#"[2,1]"#, false),
            (r#"{"a":{}}"#, r#"{"a":[]}"#, false),
        ] {
            assert_eq!(canonical(one) == canonical(two), same, "{one} {two}");
        }
        let deep = "[".repeat(400) + &"]".repeat(400);
        assert_eq!(canonical(&deep), deep);
    }

    #[test]
    fn a_retry_is_the_same_call_and_other_arguments_are_not() {
        let of = |method, params| digest(method, &Object::parse(params).unwrap());
        let first = of(
            "tools/call",
            r#"{"name":"a","arguments":{"x":1},"_meta":{"progressToken":1}}"#,
        );
        let retry = of(
            "tools/call",
            r#"{"_meta":{},"arguments":{"x":1},"name":"a","requestState":"s","inputResponses":{}}"#,
        );
        assert_eq!(first, retry);
        assert_ne!(
            first,
            of("tools/call", r#"{"name":"a","arguments":{"x":2}}"#)
        );
        assert_ne!(
            first,
            of("prompts/get", r#"{"name":"a","arguments":{"x":1}}"#)
        );
    }
}
