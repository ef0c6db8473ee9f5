#!/usr/bin/env python3
"""Hours of load in front of a fixture: memory, descriptors and answers must stay as they were.

    soak.py --guard target/release/mcp-guard --perf target/release/guard-perf [--minutes 60]

Runs rounds of every kind of work, each answer checked, with a reload between rounds and a restart of the upstream every
tenth. Fails when an answer was wrong, when the gateway ended, when resident memory of the second half of the rounds rises by
more than 1 MB an hour (1 MB in a run shorter than an hour), or when descriptors are left over. Prints one line a round.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from rig import gateway, processes  # noqa: E402

SCENARIOS = ["tools-call", "tools-list-10", "tools-list-500", "request-64k", "result-64k", "result-1m", "sse-burst",
             "connection-per-request"]
# The fixture lists as many tools as the path of its URL says, so this one has a server of its own.
LARGE_LIST = "tools-list-500"
ROUND_S = 20
ROUNDS_PER_UPSTREAM = 10
GROWTH_BYTES_MAX = 1 << 20
DESCRIPTORS_LEFT_MAX = 16
# How long idle connections of a finished round may stay open.
IDLE_DEADLINE_S = 90
HOUR_S = 3600


def resident_bytes(pid):
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def load(perf, url, key, scenario):
    """One round's report; a wrong answer makes the command fail."""
    command = [perf, "load", "--target", url, "--header", f"Authorization: Bearer {key}"]
    command += ["--scenario", scenario, "--connections", "8", "--duration", f"{ROUND_S}s", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=ROUND_S * 3)
    report = json.loads(done.stdout or "{}")
    return done.returncode == 0, report.get("answers", 0), (done.stderr.strip() or report.get("faults"))


def slope_per_hour(samples):
    """Least squares of bytes over seconds, in bytes an hour."""
    mean_time = sum(at for at, _ in samples) / len(samples)
    mean_bytes = sum(size for _, size in samples) / len(samples)
    spread = sum((at - mean_time) ** 2 for at, _ in samples)
    return HOUR_S * sum((at - mean_time) * (size - mean_bytes) for at, size in samples) / spread


def memory_grew(samples):
    """What is wrong with the memory of the second half, or None. A short run has no slope worth the name."""
    settled = samples[len(samples) // 2 :]
    if len(settled) < 2:
        return None
    if settled[-1][0] - settled[0][0] < HOUR_S / 2:
        growth = settled[-1][1] - min(size for _, size in settled)
        return f"memory grew by {growth} bytes" if growth > GROWTH_BYTES_MAX else None
    slope = slope_per_hour(settled)
    return f"memory grows by {slope:.0f} bytes an hour" if slope > GROWTH_BYTES_MAX else None


def descriptors_left(pid, before):
    end = time.monotonic() + IDLE_DEADLINE_S
    while descriptors(pid) > before + DESCRIPTORS_LEFT_MAX:
        if time.monotonic() > end:
            return f"{descriptors(pid) - before} descriptors are left over"
        time.sleep(1)
    return None


def soak(options, upstream, service, key):
    """Runs the rounds; returns what went wrong."""
    began = time.monotonic()
    before = descriptors(service.pid)
    samples, wrong = [], []
    number = 0
    while time.monotonic() - began < options.minutes * 60:
        scenario = SCENARIOS[number % len(SCENARIOS)]
        url = f"{service.url}/{'large' if scenario == LARGE_LIST else 'small'}"
        right, answers, fault = load(options.perf, url, key, scenario)
        if not service.alive():
            return [*wrong, f"the gateway ended:\n{service.log_tail()}"]
        if not upstream.alive():
            # Not the gateway's fault, and no reason to believe the rest of the run.
            return [*wrong, f"the fixture ended in round {number}:\n{upstream.log_tail()}"]
        if not right:
            wrong.append(f"round {number} {scenario}: {fault}")
        # The same work each time, so that the samples compare.
        if number % len(SCENARIOS) == len(SCENARIOS) - 1:
            samples.append((time.monotonic() - began, resident_bytes(service.pid)))
        print(f"{number:5} {scenario:24} {answers:8} answers, {resident_bytes(service.pid) >> 10} KB, "
              f"{descriptors(service.pid)} descriptors{'' if right else f', WRONG: {fault}'}", flush=True)
        os.kill(service.pid, signal.SIGHUP)
        number += 1
        if number % ROUNDS_PER_UPSTREAM == 0:
            upstream.stop()
            upstream.start()
    findings = [memory_grew(samples), descriptors_left(service.pid, before)]
    return wrong + [finding for finding in findings if finding]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guard", required=True)
    parser.add_argument("--perf", required=True)
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    folder = processes.scratch_folder("soak")
    port = processes.free_port()
    fixture = [pathlib.Path(options.perf).resolve(), "upstream", "--listen", f"127.0.0.1:{port}"]
    configuration = gateway.Configuration(folder)
    configuration.section("[rate_limit]", requests_per_second=1_000_000, burst_size=1_000_000)
    key = configuration.api_key("soak", ["*"])
    configuration.server("small", transport="http", url=f"http://127.0.0.1:{port}/tools/10")
    configuration.server("large", transport="http", url=f"http://127.0.0.1:{port}/tools/500")
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(processes.Service("upstream", fixture, port, folder))
        service = stack.enter_context(gateway.gateway(options.guard, configuration))
        wrong = soak(options, upstream, service, key)
    for finding in wrong:
        print(f"soak: {finding}")
    print(f"soak: {'FAILED' if wrong else 'passed'}")
    return processes.settle(folder, 1 if wrong else 0)


if __name__ == "__main__":
    sys.exit(main())
