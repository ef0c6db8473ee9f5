"""What the gateway itself answers, as the Python SDK's client sees it.

The identities (see `run.py`): the key may do everything; the reader may call `echo` and `test_simple_text`, get
`greeting` and read `record://open`; the limited one may do everything, seldom.
"""

import json

import anyio
import httpx2
from mcp.shared.exceptions import MCPError
from python_features import code_of, text
from python_properties import ERAS, LEGACY, MODERN, holds
from python_raw import post

NOT_AUTHENTICATED, NOT_ALLOWED, TOO_MANY = 40101, 40302, 42901
CALLS_BEYOND_THE_LIMIT = 30


@holds(*ERAS, gateway_only=True)
async def a_wrong_key_is_refused_with_a_challenge(plan, era):
    wrong = "mcp_" + "A" * 43
    answer = await post(plan.recorder, wrong, era, "tools/list")
    assert answer.status_code == 401, answer
    assert answer.headers["www-authenticate"].startswith("Bearer"), answer.headers
    assert "invalid_token" in answer.headers["www-authenticate"], answer.headers
    assert answer.json()["error"]["code"] == NOT_AUTHENTICATED, answer.text


@holds(*ERAS, gateway_only=True)
async def no_key_is_refused_without_an_error_code_in_the_challenge(plan, era):
    answer = await post(plan.recorder, None, era, "tools/list")
    assert answer.status_code == 401, answer
    assert "error=" not in answer.headers["www-authenticate"], answer.headers


@holds(*ERAS, gateway_only=True)
async def a_client_with_a_wrong_key_cannot_connect(plan, era):
    async def try_to_list():
        async with plan.connect(plan.recorder, era, key="mcp_" + "B" * 43) as client:
            await client.list_tools()

    try:
        await try_to_list()
    except (MCPError, httpx2.HTTPError, ExceptionGroup):
        return
    raise AssertionError("the client connected and listed tools")


@holds(*ERAS, gateway_only=True)
async def only_allowed_tools_are_listed(plan, era):
    async with plan.connect(plan.recorder, era, key=plan.reader) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names == {"echo"}, names
    async with plan.connect(plan.recorder, era) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names == {"echo", "echo_number", "secret", "slow"}, names


@holds(*ERAS, gateway_only=True)
async def only_allowed_prompts_and_resources_are_listed(plan, era):
    async with plan.connect(plan.recorder, era, key=plan.reader) as client:
        prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}
        resources = {str(resource.uri) for resource in (await client.list_resources()).resources}
        assert (prompts, resources) == ({"greeting"}, {"record://open"}), (prompts, resources)


@holds(*ERAS, gateway_only=True)
async def an_allowed_tool_is_called(plan, era):
    async with plan.connect(plan.recorder, era, key=plan.reader) as client:
        assert text(await client.call_tool("echo", {"text": "allowed"})) == "allowed"


@holds(*ERAS, gateway_only=True)
async def a_denied_tool_shows_its_code_and_stays_off_the_server(plan, era):
    marker = f"denied in {era}"
    async with plan.connect(plan.recorder, era, key=plan.reader) as client:
        code = await code_of(client.call_tool("secret", {"text": marker}))
        assert code == NOT_ALLOWED, code
        assert text(await client.call_tool("echo", {"text": "still usable"})) == "still usable"
    bodies = json.dumps([record["body"] for record in (await plan.records())["requests"]])
    assert marker not in bodies, "the denied call reached the server"


@holds(*ERAS, gateway_only=True)
async def denied_and_unknown_tools_answer_alike(plan, era):
    async with plan.connect(plan.recorder, era, key=plan.reader) as client:
        errors = []
        for name in ("secret", "no_such_tool"):
            try:
                await client.call_tool(name)
            except MCPError as error:
                errors.append((error.code, error.message))
        assert len(errors) == 2 and errors[0] == errors[1], errors


@holds(*ERAS, gateway_only=True)
async def denied_prompts_and_resources_show_their_code(plan, era):
    async with plan.connect(plan.recorder, era, key=plan.reader) as client:
        assert await code_of(client.get_prompt("private_greeting", {"name": "a"})) == NOT_ALLOWED
        assert await code_of(client.read_resource("record://closed")) == NOT_ALLOWED
        assert (await client.read_resource("record://open")).contents[0].text == "open"
        assert "Greet Ada" in (await client.get_prompt("greeting", {"name": "Ada"})).messages[0].content.text


@holds(*ERAS, gateway_only=True)
async def a_denial_is_a_json_rpc_error_with_the_id_and_status_200(plan, era):
    if era == LEGACY:
        # A legacy call needs a session first; the SDK's client shows the code there.
        return
    for identifier in (7, "seven"):
        answer = await post(plan.recorder, plan.reader, era, "tools/call", "secret", identifier)
        assert answer.status_code == 200, answer
        assert answer.json()["id"] == identifier and answer.json()["error"]["code"] == NOT_ALLOWED, answer.text


@holds(*ERAS, gateway_only=True)
async def beyond_the_limit_calls_fail_with_the_code_and_the_client_stays_usable(plan, era):
    codes = []
    async with plan.connect(plan.recorder, era, key=plan.limited) as client:
        for number in range(CALLS_BEYOND_THE_LIMIT):
            codes.append(await code_of(client.call_tool("echo", {"text": str(number)})))
        assert TOO_MANY in codes and None in codes and set(codes) <= {None, TOO_MANY}, codes
        answer = await post(plan.recorder, plan.limited, MODERN, "tools/call", "echo")
        while answer.status_code == 200:
            answer = await post(plan.recorder, plan.limited, MODERN, "tools/call", "echo")
        assert answer.status_code == 429, answer
        assert answer.json()["error"]["code"] == TOO_MANY and answer.json()["id"] == 7, answer.text
        # The wait is the gateway's own word for when the next call is admitted.
        await anyio.sleep(int(answer.headers["retry-after"]) + 0.1)
        assert text(await client.call_tool("echo", {"text": "again"})) == "again"
    await anyio.sleep(2)


@holds(*ERAS, gateway_only=True)
async def the_key_never_reaches_the_server(plan, era):
    async with plan.connect(plan.recorder, era) as client:
        await client.call_tool("echo", {"text": "who am I"})
    seen = json.dumps((await plan.records())["requests"])
    assert plan.key not in seen and plan.reader not in seen, "a key is in what reached the server"
    assert '"authorization"' not in seen, "an Authorization header reached the server"


@holds(*ERAS, gateway_only=True)
async def every_answer_carries_a_request_id(plan, era):
    answers = [await post(plan.recorder, key, era, "tools/list") for key in (plan.key, None)]
    identifiers = [answer.headers.get("x-request-id") for answer in answers]
    assert all(identifiers) and identifiers[0] != identifiers[1], identifiers
