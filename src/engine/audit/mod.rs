//! The audit record and its encoding.
//!
//! What it never does: hold arguments, results, credentials or whole session ids; there is no field for them. **Invariant:**
//! a record is one line of valid JSON of at most [`AUDIT_RECORD_BYTES_MAX`](super::limits::AUDIT_RECORD_BYTES_MAX) bytes,
//! whatever the bytes that clients chose.
//!
//! Read [`Record`] first.

pub(super) mod json;
mod record;
mod session_tag;
mod timestamp;

pub use record::{Decision, EventType, FIELDS, Record};
pub use session_tag::SessionTag;
pub use timestamp::write_timestamp;
