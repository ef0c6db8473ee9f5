//! Adding a key to TOML.
//!
//! After a `[[auth.api_keys]]` the new one is inserted as lines, behind the comments that belong to the last one: a comment
//! between two tables belongs to the second by the grammar, and to the first by the reader. Other forms are edited by an
//! editor that keeps what it does not touch.

use toml_edit::{Array, Document, DocumentMut, Item, Table, TableLike, Value, value};

use super::{EditError, NewKey};

pub(super) fn snippet(key: &NewKey) -> String {
    format!("[[auth.api_keys]]\n{}", table(key))
}

pub(super) fn add(key: &NewKey, text: &str) -> Result<String, EditError> {
    let document = Document::parse(text).map_err(|_| EditError::NotUnderstood)?;
    if let Some(end) = end_of_last(document.as_table()) {
        let end = end_of_lines(text, end);
        let (before, after) = text.split_at(end);
        let line_break = if before.ends_with('\n') { "" } else { "\n" };
        return Ok(format!("{before}{line_break}\n{}{after}", snippet(key)));
    }
    let mut document = document.into_mut();
    add_first(&mut document, key)?;
    Ok(document.to_string())
}

/// The byte after the last value of the last `[[auth.api_keys]]`.
fn end_of_last(document: &Table) -> Option<usize> {
    let last = document
        .get("auth")?
        .get("api_keys")?
        .as_array_of_tables()?
        .iter()
        .last()?;
    let values = last.iter().filter_map(|(_, item)| item.span());
    values.chain(last.span()).map(|span| span.end).max()
}

/// The end of the line that holds byte `from`, and of the comments that follow it without a gap.
fn end_of_lines(text: &str, from: usize) -> usize {
    let mut end = text[from..]
        .find('\n')
        .map_or(text.len(), |at| from + at + 1);
    for line in text[end..]
        .split_inclusive('\n')
        .take_while(|line| line.trim_start().starts_with('#'))
    {
        end += line.len();
    }
    end
}

fn add_first(document: &mut DocumentMut, key: &NewKey) -> Result<(), EditError> {
    let auth = document.entry("auth").or_insert_with(implicit);
    push(
        auth.as_table_like_mut().ok_or(EditError::NotInPlace)?,
        table(key),
    )
}

fn push(auth: &mut dyn TableLike, mut key: Table) -> Result<(), EditError> {
    let empty = auth
        .get("api_keys")
        .and_then(Item::as_array)
        .is_some_and(Array::is_empty);
    if empty {
        auth.remove("api_keys");
    }
    match auth
        .entry("api_keys")
        .or_insert(Item::ArrayOfTables(toml_edit::ArrayOfTables::new()))
    {
        Item::ArrayOfTables(tables) => {
            key.decor_mut().set_prefix("\n");
            tables.push(key);
            Ok(())
        }
        Item::Value(Value::Array(array)) => {
            array.push(key.into_inline_table());
            Ok(())
        }
        _ => Err(EditError::NotInPlace),
    }
}

fn table(key: &NewKey) -> Table {
    let mut table = Table::new();
    table.insert("id", value(&key.id));
    table.insert("key_hash", value(&key.key_hash));
    table.insert(
        "allowed_tools",
        value(key.allowed_tools.iter().collect::<Array>()),
    );
    if let Some(rate) = key.rate_limit {
        table.insert("rate_limit", value(rate));
    }
    if let Some(at) = &key.expires_at {
        table.insert("expires_at", value(at));
    }
    table
}

/// A table without a header of its own.
fn implicit() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}
