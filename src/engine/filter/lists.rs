//! Finding lists in messages and deciding each item.

use super::edits::Edits;
use super::{FilterError, Visibility};
use crate::engine::mcp::json::{Reader, Str};
use crate::engine::mcp::limits::{LIST_TTL_MS_MAX, NAME_BYTES_MAX, URI_BYTES_MAX};
use crate::engine::mcp::lookalike::{Names, Reading, names};
use crate::engine::mcp::methods::ListKind;
use crate::engine::mcp::params::is_judgeable;
use crate::engine::mcp::revision::Era;
use crate::engine::mcp::scan::MessageName;
use crate::engine::span::Span;

pub(super) const KINDS: [ListKind; 4] = [
    ListKind::Tools,
    ListKind::Prompts,
    ListKind::Resources,
    ListKind::ResourceTemplates,
];

names! {
    /// Members of a result that decide.
    ResultName {
        Tools "tools",
        Prompts "prompts",
        Resources "resources",
        ResourceTemplates "resourceTemplates",
        CacheScope "cacheScope",
        TtlMs "ttlMs",
    }
}

names! {
    /// What names a tool or prompt.
    ByName { Name "name", }
}

names! {
    /// What names a resource.
    ByUri { Uri "uri", }
}

names! {
    /// What names a template.
    ByTemplate { Template "uriTemplate", }
}

type Read<T> = Result<T, FilterError>;

/// One pruning of one body.
pub(super) struct Pruning<'p, V> {
    pub(super) era: Era,
    pub(super) visibility: &'p V,
    pub(super) edits: &'p mut Edits,
}

/// What a result says besides its lists.
#[derive(Default)]
struct Hints {
    is_list: bool,
    cache_scope: Option<Span>,
    ttl_ms: Option<Span>,
}

/// Reads a message or a batch.
pub(super) fn read_body<V: Visibility>(
    reader: &mut Reader<'_>,
    pruning: &mut Pruning<'_, V>,
) -> Read<()> {
    match reader.cursor.token()? {
        b'[' => reader
            .array(|reader| read_message(reader, pruning))
            .map(drop),
        _ => read_message(reader, pruning),
    }
}

fn read_message<V: Visibility>(reader: &mut Reader<'_>, pruning: &mut Pruning<'_, V>) -> Read<()> {
    if reader.cursor.token()? != b'{' {
        return Err(FilterError::NotAMessage);
    }
    reader.object(|reader, key| match MessageName::read(reader.text(), key) {
        Reading::Exact(MessageName::Result) if reader.cursor.token()? == b'{' => {
            read_result(reader, pruning)
        }
        Reading::Exact(_) | Reading::Unknown => Ok(reader.skip().map(drop)?),
        Reading::LookAlike => Err(FilterError::LookAlikeMember),
    })?;
    Ok(())
}

fn read_result<V: Visibility>(reader: &mut Reader<'_>, pruning: &mut Pruning<'_, V>) -> Read<()> {
    let mut hints = Hints::default();
    let span = reader.object(|reader, key| {
        let kind = match ResultName::read(reader.text(), key) {
            Reading::Exact(ResultName::Tools) => ListKind::Tools,
            Reading::Exact(ResultName::Prompts) => ListKind::Prompts,
            Reading::Exact(ResultName::Resources) => ListKind::Resources,
            Reading::Exact(ResultName::ResourceTemplates) => ListKind::ResourceTemplates,
            Reading::Exact(ResultName::CacheScope) => return keep(reader, &mut hints.cache_scope),
            Reading::Exact(ResultName::TtlMs) => return keep(reader, &mut hints.ttl_ms),
            Reading::Unknown => return Ok(reader.skip().map(drop)?),
            Reading::LookAlike => return Err(FilterError::LookAlikeMember),
        };
        hints.is_list = true;
        read_list(reader, kind, pruning)
    })?;
    if hints.is_list && pruning.era == Era::Modern {
        bound_caching(reader.text(), span, &hints, pruning.edits);
    }
    Ok(())
}

fn keep(reader: &mut Reader<'_>, slot: &mut Option<Span>) -> Read<()> {
    *slot = Some(reader.skip()?);
    Ok(())
}

