#!/usr/bin/env python3
"""Logs in through the gateway with real parts: an OpenID provider, the SDKs' OAuth clients, and a person who answers pages.

    run.py --guard target/debug/mcp-guard              every group
    run.py --guard … --group NAME [--only PROPERTY]    one of them

Exit codes: 0 all holds, 1 something does not, 2 a part is missing.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import applications  # noqa: E402
import attacks  # noqa: E402
import document_attacks  # noqa: E402
import external  # noqa: E402
import faults  # noqa: E402
import opaque  # noqa: E402
import providers  # noqa: E402
from github import GitHub  # noqa: E402
from google import Google  # noqa: E402
from scene import Scene  # noqa: E402

from rig import packages, processes  # noqa: E402

RUNNERS = {
    "python 2": [packages.VENV_PYTHON, "-W", "ignore", HERE / "python_sdk.py"],
    "python 1": [packages.VENV_1_PYTHON, "-W", "ignore", HERE / "python_sdk.py"],
    "node": [packages.NODE_22, "--no-warnings", HERE / "node_sdk.mjs"],
}
RUNNER_DEADLINE_S = 240
# Debian calls it so.
CHROMIUM = "/usr/bin/chromium"


def run_sdks(plan, only):
    """Whether every property of every SDK holds."""
    holds = True
    for name, command in RUNNERS.items():
        packages.require(command[0])
        selection = ["--only", only] if only and "python" in name else [only] if only else []
        try:
            ended = subprocess.run([*map(str, command), plan, *selection], timeout=RUNNER_DEADLINE_S)
            holds &= ended.returncode == 0
        except subprocess.TimeoutExpired:
            print(f"FAIL {name} did not end within {RUNNER_DEADLINE_S} s")
            holds = False
    return holds


def external_issuer(options, folder):
    with external.plan(options.guard, folder) as plan:
        return all([run_sdks(plan, only) for only in ([options.only] if options.only else external.ONLY)])


def sdks(options, folder):
    with Scene(options.guard, folder, server={}) as scene:
        return run_sdks(scene.plan, options.only)


def browser(**scene_keys):
    """A group of logins with a real browser."""

    def group(options, folder):
        packages.require(packages.NODE_22, packages.PLAYWRIGHT, CHROMIUM)
        pictures = packages.CACHE / "oauth-pages" / folder.name
        pictures.mkdir(parents=True, exist_ok=True)
        with Scene(options.guard, folder, server={}, **scene_keys) as scene:
            command = [packages.NODE_22, HERE / "browser.mjs", scene.plan, pictures, *([options.only] if options.only else [])]
            env = {**os.environ, "NODE_EXTRA_CA_CERTS": str(scene.ca), "CHROMIUM": CHROMIUM}
            ended = subprocess.run([str(part) for part in command], timeout=RUNNER_DEADLINE_S, env=env)
            return ended.returncode == 0

    return group


def checked(checks, another=None, **scene_keys):
    """A group of properties in one scene; `another` makes a provider in place of the usual one."""

    def group(options, folder):
        more = {"another": another()} if another else {}
        with Scene(options.guard, folder, **scene_keys, **more) as scene:
            return checks.run(scene, options.only)

    return group


GROUPS = {
    "external-issuer": external_issuer,
    "sdks": sdks,
    "attacks": checked(attacks.attack, server={}),
    "applications": checked(applications.application, server={}),
    "documents": checked(document_attacks.documents, server={}),
    "untrusted-documents": checked(document_attacks.untrusted, server=document_attacks.UNTRUSTED),
    "faults": checked(faults.fault, server={}),
    "browser": browser(),
    "browser-tls": browser(tls=True),
    "opaque-tokens": checked(opaque.opaque, oauth=opaque.KEYS),
    "github": checked(providers.github_login, GitHub, oauth=providers.GITHUB, server={}),
    "github-tokens": checked(providers.github_tokens, GitHub, oauth=providers.GITHUB_TOKENS),
    "google": checked(providers.google_login, Google, oauth=providers.GOOGLE, server={}),
    "google-tokens": checked(providers.google_tokens, Google, oauth=providers.GOOGLE_TOKENS),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guard", required=True)
    parser.add_argument("--group", action="append", choices=GROUPS)
    parser.add_argument("--only", help="properties whose name contains this")
    options = parser.parse_args()
    folder = processes.scratch_folder("oauth")
    failed = []
    try:
        for name in options.group or GROUPS:
            print(f"--- {name}", flush=True)
            began = time.monotonic()
            if not GROUPS[name](options, folder / name):
                failed.append(name)
            print(f"--- {name}: {'FAILED' if name in failed else 'ok'}, {time.monotonic() - began:.0f} s", flush=True)
    except (packages.Missing, processes.StartFailure) as failure:
        print(f"oauth: {failure}", file=sys.stderr)
        return 2
    return processes.settle(folder, 1 if failed else 0)


if __name__ == "__main__":
    sys.exit(main())
