//! Audit records on their way from the lanes to file and standard output.
//!
//! A blocking thread of the runtime writes, so that a stalled disk or pipe holds up nothing but audit itself; the lanes then
//! fill and the workers refuse (or drop and count, where the operator chose so).
//!
//! **Invariant:** a sink receives every byte of every line once and in order, however often a write fails half way: writing
//! goes on where it stopped. A line that must be given up half written is cut off again.
//!
//! Read [`AuditPump`] first.

mod complaint;
mod lifecycle;
mod pump;
mod sink;
mod tail;
mod writer;

pub use lifecycle::{Event, line};
pub use pump::{AuditHandle, AuditPump, AuditSettings, AuditSources, Unwritten};
pub use sink::OpenError;
