//! One tree for both formats: what the file says, with where it says it.
//!
//! Read [`Node`] first. **Invariant:** the tree never changes what was written; texts are overwritten when it is dropped,
//! because some of them are secrets.

use std::collections::HashMap;

use zeroize::Zeroizing;

use crate::config::problem::Problem;

/// Deepest nesting of tables and lists. The schema needs five.
pub(super) const DEPTH_MAX: usize = 32;

/// Where something is written. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// A value and where it starts.
pub(super) struct Node {
    /// Where the value starts.
    pub(super) position: Position,
    /// The value.
    pub(super) value: Value,
}

/// A value of either format.
pub(super) enum Value {
    /// YAML's null or nothing at all; TOML has none.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction or an exponent.
    Number(f64),
    /// A string; a TOML date-time too, as it is written.
    Text(Zeroizing<String>),
    /// A TOML array, a YAML sequence.
    List(Vec<Node>),
    /// A TOML table, a YAML mapping, in the order of the file; keys are unique.
    Table(Vec<Entry>),
}

/// One key of a table.
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key starts.
    pub(super) position: Position,
    /// Its value.
    pub(super) node: Node,
}

/// What a parser makes of a file: the tree, and the faults that it could step over.
pub(super) struct Parsed {
    /// The tree, as far as it was understood.
    pub(super) root: Node,
    /// What was wrong on the way.
    pub(super) faults: Vec<Fault>,
}

/// Something wrong, with its key and place.
pub(super) struct Fault {
    /// Dotted path of the key.
    pub(super) key_path: String,
    /// Where in the file.
    pub(super) position: Position,
    /// What.
    pub(super) problem: Problem,
}

impl Node {
    /// An empty table at the start of the file.
    pub(super) fn empty() -> Self {
        Self {
            position: Position { line: 1, column: 1 },
            value: Value::Table(Vec::new()),
        }
    }

    /// The value of `key`, where this is a table that has it.
    pub(super) fn child(&self, key: &str) -> Option<&Self> {
        let Value::Table(entries) = &self.value else {
            return None;
        };
        entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node)
    }
}

impl Value {
    /// What this is, for a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Flag(_) => "true or false",
            Self::Integer(_) => "an integer",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// The path of `key` inside the section at `parent`.
pub(super) fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}

/// Places by key path.
#[derive(Clone, Debug, Default)]
pub(super) struct Positions(HashMap<String, Position>);

impl Positions {
    /// Walks the tree at `root`.
    pub(super) fn of(root: &Node) -> Self {
        let mut positions = Self(HashMap::new());
        positions.visit(String::new(), root.position, root);
        positions
    }

    /// The place of `key_path`, or of the nearest thing around it that is in the file.
    pub(super) fn find(&self, key_path: &str) -> Option<Position> {
        let mut path = key_path;
        loop {
            if let Some(position) = self.0.get(path) {
                return Some(*position);
            }
            if path.is_empty() {
                return None;
            }
            path = path.rfind(['.', '[']).map_or("", |end| &path[..end]);
        }
    }

    fn visit(&mut self, path: String, position: Position, node: &Node) {
        match &node.value {
            Value::Table(entries) => {
                for entry in entries {
                    self.visit(join(&path, &entry.key), entry.position, &entry.node);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.visit(format!("{path}[{index}]"), item.position, item);
                }
            }
            _ => {}
        }
        self.0.insert(path, position);
    }
}

/// Turns byte offsets into lines and columns.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Indexes `text`.
    pub(super) fn of(text: &'t str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after_newlines).collect(),
        }
    }

    /// The position of byte `offset`; an offset past the end is the end.
    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let column = self.text[self.starts[line - 1]..offset].chars().count() + 1;
        Position { line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Lines, Node, Position, Positions, Value};

    fn at(line: usize, column: usize) -> Position {
        Position { line, column }
    }

    #[test]
    fn offsets_become_lines_and_columns_in_characters() {
        let lines = Lines::of("ab\nüx\n");
        for (offset, expected) in [
            (0, at(1, 1)),
            (2, at(1, 3)),
            (3, at(2, 1)),
            (5, at(2, 2)),
            (7, at(3, 1)),
            (99, at(3, 1)),
        ] {
            assert_eq!(lines.position(offset), expected, "offset {offset}");
        }
    }

    #[test]
    fn a_path_that_is_not_written_is_found_at_what_surrounds_it() {
        let flag = Node {
            position: at(2, 8),
            value: Value::Flag(true),
        };
        let list = Node {
            position: at(2, 7),
            value: Value::List(vec![flag]),
        };
        let entry = Entry {
            key: "list".to_owned(),
            position: at(2, 1),
            node: list,
        };
        let positions = Positions::of(&Node {
            position: at(1, 1),
            value: Value::Table(vec![entry]),
        });
        for (path, expected) in [
            ("list", at(2, 1)),
            ("list[0]", at(2, 8)),
            ("list[0].deeper", at(2, 8)),
            ("list[7].deeper", at(2, 1)),
            ("elsewhere", at(1, 1)),
        ] {
            assert_eq!(positions.find(path), Some(expected), "{path}");
        }
    }
}
