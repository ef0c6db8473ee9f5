//! A table being read: typed access by key, every mismatch reported where it is.
//!
//! **Invariant:** a key can be read only if the schema has it, and a table is handed out only after each of its keys was found
//! in the schema, so no key is silently ignored.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::problem::Problem;
use crate::config::read::context::Context;
use crate::config::read::keys;
use crate::config::schema::{self, Section};
use crate::config::tree::{Node, Value, join};
use crate::config::units::{parse_duration, parse_size, show_duration, show_size};
use crate::engine::limits::{RATE_PER_SECOND_MAX, RATE_PER_SECOND_MIN};

/// A table of the file, or the absence of one: then every key is absent too.
pub(in crate::config) struct Table<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) section: &'static Section,
    pub(super) path: String,
    pub(super) node: Option<&'a Node>,
}

impl<'a> Table<'a> {
    /// The top of the file.
    pub(in crate::config) fn root(cx: &'a Context<'a>, node: &'a Node) -> Self {
        Self::open(cx, "", String::new(), Some(node))
    }

    /// The table at `key`, absent or not.
    pub(super) fn section(&self, key: &'static str) -> Self {
        let node = self.node.and_then(|node| node.child(key));
        Self::open(
            self.cx,
            &join(self.section.path, key),
            self.path_of(key),
            node,
        )
    }

