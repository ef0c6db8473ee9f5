//! From the tokeniser's borrowed fields to an index of offsets, with the line ends that it does not insist on.

use std::mem::MaybeUninit;

use super::framing::FieldFacts;
use super::{ByteSpan, FIELDS_CEILING, HeadIndex, HeadLimits, HeadRefusal};

/// Room for the tokeniser; uninitialised, so a large table costs nothing.
pub(super) type FieldTable<'buf> = [MaybeUninit<httparse::Header<'buf>>; FIELDS_CEILING];

pub(super) const fn field_table<'buf>() -> FieldTable<'buf> {
    [const { MaybeUninit::uninit() }; FIELDS_CEILING]
}

/// The part of `buf` that may be head, given the bound.
#[inline]
pub(super) fn window<'buf>(buf: &'buf [u8], limits: &HeadLimits) -> &'buf [u8] {
    &buf[..buf.len().min(head_bytes_max(limits))]
}

/// The bound that holds: what is configured, or the ceiling.
#[inline]
pub(super) fn head_bytes_max(limits: &HeadLimits) -> usize {
    limits.head_bytes_max.min(super::HEAD_BYTES_CEILING)
}

/// The bound on field lines that holds.
#[inline]
pub(super) fn fields_max(limits: &HeadLimits) -> usize {
    limits.headers_max.min(FIELDS_CEILING)
}

/// Fills `index` from the fields of the complete head `head = buf[..head_len]` and collects what decides its framing.
///
/// `httparse` ends a line at a bare LF. No field it returns can contain one, so looking at the two bytes before each line
/// start, and before the end, finds every such line.
#[inline]
pub(super) fn index_fields(
    head: &[u8],
    fields: &[httparse::Header<'_>],
    index: &mut HeadIndex,
) -> Result<FieldFacts, HeadRefusal> {
    let mut facts = FieldFacts::default();
    for field in fields {
        let name = ByteSpan::within(head, field.name.as_bytes());
        let value = ByteSpan::within(head, field.value);
        ends_in_crlf(&head[..name.range().start])?;
        index.push(name, value);
        facts.observe(field.name.as_bytes(), field.value, value)?;
    }
    ends_in_crlf(&head[..head.len() - 2])?;
    ends_in_crlf(head)?;
    index.set_nominates(facts.nominates());
    Ok(facts)
}

#[inline]
fn ends_in_crlf(lines: &[u8]) -> Result<(), HeadRefusal> {
    if lines.ends_with(b"\r\n") {
        Ok(())
    } else {
        Err(HeadRefusal::BareLineFeed)
    }
}
