"""What must hold through the gateway exactly as it holds directly."""

import anyio
import mcp.types as types
from mcp.shared.exceptions import MCPError
from python_properties import ERAS, LEGACY, MODERN, holds
from python_raw import slow_call

CONCURRENT_CALLS = 24
LARGE_TEXT_BYTES = 200_000
# What a slow call may take to notice that its caller is gone.
CANCEL_DEADLINE_S = 3.0


def text(result):
    return result.content[0].text


async def sample(_context, params):
    asked = params.messages[0].content.text
    return types.CreateMessageResult(
        role="assistant", model="test-model", content=types.TextContent(type="text", text=f"sampled: {asked}")
    )


def answering(content):
    async def elicit(_context, params):
        return types.ElicitResult(action="accept", content=content)

    return elicit


@holds(*ERAS)
async def the_revision_of_the_era_is_negotiated(plan, era):
    expected = {LEGACY: "2025-11-25", MODERN: "2026-07-28"}[era]
    async with plan.connect(plan.conformance, era) as client:
        assert client.protocol_version == expected, client.protocol_version


@holds("auto")
async def discover_finds_the_modern_era(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        assert client.protocol_version == "2026-07-28", client.protocol_version
        assert client.server_capabilities.tools is not None


@holds("auto", needs_reference=True)
async def discover_falls_back_on_a_legacy_server(plan, era):
    async with plan.connect(plan.reference, era) as client:
        assert client.protocol_version == "2025-11-25", client.protocol_version
        assert text(await client.call_tool("echo", {"message": "hi"})) == "Echo: hi"


@holds(*ERAS)
async def tools_are_listed(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"test_simple_text", "test_sampling", "json_schema_2020_12_tool"} <= names, names


@holds(*ERAS)
async def schema_keywords_survive(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        schema = tools["json_schema_2020_12_tool"].input_schema
        assert schema["$defs"]["address"]["$anchor"] == "addressDef", schema
        assert schema["if"]["required"] == ["contactMethod"], schema


@holds(*ERAS)
async def a_tool_answers(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        result = await client.call_tool("test_simple_text")
        assert text(result) == "This is a simple text response for testing."


@holds(*ERAS)
async def content_of_every_kind_arrives(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        kinds = [part.type for part in (await client.call_tool("test_multiple_content_types")).content]
        assert kinds == ["text", "image", "resource"], kinds


@holds(*ERAS)
async def a_tool_error_stays_a_result(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        result = await client.call_tool("test_error_handling")
        assert result.is_error and "intentionally" in text(result)


@holds(*ERAS)
async def progress_comes_before_the_result(plan, era):
    seen = []

    async def on_progress(progress, total, message):
        seen.append((progress, total))

    async with plan.connect(plan.conformance, era) as client:
        await client.call_tool("test_tool_with_progress", progress_callback=on_progress)
        assert seen == [(0, 100), (50, 100), (100, 100)], seen


@holds(*ERAS)
async def log_messages_arrive(plan, era):
    seen = []

    async def on_log(params):
        seen.append(params.data)

    async with plan.connect(plan.conformance, era, logging_callback=on_log, log_level="info") as client:
        if era == LEGACY:
            await client.set_logging_level("info")
        await client.call_tool("test_tool_with_logging")
        assert seen[0] == "Tool execution started" and len(seen) == 3, seen


@holds(LEGACY)
async def the_server_samples_in_the_middle_of_a_call(plan, era):
    async with plan.connect(plan.conformance, era, sampling_callback=sample) as client:
        result = await client.call_tool("test_sampling", {"prompt": "weather"})
        assert text(result) == "LLM response: sampled: weather", text(result)


@holds(MODERN)
async def sampling_takes_another_round(plan, era):
    async with plan.connect(plan.conformance, era, sampling_callback=sample) as client:
        result = await client.call_tool("test_input_required_result_sampling")
        assert not result.is_error and "sampled" in text(result), text(result)


@holds(LEGACY)
async def the_server_elicits_in_the_middle_of_a_call(plan, era):
    async with plan.connect(plan.conformance, era, elicitation_callback=answering({"response": "blue"})) as client:
        result = await client.call_tool("test_elicitation", {"message": "colour?"})
        assert "action=accept" in text(result) and "blue" in text(result), text(result)


@holds(*ERAS)
async def elicitation_is_answered_in_the_way_of_the_era(plan, era):
    async with plan.connect(plan.conformance, era, elicitation_callback=answering({"response": "ok"})) as client:
        assert text(await client.call_tool("test_streaming_elicitation")) == "elicitation accept"


@holds(MODERN)
async def elicitation_takes_another_round(plan, era):
    async with plan.connect(plan.conformance, era, elicitation_callback=answering({"name": "Ada"})) as client:
        result = await client.call_tool("test_input_required_result_elicitation")
        assert text(result) == "Hello, Ada!", text(result)


@holds(MODERN)
async def request_state_survives_three_rounds(plan, era):
    callback = answering({"name": "Ada", "color": "red"})
    async with plan.connect(plan.conformance, era, elicitation_callback=callback) as client:
        result = await client.call_tool("test_input_required_result_multi_round")
        assert text(result) == "Ada likes red.", text(result)


@holds(MODERN)
async def a_prompt_takes_another_round(plan, era):
    callback = answering({"context": "winter"})
    async with plan.connect(plan.conformance, era, elicitation_callback=callback) as client:
        result = await client.get_prompt("test_input_required_result_prompt")
        assert "winter" in result.messages[0].content.text


@holds(*ERAS)
async def resources_are_listed_and_read(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        uris = {str(resource.uri) for resource in (await client.list_resources()).resources}
        assert "test://static-text" in uris, uris
        templates = (await client.list_resource_templates()).resource_templates
        assert templates[0].uri_template == "test://template/{id}/data", templates
        read = await client.read_resource("test://template/7/data")
        assert '"id": "7"' in read.contents[0].text, read


@holds(*ERAS)
async def an_upstream_error_keeps_its_code(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        assert await code_of(client.read_resource("test://nowhere")) == -32602


@holds(*ERAS)
async def prompts_are_listed_and_rendered(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        names = {prompt.name for prompt in (await client.list_prompts()).prompts}
        assert "test_prompt_with_arguments" in names, names
        prompt = await client.get_prompt("test_prompt_with_arguments", {"arg1": "one", "arg2": "two"})
        assert "arg1='one', arg2='two'" in prompt.messages[0].content.text


@holds(*ERAS)
async def completion_is_answered(plan, era):
    reference = types.PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
    async with plan.connect(plan.conformance, era) as client:
        result = await client.complete(reference, {"name": "arg1", "value": "a"})
        assert result.completion.values == [], result


@holds(LEGACY)
async def ping_and_subscriptions_are_answered(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        await client.send_ping()
        await client.subscribe_resource("test://watched-resource")
        await client.unsubscribe_resource("test://watched-resource")


@holds(LEGACY)
async def a_closed_stream_is_resumed(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        assert text(await client.call_tool("test_reconnection")) == "Reconnection test completed"


@holds(MODERN)
async def a_listener_hears_of_a_changed_list(plan, era):
    async with plan.connect(plan.conformance, era) as client:
        async with client.listen(tools_list_changed=True) as subscription:
            await client.call_tool("test_trigger_tool_change")
            async for event in subscription:
                assert "tool" in repr(event).lower(), event
                break


@holds(*ERAS)
async def concurrent_calls_get_their_own_answers(plan, era):
    answers = {}
    async with plan.connect(plan.recorder, era) as client:

        async def call(number):
            answers[number] = text(await client.call_tool("echo", {"text": f"call {number}"}))

        async with anyio.create_task_group() as group:
            for number in range(CONCURRENT_CALLS):
                group.start_soon(call, number)
    assert answers == {number: f"call {number}" for number in range(CONCURRENT_CALLS)}, answers


@holds(*ERAS)
async def large_bodies_pass_both_ways(plan, era):
    body = "é€😀x" * (LARGE_TEXT_BYTES // 10)
    async with plan.connect(plan.recorder, era) as client:
        assert text(await client.call_tool("echo", {"text": body})) == body


@holds(*ERAS)
async def integers_beyond_a_double_survive(plan, era):
    async with plan.connect(plan.recorder, era) as client:
        number = 2**63 + 1
        assert text(await client.call_tool("echo_number", {"number": number})) == str(number)


@holds(*ERAS)
async def a_cancelled_call_is_cancelled_at_the_server(plan, era):
    label = f"cancelled-{era}"
    started = anyio.Event()

    async def on_progress(*_):
        started.set()

    async with plan.connect(plan.recorder, era) as client, anyio.create_task_group() as group:
        scope = anyio.CancelScope()

        async def call():
            with scope:
                await client.call_tool("slow", {"label": label}, progress_callback=on_progress)

        group.start_soon(call)
        await started.wait()
        scope.cancel()
        # Asked while the client is connected: the end of the session would cancel the call too.
        await plan.slow_call_becomes(label, "cancelled", CANCEL_DEADLINE_S)


@holds(MODERN)
async def a_cut_connection_cancels_a_modern_call(plan, era):
    for progress in (True, False):
        label = f"cut-{era}-{progress}"
        async with slow_call(plan, era, label, 20, progress):
            pass
        await plan.slow_call_becomes(label, "cancelled", CANCEL_DEADLINE_S)


@holds(LEGACY)
async def a_cut_connection_leaves_a_legacy_call_alone(plan, era):
    if plan.recorder.endswith("/sse"):
        # Directly over HTTP+SSE, the connection is the session.
        return
    label = f"cut-{era}"
    async with slow_call(plan, era, label, 2, progress=True):
        pass
    await plan.slow_call_becomes(label, "finished", 5)


@holds(LEGACY)
async def the_session_is_ended_at_the_server(plan, era):
    async with plan.connect(plan.recorder, era) as client:
        await client.call_tool("echo", {"text": "in a session"})
    deletes = [record for record in (await plan.records())["requests"] if record["http_method"] == "DELETE"]
    assert deletes, "no DELETE reached the server"


async def code_of(call):
    """The JSON-RPC code that `call` fails with, or None when it succeeds."""
    try:
        await call
    except MCPError as error:
        return error.code
    return None
