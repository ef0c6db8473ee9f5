//! Admission: the order of the checks between a request's first byte and its permit, in one place.
//!
//! [`admit_head`] needs the head alone, so a caller that is not let in never makes the gateway hold a body. [`read_body`] and
//! [`judge`] follow once the body is there. What it never does: charge a quota or write a byte; the worker does both, with
//! what comes out of here.
//!
//! **Invariant:** the first check that fails decides, and nothing later runs: host, origin, route, credential, reach, method,
//! content type; then JSON, agreement of headers and body, policy. Endpoints of OAuth need no credential and have checks of their own
//! after the route.

mod body;
mod head;
mod oauth;

pub use body::{
    BodyRefusal, Judgement, Understood, actions, judge, only_id, read_bodiless, read_body,
};
pub use head::{Arrival, Front, HeadAdmission, HeadRefusal, Page, Verb, admit_head};
