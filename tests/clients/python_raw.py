"""Requests made by hand, for what a client library does not let happen or does not show."""

import contextlib
import json

import anyio
from python_properties import LEGACY, MODERN, http_client

START_DEADLINE_S = 5.0

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def message(era, method, identifier, **params):
    if era == MODERN:
        params["_meta"] = META
    return {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}


def headers(era, method, name=None, session=None):
    """What a client of `era` sends with a request."""
    common = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    if era == LEGACY:
        return {**common, "MCP-Protocol-Version": "2025-11-25", **({"Mcp-Session-Id": session} if session else {})}
    modern = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
    return {**common, **modern, **({"Mcp-Name": name} if name else {})}


async def post(url, key, era, method, name=None, identifier=7):
    """One request, whose answer is looked at as HTTP."""
    params = {"name": name, "arguments": {"text": "x"}} if name else {}
    async with http_client(key) as http:
        body = json.dumps(message(era, method, identifier, **params))
        return await http.post(url, content=body, headers=headers(era, method, name))


async def open_session(http, url):
    """Initializes a session by hand and returns its id."""
    client = {"name": "raw", "version": "1"}
    hello = message(LEGACY, "initialize", 0, protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
    answer = await http.post(url, content=json.dumps(hello), headers=headers(LEGACY, "initialize"))
    session = answer.headers["mcp-session-id"]
    ready = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    await http.post(url, content=ready, headers=headers(LEGACY, "notifications/initialized", session=session))
    return session


@contextlib.asynccontextmanager
async def slow_call(plan, era, label, seconds, progress):
    """A call of `slow` that is under way; its connection is cut when the block ends."""
    async with http_client(plan.key) as http:
        session = await open_session(http, plan.recorder) if era == LEGACY else None
        call = message(era, "tools/call", 1, name="slow", arguments={"label": label, "seconds": seconds})
        if progress:
            call["params"].setdefault("_meta", {})
            call["params"]["_meta"] = {**call["params"]["_meta"], "progressToken": label}
        sent = headers(era, "tools/call", "slow", session)
        async with anyio.create_task_group() as group:
            group.start_soon(_hold, http, plan.recorder, json.dumps(call), sent)
            await plan.slow_call_becomes(label, "started", START_DEADLINE_S)
            yield
            group.cancel_scope.cancel()


async def _hold(http, url, body, sent):
    async with http.stream("POST", url, content=body, headers=sent) as answer:
        async for _ in answer.aiter_bytes():
            pass
