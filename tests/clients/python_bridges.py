#!/usr/bin/env python3
"""Drives servers of every transport and era behind one gateway with the Python SDK's client, in both eras.

    python_bridges.py --origin URL --key KEY [--rmcp] [--only NAME]

The servers are those of `bridges.py`: our fixture as a legacy, a modern and a dual-era child, server-everything and
server-filesystem as children, an HTTP+SSE server, and with `--rmcp` one made with the Rust SDK. Whatever a server speaks,
a client of either era must find its own way of doing things.
"""

import argparse
import json
import logging
import os
import sys

import anyio
import mcp.types as types
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from python_client import reason
from python_properties import LEGACY, MODERN, READ_TIMEOUT_S, http_client

PROPERTY_DEADLINE_S = 40
SSE = "legacy over HTTP+SSE"
ALL = (LEGACY, MODERN, SSE)
FIXTURES = ("legacy", "modern", "both")
# What the client answers when it is asked.
ANSWERS = {"sampling": "sampled: What is the answer?", "elicitation": "Ada", "roots": "file:///home/ada"}
CANCEL_DEADLINE_S = 4.0

properties = []


class Gateway:
    """Where the servers are, and who asks."""

    def __init__(self, options):
        self.origin = options.origin
        self.key = options.key
        self.has_rmcp = options.rmcp

    def connect(self, server, kind, **callbacks):
        callbacks = {
            "sampling_callback": sample,
            "elicitation_callback": elicit,
            "list_roots_callback": list_roots,
            "read_timeout_seconds": READ_TIMEOUT_S,
            **callbacks,
        }
        http = http_client(self.key)
        if kind == SSE:
            transport = sse_client(f"{self.origin}/sse/{server}", headers=dict(http.headers))
        else:
            transport = streamable_http_client(f"{self.origin}/mcp/{server}", http_client=http)
        return Client(transport, mode=MODERN if kind == MODERN else LEGACY, **callbacks)


async def sample(_context, params):
    words = types.TextContent(type="text", text=f"sampled: {params.messages[0].content.text}")
    return types.CreateMessageResult(role="assistant", model="test-model", content=words)


async def elicit(_context, _params):
    return types.ElicitResult(action="accept", content={"name": ANSWERS["elicitation"]})


async def list_roots(_context):
    return types.ListRootsResult(roots=[types.Root(uri=ANSWERS["roots"])])


def holds(*cases):
    """Registers a property for each of `cases`: a server and a kind of client."""

    def register(function):
        properties.extend((function, server, kind) for server, kind in cases)
        return function

    return register


def every(servers, kinds=ALL):
    return [(server, kind) for server in servers for kind in kinds]


def text(result):
    return result.content[0].text


@holds(*every(FIXTURES), *every(["everything", "files", "sse"]), *every(["rmcp"]))
async def the_revision_of_the_clients_era_is_spoken(gateway, server, kind):
    async with gateway.connect(server, kind) as client:
        expected = {MODERN: "2026-07-28"}.get(kind, "2025-11-25")
        assert client.protocol_version == expected, client.protocol_version
        assert (await client.list_tools()).tools


@holds(*every(["everything", "sse", "rmcp"]))
async def echo_comes_back(gateway, server, kind):
    name = "message" if server == "everything" else "text"
    async with gateway.connect(server, kind) as client:
        assert text(await client.call_tool("echo", {name: "héllo 😀"})).endswith("héllo 😀")


@holds(*every(["files"]))
async def a_file_is_listed_and_read(gateway, server, kind):
    async with gateway.connect(server, kind) as client:
        folder = text(await client.call_tool("list_allowed_directories")).splitlines()[-1].strip()
        assert "hello.txt" in text(await client.call_tool("list_directory", {"path": folder}))
        assert text(await client.call_tool("read_text_file", {"path": f"{folder}/hello.txt"})) == "hello\n"


