//! The members of a client's metadata that count, read so that no other reader could find others.

use std::borrow::Cow;

use crate::engine::limits::OAUTH_CLIENT_METADATA_DEPTH_MAX;
use crate::engine::mcp::json::{Reader, Syntax, string_at};
use crate::engine::span::Span;

/// The values of `names` in the object that `text` is; `null` counts as absent. Members with other names are left alone.
///
/// Errors: it is no object, breaks the grammar, or some object in it has a member twice. O(bytes + members × names).
pub(super) fn values<const N: usize>(
    text: &str,
    names: [&str; N],
) -> Result<[Option<Span>; N], Syntax> {
    let mut found = [None; N];
    let mut reader = Reader::strict(text, OAUTH_CLIENT_METADATA_DEPTH_MAX);
    reader.object(|reader, key| {
        let value = reader.value()?;
        let name = key.value(text);
        let place = names
            .iter()
            .position(|known| Some(*known) == name.as_deref());
        if let Some(place) = place.and_then(|place| found.get_mut(place)) {
            *place = Some(value).filter(|value| &text[value.range()] != "null");
        }
        Ok::<_, Syntax>(())
    })?;
    reader.cursor.finish()?;
    Ok(found)
}

/// The text at `value`; `None` where it is of another type.
pub(super) fn text_at(text: &str, value: Span) -> Option<Cow<'_, str>> {
    string_at(text, value)
}

/// The texts of the array at `value`; `None` where it is of another type, or an element is.
pub(super) fn texts_at(text: &str, value: Span) -> Option<Vec<Cow<'_, str>>> {
    let array = &text[value.range()];
    let mut texts = Vec::new();
    let mut reader = Reader::strict(array, OAUTH_CLIENT_METADATA_DEPTH_MAX);
    let read = reader.array(|reader| {
        let element = reader.value()?;
        texts.push(string_at(array, element).ok_or(Syntax::UnexpectedByte)?);
        Ok::<_, Syntax>(())
    });
    read.ok().map(|_| texts)
}
