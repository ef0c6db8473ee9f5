//! The field lines of one head, as offsets.

use std::slice;

use super::ByteSpan;
use super::grammar::trim_ows;

/// Where each field line of a head lies. Reusable: parsing again clears it and keeps its memory, so that steady state
/// allocates nothing.
///
/// Order is that of the wire. Names keep their case and may contain `_`, which some upstreams read as `-`: whoever forwards
/// fields drops those.
#[derive(Clone, Debug, Default)]
pub struct HeadIndex {
    records: Vec<FieldRecord>,
    nominates: bool,
}

/// One field line: 16 bytes.
#[derive(Clone, Copy, Debug)]
struct FieldRecord {
    name: ByteSpan,
    value: ByteSpan,
}

impl HeadIndex {
    /// An empty index; it grows on first use.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of field lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no field line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Each field line as `(name, value)`, values without white space around them, in the order of the wire.
    ///
    /// `buf` must begin where the parsed buffer began. Panics where it is shorter than the parsed head.
    #[must_use]
    #[inline]
    pub fn headers<'a>(&'a self, buf: &'a [u8]) -> Fields<'a> {
        Fields {
            records: self.records.iter(),
            buf,
        }
    }

    /// The value of the first field called `name`, case-insensitively.
    #[must_use]
    pub fn first<'a>(&'a self, buf: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
        self.headers(buf)
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Whether a forwarder must drop `name`: it is hop-by-hop by definition or because a Connection field of this head
    /// nominates it. O(1) unless Connection names something besides `close` and `keep-alive`. Source: RFC 9110 §7.6.1.
    #[must_use]
    pub fn is_hop_by_hop(&self, buf: &[u8], name: &[u8]) -> bool {
        is_hop_by_hop(name) || (self.nominates && self.is_nominated(buf, name))
    }

    fn is_nominated(&self, buf: &[u8], name: &[u8]) -> bool {
        self.headers(buf)
            .filter(|(field, _)| field.eq_ignore_ascii_case(b"connection"))
            .flat_map(|(_, value)| value.split(|&byte| byte == b','))
            .any(|option| trim_ows(option).eq_ignore_ascii_case(name))
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
    }

    #[inline]
    pub(super) fn push(&mut self, name: ByteSpan, value: ByteSpan) {
        self.records.push(FieldRecord { name, value });
    }

    pub(super) fn set_nominates(&mut self, nominates: bool) {
        self.nominates = nominates;
    }
}

/// Iterator over the field lines of a head, as `(name, value)`.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    records: slice::Iter<'a, FieldRecord>,
    buf: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.next()?;
        Some((record.name.of(self.buf), record.value.of(self.buf)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// Whether `name` is hop-by-hop by definition, whatever Connection says. Source: RFC 9110 §7.6.1 and RFC 2616 §13.5.1 for the
/// two Proxy fields that deployed software still sends.
#[must_use]
pub fn is_hop_by_hop(name: &[u8]) -> bool {
    let known: &[&[u8]] = match name.len() {
        2 => &[b"te"],
        7 => &[b"trailer", b"upgrade"],
        10 => &[b"connection", b"keep-alive"],
        16 => &[b"proxy-connection"],
        17 => &[b"transfer-encoding"],
        18 => &[b"proxy-authenticate"],
        19 => &[b"proxy-authorization"],
        _ => &[],
    };
    known.iter().any(|known| name.eq_ignore_ascii_case(known))
}
