"""What a process holds: children, descriptors, memory; and what a run left behind."""

import os
import pathlib

PROC = pathlib.Path("/proc")
# Every child of the gateway is given this variable, and its own children inherit it.
MARK = "GUARD_SOAK_RUN"


def children(pid):
    """Pids of the processes that `pid` started and that have not been reaped."""
    found = []
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def descriptors(pid):
    return len(os.listdir(PROC / str(pid) / "fd"))


def resident_bytes(pid):
    pages = int((PROC / str(pid) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def marked(run):
    """Pids of all processes with the mark of this run, wherever they hang in the tree."""
    wanted = f"{MARK}={run}".encode()
    found = []
    for environment in PROC.glob("[0-9]*/environ"):
        try:
            if wanted in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
        except OSError:
            continue
    return found
