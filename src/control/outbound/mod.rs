//! Requests that the control thread makes by itself: key sets, identity providers, documents of clients.
//!
//! **Invariant:** no redirect is followed; the host is looked up once a request, the addresses that came of it are judged
//! ([`Policy`]) and exactly those are connected to, so that no answer of a resolver between the two counts. Time, head and body
//! are bounded. Nothing of a request's or an answer's content is in an error.
//!
//! Read [`Fetch`] first.

mod fetch;
mod guard;
mod trust;

pub(super) use fetch::{Fetch, Fetched, OutboundFault};
pub(super) use guard::Policy;
pub(super) use trust::{Authorities, client};
