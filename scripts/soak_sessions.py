#!/usr/bin/env python3
"""Sessions of every transport through one gateway, while its children are killed and its configuration is reloaded.

    soak_sessions.py --guard target/release/mcp-guard [--sessions 10000] [--clients 16] [--deadline-s 1800]
    soak_sessions.py --guard … --real     real servers, tens of sessions: see tests/rig/upstreams.py

Clients cut connections, cancel, leave sessions behind and ask for each other's. Fails when a client receives a text of
another session, when an answer is not the one that was asked for, when something hangs, when the gateway ends, when too
few answers are right, or when processes, descriptors or memory are left over. Prints a table, and the seed to repeat it.
"""

import argparse
import asyncio
import contextlib
import os
import pathlib
import random
import sys
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from rig import gateway, packages, processes, upstreams  # noqa: E402
from rig.soak import remains  # noqa: E402
from rig.soak.chaos import Chaos  # noqa: E402
from rig.soak.clients import Client  # noqa: E402
from rig.soak.ledger import Ledger  # noqa: E402
from rig.soak.sessions import Target  # noqa: E402

# Memory is compared between the first tenth of the sessions and the end.
WARM_UP_SHARE = 0.1
GROWTH_BYTES_MAX = 16 << 20
DESCRIPTORS_LEFT_MAX = 8
# Children that serve all clients may stay: one a server.
SETTLE_S = 60.0
DRAIN_S = 20.0
# With children killed all the time, some answers cannot be right; less so where a child takes seconds to start. By `--real`.
RIGHT_SHARE_MIN = {False: 0.9, True: 0.6}
KILL_PAUSE_S = {False: 0.5, True: 5.0}
PROGRESS_PAUSE_S = 5.0
FIXTURE_TOOLS = ("sleep", "notify", "ask", "big", "crash", "seen")
# Of a child that all clients share, only what harms nobody else.
SHARED_TOOLS = ("sleep", "notify", "ask", "big")
# Quick enough that what clients leave behind is gone before the end.
LIMITS = {
    "session_idle_timeout": "5s",
    "upstream_idle_timeout": "2s",
    "idle_timeout": "15s",
    "children": 512,
    "children_per_principal": 64,
}


class Plan:
    """The servers, and the configuration that names them."""

    def __init__(self, folder, run, clients):
        self.folder = folder
        self.run = run
        self.configuration = gateway.Configuration(folder, legacy_sse=True, drain_timeout="5s")
        self.configuration.section("[rate_limit]", requests_per_second=1_000_000, burst_size=1_000_000)
        self.configuration.section("[server.limits]", **LIMITS)
        self.keys = [self.configuration.api_key(f"client-{number}", ["*"]) for number in range(clients)]
        self.targets = []
        self._servers = []

    def add(self, target, upstream, **more):
        self.targets.append(target)
        self._servers.append((target.name, upstream, more))

    def write(self, reloads=0, child=0):
        """The configuration, differing from the last: `child` changes what the children are started with."""
        fresh = gateway.Configuration.__new__(gateway.Configuration)
        fresh.__dict__ = {**self.configuration.__dict__, "_sections": list(self.configuration._sections)}
        limit = {"tool_pattern": "nothing", "requests_per_second": 1 + reloads % 7, "burst_size": 1}
        fresh.section("[[rate_limit.tool_limits]]", **limit)
        for name, upstream, more in self._servers:
            keys = {**upstream.keys, **more}
            if keys["transport"] == "stdio":
                keys["env"] = {**keys.get("env", {}), remains.MARK: self.run, "GUARD_SOAK_CHILD": str(child)}
                keys["max_children"] = 256
            fresh.server(name, **keys)
        fresh.write()
        return fresh


def native_plan(guard, folder, run, clients, stack):
    """Servers that start in milliseconds: our fixture over stdio, the demo server over HTTP."""
    plan = Plan(folder, run, clients)
    port = processes.free_port()
    demo = processes.Service("demo", [guard, "demo", "--server-only", "--port", port], port, folder)
    every = FIXTURE_TOOLS
    plan.add(Target("both", operations=every), stack.enter_context(upstreams.fixture("both")(folder)))
    plan.add(Target("legacy", operations=SHARED_TOOLS), stack.enter_context(upstreams.fixture("legacy")(folder)))
    plan.add(Target("modern", operations=SHARED_TOOLS), stack.enter_context(upstreams.fixture("modern")(folder)))
    plan.add(Target("http"), stack.enter_context(demo))
    return plan


def real_plan(_guard, folder, run, clients, stack):
    plan = Plan(folder, run, clients)
    recorder = stack.enter_context(upstreams.recorder(folder))
    plan.add(Target("http"), recorder)
    plan.add(Target("stdio"), stack.enter_context(upstreams.recorder_child(recorder)))
    plan.add(Target("sse"), stack.enter_context(upstreams.recorder_sse(folder, recorder)))
    everything = Target("everything", argument="message")
    plan.add(everything, stack.enter_context(upstreams.server_everything_stdio(folder)))
    return plan


