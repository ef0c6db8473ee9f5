//! HTTP/1.1 as bytes: heads, body framing and encoding, for both sides of a proxy, without sockets.
//!
//! Bytes go in, offsets and named refusals come out; `httparse` tokenises, this folder decides. Results are offsets into the
//! caller's buffer, so they outlive its moves and hold no borrow across an `await`.
//!
//! **Invariant:** what this codec accepts has exactly one reading under RFC 9112. A message with two readings (two lengths, a
//! bare line feed, an obfuscated coding) is refused, never repaired, so that nothing ambiguous can be forwarded. It never
//! reads a clock or a socket, and no input makes it panic.
//!
//! Read [`parse_request`] first, then [`BodyReader`]. Sources: RFC 9110, RFC 9112, RFC 3986.

mod authority;
mod body;
mod chunked;
mod encode;
mod fields;
mod framing;
mod grammar;
mod limits;
mod lines;
mod refusal;
mod request;
mod response;
mod span;
mod target;
mod tokens;

pub use body::{BodyReader, Step, Truncation};
pub use chunked::{ChunkRefusal, ChunkedDecoder, Compacted, Decoded};
pub use encode::{
    BodyFraming, CHUNK_END, CONTINUE, EncodeRefusal, HeadWriter, LAST_CHUNK, chunk_header, reason,
};
pub use fields::{Fields, HeadIndex, is_hop_by_hop};
pub use limits::{
    CHUNK_EXTENSION_BYTES_MAX, CHUNK_LINE_BYTES_MAX, FIELDS_CEILING, HEAD_BYTES_CEILING,
    HeadLimits, INTERIM_RESPONSES_MAX, LEADING_BLANK_LINES_MAX, TRAILER_BYTES_MAX,
};
pub use refusal::HeadRefusal;
pub use request::{Method, Progress, RequestFraming, RequestHead, Version, parse_request};
pub use response::{ResponseFraming, ResponseHead, ResponseProgress, parse_response};
pub use span::ByteSpan;
pub use target::{Target, TargetForm};
