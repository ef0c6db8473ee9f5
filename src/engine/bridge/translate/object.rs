//! A JSON object taken apart one level deep: names and values stay as they were written.
//!
//! What a translation rebuilds keeps the spelling of everything that it does not change: numbers beyond 2^53, `1.0`, escapes,
//! half surrogate pairs, members that no revision knows.

use std::borrow::Cow;
use std::fmt;

use crate::engine::mcp::json::{Reader, Syntax, TEXT_BYTES_MAX, decoded};
use crate::engine::mcp::limits::ANSWER_DEPTH_MAX;

/// The members of an object in their order, each value as its text.
#[derive(Clone, Debug, Default)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Object<'a> {
    /// Takes `text` apart. `None`: it is no JSON object. O(bytes); allocates the list of members.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut reader = reader(text)?;
        let mut members = Vec::with_capacity(8);
        let read = reader.object_with_repeats(|reader, key| {
            let value = reader.skip()?;
            members.push((
                text[key.quoted().range()].into(),
                text[value.range()].into(),
            ));
            Ok::<(), Syntax>(())
        });
        read.and_then(|_| reader.cursor.finish()).ok()?;
        Some(Self { members })
    }

    /// Takes bytes apart that nobody looked at yet. `None`: they are not UTF-8, or no JSON object.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        Self::parse(simdutf8::basic::from_utf8(bytes).ok()?)
    }

    /// The value of `name` as written. Of a name that stands there twice the last, as most readers have it.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&str> {
        let mut found = self.members.iter().rev();
        found
            .find(|(key, _)| is_named(key, name))
            .map(|(_, value)| value.as_ref())
    }

    /// The value of `name` taken apart, where it is an object.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<Object<'_>> {
        Object::parse(self.member(name)?)
    }

    /// The value of `name`, where it is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        string(self.member(name)?)
    }

    /// Whether the value of `name` is `true`.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.member(name) == Some("true")
    }

    /// Every member: its name decoded, and its value as written.
    pub fn members(&self) -> impl Iterator<Item = (String, &str)> {
        self.members
            .iter()
            .map(|(key, value)| (unquoted(key), value.as_ref()))
    }

    /// Takes every member of that name away; whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.members.len();
        self.members.retain(|(key, _)| !is_named(key, name));
        self.members.len() < before
    }

    /// Gives `name`, which needs no escapes, the value `value`: in the place where it stood, else at the end.
    pub fn set(&mut self, name: &str, value: impl Into<Cow<'a, str>>) {
        let at = self.members.iter().position(|(key, _)| is_named(key, name));
        self.remove(name);
        let at = at.unwrap_or(self.members.len()).min(self.members.len());
        self.members
            .insert(at, (format!("\"{name}\"").into(), value.into()));
    }

    /// Whether it has no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (key, value)) in self.members.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{key}:{value}")?;
        }
        f.write_str("}")
    }
}

/// Whether the quoted `key` spells `name`.
fn is_named(key: &str, name: &str) -> bool {
    let plain = key.get(1..key.len().saturating_sub(1)) == Some(name);
    plain || key.contains('\\') && unquoted(key) == name
}

/// What the string token `key` stands for; half a surrogate pair is the replacement character.
fn unquoted(key: &str) -> String {
    decoded(key.get(1..key.len().saturating_sub(1)).unwrap_or_default()).collect()
}

/// The elements of a JSON array as written. `None`: it is no array.
#[must_use]
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let mut reader = reader(text)?;
    let mut elements = Vec::new();
    let read = reader.array(|reader| {
        elements.push(&text[reader.skip()?.range()]);
        Ok::<(), Syntax>(())
    });
    read.and_then(|_| reader.cursor.finish())
        .is_ok()
        .then_some(elements)
}

/// Reads what a server may say: wider than what a client may, and never deeper than [`ANSWER_DEPTH_MAX`].
fn reader(text: &str) -> Option<Reader<'_>> {
    (text.len() <= TEXT_BYTES_MAX).then(|| Reader::lenient(text, ANSWER_DEPTH_MAX))
}

/// The value of `token`, where it is a JSON string.
#[must_use]
pub fn string(token: &str) -> Option<String> {
    serde_json::from_str(token).ok()
}

/// `text` as a JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Object, elements, quoted};

    #[test]
    fn what_is_not_changed_keeps_its_spelling() {
        for text in [
            r#"{"a":123456789012345678901234567890,"b":1.0,"c":"\ud83d","\u0064":[1, 2 ,{"x" :null}]}"#,
            r#"{"a":-0.10e+5,"b":"\/é\u00e9"}"#,
            "{}",
            r#"{"twice":1,"twice":2}"#,
            r#"{"\ud83d":1}"#,
        ] {
            assert_eq!(Object::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "[]", "1", "{", r#"{"a":}"#, r#"{"a":1} x"#, "null"] {
            assert!(Object::parse(bad).is_none(), "{bad}");
        }
        assert!(Object::read(b"{\"a\":\"\xff\"}").is_none());
    }

    #[test]
    fn a_member_is_set_where_it_stood_and_found_under_any_spelling() {
        let mut object = Object::parse(r#"{"a":1,"\u0062":2,"c":3,"b":4}"#).unwrap();
        assert_eq!(object.member("b"), Some("4"));
        object.set("b", "[5]");
        object.set("d", "6");
        assert_eq!(object.to_string(), r#"{"a":1,"b":[5],"c":3,"d":6}"#);
        assert!(object.remove("a"));
        assert!(!object.remove("a"));
        assert_eq!(object.to_string(), r#"{"b":[5],"c":3,"d":6}"#);
        assert_eq!(object.len(), 3);
    }

    #[test]
    fn what_is_deeper_than_an_answer_may_be_is_not_read() {
        let deep = |levels| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(Object::parse(&deep(511)).unwrap().to_string(), deep(511));
        assert!(Object::parse(&deep(512)).is_none());
    }

    #[test]
    fn arrays_come_apart_and_texts_are_quoted() {
        assert_eq!(elements("[1.0, \"a\"]"), Some(vec!["1.0", "\"a\""]));
        assert_eq!(elements("{}"), None);
        assert_eq!(quoted("a\"\n"), r#""a\"\n""#);
    }
}
