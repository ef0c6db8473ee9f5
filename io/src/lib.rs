//! guard-io: the mechanism under mcp-guard.
//!
//! Pinned workers, listeners, timers, buffers, an HTTP/1.1 codec and connection pools. Read [`WorkerPool`] first, then
//! [`Stream`].
//!
//! **Invariant:** nothing here knows MCP, policy or configuration files; nothing outside this package names `monoio`;
//! the kernel never holds a pointer into a buffer of ours while a task sleeps, so every future here may be dropped at
//! any time without losing bytes, memory or descriptors.

pub mod http1;

mod address;
mod buffer;
mod caps;
mod clock;
mod connect;
mod deadline;
mod descriptor;
mod future;
mod ladder;
pub mod limits;
mod listener;
mod local;
mod mailbox;
mod pool;
pub mod process;
mod rota;
mod runtime;
mod socket;
mod stop;
mod stream;
mod sys;
mod task;
#[cfg(test)]
mod testing;
pub mod time;
pub mod tls;
mod watch;
mod worker;

pub use address::Address;
pub use buffer::Buffer;
pub use caps::{CapReached, ConnectionCaps, ConnectionSlot};
pub use clock::Clock;
pub use connect::{connect, pair};
pub use future::{Either, Join, Select, join, select};
pub use ladder::{IoMode, IoRung, KernelAbilities, RungProbe, RuntimeError, probe};
pub use listener::{AcceptError, AcceptMode, BindError, Listener, ListenerSeed, bind};
pub use mailbox::{Mailbox, MailboxSender, Rejected, mailbox};
pub use pool::{ConnectionPool, PoolBounds, PoolCounts};
pub use runtime::run;
pub use stop::Stop;
pub use stream::Stream;
pub use task::{Panicked, Task, spawn, yield_now};
pub use worker::{StartError, WorkerContext, WorkerExit, WorkerPool, WorkerSpec};
