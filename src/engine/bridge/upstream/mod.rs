//! What a bridge says to a server over HTTP, and how it reads what comes back, as far as bytes decide it.
//!
//! **Invariant:** a server decides neither where requests go ([`endpoint`]: its own origin alone) nor whose request a response
//! answers ([`received`]: the id that was asked with, or none).

pub mod endpoint;
pub mod event;
pub mod fields;
pub mod received;
