"""An MCP server that remembers what reached it, so that a test can tell what a gateway did with a call.

    recorder.py PORT

`/mcp` speaks both eras. `GET /seen` answers with every HTTP request that came to `/mcp` (`requests`) and what became of
the calls of `slow` (`slow`: started, cancelled or finished, by the label that the caller chose). `POST /forget` empties
both. Never asks for a credential: what the gateway adds or leaves out is what the tests look at.
"""

import json
import sys

import anyio
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

RECORDED_REQUESTS_MAX = 20_000

server = MCPServer(name="recorder", version="1.0.0")
requests_seen = []
slow_calls = {}


@server.tool()
def echo(text: str) -> str:
    """Answers with its argument."""
    return text


@server.tool()
def echo_number(number: int) -> str:
    """Answers with the digits of its argument, which show whether an integer beyond 2^53 survived."""
    return str(number)


@server.tool()
def secret(text: str = "") -> str:
    """A tool that most identities may not call."""
    return f"secret {text}"


@server.tool()
async def slow(label: str, ctx: Context, seconds: float = 20) -> str:
    """Reports progress once, then waits; remembers whether it was cancelled."""
    slow_calls[label] = "started"
    try:
        await ctx.report_progress(progress=1, total=2, message="waiting")
        await anyio.sleep(seconds)
    except anyio.get_cancelled_exc_class():
        slow_calls[label] = "cancelled"
        raise
    slow_calls[label] = "finished"
    return label


@server.prompt()
def greeting(name: str) -> str:
    """A prompt that identities may be granted."""
    return f"Greet {name}"


@server.prompt()
def private_greeting(name: str) -> str:
    """A prompt that most identities may not get."""
    return f"Greet {name} in private"


@server.resource("record://open")
def open_record() -> str:
    """A resource that identities may be granted."""
    return "open"


@server.resource("record://closed")
def closed_record() -> str:
    """A resource that most identities may not read."""
    return "closed"


@server.custom_route("/seen", methods=["GET"])
async def seen(_: Request) -> Response:
    return JSONResponse({"requests": requests_seen, "slow": slow_calls})


@server.custom_route("/forget", methods=["POST"])
async def forget(_: Request) -> Response:
    requests_seen.clear()
    slow_calls.clear()
    return Response(status_code=204)


class Recording:
    """Writes down each request to `/mcp`, its body included, and passes it on unchanged."""

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or not scope["path"].startswith("/mcp"):
            return await self._app(scope, receive, send)
        record = {
            "http_method": scope["method"],
            "path": scope["path"],
            "headers": {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            "body": None,
        }
        if len(requests_seen) < RECORDED_REQUESTS_MAX:
            requests_seen.append(record)
        body = b""

        async def recorded_receive():
            nonlocal body
            message = await receive()
            if message["type"] == "http.request":
                body += message.get("body", b"")
                if not message.get("more_body") and body:
                    record["body"] = parsed(body)
            return message

        return await self._app(scope, recorded_receive, send)


def parsed(body):
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("latin-1")


if __name__ == "__main__":
    app = Recording(server.streamable_http_app())
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
