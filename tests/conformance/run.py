#!/usr/bin/env python3
"""Runs the official conformance suite directly and through the gateway, and fails when the gateway loses a check.

    run.py --guard target/debug/mcp-guard             starts servers and gateway: anonymous, then with a bearer token
    run.py --direct-url URL --gateway-url URL         both run already [--token TOKEN for the gateway]
    run.py --direct-url URL | --direct                baselines only
    run.py --stand-in NAME                            a plain proxy in place of the gateway, or a defective one
    run.py --check-the-comparison                     defects must be found, a transparent proxy must pass

Prints passed/failed for each suite and revision. Exit codes: 0 no loss, 1 loss, 2 usage or a part that is missing.
"""

import argparse
import contextlib
import pathlib
import subprocess
import sys

import suite
from compare import losses
from suite import SUITES, Checks, Suite, SuiteFailure, Target

from rig import gateway, packages, processes, stand_ins, upstreams

# What the server in question succeeds in and fails, directly. A direct run that differs says that the machine, the
# suite or the server changed, and that the comparison needs a second look.
BASELINES = {
    "python": {
        Suite("next", "2025-03-26"): "3/0",
        Suite("next", "2025-06-18"): "56/0",
        Suite("next", "2025-11-25"): "84/0",
        Suite("next", "2026-07-28"): "152/0",
        Suite("stable", "2025-06-18"): "26/0",
        Suite("stable", "2025-11-25"): "44/0",
    },
    "everything": {
        Suite("next", "2025-03-26"): "2/1",
        Suite("next", "2025-06-18"): "39/17",
        Suite("next", "2025-11-25"): "47/22",
        Suite("next", "2026-07-28"): "11/108",
        Suite("stable", "2025-06-18"): "10/16",
        Suite("stable", "2025-11-25"): "13/21",
    },
}
SERVERS = {"python": upstreams.python_conformance, "everything": upstreams.server_everything}
# What each defect of a stand-in must cost at least one check at these suites.
VISIBLE_DEFECTS = {
    "no-session": Suite("next", "2025-11-25"),
    "no-method": Suite("next", "2026-07-28"),
    "no-origin-check": Suite("next", "2025-11-25"),
    "collecting": Suite("next", "2025-11-25"),
}


class Comparison:
    """Collects the rows of the table and the losses below it."""

    def __init__(self, folder):
        self.folder = folder
        self.losses = []
        self.findings = []

    def run(self, server, chosen, direct, proxied):
        """Runs every suite of `chosen` against `direct` and each of `proxied`."""
        for each in chosen:
            before = self._checks(server, each, direct)
            self._compare_with_baseline(server, each, before)
            row = [f"{server:10} {each!s:18} {direct.name} {before.summary():>8}"]
            for target in proxied:
                after = self._checks(server, each, target)
                lost = self._steady(server, each, target, before, losses(before, after))
                self.losses += [(server, each, target, loss) for loss in lost]
                row.append(f"{target.name} {after.summary():>8} {'ok' if not lost else f'{len(lost)} LOST'}")
            print(" | ".join(row), flush=True)

    def report(self):
        for finding in self.findings:
            print(finding)
        legs_of = {}
        for server, each, target, loss in self.losses:
            legs_of.setdefault((server, loss.scenario, loss.check), (loss, []))[1].append(f"{each} {target.name}")
        for (server, _, _), (loss, legs) in legs_of.items():
            print(f"lost: {server} {loss} [{', '.join(legs)}]")
        print(f"conformance: {len(self.losses)} checks lost")
        return 1 if self.losses else 0

    def _steady(self, server, each, target, before, lost):
        """Those of `lost` that a second run loses too.

        Some scenarios wait for real time, and a busy machine is enough to miss it. What the second run does not lose is
        printed all the same: a gateway that fails now and then shows there.
        """
        if not lost:
            return []
        again = losses(before, self._checks(server, each, target, "-again"))
        still = {(loss.scenario, loss.check) for loss in again}
        steady = [loss for loss in lost if (loss.scenario, loss.check) in still]
        self.findings += [f"unsteady: {server} {each} {target.name}: {loss}" for loss in lost if loss not in steady]
        return steady

    def _checks(self, server, each, target, suffix=""):
        folder = self.folder / f"{server}-{each.release}-{each.revision or 'all'}-{target.name}{suffix}"
        try:
            return suite.run(each, target, folder)
        except (SuiteFailure, subprocess.TimeoutExpired) as failure:
            # A crash or a hang of the suite is a loss of everything.
            print(f"{server} {each} {target.name}: {failure}", flush=True)
            return Checks()

    def _compare_with_baseline(self, server, each, checks):
        expected = BASELINES.get(server, {}).get(each)
        if expected is not None and checks.summary() != expected:
            self.findings.append(f"baseline: {server} {each}: {checks.summary()} directly, {expected} is known")


