//! YAML 1.2 (core schema) → tree.
//!
//! **Invariant:** what is written at a place is what is meant there: anchors, aliases, tags and a second document are refused,
//! so nothing can expand (a "billion laughs" file has no effect) and a reader of the file sees what the gateway sees.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};
use zeroize::Zeroizing;

use crate::config::problem::Problem;
use crate::config::tree::{DEPTH_MAX, Entry, Fault, Node, Parsed, Position, Value, join};

/// Reads `text`. Where there is a syntax error the tree is empty.
pub(super) fn parse(text: &str) -> Parsed {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        faults: Vec::new(),
    };
    let root = match reader.document() {
        Ok(root) => root,
        Err(fault) => {
            reader.faults.push(fault);
            Node::empty()
        }
    };
    Parsed {
        root,
        faults: reader.faults,
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    faults: Vec<Fault>,
}

impl<'t> Reader<'t> {
    /// The only document of the stream; an empty stream is an empty table.
    fn document(&mut self) -> Result<Node, Fault> {
        let mut root = Node::empty();
        let mut documents = 0;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(root),
                (Event::DocumentStart(_), span) => {
                    documents += 1;
                    if documents > 1 {
                        self.refuse("", span, "with a second document");
                        return Ok(root);
                    }
                }
                (Event::StreamStart | Event::DocumentEnd | Event::Nothing, _) => {}
                (event, span) => root = self.node(String::new(), event, span, 0)?,
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Fault> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(
        &mut self,
        path: String,
        event: Event<'t>,
        span: Span,
        depth: usize,
    ) -> Result<Node, Fault> {
        let position = place(&span.start);
        if depth > DEPTH_MAX {
            return Err(Fault {
                key_path: path,
                position,
                problem: Problem::TooDeep {
                    depth_max: DEPTH_MAX,
                },
            });
        }
        self.refuse_indirection(&path, &event, span);
        let value = match event {
            Event::Scalar(text, style, ..) => scalar(text, style),
            Event::SequenceStart(..) => self.list(&path, depth)?,
            Event::MappingStart(..) => self.table(&path, depth)?,
            _ => Value::Null,
        };
        Ok(Node { position, value })
    }

    fn list(&mut self, path: &str, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd | Event::StreamEnd) {
                return Ok(Value::List(items));
            }
            items.push(self.node(format!("{path}[{}]", items.len()), event, span, depth + 1)?);
        }
    }

    fn table(&mut self, path: &str, depth: usize) -> Result<Value, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                return Ok(Value::Table(entries));
            }
            let position = place(&span.start);
            let key = self.key(path, event, span)?;
            let path = join(path, &key);
            let (event, span) = self.next()?;
            let node = self.node(path.clone(), event, span, depth + 1)?;
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let problem = Problem::DuplicateKey {
                    first_line: first.position.line,
                };
                self.faults.push(Fault {
                    key_path: path,
                    position,
                    problem,
                });
            } else {
                entries.push(Entry {
                    key,
                    position,
                    node,
                });
            }
        }
    }

    fn key(&mut self, path: &str, event: Event<'t>, span: Span) -> Result<String, Fault> {
        self.refuse_indirection(path, &event, span);
        match event {
            Event::Scalar(text, ..) => Ok(text.into_owned()),
            Event::Alias(_) => Ok(String::new()),
            _ => Err(Fault {
                key_path: path.to_owned(),
                position: place(&span.start),
                problem: Problem::Syntax {
                    detail: "a key must be plain text".to_owned(),
                },
            }),
        }
    }

    fn refuse_indirection(&mut self, path: &str, event: &Event<'_>, span: Span) {
        let (anchor, tag) = match event {
            Event::Alias(_) => return self.refuse(path, span, "aliases"),
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            _ => return,
        };
        if anchor != 0 {
            self.refuse(path, span, "anchors");
        }
        if tag {
            self.refuse(path, span, "tags");
        }
    }

    fn refuse(&mut self, path: &str, span: Span, feature: &'static str) {
        let problem = Problem::YamlRefused { feature };
        self.faults.push(Fault {
            key_path: path.to_owned(),
            position: place(&span.start),
            problem,
        });
    }
}

