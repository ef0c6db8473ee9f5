//! The files of `[server.tls]` and of https upstreams, loaded into what the workers speak TLS with.
//!
//! [`load`] is the one way from paths to material: the start, a reload and `validate` go through it and show the same
//! findings. `TlsWatch` looks every few seconds whether the files have changed and puts what they became in force without a
//! reload; connections stay open. **Invariant:** material that is in force was whole and fitted together when it was read; a
//! bad new file changes nothing. No byte of a key is in an error, a log line or a metric.
//!
//! Read [`load`] first.

mod certificate;
mod file;
mod gather;
mod material;
mod roots;
mod section;
mod watch;

#[cfg(test)]
mod testing;

pub use material::{Materials, load};
pub use watch::now_secs;
pub(in crate::control) use watch::{TlsWatch, with_materials};
