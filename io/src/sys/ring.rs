//! Asks the kernel what it offers of io_uring, by using it.

use std::io;

use io_uring::{Builder, IoUring, Probe, opcode};

/// Operations that the event loop submits.
const OPCODES: [u8; 6] = [
    opcode::AsyncCancel::CODE,
    opcode::Close::CODE,
    opcode::Nop::CODE,
    opcode::PollAdd::CODE,
    opcode::Read::CODE,
    opcode::Timeout::CODE,
];

/// Builds a small ring with `builder`'s flags on the calling thread and passes one operation through it.
///
/// Errors: what the kernel answers (`ENOSYS` without io_uring, `EPERM` where it is forbidden, `EINVAL` for a flag that it
/// does not know, `ENOMEM` over the locked-memory limit), `Unsupported` when it lacks an operation that we need.
pub(crate) fn try_out(builder: &Builder) -> io::Result<()> {
    let mut ring = builder.build(8)?;
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe)?;
    if !OPCODES.iter().all(|&code| probe.is_supported(code)) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    round_trip(&mut ring)
}

fn round_trip(ring: &mut IoUring) -> io::Result<()> {
    let nop = opcode::Nop::new().build();
    // SAFETY: a no-op refers to no memory.
    let pushed = unsafe { ring.submission().push(&nop) };
    pushed.map_err(|_| io::ErrorKind::OutOfMemory)?;
    while let Err(error) = ring.submit_and_wait(1) {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    match ring.completion().next() {
        Some(entry) if entry.result() >= 0 => Ok(()),
        Some(entry) => Err(io::Error::from_raw_os_error(-entry.result())),
        None => Err(io::ErrorKind::Interrupted.into()),
    }
}
