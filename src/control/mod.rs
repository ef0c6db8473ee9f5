//! The control plane: one tokio thread that does everything slow.

pub mod audit;
pub mod http;
