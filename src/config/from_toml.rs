//! TOML → tree. Every syntax error of the file is reported, not just the first.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};
use zeroize::Zeroizing;

use crate::config::problem::Problem;
use crate::config::tree::{DEPTH_MAX, Entry, Fault, Lines, Node, Parsed, Position, Value, join};

/// What the parser calls a key that is given twice.
const DUPLICATE: &str = "duplicate key";

/// Most syntax errors that are reported of one file.
const FAULTS_MAX: usize = 64;

/// Reads `text`. Where there is a syntax error the tree is only what could be saved.
pub(super) fn parse(text: &str) -> Parsed {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        lines: &lines,
        faults: Vec::new(),
    };
    let root = Node {
        position: lines.position(0),
        value: reader.table("", table.get_ref(), 0),
    };
    let mut faults = reader.faults;
    faults.extend(
        errors
            .iter()
            .take(FAULTS_MAX)
            .map(|error| fault(error, text, &lines)),
    );
    Parsed { root, faults }
}

struct Reader<'t> {
    lines: &'t Lines<'t>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn table(&mut self, path: &str, table: &DeTable<'_>, depth: usize) -> Value {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entries = entries.into_iter().map(|(key, value)| {
            let path = join(path, key.get_ref());
            Entry {
                key: key.get_ref().to_string(),
                position: self.lines.position(key.span().start),
                node: self.node(path, value, depth + 1),
            }
        });
        Value::Table(entries.collect())
    }

    fn node(&mut self, path: String, value: &Spanned<DeValue<'_>>, depth: usize) -> Node {
        let position = self.lines.position(value.span().start);
        Node {
            position,
            value: self.value(path, value, position, depth),
        }
    }

    fn value(
        &mut self,
        path: String,
        value: &Spanned<DeValue<'_>>,
        position: Position,
        depth: usize,
    ) -> Value {
        if depth > DEPTH_MAX {
            let problem = Problem::TooDeep {
                depth_max: DEPTH_MAX,
            };
            self.faults.push(Fault {
                key_path: path,
                position,
                problem,
            });
            return Value::Null;
        }
        match value.get_ref() {
            DeValue::String(text) => Value::Text(Zeroizing::new(text.to_string())),
            DeValue::Datetime(at) => Value::Text(Zeroizing::new(at.to_string())),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Integer(integer) => {
                match i64::from_str_radix(integer.as_str(), integer.radix()) {
                    Ok(integer) => Value::Integer(integer),
                    Err(_) => self.out_of_range(path, position, integer.to_string()),
                }
            }
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Value::Number(number),
                Err(_) => self.out_of_range(path, position, number.to_string()),
            },
            DeValue::Array(items) => {
                let items = items.iter().enumerate();
                let items = items
                    .map(|(index, item)| self.node(format!("{path}[{index}]"), item, depth + 1));
                Value::List(items.collect())
            }
            DeValue::Table(table) => self.table(&path, table, depth),
        }
    }

    fn out_of_range(&mut self, key_path: String, position: Position, value: String) -> Value {
        let problem = Problem::OutOfRange {
            value,
            accepted: "a 64-bit number".to_owned(),
        };
        self.faults.push(Fault {
            key_path,
            position,
            problem,
        });
        Value::Null
    }
}

/// What `error` says, without the excerpt that its own `Display` shows: the excerpt could be a secret.
fn fault(error: &Error, text: &str, lines: &Lines<'_>) -> Fault {
    let span = error.span().unwrap_or(0..0);
    let position = lines.position(span.start);
    if error.message() == DUPLICATE
        && let Some((key_path, first)) = duplicate(text, span)
    {
        return Fault {
            key_path,
            position,
            problem: Problem::DuplicateKey {
                first_line: first.line,
            },
        };
    }
    let problem = Problem::Syntax {
        detail: error.message().to_owned(),
    };
    Fault {
        key_path: String::new(),
        position,
        problem,
    }
}

