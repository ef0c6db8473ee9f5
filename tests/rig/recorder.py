"""An MCP server that remembers what reached it, so that a test can tell what a gateway did with a call.

    recorder.py PORT            over Streamable HTTP
    recorder.py PORT URL        over HTTP+SSE; what it remembers goes to the recorder at URL
    recorder.py --report URL    over standard input and output; as above

`/mcp` speaks both eras. `GET /seen` answers with every HTTP request that came to `/mcp` (`requests`) and what became of
the calls of `slow` (`slow`: started, cancelled or finished, by the label that the caller chose). `POST /forget` empties
both, `POST /report` is for those that report: a line that a child read counts as a POST, the end of its input or of an SSE
stream as a DELETE.
Never asks for a credential: what the gateway adds or leaves out is what the tests look at.
"""

import json
import queue
import sys
import threading
import urllib.request

import anyio
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.stdio import stdio_server
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

RECORDED_REQUESTS_MAX = 20_000
REPORTS_WAITING_MAX = 10_000
REPORT_DEADLINE_S = 5.0

server = MCPServer(name="recorder", version="1.0.0")
requests_seen = []
slow_calls = {}


def remember(what):
    """Keeps `{"request": …}` or `{"slow": {label: state}}`."""
    slow_calls.update(what.get("slow", {}))
    if "request" in what and len(requests_seen) < RECORDED_REQUESTS_MAX:
        requests_seen.append(what["request"])


# Where a tool says what became of a call; a child puts its reporter here.
tell = remember


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
    tell({"slow": {label: "started"}})
    try:
        await ctx.report_progress(progress=1, total=2, message="waiting")
        await anyio.sleep(seconds)
    except anyio.get_cancelled_exc_class():
        tell({"slow": {label: "cancelled"}})
        raise
    tell({"slow": {label: "finished"}})
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


@server.custom_route("/report", methods=["POST"])
async def report(request: Request) -> Response:
    remember(await request.json())
    return Response(status_code=204)


class Recording:
    """Writes down each request to `/mcp`, its body included, and passes it on unchanged."""

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or not scope["path"].startswith(("/mcp", "/messages")):
            await self._app(scope, receive, send)
            if scope["type"] == "http" and scope["path"] == "/sse":
                tell({"request": bare("DELETE", None)})
            return None
        record = {
            "http_method": scope["method"],
            "path": scope["path"],
            "headers": {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            "body": None,
        }
        body = b""

        async def recorded_receive():
            nonlocal body
            message = await receive()
            if message["type"] == "http.request":
                body += message.get("body", b"")
                if not message.get("more_body"):
                    record["body"] = parsed(body) if body else None
                    tell({"request": record})
            return message

        return await self._app(scope, recorded_receive, send)


def parsed(body):
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("latin-1")


class Reporter:
    """Sends what a child remembers to the recorder, in order, from a thread: a tool that is cancelled cannot wait."""

    def __init__(self, url):
        self._url = url
        self._waiting = queue.Queue(REPORTS_WAITING_MAX)
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        self._thread.start()

    def tell(self, what):
        self._waiting.put(what)

    def finish(self):
        self._waiting.put(None)
        self._thread.join(REPORT_DEADLINE_S)

    def _send_all(self):
        while (what := self._waiting.get()) is not None:
            body = json.dumps(what).encode()
            request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=REPORT_DEADLINE_S).close()


class RecordedInput:
    """The lines of standard input; each is told before it is served."""

    def __init__(self):
        self._lines = anyio.wrap_file(sys.stdin)

    async def __aiter__(self):
        async for line in self._lines:
            tell({"request": bare("POST", parsed(line.encode()))})
            yield line
        tell({"request": bare("DELETE", None)})


def bare(http_method, body):
    return {"http_method": http_method, "path": "", "headers": {}, "body": body}


async def run_as_child():
    lowlevel = server._lowlevel_server
    async with stdio_server(stdin=RecordedInput()) as (reading, writing):
        await lowlevel.run(reading, writing, lowlevel.create_initialization_options())


def serve(app, port):
    uvicorn.run(Recording(app), host="127.0.0.1", port=int(port), log_level="warning")


def main():
    global tell
    first, *rest = sys.argv[1:]
    if not rest:
        return serve(server.streamable_http_app(), first)
    reporter = Reporter(rest[0])
    tell = reporter.tell
    try:
        if first == "--report":
            anyio.run(run_as_child)
        else:
            serve(server.sse_app(), first)
    finally:
        reporter.finish()


if __name__ == "__main__":
    main()