def guard_targets(binary, server, folder, stack):
    """Starts the gateway twice in front of `server`: once for anybody, once for the holder of a key."""
    targets = []
    for name in ("anonymous", "bearer"):
        own_folder = folder / f"guard-{server.name}-{name}"
        own_folder.mkdir()
        configuration = gateway.Configuration(own_folder).without_rate_limit().upstream(**server.keys)
        token = configuration.api_key("conformance", ["*"]) if name == "bearer" else None
        if token is None:
            configuration.anonymous()
        service = stack.enter_context(gateway.gateway(binary, configuration))
        targets.append(Target(name, service.url, token))
    return targets


def proxies(options, server, folder, stack):
    if options.guard:
        return guard_targets(options.guard, server, folder, stack)
    if options.stand_in:
        service = stack.enter_context(stand_ins.stand_in(options.stand_in, server, folder))
        return [Target(options.stand_in, service.url)]
    return []


def compare_own_servers(options, chosen, comparison):
    for name in options.server:
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(SERVERS[name](comparison.folder))
            proxied = proxies(options, server, comparison.folder, stack)
            comparison.run(name, chosen, Target("direct", server.url), proxied)
    return comparison.report()


def compare_urls(options, chosen, comparison):
    proxied = [Target("gateway", options.gateway_url, options.token)] if options.gateway_url else []
    comparison.run("url", chosen, Target("direct", options.direct_url), proxied)
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
                comparison.run("python", chosen, Target("direct", server.url), [proxied])
            if bool(comparison.losses) != bool(expected):
                wrong += 1
                print(f"wrong: {name}: {len(comparison.losses)} losses")
                comparison.report()
    print(f"comparison: {len(stand_ins.NAMES) - wrong} stand-ins judged rightly, {wrong} wrongly")
    return 1 if wrong else 0


def chosen_suites(options):
    return [
        each
        for each in SUITES
        if options.revision in (None, each.revision or "all") and options.release in (None, each.release)
    ]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guard", help="path of the mcp-guard binary")
    parser.add_argument("--direct", action="store_true", help="baselines of our own servers only")
    parser.add_argument("--direct-url")
    parser.add_argument("--gateway-url")
    parser.add_argument("--token", help="bearer token for --gateway-url")
    parser.add_argument("--stand-in", choices=stand_ins.NAMES)
    parser.add_argument("--check-the-comparison", action="store_true")
    parser.add_argument("--server", action="append", choices=SERVERS, help="default: all")
    parser.add_argument("--revision", help="one revision, or `all` for the run without one")
    parser.add_argument("--release", choices=("next", "stable"))
    options = parser.parse_args()
    options.server = options.server or list(SERVERS)
    if not (options.guard or options.direct or options.direct_url or options.stand_in or options.check_the_comparison):
        parser.error("say what to compare: --guard, --direct-url, --direct, --stand-in or --check-the-comparison")
    if options.gateway_url and not options.direct_url:
        parser.error("--gateway-url needs --direct-url: there is nothing to compare with")
    return options


def main():
    options = arguments()
    folder = processes.scratch_folder("conformance")
    chosen = chosen_suites(options)
    try:
        if options.check_the_comparison:
            return processes.settle(folder, check_the_comparison(folder))
        compare = compare_urls if options.direct_url else compare_own_servers
        return processes.settle(folder, compare(options, chosen, Comparison(folder)))
    except (packages.Missing, processes.StartFailure, FileNotFoundError) as failure:
        print(f"conformance: {failure}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