/// The path of the key at `span`, which was given before, and where it was given first.
///
/// The parser tells the place alone and keeps either value, so the file up to that place is read again: there the first
/// value is whole, and the key is found among what surrounds the end.
fn duplicate(text: &str, span: Range<usize>) -> Option<(String, Position)> {
    let key = text.get(span.clone())?.trim().trim_matches(['"', '\'']);
    let before = text.get(..span.start)?.trim_end_matches(['[', '"', '\'']);
    let (table, _) = DeTable::parse_recoverable(before);
    let mut reader = Reader {
        lines: &Lines::of(before),
        faults: Vec::new(),
    };
    let root = Node {
        position: Position { line: 1, column: 1 },
        value: reader.table("", table.get_ref(), 0),
    };
    let mut around = vec![(String::new(), &root)];
    while let Some(next) = around.last().and_then(|(path, node)| last(path, node)) {
        around.push(next);
    }
    around.iter().rev().find_map(|(path, node)| {
        let Value::Table(entries) = &node.value else {
            return None;
        };
        let entry = entries.iter().find(|entry| entry.key == key)?;
        Some((join(path, key), entry.position))
    })
}

/// The thing inside `node` that is written last, with its path.
fn last<'n>(path: &str, node: &'n Node) -> Option<(String, &'n Node)> {
    match &node.value {
        Value::Table(entries) => {
            let entry = entries
                .iter()
                .max_by_key(|entry| last_position(&entry.node).max(entry.position))?;
            Some((join(path, &entry.key), &entry.node))
        }
        Value::List(items) => {
            let index = items.len().checked_sub(1)?;
            Some((format!("{path}[{index}]"), &items[index]))
        }
        _ => None,
    }
}

/// The last place inside `node`.
fn last_position(node: &Node) -> Position {
    last("", node).map_or(node.position, |(_, next)| last_position(next))
}

#[cfg(test)]
mod tests {
    use super::{Problem, Value, parse};

    /// The faults of `text`, as `path@line: problem`.
    fn faults(text: &str) -> Vec<String> {
        let shown = parse(text).faults;
        let mut shown: Vec<_> = shown
            .iter()
            .map(|fault| {
                format!(
                    "{}@{}: {}",
                    fault.key_path, fault.position.line, fault.problem
                )
            })
            .collect();
        shown.sort();
        shown
    }

    #[test]
    fn every_duplicate_key_is_named_with_its_path() {
        let text = "[server]\nport = 1\nport = 2\n[[auth.api_keys]]\nid = 'a'\n[[auth.api_keys]]\nid = 'b'\n\"id\" = 'c'\n[server]\n";
        assert_eq!(
            faults(text),
            [
                "auth.api_keys[1].id@8: key is given twice, first on line 7",
                "server.port@3: key is given twice, first on line 2",
                "server@9: key is given twice, first on line 1",
            ]
        );
    }

    #[test]
    fn every_syntax_error_is_reported_without_an_excerpt() {
        let shown = faults("token = hunter2\nother = = 3\n");
        assert!(shown.len() >= 2, "{shown:?}");
        assert!(!shown.concat().contains("hunter2"), "{shown:?}");
    }

    #[test]
    fn keys_keep_the_order_and_the_place_of_the_file() {
        let parsed = parse("b = 1\na = 2027-01-01T00:00:00Z\n");
        let Value::Table(entries) = &parsed.root.value else {
            panic!("not a table")
        };
        assert_eq!(entries[0].key, "b");
        assert_eq!(entries[1].position.line, 2);
        assert!(
            matches!(&entries[1].node.value, Value::Text(text) if text.as_str() == "2027-01-01T00:00:00Z")
        );
    }

    #[test]
    fn nesting_is_bounded() {
        let text = format!("a = {}{}", "[".repeat(60), "]".repeat(60));
        let parsed = parse(&text);
        assert!(
            parsed
                .faults
                .iter()
                .any(|fault| matches!(fault.problem, Problem::TooDeep { .. }))
        );
        let text = format!("a = {}", "[".repeat(100_000));
        assert!(!parse(&text).faults.is_empty());
    }
}
