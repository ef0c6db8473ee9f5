"""An HTTP+SSE server of 2024-11-05 made with the Python SDK 1.x: GET /sse, POST /messages/.

    sse_server.py PORT

Tools: `echo`; `steps`, which reports progress; `sample`, `elicit` and `roots`, which ask the client in the middle of the
call; `slow`, which waits until it is cancelled.
"""

import sys

import anyio
import uvicorn
from mcp.server.fastmcp import Context, FastMCP
from mcp.types import SamplingMessage, TextContent
from pydantic import BaseModel

STEPS = 3
SLOW_S = 20

server = FastMCP(name="sse-server")
cancelled = []


class Name(BaseModel):
    name: str


@server.tool()
def echo(text: str) -> str:
    """Answers with its argument."""
    return text


@server.tool()
async def steps(ctx: Context) -> str:
    """Reports progress and logs, step by step."""
    for step in range(1, STEPS + 1):
        await ctx.report_progress(step, STEPS)
        await ctx.info(f"step {step}")
    return f"{STEPS} steps"


@server.tool()
async def sample(prompt: str, ctx: Context) -> str:
    """Asks the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    return (await ctx.session.create_message([message], max_tokens=10)).content.text


@server.tool()
async def elicit(ctx: Context) -> str:
    """Asks the user for a name."""
    answer = await ctx.elicit("Who are you?", Name)
    return f"{answer.action} {answer.data.name if answer.action == 'accept' else ''}"


@server.tool()
async def roots(ctx: Context) -> str:
    """Asks for the client's roots."""
    return " ".join(str(root.uri) for root in (await ctx.session.list_roots()).roots)


@server.tool()
async def slow(label: str, ctx: Context) -> str:
    """Waits; `cancelled_calls` tells whether it was cancelled."""
    await ctx.report_progress(1, 2)
    try:
        await anyio.sleep(SLOW_S)
    except anyio.get_cancelled_exc_class():
        cancelled.append(label)
        raise
    return label


@server.tool()
def cancelled_calls() -> str:
    """Labels of the calls of `slow` that were cancelled."""
    return " ".join(cancelled)


@server.resource("sse://greeting")
def greeting() -> str:
    return "hello"


@server.prompt()
def greet(name: str) -> str:
    return f"Greet {name}"


if __name__ == "__main__":
    uvicorn.run(server.sse_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
