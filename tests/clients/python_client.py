#!/usr/bin/env python3
"""Drives MCP servers with the Python SDK's client, in both eras, and says which properties hold.

    python_client.py --conformance URL --recorder URL --seen URL [--reference URL] [--key KEY [--reader KEY --limited KEY]]

`--conformance`, `--recorder` and `--reference` are the endpoints of the Python SDK's conformance server, of our
recorder and of server-everything, through the gateway or directly; `--seen` is where the recorder tells what reached
it, always directly. With `--reader` and `--limited` the gateway's own answers are tested too. Prints one line a
property and `N passed, N failed`. Runs in the virtual environment of scripts/test-deps.sh.
"""

import argparse
import logging
import sys
import traceback

import anyio
import python_features  # noqa: F401  (registers its properties)
import python_gateway  # noqa: F401  (registers its properties)
from python_properties import Plan, properties

PROPERTY_DEADLINE_S = 30


async def check(function, era, plan):
    name = f"{function.__name__} [{era}]"
    try:
        with anyio.fail_after(PROPERTY_DEADLINE_S):
            await function(plan, era)
    except BaseException as failure:
        if isinstance(failure, KeyboardInterrupt):
            raise
        print(f"FAIL {name}: {reason(failure)}", flush=True)
        return False
    print(f"ok   {name}", flush=True)
    return True


def reason(failure):
    """The innermost cause, with the line of the property that raised it."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    frames = traceback.extract_tb(failure.__traceback__)
    own = [frame for frame in frames if "/clients/" in frame.filename]
    where = f" at {own[-1].line}" if own else ""
    return f"{type(failure).__name__}: {failure}{where}"


async def run(plan, only, only_era):
    passed = failed = 0
    for function, era, gateway_only, needs_reference in properties:
        skipped = (gateway_only and not plan.reader) or (needs_reference and not plan.reference)
        if skipped or (only_era and era != only_era) or (only and only not in function.__name__):
            continue
        if await check(function, era, plan):
            passed += 1
        else:
            failed += 1
    print(f"python: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("conformance", "recorder", "seen"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("reference", "key", "reader", "limited"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--transport", choices=("http", "sse"), default="http", help="sse: at /sse instead of /mcp")
    parser.add_argument("--era", help="run the properties of this era alone")
    parser.add_argument("--only", help="run the properties whose name contains this")
    options = parser.parse_args()
    # What goes wrong shows in a property; the client logs what it unwinds, too.
    logging.disable(logging.CRITICAL)
    return anyio.run(run, Plan(options), options.only, options.era)


if __name__ == "__main__":
    sys.exit(main())
