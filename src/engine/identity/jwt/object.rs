//! The members of a JSON object that decide, read so that no other parser could read others.

use std::borrow::Cow;

use super::TokenFault;
use crate::engine::limits::TOKEN_DEPTH_MAX;
use crate::engine::mcp::json::{Reader, Str, decoded, string_at};
use crate::engine::mcp::lookalike::looks_like;
use crate::engine::span::Span;

/// The values of `names` in the object that `text` is. A name that stands twice in `names` is found twice.
///
/// Refuses what is no object, any object in it with a member twice, and members that some parser would take for one of
/// `names`. O(bytes + members × names).
pub(super) fn values<const N: usize>(
    text: &str,
    names: [&str; N],
) -> Result<[Option<Span>; N], TokenFault> {
    let mut found = [None; N];
    let mut reader = Reader::strict(text, TOKEN_DEPTH_MAX);
    reader.object(|reader, key| {
        let name = spelled(text, key, &names)?;
        let value = reader.value()?;
        if let Some(name) = name {
            let of_that_name = names.iter().zip(&mut found);
            let wanted = of_that_name.filter(|(other, _)| name == **other);
            wanted.for_each(|(_, place)| *place = Some(value));
        }
        Ok::<_, TokenFault>(())
    })?;
    reader.cursor.finish()?;
    Ok(found)
}

/// The name of `key` where it is one of `names`. An escaped spelling of one is refused, except `\/`, as PHP writes slashes.
fn spelled<'t>(
    text: &'t str,
    key: Str,
    names: &[&str],
) -> Result<Option<Cow<'t, str>>, TokenFault> {
    let name = if key.is_escaped() {
        Cow::Owned(key.raw(text).replace("\\/", "/"))
    } else {
        Cow::Borrowed(key.raw(text))
    };
    if names.contains(&&*name) {
        return Ok(Some(name));
    }
    let is_alike = if key.is_escaped() {
        looks_like(&decoded(key.raw(text)).collect::<String>(), names)
    } else {
        looks_like(&name, names)
    };
    if is_alike {
        Err(TokenFault::Malformed)
    } else {
        Ok(None)
    }
}

/// The text at `value`; `None` where it is of another type.
pub(super) fn text_at(text: &str, value: Span) -> Option<Cow<'_, str>> {
    string_at(text, value)
}

/// Calls `each` with the text at `value`, or with each text of the array there. Errors: it is neither.
pub(super) fn each_text(
    text: &str,
    value: Span,
    mut each: impl FnMut(&str),
) -> Result<(), TokenFault> {
    if let Some(one) = text_at(text, value) {
        each(&one);
        return Ok(());
    }
    let array = &text[value.range()];
    let mut reader = Reader::strict(array, TOKEN_DEPTH_MAX);
    let read = reader.array(|reader| {
        let element = reader.value()?;
        let element = string_at(array, element).ok_or(TokenFault::BadClaim)?;
        each(&element);
        Ok::<_, TokenFault>(())
    });
    read.map(drop).map_err(|_| TokenFault::BadClaim)
}

/// Whether the value at `value` is a text.
pub(super) fn is_text(text: &str, value: Span) -> bool {
    text.as_bytes().get(value.start()) == Some(&b'"')
}
