#!/usr/bin/env python3
"""Drives the servers of `bridges.py` with the Python SDK 1.x, which knows the legacy era alone.

    python_1.py --origin URL --key KEY [--only NAME]

Runs in the virtual environment `venv-1`. Each server is reached over Streamable HTTP and over HTTP+SSE.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import sys
import traceback

import mcp.types as types
from mcp import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamablehttp_client

DEADLINE_S = 40
SERVERS = ("legacy", "modern", "both", "everything", "files", "sse")
FIXTURES = ("legacy", "modern", "both")


async def sample(_context, params):
    words = types.TextContent(type="text", text=f"sampled: {params.messages[0].content.text}")
    return types.CreateMessageResult(role="assistant", model="test-model", content=words)


async def elicit(_context, _params):
    return types.ElicitResult(action="accept", content={"name": "Ada"})


async def list_roots(_context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///home/ada")])


@contextlib.asynccontextmanager
async def connect(options, server, transport):
    headers = {"Authorization": f"Bearer {options.key}"}
    if transport == "sse":
        streams = sse_client(f"{options.origin}/sse/{server}", headers=headers)
    else:
        streams = streamablehttp_client(f"{options.origin}/mcp/{server}", headers=headers)
    async with streams as (reading, writing, *_):
        callbacks = {
            "sampling_callback": sample,
            "elicitation_callback": elicit,
            "list_roots_callback": list_roots,
        }
        async with ClientSession(reading, writing, **callbacks) as session:
            await session.initialize()
            yield session


async def tools_are_listed_and_called(session, server):
    assert (await session.list_tools()).tools
    name = {"everything": "message"}.get(server, "text")
    if server != "files":
        assert "héllo" in (await session.call_tool("echo", {name: "héllo"})).content[0].text


async def the_server_asks_and_the_answer_comes_back(session, server):
    if server == "sse":
        assert (await session.call_tool("sample", {"prompt": "hi"})).content[0].text == "sampled: hi"
        assert (await session.call_tool("elicit", {})).content[0].text == "accept Ada"
    elif server in FIXTURES:
        for what, answer in (("sampling", "sampled"), ("elicitation", "Ada"), ("roots", "file:///home/ada")):
            asked = await session.call_tool("ask", {"what": what})
            assert answer in asked.content[0].text, asked


async def progress_arrives(session, server):
    seen = []

    async def on_progress(progress, _total, _message):
        seen.append(progress)

    tools = {"sse": ("steps", {}), **{each: ("notify", {"count": 3, "pause_ms": 20}) for each in FIXTURES}}
    if server in tools:
        await session.call_tool(*tools[server], progress_callback=on_progress)
        assert seen == [1, 2, 3], seen


async def calls_at_once_get_their_own_answers(session, server):
    if server not in FIXTURES:
        return
    calls = [session.call_tool("echo", {"text": f"call {number}"}) for number in range(12)]
    answers = [json.loads(each.content[0].text)["text"] for each in await asyncio.gather(*calls)]
    assert answers == [f"call {number}" for number in range(12)], answers


PROPERTIES = (
    tools_are_listed_and_called,
    the_server_asks_and_the_answer_comes_back,
    progress_arrives,
    calls_at_once_get_their_own_answers,
)


async def check(options, function, server, transport):
    name = f"{function.__name__} [{server}, {transport}]"
    try:
        async with asyncio.timeout(DEADLINE_S):
            async with connect(options, server, transport) as session:
                await function(session, server)
    except Exception as failure:
        while isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
        line = traceback.extract_tb(failure.__traceback__)[-1].line
        print(f"FAIL {name}: {type(failure).__name__}: {failure} at {line}", flush=True)
        return False
    print(f"ok   {name}", flush=True)
    return True


async def run(options):
    outcomes = [
        await check(options, function, server, transport)
        for function in PROPERTIES
        for server in SERVERS
        for transport in ("http", "sse")
        if not options.only or options.only in f"{function.__name__} [{server}, {transport}]"
    ]
    print(f"python 1.x: {outcomes.count(True)} passed, {outcomes.count(False)} failed")
    return 1 if not all(outcomes) or not (outcomes or options.only) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--origin", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--only")
    options = parser.parse_args()
    # What goes wrong shows in a property; the client logs what it unwinds, too.
    logging.disable(logging.CRITICAL)
    return asyncio.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