    /// The list of tables at `key`.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Self> {
        let section = join(self.section.path, key);
        let items = self.list(key).unwrap_or_default().iter().enumerate();
        items
            .map(|(index, item)| {
                Self::open(
                    self.cx,
                    &section,
                    format!("{}[{index}]", self.path_of(key)),
                    Some(item),
                )
            })
            .collect()
    }

    /// The table at `key`, or each of the list of tables there; none where it is absent.
    pub(super) fn section_or_sections(&self, key: &'static str) -> Vec<Self> {
        match self.value(key) {
            None => Vec::new(),
            Some(Value::List(_)) => self.sections(key),
            Some(_) => vec![self.section(key)],
        }
    }

    fn open(cx: &'a Context<'a>, section: &str, path: String, node: Option<&'a Node>) -> Self {
        let section = schema::section(section).unwrap_or(&schema::NOWHERE);
        debug_assert!(
            !std::ptr::eq(section, &raw const schema::NOWHERE),
            "the schema has no such section"
        );
        if let Some(node) = node {
            keys::check(cx, section, &path, node, false);
        }
        Self {
            cx,
            section,
            path,
            node,
        }
    }

    /// Whether the table is in the file.
    pub(super) fn is_present(&self) -> bool {
        self.node.is_some()
    }

    /// Whether `key` is in the file.
    pub(super) fn has(&self, key: &str) -> bool {
        self.node.is_some_and(|node| node.child(key).is_some())
    }

    /// The path of `key`.
    pub(super) fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Notes `problem` at `key`.
    pub(super) fn report(&self, key: &str, problem: Problem) {
        self.cx.report(self.path_of(key), problem);
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::Flag(flag) => Some(*flag),
            other => self.wrong_type(key, "true or false", other),
        }
    }

    /// A string.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        match self.value(key)? {
            Value::Text(text) => Some(text),
            other => self.wrong_type(key, string_for(other), other),
        }
    }

    /// Reports `key` where it is absent.
    pub(super) fn require(&self, key: &str, accepted: &'static str) {
        if !self.has(key) {
            self.report(key, Problem::Missing { accepted });
        }
    }

    /// A string that must be there.
    pub(super) fn required_text(&self, key: &str, accepted: &'static str) -> Option<&'a str> {
        self.require(key, accepted);
        self.text(key)
    }

    /// A path, seen from the folder of the file.
    pub(super) fn file_path(&self, key: &str) -> Option<PathBuf> {
        match self.text(key)? {
            "" => self.malformed(key, "", "a path"),
            path => Some(self.cx.resolve(path)),
        }
    }

    /// One of `known`.
    pub(super) fn choice<T: Copy>(&self, key: &str, known: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = known
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, value)| *value);
        if found.is_none() {
            let accepted = known.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.report(
                key,
                Problem::NotAccepted {
                    value: text.to_owned(),
                    accepted,
                },
            );
        }
        found
    }

    /// A whole number within `range`.
    pub(super) fn integer<T>(&self, key: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        match self.value(key)? {
            Value::Integer(integer) => {
                let within = T::try_from(*integer)
                    .ok()
                    .filter(|integer| range.contains(integer));
                self.within(key, within, integer, || {
                    format!("{} to {}", range.start(), range.end())
                })
            }
            other => self.wrong_type(key, "an integer", other),
        }
    }

    /// A rate, in requests per second.
    pub(super) fn rate(&self, key: &str) -> Option<f64> {
        let rate = match self.value(key)? {
            #[expect(
                clippy::cast_precision_loss,
                reason = "beyond 2^53 it is out of range anyway"
            )]
            Value::Integer(integer) => *integer as f64,
            Value::Number(number) => *number,
            other => return self.wrong_type(key, "a number", other),
        };
        let within = (RATE_PER_SECOND_MIN..=RATE_PER_SECOND_MAX)
            .contains(&rate)
            .then_some(rate);
        self.within(key, within, &rate, || {
            format!("1 an hour (0.000278) to {RATE_PER_SECOND_MAX} a second")
        })
    }

    /// A duration within `range`; a bare number is seconds.
    pub(super) fn duration(&self, key: &str, range: RangeInclusive<Duration>) -> Option<Duration> {
        let duration = match self.value(key)? {
            Value::Integer(secs) => u64::try_from(*secs).ok().map(Duration::from_secs),
            Value::Text(text) => parse_duration(text),
            other => return self.wrong_type(key, "a duration such as \"30s\"", other),
        };
        let Some(duration) = duration else {
            return self.malformed_value(key, "a duration such as \"30s\", \"100ms\" or \"1h\"");
        };
        let within = range.contains(&duration).then_some(duration);
        let bounds = || {
            format!(
                "{} to {}",
                show_duration(*range.start()),
                show_duration(*range.end())
            )
        };
        self.within(key, within, &show_duration(duration), bounds)
    }

    /// A number of bytes within `range`.
    pub(super) fn size(&self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let size = match self.value(key)? {
            Value::Integer(bytes) => u64::try_from(*bytes).ok(),
            Value::Text(text) => parse_size(text),
            other => return self.wrong_type(key, "a size such as \"1MiB\"", other),
        };
        let Some(size) = size else {
            return self.malformed_value(key, "bytes, or a size such as \"64KiB\" or \"1MiB\"");
        };
        let bounds = || {
            format!(
                "{} to {}",
                show_size(*range.start()),
                show_size(*range.end())
            )
        };
        self.within(
            key,
            range.contains(&size).then_some(size),
            &show_size(size),
            bounds,
        )
    }

    /// A list of strings, with the index of each.
    pub(super) fn texts(&self, key: &'static str) -> Option<Vec<&'a str>> {
        Some(self.texts_of(key, self.list(key)?))
    }

    /// The strings among `items`, which stand at `key`; the others are reported.
    fn texts_of(&self, key: &str, items: &'a [Node]) -> Vec<&'a str> {
        let items = items.iter().enumerate();
        let texts = items.filter_map(|(index, item)| match &item.value {
            Value::Text(text) => Some(text.as_str()),
            other => self.wrong_type(&format!("{key}[{index}]"), string_for(other), other),
        });
        texts.collect()
    }

    /// A string, or a list of strings, with the path of each.
    pub(super) fn text_or_texts(&self, key: &'static str) -> Option<Vec<(String, &'a str)>> {
        match self.value(key)? {
            Value::Text(text) => Some(vec![(key.to_owned(), text)]),
            Value::List(items) => {
                let texts = self.texts_of(key, items).into_iter().enumerate();
                Some(
                    texts
                        .map(|(index, text)| (format!("{key}[{index}]"), text))
                        .collect(),
                )
            }
            other => self.wrong_type(key, "a string or a list of strings", other),
        }
    }

    /// A table of names to lists of strings, in the order of the file.
    pub(super) fn texts_table(&self, key: &'static str) -> Vec<(&'a str, Vec<&'a str>)> {
        let entries = match self.value(key) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Table(entries)) => entries,
            Some(other) => return self.wrong_type(key, "a table", other).unwrap_or_default(),
        };
        let lists = entries.iter().filter_map(|entry| {
            let path = format!("{key}.{}", entry.key);
            match &entry.node.value {
                Value::List(items) => Some((entry.key.as_str(), self.texts_of(&path, items))),
                other => self.wrong_type(&path, "a list of strings", other),
            }
        });
        lists.collect()
    }

    /// A table of names to strings or lists of strings, in the order of the file.
    pub(super) fn text_or_texts_table(&self, key: &'static str) -> Vec<(&'a str, Vec<&'a str>)> {
        let entries = match self.value(key) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Table(entries)) => entries,
            Some(other) => return self.wrong_type(key, "a table", other).unwrap_or_default(),
        };
        let lists = entries.iter().filter_map(|entry| {
            let path = format!("{key}.{}", entry.key);
            match &entry.node.value {
                Value::Text(text) => Some((entry.key.as_str(), vec![text.as_str()])),
                Value::List(items) => Some((entry.key.as_str(), self.texts_of(&path, items))),
                other => self.wrong_type(&path, "a string or a list of strings", other),
            }
        });
        lists.collect()
    }

    /// A list of strings, each of them taken by `parse` or reported as not being `accepted`.
    pub(super) fn parsed<T>(
        &self,
        key: &'static str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let texts = self.texts(key)?.into_iter().enumerate();
        let parsed = texts.filter_map(|(index, text)| {
            parse(text).or_else(|| self.malformed(&format!("{key}[{index}]"), text, accepted))
        });
        Some(parsed.collect())
    }

    /// A string taken by `parse`, or reported as not being `accepted`.
    pub(super) fn parsed_text<T>(
        &self,
        key: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key)?;
        parse(text).or_else(|| self.malformed(key, text, accepted))
    }

    /// Reports that `value` at `key` does not have the form `accepted`.
    pub(super) fn malformed<T>(&self, key: &str, value: &str, accepted: &str) -> Option<T> {
        self.report(
            key,
            Problem::Malformed {
                value: Some(value.to_owned()),
                accepted: accepted.to_owned(),
            },
        );
        None
    }

    /// The value at `key`, whatever it is.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        debug_assert!(
            self.section
                .key(key)
                .is_some_and(|known| known.later.is_none()),
            "{} is not in the schema",
            self.path_of(key)
        );
        self.node?.child(key).map(|node| &node.value)
    }

    fn list(&self, key: &'static str) -> Option<&'a [Node]> {
        match self.value(key)? {
            Value::List(items) => Some(items),
            other => self.wrong_type(key, "a list", other),
        }
    }

    fn malformed_value<T>(&self, key: &str, accepted: &str) -> Option<T> {
        let value = match self.value(key)? {
            Value::Integer(integer) => integer.to_string(),
            Value::Text(text) => text.to_string(),
            _ => String::new(),
        };
        self.malformed(key, &value, accepted)
    }

    fn within<T>(
        &self,
        key: &str,
        value: Option<T>,
        shown: &dyn Display,
        bounds: impl Fn() -> String,
    ) -> Option<T> {
        if value.is_none() {
            self.report(
                key,
                Problem::OutOfRange {
                    value: shown.to_string(),
                    accepted: bounds(),
                },
            );
        }
        value
    }

    pub(super) fn wrong_type<T>(
        &self,
        key: &str,
        expected: &'static str,
        found: &Value,
    ) -> Option<T> {
        self.report(
            key,
            Problem::WrongType {
                expected,
                found: found.kind(),
            },
        );
        None
    }
}

/// What is said to be needed where `found` is no string.
fn string_for(found: &Value) -> &'static str {
    match found {
        Value::Integer(_) => "a string; write the number in quotes",
        _ => "a string",
    }
}
