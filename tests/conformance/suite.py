"""One run of the official conformance suite against one URL, and its checks."""

import collections
import json
import os
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from rig import packages

PRELOAD = pathlib.Path(__file__).with_name("bearer-preload.mjs")
RUN_DEADLINE_S = 300
# A result folder is `server-<scenario>-<time>`.
RESULT_FOLDER = re.compile(r"^server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z$")


@dataclass(frozen=True)
class Suite:
    """A published suite at one revision of the protocol; without a revision it runs every scenario, extensions too."""

    release: str
    revision: str | None

    def __str__(self):
        return f"{self.release} {self.revision or 'all'}"


SUITES = [
    Suite("next", "2025-03-26"),
    Suite("next", "2025-06-18"),
    Suite("next", "2025-11-25"),
    Suite("next", "2026-07-28"),
    Suite("next", None),
    Suite("stable", "2025-06-18"),
    Suite("stable", "2025-11-25"),
]


@dataclass(frozen=True)
class Target:
    """Where a run is pointed, and with which credential."""

    name: str
    url: str
    token: str | None = None


class SuiteFailure(Exception):
    """The suite did not come to its end."""


class Checks:
    """Outcomes of one run: how often each check (scenario × id) ended with each status."""

    def __init__(self):
        self.statuses = collections.defaultdict(collections.Counter)
        self.details = {}

    def add(self, scenario, check):
        key = (scenario, check["id"])
        self.statuses[key][check["status"]] += 1
        if check["status"] not in ("SUCCESS", "INFO", "SKIPPED"):
            reason = check.get("errorMessage") or json.dumps(check.get("details"))
            self.details.setdefault(key, reason)

    def total(self, status):
        return sum(counts[status] for counts in self.statuses.values())

    def summary(self):
        return f"{self.total('SUCCESS')}/{self.total('FAILURE')}"


def run(suite, target, folder):
    """Runs `suite` against `target`; its files go into `folder`."""
    entry = packages.conformance_suite(suite.release)
    packages.require(packages.NODE_22, entry)
    folder.mkdir(parents=True, exist_ok=True)
    command = [packages.NODE_22]
    env = dict(os.environ)
    if target.token is not None:
        command += ["--import", PRELOAD]
        origin = target.url.removesuffix("/mcp")
        env |= {"GATEWAY_ORIGIN": origin, "GATEWAY_TOKEN": target.token, "SUITE_ENTRY": str(entry)}
    command += [entry, "server", "--url", target.url, "--suite", "all", "--output-dir", folder]
    if suite.revision is not None:
        command += ["--spec-version", suite.revision]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=RUN_DEADLINE_S)
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    # The suite ends with 1 when a check failed: its last line tells an end from a crash.
    if not re.search(r"^Total: \d+ passed, \d+ failed", done.stdout, re.MULTILINE):
        raise SuiteFailure(f"{suite} against {target.name} ended with {done.returncode}: see {folder}/output.txt")
    return read_checks(folder)


def read_checks(folder):
    checks = Checks()
    for path in sorted(folder.glob("server-*/checks.json")):
        scenario = RESULT_FOLDER.match(path.parent.name)["scenario"]
        for check in json.loads(path.read_text()):
            checks.add(scenario, check)
    return checks
