//! The system calls that std does not offer: epoll, core affinity, process limits.
//!
//! **Invariant:** every `unsafe` block of the harness is in this folder.
#![allow(
    unsafe_code,
    reason = "the OS layer: one libc call a block, each with its invariant"
)]

mod epoll;
mod task;

pub(crate) use epoll::{Epoll, Events, Interest};
pub(crate) use task::{
    allowed_cores, confine, open_files_to_the_maximum, pin, sharpen_timers, terminate,
};
