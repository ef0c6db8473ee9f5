#!/usr/bin/env python3
"""Runs the official conformance suite through the gateway, and fails when the gateway loses a check.

    run.py --guard target/debug/mcp-guard             starts servers and gateway: anonymous, then with a bearer token
    run.py --guard … --server NAME | --every          other servers than the usual ones, or all: see servers.py
    run.py --guard … --authorization                  the gateway as an authorization server: see authorization.py
    run.py --guard … --write-floors                   what runs without a reference reach becomes their floor
    run.py --direct-url URL --gateway-url URL         both run already [--token TOKEN for the gateway]
    run.py --direct-url URL | --direct                baselines only
    run.py --stand-in NAME                            a plain proxy in place of the gateway, or a defective one
    run.py --check-the-comparison                     defects must be found, a transparent proxy must pass

Prints passed/failed for each suite and revision. Exit codes: 0 no loss, 1 loss, 2 usage or a part that is missing.
"""

import argparse
import contextlib
import sys

import authorization
from comparison import Comparison
from servers import LEGS, REFERENCES, USUAL_LEGS
from suite import SUITES, Suite, Target

from rig import gateway, packages, processes, stand_ins, upstreams

# What each defect of a stand-in must cost at least one check at these suites.
VISIBLE_DEFECTS = {
    "no-session": Suite("next", "2025-11-25"),
    "no-method": Suite("next", "2026-07-28"),
    "no-origin-check": Suite("next", "2025-11-25"),
    "collecting": Suite("next", "2025-11-25"),
}


def guard_targets(binary, leg, upstream, folder, stack):
    """Starts the gateway in front of `upstream` once for each kind of credential."""
    targets = []
    for name in leg.credentials:
        own_folder = folder / f"guard-{leg.name}-{name}"
        own_folder.mkdir()
        configuration = gateway.Configuration(own_folder).without_rate_limit()
        configuration.upstream(**upstream.keys, **leg.keys)
        token = configuration.api_key("conformance", ["*"]) if name == "bearer" else None
        if token is None:
            configuration.anonymous()
        service = stack.enter_context(gateway.gateway(binary, configuration))
        targets.append(Target(name, service.url, token))
    return targets


def proxies(options, leg, upstream, folder, stack):
    if options.guard:
        return guard_targets(options.guard, leg, upstream, folder, stack)
    if options.stand_in:
        service = stack.enter_context(stand_ins.stand_in(options.stand_in, upstream, folder))
        return [Target(options.stand_in, service.url)]
    return []


def run_leg(options, leg, comparison, references):
    suites = [each for each in leg.suites if is_chosen(options, each)]
    if not suites:
        return
    with contextlib.ExitStack() as stack:
        folder = comparison.folder
        reference = references.started(leg.reference) if leg.reference else None
        upstream = stack.enter_context(leg.upstream(folder)) if leg.upstream else reference
        proxied = proxies(options, leg, upstream, folder, stack)
        if reference:
            direct = Target("direct", reference.url)
            comparison.hold_against(leg.reference, leg.name, suites, direct, proxied, leg.noted_only)
            return
        for target in proxied:
            comparison.hold_against_floor(leg.name, suites, target)


class References:
    """The reference servers, each started when the first leg asks for it."""

    def __init__(self, folder, stack):
        self._folder = folder
        self._stack = stack
        self._started = {}

    def started(self, name):
        if name not in self._started:
            self._started[name] = self._stack.enter_context(REFERENCES[name](self._folder))
        return self._started[name]


def compare_own_servers(options, comparison):
    with contextlib.ExitStack() as stack:
        references = References(comparison.folder, stack)
        for name in options.server:
            run_leg(options, LEGS[name], comparison, references)
    return comparison.report()


def compare_urls(options, comparison):
    proxied = [Target("gateway", options.gateway_url, options.token)] if options.gateway_url else []
    chosen = [each for each in SUITES if is_chosen(options, each)]
    comparison.hold_against("url", "url", chosen, Target("direct", options.direct_url), proxied)
    return comparison.report()


def check_the_comparison(folder):
    """A proxy without a defect must pass, and one with a defect must not."""
    wrong = 0
    with upstreams.python_conformance(folder) as server:
        for name in stand_ins.NAMES:
            expected = VISIBLE_DEFECTS.get(name)
            with stand_ins.stand_in(name, server, folder) as proxy:
                comparison = Comparison(folder / name)
                chosen = [expected] if expected else SUITES
                proxied = Target(name, proxy.url, stand_ins.TOKEN if name == "token" else None)
                comparison.hold_against("python", "python", chosen, Target("direct", server.url), [proxied])
            if bool(comparison.losses) != bool(expected):
                wrong += 1
                print(f"wrong: {name}: {len(comparison.losses)} losses")
                comparison.report()
    print(f"comparison: {len(stand_ins.NAMES) - wrong} stand-ins judged rightly, {wrong} wrongly")
    return 1 if wrong else 0


def is_chosen(options, each):
    revision = options.revision is None or (each.revision or "all") in options.revision
    return revision and options.release in (None, each.release)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guard", help="path of the mcp-guard binary")
    parser.add_argument("--direct", action="store_true", help="baselines of our own servers only")
    parser.add_argument("--direct-url")
    parser.add_argument("--gateway-url")
    parser.add_argument("--token", help="bearer token for --gateway-url")
    parser.add_argument("--stand-in", choices=stand_ins.NAMES)
    parser.add_argument("--check-the-comparison", action="store_true")
    parser.add_argument("--server", action="append", choices=LEGS, help=f"default: {' and '.join(USUAL_LEGS)}")
    parser.add_argument("--every", action="store_true", help="every server")
    parser.add_argument("--authorization", action="store_true", help="the scenarios for authorization servers alone")
    parser.add_argument("--write-floors", action="store_true")
    parser.add_argument("--revision", action="append", help="some revisions, or `all` for the run without one")
    parser.add_argument("--release", choices=("next", "stable"))
    options = parser.parse_args()
    options.server = list(LEGS) if options.every else options.server or list(USUAL_LEGS)
    if not (options.guard or options.direct or options.direct_url or options.stand_in or options.check_the_comparison):
        parser.error("say what to compare: --guard, --direct-url, --direct, --stand-in or --check-the-comparison")
    if options.authorization and not options.guard:
        parser.error("--authorization needs --guard")
    if options.gateway_url and not options.direct_url:
        parser.error("--gateway-url needs --direct-url: there is nothing to compare with")
    if options.stand_in and not set(options.server) <= set(USUAL_LEGS):
        parser.error("a stand-in is a proxy for Streamable HTTP")
    return options


def main():
    options = arguments()
    folder = processes.scratch_folder("conformance")
    try:
        if options.check_the_comparison:
            return processes.settle(folder, check_the_comparison(folder))
        if options.authorization:
            return processes.settle(folder, authorization.compare(options.guard, folder, options.write_floors))
        compare = compare_urls if options.direct_url else compare_own_servers
        comparison = Comparison(folder, writes_floors=options.write_floors)
        return processes.settle(folder, compare(options, comparison))
    except (packages.Missing, processes.StartFailure, FileNotFoundError) as failure:
        print(f"conformance: {failure}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
