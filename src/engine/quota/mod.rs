//! Quotas: GCRA in integer nanoseconds, on cells that workers share without a lock.
//!
//! What it never does: read a clock, or hold a lock while a request is charged. **Invariant:** over any time `t` an identity
//! is admitted at most `burst + rate · t` requests, for any number of threads. Where two answers race, the error is towards
//! refusing.
//!
//! Read [`charge`] first, then [`QuotaTable`]. Source: the generic cell rate algorithm, ITU-T I.371.

mod bounded;
mod cell;
mod charge;
mod peers;
mod plan;
mod table;

pub use cell::{Cell, Quota, QuotaError};
pub use charge::{Charge, Exceeded, Standing, charge};
pub use peers::{PeerKey, PeerQuotas};
pub use plan::{QuotaPlan, ToolLimit};
pub use table::{HandleCache, IdentityCells, QuotaTable, TableFull};
