//! Bounds of one session, each with its unit.

/// Requests of one session that wait for their responses. More are refused.
pub(super) const REQUESTS_MAX: usize = 1_024;

/// Requests of the server whose stream is remembered, so that their cancellation follows them.
pub(super) const ASKED_MAX: usize = 64;

/// Responses to a batch that are held for one answer, in bytes. Beyond it they go out as events.
pub(super) const BATCH_HELD_BYTES_MAX: usize = 256 * 1_024;

/// What an event is charged beyond its own bytes: a table entry and an allocation.
pub(super) const EVENT_OVERHEAD_BYTES: usize = 64;

/// Longest `Last-Event-ID` that is looked at, in bytes: three decimal numbers of 64 bits.
pub(super) const EVENT_ID_BYTES_MAX: usize = 64;

/// Streams that are over and have no event left, of which the end is remembered.
pub(super) const SPENT_MAX: usize = 64;