@holds(*every(FIXTURES))
async def arguments_come_back_byte_for_byte(gateway, server, kind):
    sent = {"number": 2**63 + 1, "text": "é\u2028😀", "none": None, "nested": {"list": [1, {"x": -0.5}]}}
    async with gateway.connect(server, kind) as client:
        result = await client.call_tool("echo", sent)
        assert json.loads(text(result)) == sent and result.structured_content == sent, result


@holds(*every(FIXTURES), *every(["sse"], (LEGACY, SSE)))
async def the_server_asks_and_the_answer_comes_back(gateway, server, kind):
    async with gateway.connect(server, kind) as client:
        if server == "sse":
            assert text(await client.call_tool("sample", {"prompt": "hi"})) == "sampled: hi"
            assert text(await client.call_tool("elicit")) == "accept Ada"
            assert text(await client.call_tool("roots")) == ANSWERS["roots"]
            return
        for what, answer in ANSWERS.items():
            for rounds in (1, 2):
                result = await client.call_tool("ask", {"what": what, "rounds": rounds})
                assert answer in text(result), (what, rounds, result)


@holds(("sse", MODERN))
async def a_legacy_servers_questions_become_rounds(gateway, server, kind):
    async with gateway.connect(server, kind) as client:
        assert text(await client.call_tool("sample", {"prompt": "hi"})) == "sampled: hi"
        assert text(await client.call_tool("elicit")) == "accept Ada"
        assert text(await client.call_tool("roots")) == ANSWERS["roots"]


@holds(*every(FIXTURES), *every(["sse"]))
async def progress_comes_before_the_result(gateway, server, kind):
    seen = []

    async def on_progress(progress, _total, _message):
        seen.append(progress)

    tool, arguments = ("steps", {}) if server == "sse" else ("notify", {"count": 3, "pause_ms": 20})
    async with gateway.connect(server, kind) as client:
        await client.call_tool(tool, arguments, progress_callback=on_progress)
        assert seen == [1, 2, 3], seen


@holds(*every(FIXTURES))
async def log_messages_arrive(gateway, server, kind):
    seen = []

    async def on_log(params):
        seen.append(params.data)

    async with gateway.connect(server, kind, logging_callback=on_log, log_level="info") as client:
        if kind != MODERN:
            await client.set_logging_level("info")
        await client.call_tool("notify", {"count": 2, "pause_ms": 20})
        assert seen == ["step 1", "step 2"], seen


# A modern client of a legacy server may be given another child for its next call, which has seen nothing.
@holds(*every(["modern", "both"]), *every(["legacy"], (LEGACY, SSE)), *every(["sse"]))
async def a_cancelled_call_is_cancelled_at_the_server(gateway, server, kind):
    label = f"cancelled {server} {kind}"
    slow = ("slow", {"label": label}) if server == "sse" else ("sleep", {"ms": 30_000, "label": label})
    started = anyio.Event()

    async def on_progress(*_):
        started.set()

    async with gateway.connect(server, kind) as client, anyio.create_task_group() as group:
        scope = anyio.CancelScope()

        async def call():
            with scope:
                await client.call_tool(*slow, progress_callback=on_progress)

        async def is_read(words):
            """Whether the server has read `words` after the call: it remembers what others sent, too."""
            _, call, after = text(await client.call_tool("seen")).rpartition(label)
            return bool(call) and words in after

        async def is_known():
            return label in text(await client.call_tool("cancelled_calls"))

        group.start_soon(call)
        if server == "sse":
            await started.wait()
            scope.cancel()
            await becomes(is_known)
            return
        await becomes(lambda: is_read(""))
        scope.cancel()
        await becomes(lambda: is_read("notifications/cancelled"))


async def becomes(condition):
    """Waits until `condition` holds."""
    with anyio.move_on_after(CANCEL_DEADLINE_S):
        while not await condition():
            await anyio.sleep(0.05)
        return
    raise AssertionError("nothing of it reached the server")


