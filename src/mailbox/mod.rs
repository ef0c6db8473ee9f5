//! The whole vocabulary between the control thread and the workers.
//!
//! Control speaks to workers through [`ToWorker`] messages and by publishing a [`Live`] configuration; workers speak to
//! control through audit lanes ([`AuditLane`]), metric cells and the [`Doorbell`], call its bridges ([`BridgeCalls`]), ask it
//! for keys of issuers ([`KeyDesk`]), and put questions of OAuth to it ([`Asks`]).
//! Neither side imports the other.
//!
//! **Invariant:** but for the socket that a bridge call opens, for keys that a token needs and nobody has, and for logins, no type here lets
//! a worker wait for control, or for another worker, to answer a request.
//! Read [`Shared`] first.

mod ask;
mod audit_lane;
pub mod bridge;
mod doorbell;
mod health;
mod keys;
mod message;
mod oauth;
mod shared;

pub use ask::{Ask, Asks, Awaited, Reply};
pub use audit_lane::{AuditLane, AuditWriter, LaneBounds, Overflow, Ticket};
pub use bridge::{BridgeCall, BridgeCalls};
pub use doorbell::Doorbell;
pub use health::{Health, Readiness};
pub use keys::{KeyDesk, KeyDesks, KeyReport, Waiting};
pub use message::{Bind, Bound, DataPlane, Phase, ToWorker};
pub use oauth::{
    OAuthOutcome, OAuthReply, OAuthRequest, OAuthRequests, Told, VouchRequest, VouchRequests,
};
pub use shared::{Exposition, Live, Reach, Resolved, ServerState, Shared, Speaks, WorkerShared};