/// The value of a scalar by the core schema (YAML 1.2 §10.3.2); anything quoted is text.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(Zeroizing::new(text.into_owned()));
    }
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Flag(true),
        "false" | "False" | "FALSE" => Value::Flag(false),
        plain => number(plain).unwrap_or_else(|| Value::Text(Zeroizing::new(plain.to_owned()))),
    }
}

fn number(plain: &str) -> Option<Value> {
    if let Some(hex) = plain.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(Value::Integer);
    }
    if let Some(octal) = plain.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().map(Value::Integer);
    }
    if let Ok(integer) = plain.parse() {
        return Some(Value::Integer(integer));
    }
    // Rust reads `inf` and `nan` as numbers too, which here are names.
    let numeric = plain.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let numeric = numeric && plain.ends_with(|c: char| c.is_ascii_digit() || c == '.');
    if numeric {
        plain.parse().ok().map(Value::Number)
    } else {
        None
    }
}

/// The parser counts lines from 1 and columns from 0.
fn place(marker: &Marker) -> Position {
    Position {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}

fn syntax(error: &ScanError) -> Fault {
    let problem = Problem::Syntax {
        detail: error.info().to_owned(),
    };
    Fault {
        key_path: String::new(),
        position: place(error.marker()),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::{Cow, DEPTH_MAX, Position, Problem, ScalarStyle, Value, parse, scalar};

    fn faults(text: &str) -> Vec<String> {
        let shown = parse(text).faults;
        shown
            .iter()
            .map(|fault| {
                format!(
                    "{}@{}: {}",
                    fault.key_path, fault.position.line, fault.problem
                )
            })
            .collect()
    }

    #[test]
    fn duplicate_keys_are_named_with_their_path() {
        let text = "server:\n  port: 1\n  port: 2\nauth:\n  api_keys:\n    - id: a\n    - id: b\n      id: c\nserver:\n";
        assert_eq!(
            faults(text),
            [
                "server.port@3: key is given twice, first on line 2",
                "auth.api_keys[1].id@8: key is given twice, first on line 7",
                "server@9: key is given twice, first on line 1",
            ]
        );
    }

    #[test]
    fn indirection_is_refused_and_never_expanded() {
        let mut laughs = "a0: &a0 [lol, lol]\n".to_owned();
        for level in 1..40 {
            laughs.push_str(&format!(
                "a{level}: &a{level} [*a{0}, *a{0}, *a{0}, *a{0}]\n",
                level - 1
            ));
        }
        let faults = faults(&laughs);
        assert!(
            faults.iter().any(|fault| fault.contains("aliases")),
            "{faults:?}"
        );
        assert!(
            faults.iter().any(|fault| fault.contains("anchors")),
            "{faults:?}"
        );
        assert!(self::faults("a: !!str 3\n")[0].contains("tags"));
        assert!(self::faults("a: 1\n---\nb: 2\n")[0].contains("second document"));
    }

    #[test]
    fn positions_count_from_one() {
        let parsed = parse("server:\n  port: 1\n");
        let Some(Value::Table(entries)) = parsed.root.child("server").map(|node| &node.value)
        else {
            panic!("not a table")
        };
        assert_eq!(entries[0].position, Position { line: 2, column: 3 });
        assert_eq!(entries[0].node.position, Position { line: 2, column: 9 });
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("a: {}{}", "[".repeat(60), "]".repeat(60));
        let limit = parse(&deep).faults.pop().map(|fault| fault.problem);
        assert_eq!(
            limit,
            Some(Problem::TooDeep {
                depth_max: DEPTH_MAX
            })
        );
        assert!(
            !parse(&format!("a: {}", "[".repeat(20_000)))
                .faults
                .is_empty()
        );
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let kind = |text| scalar(Cow::Borrowed(text), ScalarStyle::Plain).kind();
        for (text, expected) in [
            ("", "nothing"),
            ("~", "nothing"),
            ("true", "true or false"),
            ("yes", "a string"),
            ("3000", "an integer"),
            ("-3", "an integer"),
            ("0x10", "an integer"),
            ("0.5", "a number"),
            ("1e3", "a number"),
            ("10s", "a string"),
            ("nan", "a string"),
            ("127.0.0.1", "a string"),
            ("2027-01-01T00:00:00Z", "a string"),
        ] {
            assert_eq!(kind(text), expected, "{text:?}");
        }
        assert_eq!(
            scalar(Cow::Borrowed("3000"), ScalarStyle::DoubleQuoted).kind(),
            "a string"
        );
    }
}
