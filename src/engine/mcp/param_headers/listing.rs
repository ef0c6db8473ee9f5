//! The schemas in an answer to `tools/list`, and the answer without the tools whose annotations are not sound.

use super::{ParamHeaders, SchemaError};
use crate::engine::mcp::json::{Reader, Syntax, members, string_at};
use crate::engine::mcp::limits::{ANSWER_DEPTH_MAX, NAME_BYTES_MAX};
use crate::engine::span::Span;

/// What an answer to `tools/list` holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Its tools with what their schemas mirror.
    pub tools: Vec<(Box<str>, ParamHeaders)>,
    /// Tools that clients must not be shown, and why.
    pub unsound: Vec<(Box<str>, SchemaError)>,
    /// The answer without those, where there are any.
    pub pruned: Option<Vec<u8>>,
    /// The cursor of the next page as written, quotes included.
    pub next_cursor: Option<Box<str>>,
}

/// Reads `message`, an answer to `tools/list`. `None`: it is no result with tools that can be read. O(bytes).
#[must_use]
pub fn read_listing(message: &[u8]) -> Option<Listing> {
    let text = simdutf8::basic::from_utf8(message).ok()?;
    let result = member(text, Span::new(0, text.len()), "result")?;
    let (mut tools, mut next_cursor) = (None, None);
    members(text, result, |name, value| match name {
        "tools" => tools = Some(value),
        "nextCursor" => next_cursor = Some(&text[value.range()]),
        _ => {}
    })
    .ok()?;
    let tools = tools?;
    let mut listing = Listing {
        next_cursor: next_cursor
            .filter(|cursor| cursor.starts_with('"'))
            .map(Into::into),
        ..Listing::default()
    };
    let mut kept = Vec::new();
    for item in items(text, tools).ok()? {
        if listing.add(text, item) {
            kept.push(item);
        }
    }
    if !listing.unsound.is_empty() {
        listing.pruned = Some(pruned(message, tools, &kept));
    }
    Some(listing)
}

fn member(text: &str, object: Span, wanted: &str) -> Option<Span> {
    let mut found = None;
    members(text, object, |name, value| {
        if name == wanted {
            found = Some(value);
        }
    })
    .ok()?;
    found
}

/// The elements of the array at `array`.
fn items(text: &str, array: Span) -> Result<Vec<Span>, Syntax> {
    let mut items = Vec::new();
    let mut reader = Reader::lenient(&text[array.range()], ANSWER_DEPTH_MAX);
    reader.array(|reader| {
        items.push(reader.skip()?.shifted(array.start()));
        Ok::<_, Syntax>(())
    })?;
    Ok(items)
}

impl Listing {
    /// Adds the tool at `item`; false where it is not sound. What is no tool by name is left to whoever filters the list.
    fn add(&mut self, text: &str, item: Span) -> bool {
        let (mut name, mut schema) = (None, None);
        let read = members(text, item, |member, value| match member {
            "name" => name = string_at(text, value),
            "inputSchema" => schema = Some(value),
            _ => {}
        });
        let Some(name) = name.filter(|name| read.is_ok() && name.len() <= NAME_BYTES_MAX) else {
            return true;
        };
        let schema = schema.map_or(&b"{}"[..], |schema| schema.of(text.as_bytes()));
        match ParamHeaders::of_schema(schema) {
            Ok(params) => self.tools.push((name.into(), params)),
            Err(error) => {
                self.unsound.push((name.into(), error));
                return false;
            }
        }
        true
    }
}

/// `message` with the array at `tools` holding `kept` alone.
fn pruned(message: &[u8], tools: Span, kept: &[Span]) -> Vec<u8> {
    let mut out = message[..=tools.start()].to_vec();
    for (index, item) in kept.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(item.of(message));
    }
    out.extend_from_slice(&message[tools.end() - 1..]);
    out
}