@holds(*every(FIXTURES, (LEGACY, SSE)))
async def a_legacy_client_hears_of_changes(gateway, server, kind):
    heard = []

    async def on_message(message):
        heard.append(str(getattr(message, "method", message)))

    async with gateway.connect(server, kind, message_handler=on_message) as client:
        await client.subscribe_resource("fixture://a")
        await hears(client, heard, "change", {}, "notifications/tools/list_changed")
        await hears(client, heard, "update", {"uri": "fixture://a"}, "notifications/resources/updated")


async def hears(client, heard, tool, arguments, method):
    with anyio.move_on_after(CANCEL_DEADLINE_S):
        while method not in heard:
            # A stream that is still being opened may miss the first.
            await client.call_tool(tool, arguments)
            await anyio.sleep(0.1)
    assert method in heard, heard


@holds(*every(FIXTURES, (MODERN,)))
async def a_modern_client_hears_of_changes(gateway, server, kind):
    async with gateway.connect(server, kind) as client:
        async with client.listen(tools_list_changed=True, resource_subscriptions=["fixture://a"]) as subscription:
            await client.call_tool("change")
            await client.call_tool("update", {"uri": "fixture://a"})
            heard = []
            async for event in subscription:
                heard.append(type(event).__name__)
                if len(heard) == 2:
                    break
        assert {"tool" in each.lower() for each in heard} == {True, False}, heard


@holds(*every(["legacy", "both"], (LEGACY, SSE)))
async def a_session_has_a_child_of_its_own_that_ends_with_it(gateway, server, kind):
    async with gateway.connect(server, kind) as one, gateway.connect(server, kind) as other:
        first, second = [json.loads(text(await each.call_tool("pid")))["pid"] for each in (one, other)]
        assert first != second and os.path.exists(f"/proc/{first}"), (first, second)
    with anyio.move_on_after(CANCEL_DEADLINE_S):
        while os.path.exists(f"/proc/{first}") or os.path.exists(f"/proc/{second}"):
            await anyio.sleep(0.05)
        return
    raise AssertionError(f"{first} or {second} goes on")


@holds(*every(["modern", "both"], (MODERN,)))
async def modern_clients_share_a_child(gateway, server, kind):
    async with gateway.connect(server, kind) as one, gateway.connect(server, kind) as other:
        first, second = [json.loads(text(await each.call_tool("pid")))["pid"] for each in (one, other)]
        assert first == second, (first, second)


@holds(*every(FIXTURES))
async def resources_prompts_and_completion_are_served(gateway, server, kind):
    async with gateway.connect(server, kind) as client:
        assert [str(each.uri) for each in (await client.list_resources()).resources] == ["fixture://a", "fixture://b"]
        assert (await client.read_resource("fixture://a")).contents[0].text == "text of fixture://a"
        assert "Greet Ada." in (await client.get_prompt("greet", {"who": "Ada"})).messages[0].content.text
        reference = types.PromptReference(type="ref/prompt", name="greet")
        values = (await client.complete(reference, {"name": "who", "value": "A"})).completion.values
        assert values == ["Ada", "Alan"], values


async def check(gateway, function, server, kind):
    name = f"{function.__name__} [{server}, {kind}]"
    try:
        with anyio.fail_after(PROPERTY_DEADLINE_S):
            await function(gateway, server, kind)
    except BaseException as failure:
        if isinstance(failure, KeyboardInterrupt):
            raise
        print(f"FAIL {name}: {reason(failure)}", flush=True)
        return False
    print(f"ok   {name}", flush=True)
    return True


async def run(gateway, only):
    outcomes = [
        await check(gateway, function, server, kind)
        for function, server, kind in properties
        if (gateway.has_rmcp or server != "rmcp") and (not only or only in f"{function.__name__} [{server}, {kind}]")
    ]
    print(f"bridges: {outcomes.count(True)} passed, {outcomes.count(False)} failed")
    return 1 if not all(outcomes) or not (outcomes or only) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--origin", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--rmcp", action="store_true")
    parser.add_argument("--only")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    return anyio.run(run, Gateway(options), options.only)


if __name__ == "__main__":
    sys.exit(main())
