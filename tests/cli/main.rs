//! The commands that end by themselves, run as a user runs them: the real binary, a folder of its own, exit codes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod explain;
mod harness;
mod init;
mod keygen;
mod offline;
mod shipped;
mod validate;
