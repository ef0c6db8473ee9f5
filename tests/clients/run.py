#!/usr/bin/env python3
"""Runs real SDK clients (Python, TypeScript 1.x and 2.x) through the gateway.

    run.py --guard target/debug/mcp-guard    servers and gateway are started here
    run.py --guard … --over stdio|sse|mixed  the servers are the gateway's children, speak HTTP+SSE, or differ
    run.py --guard … --over-sse              the clients speak HTTP+SSE to the gateway
    run.py --direct [--over sse]             the same properties without a gateway: shows that the tests are right
    run.py --stand-in NAME                   a plain proxy in place of the gateway, or a defective one
    run.py --only-python | --only-node       one of the runners
    run.py --only NAME                       properties whose name contains NAME

Exit codes: 0 all hold, 1 one does not, 2 usage or a part that is missing.
"""

import argparse
import contextlib
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from rig import gateway, packages, processes, stand_ins, upstreams  # noqa: E402

RUNNERS = {
    "python": ([packages.VENV_PYTHON, "-W", "ignore"], HERE / "python_client.py"),
    "node": ([packages.NODE_22, "--no-warnings"], HERE / "node_client.mjs"),
}
RUN_DEADLINE_S = 600
# What stands behind the gateway under NAMES: makers that take the folder and the recorder that everything is told to.
ARRANGEMENTS = {
    "http": (
        lambda folder, _: upstreams.python_conformance(folder),
        lambda _, recorder: contextlib.nullcontext(recorder),
        lambda folder, _: upstreams.server_everything(folder),
    ),
    "stdio": (
        lambda folder, _: upstreams.python_conformance_stdio(folder),
        lambda _, recorder: upstreams.recorder_child(recorder),
        lambda folder, _: upstreams.server_everything_stdio(folder),
    ),
    "sse": (
        lambda folder, _: upstreams.python_conformance_sse(folder),
        lambda folder, recorder: upstreams.recorder_sse(folder, recorder),
        lambda folder, _: upstreams.server_everything_sse(folder),
    ),
    "mixed": (
        lambda folder, _: upstreams.python_conformance_stdio(folder),
        lambda _, recorder: contextlib.nullcontext(recorder),
        lambda folder, _: upstreams.server_everything_sse(folder),
    ),
}
# The servers' names as arguments of the runners and in the gateway's configuration.
NAMES = ("conformance", "recorder", "reference")
# The reader's rights on the recorder and on the conformance server.
READER = ["echo", "test_simple_text", "prompt:greeting", "resource:record://open"]


def bare_plan(recorder, endpoints):
    """Arguments of the runners without a gateway: nobody asks for a key."""
    plan = ["--seen", recorder.origin]
    for name, endpoint in zip(NAMES, endpoints):
        plan += [f"--{name}", endpoint.url]
    return plan


def stand_in_plan(stand_in, servers, folder, stack):
    endpoints = []
    for name, server in zip(NAMES, servers):
        own_folder = folder / name
        own_folder.mkdir()
        endpoints.append(stack.enter_context(stand_ins.stand_in(stand_in, server, own_folder)))
    return bare_plan(servers[1], endpoints)


def guarded_plan(options, servers, recorder, folder, stack):
    """Starts the gateway in front of `servers` and returns the arguments of the runners."""
    configuration = gateway.Configuration(folder, **({"legacy_sse": True} if options.over_sse else {}))
    # The limited identity has a limit of its own; the others are never in the way of a test.
    configuration.section("[rate_limit]", requests_per_second=100000, burst_size=100000)
    keys = {
        "--key": configuration.api_key("everything", ["*"]),
        "--reader": configuration.api_key("reader", READER),
        "--limited": configuration.api_key("limited", ["*"], rate_limit=4, burst_size=8),
    }
    for name, server in zip(NAMES, servers):
        # The reference is what a client falls back on, so no era is translated for it.
        configuration.server(name, **server.keys, **({"translate": False} if name == "reference" else {}))
    service = stack.enter_context(gateway.gateway(options.guard, configuration))
    plan = ["--seen", recorder.origin]
    for name in NAMES:
        plan += [f"--{name}", f"{service.origin}/mcp/{name}"]
    for option, key in keys.items():
        plan += [option, key]
    if options.over_sse or options.over == "sse":
        plan += ["--era", "legacy"]
    return plan + (["--transport", "sse"] if options.over_sse else [])


def make_plan(options, recorder, folder, stack):
    servers = [stack.enter_context(make(folder, recorder)) for make in ARRANGEMENTS[options.over]]
    if options.guard:
        return guarded_plan(options, servers, recorder, folder, stack)
    if options.stand_in:
        return stand_in_plan(options.stand_in, servers, folder, stack)
    over_sse = ["--era", "legacy", "--transport", "sse"] if options.over == "sse" else []
    return bare_plan(recorder, servers) + over_sse


def run_clients(options, plan):
    failed = 0
    for name in options.runners:
        interpreter, runner = RUNNERS[name]
        packages.require(*interpreter[:1], runner)
        command = [*interpreter, runner, *plan, *(["--only", options.only] if options.only else [])]
        try:
            failed |= subprocess.run([str(part) for part in command], timeout=RUN_DEADLINE_S).returncode
        except subprocess.TimeoutExpired:
            print(f"{name}: did not end within {RUN_DEADLINE_S} s")
            failed = 1
    return 1 if failed else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--guard", help="path of the mcp-guard binary")
    target.add_argument("--direct", action="store_true")
    target.add_argument("--stand-in", choices=[name for name in stand_ins.NAMES if name != "token"])
    for name in RUNNERS:
        parser.add_argument(f"--only-{name}", dest="runners", action="append_const", const=name)
    parser.add_argument("--over", choices=ARRANGEMENTS, default="http", help="how the gateway reaches the servers")
    parser.add_argument("--over-sse", action="store_true", help="how the clients reach the gateway")
    parser.add_argument("--only", help="run the properties whose name contains this")
    options = parser.parse_args()
    options.runners = options.runners or list(RUNNERS)
    if not options.guard and (options.over_sse or options.over not in ("http", "sse")):
        parser.error("only the gateway reaches these servers: --guard is missing")
    return options


def main():
    options = arguments()
    folder = processes.scratch_folder("clients")
    try:
        with contextlib.ExitStack() as stack:
            recorder = stack.enter_context(upstreams.recorder(folder))
            result = run_clients(options, make_plan(options, recorder, folder, stack))
    except (packages.Missing, processes.StartFailure, FileNotFoundError) as failure:
        print(f"clients: {failure}", file=sys.stderr)
        return 2
    return processes.settle(folder, result)


if __name__ == "__main__":
    sys.exit(main())
