//! Adding a key to YAML: lines are inserted after the last item of a block list, or before the first key of `auth`.
//!
//! YAML is not rewritten from a tree, which would lose comments and style. Where the list is not in block style the edit is
//! refused, and the operator pastes the snippet.

use super::{EditError, NewKey};
use crate::config::from_yaml;
use crate::config::tree::{Node, Value};

pub(super) fn snippet(key: &NewKey) -> String {
    format!("auth:\n  api_keys:\n{}", item(key, 4))
}

pub(super) fn add(key: &NewKey, text: &str) -> Result<String, EditError> {
    let parsed = from_yaml::parse(text);
    if !parsed.faults.is_empty() {
        return Err(EditError::NotUnderstood);
    }
    let edited = match parsed.root.child("auth") {
        None => Some(format!("{}\n{}", ended(text), snippet(key))),
        Some(auth) => match auth.child("api_keys") {
            None => first(key, text, auth),
            Some(keys) => append(key, text, keys),
        },
    };
    edited
        .filter(|edited| is_added(&parsed.root, edited, key))
        .ok_or(EditError::NotInPlace)
}

/// `text` with a list of this key alone, before the other keys of `auth`.
fn first(key: &NewKey, text: &str, auth: &Node) -> Option<String> {
    let Value::Table(entries) = &auth.value else {
        return None;
    };
    let place = entries.first()?.position;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let indent = place.column.checked_sub(1)?;
    let (before, after) = lines.split_at_checked(place.line.checked_sub(1)?)?;
    // In flow style something stands before the key.
    if !after
        .first()?
        .get(..indent)?
        .bytes()
        .all(|byte| byte == b' ')
    {
        return None;
    }
    let list = format!("{}api_keys:\n{}", " ".repeat(indent), item(key, indent + 2));
    Some(format!("{}{list}{}", before.concat(), after.concat()))
}

/// `text` with the key after the last item of the list `keys`.
fn append(key: &NewKey, text: &str, keys: &Node) -> Option<String> {
    let Value::List(items) = &keys.value else {
        return None;
    };
    let last = items.last()?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let first_line = last.position.line.checked_sub(1)?;
    let dash = lines.get(first_line)?.find('-')?;
    let end = end_of_block(&lines, first_line, dash);
    let (before, after) = (lines[..end].concat(), lines[end..].concat());
    Some(format!("{}{}{after}", ended(&before), item(key, dash)))
}

/// The line after the block that starts on line `first` and is indented deeper than `dash`. Comments of that depth belong to
/// it as long as there is no gap before them.
fn end_of_block(lines: &[&str], first: usize, dash: usize) -> usize {
    let mut end = first + 1;
    for (index, line) in lines.iter().enumerate().skip(first + 1) {
        let content = line.trim_start_matches(' ');
        let deeper = line.len() - content.len() > dash;
        match content.trim_end() {
            "" => {}
            comment if comment.starts_with('#') => end += usize::from(deeper && end == index),
            _ if deeper => end = index + 1,
            _ => break,
        }
    }
    end
}

/// Whether `edited` is what `before` was, and the key.
fn is_added(before: &Node, edited: &str, key: &NewKey) -> bool {
    let after = from_yaml::parse(edited);
    let Some(Value::List(keys)) = after
        .root
        .child("auth")
        .and_then(|auth| auth.child("api_keys"))
        .map(|keys| &keys.value)
    else {
        return false;
    };
    let text_is = |node: Option<&Node>, text: &str| matches!(node.map(|node| &node.value), Some(Value::Text(found)) if found.as_str() == text);
    let added = keys.last().is_some_and(|last| {
        text_is(last.child("id"), &key.id) && text_is(last.child("key_hash"), &key.key_hash)
    });
    added
        && after.faults.is_empty()
        && count(&after.root) == count(before) + count_of_new(key, before)
}

/// How many values a tree has.
fn count(node: &Node) -> usize {
    match &node.value {
        Value::Table(entries) => {
            1 + entries
                .iter()
                .map(|entry| count(&entry.node))
                .sum::<usize>()
        }
        Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// How many values the key adds to `before`.
fn count_of_new(key: &NewKey, before: &Node) -> usize {
    let optional = usize::from(key.rate_limit.is_some()) + usize::from(key.expires_at.is_some());
    let around = match before.child("auth") {
        None => 2,
        Some(auth) => usize::from(auth.child("api_keys").is_none()),
    };
    around + 1 + 2 + 1 + key.allowed_tools.len() + optional
}

/// The item of the list, with its dash in column `dash`.
fn item(key: &NewKey, dash: usize) -> String {
    let tools: Vec<_> = key.allowed_tools.iter().map(|tool| quoted(tool)).collect();
    let mut lines = vec![
        format!("id: {}", quoted(&key.id)),
        format!("key_hash: {}", quoted(&key.key_hash)),
        format!("allowed_tools: [{}]", tools.join(", ")),
    ];
    lines.extend(key.rate_limit.map(|rate| format!("rate_limit: {rate:?}")));
    lines.extend(
        key.expires_at
            .as_ref()
            .map(|at| format!("expires_at: {}", quoted(at))),
    );
    let indent = " ".repeat(dash);
    format!("{indent}- {}\n", lines.join(&format!("\n{indent}  ")))
}

/// A JSON string, which is a YAML string too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `text` with a line break at its end, unless it is empty.
fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') {
        text.to_owned()
    } else {
        format!("{text}\n")
    }
}
