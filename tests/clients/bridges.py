#!/usr/bin/env python3
"""Runs Python SDK clients, 2.x and 1.x, against servers of every transport and era behind one gateway.

    bridges.py --guard target/debug/mcp-guard [--rmcp] [--only NAME]

Each server is at `/mcp/{name}` and `/sse/{name}`; a client of one era in front of a server of the other is translated.
Exit codes: 0 all hold, 1 one does not, 2 a part is missing.
"""

import argparse
import contextlib
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from rig import gateway, packages, processes, upstreams  # noqa: E402

RUN_DEADLINE_S = 400
SERVERS = {
    "legacy": upstreams.fixture("legacy"),
    "modern": upstreams.fixture("modern"),
    "both": upstreams.fixture("both"),
    "everything": upstreams.server_everything_stdio,
    "files": upstreams.server_filesystem,
    "sse": upstreams.sse_server,
}


def run(options, folder, stack):
    configuration = gateway.Configuration(folder, legacy_sse=True).without_rate_limit()
    key = configuration.api_key("everything", ["*"])
    for name, make in {**SERVERS, **({"rmcp": upstreams.rmcp} if options.rmcp else {})}.items():
        configuration.server(name, **stack.enter_context(make(folder)).keys)
    service = stack.enter_context(gateway.gateway(options.guard, configuration))
    common = ["--origin", service.origin, "--key", key, *(["--only", options.only] if options.only else [])]
    rmcp = ["--rmcp"] if options.rmcp else []
    failed = runs(packages.VENV_PYTHON, "python_bridges.py", common + rmcp)
    return runs(packages.VENV_1_PYTHON, "python_1.py", common) or failed


def runs(interpreter, program, arguments):
    packages.require(interpreter)
    command = [interpreter, "-W", "ignore", HERE / program, *arguments]
    try:
        return subprocess.run([str(part) for part in command], timeout=RUN_DEADLINE_S).returncode
    except subprocess.TimeoutExpired:
        print(f"{program}: did not end within {RUN_DEADLINE_S} s")
        return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guard", required=True)
    parser.add_argument("--rmcp", action="store_true", help="the server made with the Rust SDK too (make rmcp-server)")
    parser.add_argument("--only", help="run the properties whose name contains this")
    options = parser.parse_args()
    folder = processes.scratch_folder("bridges")
    try:
        with contextlib.ExitStack() as stack:
            result = run(options, folder, stack)
    except (packages.Missing, processes.StartFailure) as failure:
        print(f"bridges: {failure}", file=sys.stderr)
        return 2
    return processes.settle(folder, result)


if __name__ == "__main__":
    sys.exit(main())