class Watch:
    """Samples of the gateway's memory and descriptors, and a line of progress."""

    def __init__(self, service, ledger, total):
        self.service = service
        self.ledger = ledger
        self.total = total
        self.finished = 0
        self.before_bytes = None
        self.peak_bytes = 0
        self.peak_children = 0

    def numbers(self, count):
        """Numbers of sessions, shared by all clients; counts them as they are taken."""
        for number in range(count):
            self.finished = number
            if number >= WARM_UP_SHARE * count and self.before_bytes is None:
                self.before_bytes = remains.resident_bytes(self.service.pid)
            yield number

    async def run(self):
        while True:
            await asyncio.sleep(PROGRESS_PAUSE_S)
            children = await asyncio.to_thread(remains.children, self.service.pid)
            resident = remains.resident_bytes(self.service.pid)
            self.peak_bytes = max(self.peak_bytes, resident)
            self.peak_children = max(self.peak_children, len(children))
            print(f"{self.finished:6} of {self.total} sessions, {resident >> 10} KB, {len(children)} children, "
                  f"{remains.descriptors(self.service.pid)} descriptors, {self.ledger.wrong_count} wrong", flush=True)


async def drive(options, plan, service, ledger, watch, chaos):
    """All clients, until the sessions are used up or time is."""
    rng = random.Random(options.seed)
    clients = [
        Client(number, service.port, key, ledger, random.Random(rng.random())) for number, key in enumerate(plan.keys)
    ]
    for client, neighbour in zip(clients, clients[1:] + clients[:1]):
        client.neighbour = neighbour
    beside = [asyncio.create_task(each.run()) for each in (watch, *([] if options.calm else [chaos]))]
    numbers = watch.numbers(options.sessions)
    try:
        async with asyncio.timeout(options.deadline_s):
            await asyncio.gather(*(client.run(plan.targets, numbers) for client in clients))
    except TimeoutError:
        for session in (client.session for client in clients if client.session):
            ledger.accuse(session.kind, f"session {session.owner} is still at {session.doing}")
        ledger.accuse("soak", f"{watch.finished} of {options.sessions} sessions within {options.deadline_s} s")
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


def settled(service, allowed_children, before_descriptors):
    """What is left of children and descriptors once idle sessions have ended."""
    end = time.monotonic() + SETTLE_S
    while True:
        children = len(remains.children(service.pid))
        extra = remains.descriptors(service.pid) - before_descriptors
        left = [f"{children} children are left, {allowed_children} may be"] if children > allowed_children else []
        # A child that may stay has three pipes.
        if extra > DESCRIPTORS_LEFT_MAX + 4 * children:
            left.append(f"{extra} descriptors are left over")
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.5)


def ended(service, run):
    """Stops the gateway, and looks for processes that outlive it."""
    service.stop(DRAIN_S)
    end = time.monotonic() + 2 * processes.STOP_DEADLINE_S
    while left := remains.marked(run):
        if time.monotonic() > end:
            return [f"{len(left)} processes outlive the gateway: {left[:10]}"]
        time.sleep(0.1)
    return []


def judge(options, service, ledger, watch, plan, before_descriptors):
    """Everything that is wrong after the run."""
    wrong = list(ledger.wrong)
    if not service.alive():
        return [*wrong, f"the gateway ended:\n{service.log_tail()}"]
    wrong += settled(service, len(plan.targets), before_descriptors)
    after = remains.resident_bytes(service.pid)
    growth = after - (watch.before_bytes or after)
    if growth > GROWTH_BYTES_MAX:
        wrong.append(f"memory grew by {growth >> 10} KB, at most {GROWTH_BYTES_MAX >> 10} may be")
    right = ledger.right_share()
    if right < RIGHT_SHARE_MIN[options.real]:
        wrong.append(f"{right:.1%} of what was asked was answered, less than {RIGHT_SHARE_MIN[options.real]:.0%}")
    print(f"{right:.1%} of what was asked was answered")
    print(f"memory {(watch.before_bytes or 0) >> 10} KB after a tenth, {watch.peak_bytes >> 10} KB at most, "
          f"{after >> 10} KB at the end; {watch.peak_children} children at most; "
          f"{remains.descriptors(service.pid)} descriptors at the end, {before_descriptors} before")
    return wrong + ended(service, plan.run)


def soak(options, folder):
    run = uuid.uuid4().hex
    ledger = Ledger()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        make = real_plan if options.real else native_plan
        plan = make(pathlib.Path(options.guard).resolve(), folder, run, options.clients, stack)
        service = stack.enter_context(gateway.gateway(options.guard, plan.write()))
        before = remains.descriptors(service.pid)
        watch = Watch(service, ledger, options.sessions)
        chaos = Chaos(service, plan.write, random.Random(options.seed), KILL_PAUSE_S[options.real])
        asyncio.run(drive(options, plan, service, ledger, watch, chaos))
        print("\n".join(ledger.table()))
        seconds = time.monotonic() - began
        print(f"{options.sessions} sessions of {options.clients} clients in {seconds:.0f} s, {ledger.nonces_seen} nonces read; "
              f"{chaos.kills} children killed, {chaos.reloads} reloads; seed {options.seed}")
        return judge(options, service, ledger, watch, plan, before)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guard", required=True)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--deadline-s", type=float, default=1800)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    parser.add_argument("--real", action="store_true", help="real servers")
    parser.add_argument("--calm", action="store_true", help="nothing is killed or reloaded")
    return parser.parse_args()


def main():
    options = arguments()
    folder = processes.scratch_folder("soak")
    try:
        wrong = soak(options, folder)
    except (packages.Missing, processes.StartFailure) as failure:
        print(f"soak: {failure}", file=sys.stderr)
        return 2
    for finding in wrong:
        print(f"soak: {finding}")
    print(f"soak: {'FAILED' if wrong else 'passed'}")
    return processes.settle(folder, 1 if wrong else 0)


if __name__ == "__main__":
    sys.exit(main())
