"""The registry of properties, and the connections that they are stated over."""

import contextlib

import anyio
import httpx2
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

READ_TIMEOUT_S = 20
LEGACY = "legacy"
MODERN = "2026-07-28"
ERAS = (LEGACY, MODERN)

properties = []


class Plan:
    """Where the servers are and who asks."""

    def __init__(self, options):
        self.conformance = options.conformance
        self.recorder = options.recorder
        self.reference = options.reference
        self.seen = options.seen
        self.key = options.key
        self.reader = options.reader
        self.limited = options.limited
        self.transport = options.transport

    @contextlib.asynccontextmanager
    async def connect(self, url, mode, key=None, **callbacks):
        """A connected client with `key`, or with the key that may do everything."""
        async with http_client(key or self.key) as http:
            if self.transport == "sse":
                transport = sse_client(url.replace("/mcp", "/sse"), headers=dict(http.headers))
            else:
                transport = streamable_http_client(url, http_client=http)
            async with Client(transport, mode=mode, read_timeout_seconds=READ_TIMEOUT_S, **callbacks) as client:
                yield client

    async def records(self):
        """What reached the recorder."""
        async with httpx2.AsyncClient() as http:
            return (await http.get(f"{self.seen}/seen")).json()

    async def slow_call_becomes(self, label, state, deadline_s):
        """Waits until the recorder's call `label` is in `state`."""
        with anyio.move_on_after(deadline_s):
            while (await self.records())["slow"].get(label) != state:
                await anyio.sleep(0.05)
        actual = (await self.records())["slow"].get(label)
        assert actual == state, f"call {label} is {actual} after {deadline_s} s, not {state}"


def http_client(key):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(READ_TIMEOUT_S, read=60))


def holds(*eras, gateway_only=False, needs_reference=False):
    """Registers a property for each of `eras`."""

    def register(function):
        for era in eras:
            properties.append((function, era, gateway_only, needs_reference))
        return function

    return register
