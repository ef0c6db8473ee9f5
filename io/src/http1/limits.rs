//! Every bound of the codec, with its unit.

/// What an operator may bound about a head. Each bound is inclusive: a head of exactly `head_bytes_max` bytes is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Start line, fields and blank line together, in bytes; at most [`HEAD_BYTES_CEILING`] counts.
    pub head_bytes_max: usize,
    /// Method, target and version, without the line end, in bytes. Requests only.
    pub request_line_bytes_max: usize,
    /// Number of field lines; at most [`FIELDS_CEILING`] counts.
    pub headers_max: usize,
}

impl Default for HeadLimits {
    /// 32 KiB of head, 8 KiB of it the request line (RFC 9112 §3 asks for 8000 bytes), 100 fields.
    fn default() -> Self {
        Self {
            head_bytes_max: 32 * 1024,
            request_line_bytes_max: 8 * 1024,
            headers_max: 100,
        }
    }
}

/// Largest head whatever the configuration says, in bytes. Keeps every offset within 32 bits.
pub const HEAD_BYTES_CEILING: usize = 1024 * 1024;
/// Most field lines whatever the configuration says. Sizes the tokeniser's table, which lives on the stack.
pub const FIELDS_CEILING: usize = 256;
/// Empty lines tolerated before a request line (RFC 9112 §2.2).
pub const LEADING_BLANK_LINES_MAX: usize = 4;
/// Interim (1xx) responses that a client side should skip before it gives an upstream up.
pub const INTERIM_RESPONSES_MAX: usize = 8;
/// One chunk-size line with its extensions and without the line end, in bytes.
pub const CHUNK_LINE_BYTES_MAX: usize = 256;
/// All chunk extensions of one body, in bytes. Small chunks with long extensions cost a reader many times what they carry.
pub const CHUNK_EXTENSION_BYTES_MAX: usize = 16 * 1024;
/// All trailer fields of one body with their line ends, in bytes.
pub const TRAILER_BYTES_MAX: usize = 8 * 1024;

const _: () = assert!(HEAD_BYTES_CEILING < u32::MAX as usize);
const _: () = assert!(CHUNK_LINE_BYTES_MAX < CHUNK_EXTENSION_BYTES_MAX);
