//! Which cores this process may use, and pinning a thread to one of them.

use std::{io, mem};

/// Returns the cores that the calling thread may run on, ascending. Source: sched_getaffinity(2).
pub(crate) fn allowed_cores() -> io::Result<Vec<usize>> {
    // SAFETY: an all-zero `cpu_set_t` is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: `set` is writable for the size that is passed.
    let status = unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    let bits = 0..libc::CPU_SETSIZE as usize;
    // SAFETY: `core` is below `CPU_SETSIZE`, so the bit lies inside the set.
    Ok(bits
        .filter(|&core| unsafe { libc::CPU_ISSET(core, &set) })
        .collect())
}

/// Restricts the calling thread to `core`. Fails when the core is not in the thread's allowed set.
pub(crate) fn pin_thread(core: usize) -> io::Result<()> {
    if core >= libc::CPU_SETSIZE as usize {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: an all-zero `cpu_set_t` is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: `core` is below `CPU_SETSIZE`, so the bit lies inside the set.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: `set` is readable for the size that is passed.
    match unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn pinned_thread_is_allowed_its_core_only() {
        let core = *allowed_cores().unwrap().last().unwrap();
        let seen = std::thread::spawn(move || {
            pin_thread(core).unwrap();
            allowed_cores().unwrap()
        });
        assert_eq!(seen.join().unwrap(), [core]);
    }

    #[test]
    fn core_beyond_the_set_is_refused() {
        assert!(pin_thread(usize::MAX).is_err());
    }
}
