//! The little HTTP/1.1 that fixture and load generator need: requests with a known length in, answers of every framing out.
//!
//! **Invariant:** not a general codec. It reads what proxies under test send and names everything else a fault.

pub(crate) mod answer;
pub(crate) mod chunks;
pub(crate) mod request;

use memchr::memchr;
use memchr::memmem;

/// Bytes of a head that is still incomplete before the connection is given up.
pub(crate) const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Length of the head that `bytes` begins with, its blank line included.
pub(crate) fn head_len(bytes: &[u8]) -> Option<usize> {
    memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

/// The lines of a head without their line ends; the first is the request or status line.
pub(crate) fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = head;
    std::iter::from_fn(move || {
        let end = memchr(b'\n', rest)?;
        let line = &rest[..end];
        rest = &rest[end + 1..];
        Some(line.strip_suffix(b"\r").unwrap_or(line)).filter(|line| !line.is_empty())
    })
}

/// The value of a header line called `name` (lower case), or `None` where the line is another.
pub(crate) fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    found.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

/// A decimal number, or `None` where it is not one.
pub(crate) fn decimal(digits: &[u8]) -> Option<usize> {
    str::from_utf8(digits).ok()?.parse().ok()
}
