"""Processes that a test starts: on a free port, waited for, logged to a file, ended with everything they started."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 5.0
POLL_INTERVAL_S = 0.05
LOG_TAIL_BYTES = 4000


class StartFailure(Exception):
    """A process ended, or did not listen in time."""


def free_port():
    """A TCP port of the loopback interface that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def scratch_folder(prefix):
    """A new folder for one run's logs and configuration. From here on SIGTERM unwinds the run, so that it leaves nothing."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    return pathlib.Path(tempfile.mkdtemp(prefix=f"{prefix}-"))


def settle(folder, code):
    """Keeps the folder of a run that failed, for whoever reads its logs; returns the exit code."""
    if code == 0:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"logs are in {folder}", flush=True)
    return code


class Service:
    """A server process that listens on a port of the loopback interface while the `with` block runs."""

    def __init__(self, name, command, port, folder, env=None, cwd=None, endpoint="/mcp", transport="http"):
        self.name = name
        self.port = port
        self.endpoint = endpoint
        self.transport = transport
        self.log_path = pathlib.Path(folder) / f"{name}.log"
        self._command = [str(part) for part in command]
        self._env = {**os.environ, **(env or {})}
        self._cwd = cwd
        self._process = None

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self._process.pid

    @property
    def url(self):
        return f"{self.origin}{self.endpoint}"

    @property
    def keys(self):
        """How an upstream section of the gateway's configuration names this server."""
        return {"transport": self.transport, "url": self.url}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_DEADLINE_S
        while not self._listens():
            if self._process.poll() is not None:
                raise StartFailure(f"{self.name} ended with {self._process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.stop()
                raise StartFailure(f"{self.name} did not listen within {START_DEADLINE_S} s:\n{self.log_tail()}")
            time.sleep(POLL_INTERVAL_S)

    def stop(self, deadline_s=STOP_DEADLINE_S):
        """Ends the process group that this service leads, and nothing else."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.alive():
                return
            os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(deadline_s)

    def alive(self):
        return self._process is not None and self._process.poll() is None

    def log_tail(self):
        return self.log_path.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def _listens(self):
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