/// A filtered list is private, and fresh no longer than a policy decision may be trusted. An upstream that gives no time, or
/// none that can be read, gave no leave to keep the list.
fn bound_caching(text: &str, result: Span, hints: &Hints, edits: &mut Edits) {
    let inside = result.start() + 1;
    match hints.cache_scope {
        None => edits.insert(inside, "\"cacheScope\":\"private\","),
        Some(scope) if &text[scope.range()] == "\"private\"" => {}
        Some(scope) => edits.replace(scope, "\"private\""),
    }
    match hints.ttl_ms {
        None => edits.insert(inside, "\"ttlMs\":0,"),
        Some(ttl) => match text[ttl.range()].parse::<f64>() {
            Ok(ms) if (0.0..=LIST_TTL_MS_MAX as f64).contains(&ms) => {}
            Ok(ms) if ms > 0.0 => edits.replace(ttl, LIST_TTL_MS_TEXT),
            _ => edits.replace(ttl, "0"),
        },
    }
}

/// [`LIST_TTL_MS_MAX`] as written.
const LIST_TTL_MS_TEXT: &str = "60000";
const _: () = assert!(LIST_TTL_MS_MAX == 60_000);

fn read_list<V: Visibility>(
    reader: &mut Reader<'_>,
    kind: ListKind,
    pruning: &mut Pruning<'_, V>,
) -> Read<()> {
    let is_array = match reader.cursor.token()? {
        b'[' => true,
        // Some servers write a list without items as null.
        b'n' => false,
        _ => return Err(FilterError::ListInvalid { kind }),
    };
    if !is_array || pruning.visibility.shows_all(kind) {
        reader.skip()?;
        return Ok(());
    }
    let mut run = Run::default();
    reader.array(|reader| {
        let (item, is_shown) = read_item(reader, kind, pruning.visibility)?;
        if is_shown {
            run.keep(item, pruning.edits);
        } else {
            run.remove(item);
        }
        Ok::<_, FilterError>(())
    })?;
    run.close(pruning.edits);
    Ok(())
}

/// Items that leave together, with the commas between them and one on a side.
#[derive(Default)]
struct Run {
    /// Where the last item that stays ends.
    kept_to: Option<usize>,
    /// From where to where to cut, and how many items that is.
    open: Option<(Span, usize)>,
}

impl Run {
    fn remove(&mut self, item: Span) {
        let (start, items) = match self.open {
            Some((span, items)) => (span.start(), items + 1),
            None => (self.kept_to.unwrap_or(item.start()), 1),
        };
        self.open = Some((Span::new(start, item.end()), items));
    }

    /// Before the first item that stays, a cut takes the comma behind it; later, the comma before it.
    fn keep(&mut self, item: Span, edits: &mut Edits) {
        if let Some((span, items)) = self.open.take() {
            let end = if self.kept_to.is_some() {
                span.end()
            } else {
                item.start()
            };
            edits.remove(Span::new(span.start(), end), items);
        }
        self.kept_to = Some(item.end());
    }

    fn close(self, edits: &mut Edits) {
        if let Some((span, items)) = self.open {
            edits.remove(span, items);
        }
    }
}

/// Reads an item and decides whether it is shown.
fn read_item(
    reader: &mut Reader<'_>,
    kind: ListKind,
    visibility: &impl Visibility,
) -> Read<(Span, bool)> {
    let (item, name) = match kind {
        ListKind::Tools | ListKind::Prompts => read_named::<ByName>(reader, kind)?,
        ListKind::Resources => read_named::<ByUri>(reader, kind)?,
        ListKind::ResourceTemplates => read_named::<ByTemplate>(reader, kind)?,
    };
    let name = name
        .value(reader.text())
        .ok_or(FilterError::ItemInvalid { kind })?;
    let max = match kind {
        ListKind::Tools | ListKind::Prompts => NAME_BYTES_MAX,
        ListKind::Resources | ListKind::ResourceTemplates => URI_BYTES_MAX,
    };
    let is_callable = name.len() <= max && is_judgeable(&name);
    Ok((item, is_callable && visibility.shows(kind, &name)))
}

fn read_named<N: Names>(reader: &mut Reader<'_>, kind: ListKind) -> Read<(Span, Str)> {
    let invalid = FilterError::ItemInvalid { kind };
    if reader.cursor.token()? != b'{' {
        return Err(invalid);
    }
    let mut name = None;
    let item = reader.object_with_repeats(|reader, key| match N::read(reader.text(), key) {
        Reading::Exact(_) if reader.cursor.token()? != b'"' => Err(invalid),
        Reading::Exact(_) => match name.replace(reader.cursor.string()?) {
            None => Ok(()),
            Some(_) => Err(invalid),
        },
        Reading::Unknown => Ok(reader.skip().map(drop)?),
        Reading::LookAlike => Err(FilterError::LookAlikeMember),
    })?;
    Ok((item, name.ok_or(invalid)?))
}
