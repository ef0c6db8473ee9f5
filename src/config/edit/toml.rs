//! Adding a key to TOML, by an editor that keeps what it does not touch.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value, value};

use super::{EditError, NewKey};

pub(super) fn snippet(key: &NewKey) -> String {
    format!("[[auth.api_keys]]\n{}", table(key))
}

pub(super) fn add(key: &NewKey, text: &str) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse().map_err(|_| EditError::NotUnderstood)?;
    let auth = document.entry("auth").or_insert_with(implicit);
    let auth = auth.as_table_like_mut().ok_or(EditError::NotInPlace)?;
    push(auth, table(key))?;
    Ok(document.to_string())
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
