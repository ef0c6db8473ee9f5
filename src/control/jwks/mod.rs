//! Keys of issuers: fetched, kept fresh, and given to the workers.
//!
//! One task a source. It fetches at once, again at three quarters of the set's life, sooner where a request met an unknown key,
//! and after a failure with growing pauses; meanwhile the last good set stays in use, up to a bound. Sources: RFC 7517 §5,
//! RFC 9111 §4.2 (freshness).
//!
//! **Invariant:** nothing is fetched but what the configuration names, as [`outbound`](super::outbound) fetches. Each wait, body
//! and table is bounded. A set that cannot be renewed is dropped, never used for ever.
//!
//! Read [`KeyKeeper`] first.

mod fetch;
mod keeper;
mod schedule;
mod settings;
mod source;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub(super) use keeper::KeyKeeper;
