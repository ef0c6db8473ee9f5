//! The whole vocabulary between the control thread and the workers.
//!
//! Control speaks to workers through [`ToWorker`] messages and by publishing a [`Live`] configuration; workers speak to
//! control through audit lanes ([`AuditLane`]), metric cells and the [`Doorbell`], call its bridges ([`BridgeCalls`]) and ask it
//! for keys of issuers ([`KeyDesk`]).
//! Neither side imports the other.
//!
//! **Invariant:** but for the socket that a bridge call opens, and for keys that a token needs and nobody has, no type here lets
//! a worker wait for control, or for another worker, to answer a request.
//! Read [`Shared`] first.

mod audit_lane;
pub mod bridge;
mod doorbell;
mod health;
mod keys;
mod message;
mod shared;

pub use audit_lane::{AuditLane, AuditWriter, LaneBounds, Overflow, Ticket};
pub use bridge::{BridgeCall, BridgeCalls};
pub use doorbell::Doorbell;
pub use health::{Health, Readiness};
pub use keys::{KeyDesk, KeyDesks, KeyReport, Waiting};
pub use message::{Bind, Bound, DataPlane, Phase, ToWorker};
pub use shared::{Exposition, Live, Reach, Resolved, ServerState, Shared, Speaks, WorkerShared};
