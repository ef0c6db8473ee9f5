//! The calls into the operating system that the standard library and socket2 do not offer, and all unsafe code of this
//! package: one operation a block, each with its reason.
//!
//! **Invariant:** every function here is safe to call with any arguments.
#![allow(
    unsafe_code,
    reason = "this folder is the fence around the package's unsafe code"
)]

pub(crate) mod affinity;
pub(crate) mod clock;
pub(crate) mod handle;
pub(crate) mod process;
pub(crate) mod ring;
pub(crate) mod socket;

/// Bytes that this process has allocated from the C library, in whatever language.
#[cfg(test)]
pub(crate) fn allocated_bytes() -> usize {
    // SAFETY: the call takes nothing and returns a plain structure.
    unsafe { libc::mallinfo2() }.uordblks
}
