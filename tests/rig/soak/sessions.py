"""One client after the other's: sessions of both eras and of HTTP+SSE, which do what clients do and leave as clients leave."""

import asyncio
import contextlib
import json
from dataclasses import dataclass

from .wire import Broken, Connection, Hang, encoded, in_time

LEGACY_VERSION = "2025-11-25"
MODERN_VERSION = "2026-07-28"
META = "io.modelcontextprotocol/"
CAPABILITIES = {"sampling": {}, "elicitation": {}, "roots": {}}
OPERATIONS_MAX = 4
OPERATION_S = 25.0
ROUNDS_MAX = 5
# Statuses by which a gateway may refuse while children die and back off: told, counted, never wrong.
REFUSALS = {404: "gone", 429: "full", 502: "refused", 503: "refused", 504: "refused"}
STATE_LOST = b"requestState is unknown"
LEAVES = ["delete"] * 7 + ["cut"] * 2 + ["silent"]


@dataclass(frozen=True)
class Target:
    """A server of the gateway, and what it can do beside answering."""

    name: str
    echo: str = "echo"
    argument: str = "text"
    eras: tuple = ("legacy", "modern", "sse")
    operations: tuple = ()


class Session:
    """One session of one client. Everything that it receives is inspected."""

    def __init__(self, client, number, target, kind, rng):
        self.owner = f"{client.number:02d}-{number:06d}"
        self.target = target
        self.kind = f"{kind} {target.name}"
        self.client = client
        self.rng = rng
        self.ledger = client.ledger
        self._nonces = 0
        self._ids = 0
        self._connections = []
        # What it is at, for a run that does not end.
        self.doing = "begin"

    @property
    def path(self):
        return f"/mcp/{self.target.name}"

    def nonce(self):
        self._nonces += 1
        return f"soak-{self.owner}-{self._nonces:04d}"

    def connection(self):
        made = Connection(self.client.port, self.client.key)
        self._connections.append(made)
        return made

    def cut_all(self):
        for connection in self._connections:
            connection.cut()

    def inspect(self, received):
        self.ledger.inspect(self.owner.encode(), self.kind, received)

    def accuse(self, what):
        self.ledger.accuse(self.kind, what)

    def message(self, method, params, is_request=True):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if is_request:
            # Small numbers on purpose: every client uses the same ids.
            self._ids += 1
            message["id"] = self._ids
        return message

    async def run(self):
        try:
            for operation in await self.begin():
                self.doing = operation
                outcome = await self.attempt(operation)
                self.ledger.count(self.kind, operation, outcome)
                if outcome in ("gone", "broken"):
                    break
            self.doing = "end"
            await self.end()
        except Broken:
            self.ledger.count(self.kind, "session", "broken")
        except Hang as hang:
            self.accuse(f"HANG: {hang}")
        finally:
            self.cut_all()

    def chosen(self, operations):
        return [self.rng.choice(operations) for _ in range(self.rng.randint(1, OPERATIONS_MAX))]

    async def attempt(self, operation):
        """Does one thing; returns how it ended."""
        try:
            async with asyncio.timeout(OPERATION_S):
                return await getattr(self, operation)()
        except TimeoutError:
            # Comments keep a stream alive whose answer never comes.
            self.accuse(f"HANG: {operation} of session {self.owner} has no answer after {OPERATION_S} s")
            return "hang"
        except Refused as refused:
            return refused.outcome
        except Broken:
            return "broken"

    async def taken(self, answer, identifier, on_request):
        """Reads the response with `identifier` out of a body or a stream; a request in a stream is answered."""
        if not answer.is_stream:
            body = await answer.body()
            self.inspect(body)
            if answer.status != 200:
                raise self.refusal(answer.status, body)
            return self.response(body, identifier)
        response = None
        async for _, data in answer.events():
            self.inspect(data)
            message = json.loads(data) if data else {}
            if "method" in message:
                if "id" in message:
                    await on_request(message)
            elif message:
                response = self.response(data, identifier)
        if response is None:
            raise Broken("the stream ended without the response")
        return response

    def response(self, body, identifier):
        message = json.loads(body)
        if message.get("id") != identifier:
            self.accuse(f"answer with the id {message.get('id')!r} to the request {identifier!r}: {body[:200]!r}")
        return message

    def refusal(self, status, body):
        if status == 400 and STATE_LOST in body:
            # Between two rounds the child that held the call was killed, or replaced.
            return Refused("gone")
        if status not in REFUSALS:
            self.accuse(f"status {status}: {body[:300]!r}")
        return Refused(REFUSALS.get(status, f"http {status}"))

    def judged(self, response, nonce):
        """How a call that must bring `nonce` back ended."""
        if "error" in response:
            self.ledger.remark(self.kind, response["error"])
            return f"rpc {response['error'].get('code')}"
        if nonce and nonce not in json.dumps(response["result"]):
            self.accuse(f"answer lacks {nonce}: {str(response)[:300]}")
        return "ok"

    async def unasked(self, message):
        self.accuse(f"the server asked out of turn: {str(message)[:200]}")


class Refused(Exception):
    """The gateway or the server refused, in a way that is allowed."""

    def __init__(self, outcome):
        super().__init__(outcome)
        self.outcome = outcome


def answer_to(method, nonce):
    """What the client's user, model or host answers."""
    if method == "sampling/createMessage":
        return {"role": "assistant", "model": "soak", "content": {"type": "text", "text": nonce}}
    if method == "elicitation/create":
        return {"action": "accept", "content": {"name": nonce, "response": nonce}}
    if method == "roots/list":
        return {"roots": [{"uri": f"file:///{nonce}"}]}
    return {}


class LegacySession(Session):
    """Streamable HTTP up to 2025-11-25."""

    async def begin(self):
        self._main = self.connection()
        self._listening = None
        self._id = None
        hello = {
            "protocolVersion": LEGACY_VERSION,
            "capabilities": CAPABILITIES,
            "clientInfo": {"name": self.nonce(), "version": "1"},
        }
        try:
            response, answer = await self.asked("initialize", hello)
        except Refused as refused:
            self.ledger.count(self.kind, "initialize", refused.outcome)
            return []
        outcome = self.judged(response, None)
        self.ledger.count(self.kind, "initialize", outcome)
        self._id = answer.fields.get("mcp-session-id")
        if outcome != "ok":
            return []
        try:
            await self.told("notifications/initialized", {})
        except Refused:
            return []
        # As SDKs do: where a second call is under way, the server's requests come here.
        self._listening = asyncio.create_task(self.listen())
        self.client.last_session = (self.target.name, self._id)
        return self.chosen(("echo", "leave_call", "cancel", "tools", "foreign", *self.target.operations))

    async def end(self):
        leave = self.rng.choice(LEAVES)
        if self._listening:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, Broken, Hang):
                await self._listening
        if leave == "delete" and self._id:
            answer = await self._main.request("DELETE", self.path, self.fields())
            self.ledger.count(self.kind, "delete", "ok" if answer.status in (200, 202, 204) else f"http {answer.status}")
            await answer.body()

    def fields(self):
        return {"MCP-Protocol-Version": LEGACY_VERSION, **({"Mcp-Session-Id": self._id} if self._id else {})}

    async def asked(self, method, params, connection=None):
        message = self.message(method, params)
        fields = {} if method == "initialize" else self.fields()
        answer = await (connection or self._main).request("POST", self.path, fields, encoded(message))
        return await self.taken(answer, message["id"], self.reply), answer

    async def told(self, method, params):
        await self.posted(self.message(method, params, is_request=False))

    async def posted(self, message):
        answer = await self.connection().request("POST", self.path, self.fields(), encoded(message))
        body = await answer.body()
        self.inspect(body)
        if answer.status != 202:
            raise self.refusal(answer.status, body)

    async def reply(self, message):
        """Answers a request of the server; the client of the soak says nothing but its nonces."""
        result = answer_to(message["method"], self.nonce())
        with contextlib.suppress(Refused):
            await self.posted({"jsonrpc": "2.0", "id": message["id"], "result": result})

    async def listen(self):
        answer = await self.connection().request("GET", self.path, {**self.fields(), "Accept": "text/event-stream"})
        if not answer.is_stream:
            self.inspect(await answer.body())
            return
        async for _, data in answer.events():
            self.inspect(data)
            message = json.loads(data) if data else {}
            if "method" in message and "id" in message:
                await self.reply(message)

    async def called(self, tool, arguments, expected, meta=None):
        params = {"name": tool, "arguments": arguments, **({"_meta": meta} if meta else {})}
        response, _ = await self.asked("tools/call", params)
        return self.judged(response, expected)

    async def echo(self):
        nonce = self.nonce()
        return await self.called(self.target.echo, {self.target.argument: nonce}, nonce)

    async def tools(self):
        response, _ = await self.asked("tools/list", {})
        return self.judged(response, self.target.echo)

    async def notify(self):
        token = self.nonce()
        return await self.called("notify", {"count": 3, "pause_ms": 1}, None, {"progressToken": token})

    async def ask(self):
        what = self.rng.choice(("sampling", "elicitation", "roots"))
        return await self.called("ask", {"what": what, "rounds": self.rng.randint(1, 2)}, f"soak-{self.owner}")

    async def big(self):
        return await self.called("big", {"bytes": self.rng.choice((10, 5_000, 300_000))}, "x")

    async def seen(self):
        """The lines that the child has read: in a child for each session they are all of this one."""
        return await self.called("seen", {}, f"soak-{self.owner}")

    async def crash(self):
        with contextlib.suppress(Broken, Refused):
            outcome = await self.called("crash", {"partial": self.rng.random() < 0.5}, None)
            return f"{outcome}" if outcome != "ok" else "answered"
        return "broken"

    async def leave_call(self):
        """Cuts the connection of a call, and goes on in the same session: the call is not cancelled."""
        own = self.connection()
        message = self.message("tools/call", self.slow_call())
        await self.cut_after(own, message, self.fields())
        return "left"

    async def cancel(self):
        own = self.connection()
        message = self.message("tools/call", self.slow_call())
        running = asyncio.create_task(self.cut_after(own, message, self.fields(), self.rng.uniform(0.02, 0.06)))
        await asyncio.sleep(0.01)
        with contextlib.suppress(Refused):
            await self.told("notifications/cancelled", {"requestId": message["id"], "reason": self.nonce()})
        await running
        return "cancelled"

    def slow_call(self):
        nonce = self.nonce()
        return {
            "name": self.slow_tool(),
            "arguments": {"ms": 100, "steps": 1, "pause_ms": 100, "label": nonce},
            "_meta": {"progressToken": nonce},
        }

    def slow_tool(self):
        return "sleep" if "sleep" in self.target.operations else self.target.echo

    async def sleep(self):
        return await self.called("sleep", {"ms": self.rng.randint(0, 30)}, None)

    async def cut_after(self, connection, message, fields, seconds=None):
        """Sends `message`, reads what comes for a moment, and closes."""
        with contextlib.suppress(TimeoutError, Broken, Refused, json.JSONDecodeError):
            async with asyncio.timeout(seconds or self.rng.uniform(0.001, 0.04)):
                answer = await connection.request("POST", self.path, fields, encoded(message))
                await self.taken(answer, message["id"], self.reply)
        connection.cut()

    async def foreign(self):
        """Another client's session id is as good as none."""
        other = self.client.neighbour.last_session
        if other is None or other[0] != self.target.name or not other[1]:
            return "none"
        nonce = self.nonce()
        params = {"name": self.target.echo, "arguments": {self.target.argument: nonce}}
        fields = {"MCP-Protocol-Version": LEGACY_VERSION, "Mcp-Session-Id": other[1]}
        answer = await self.connection().request("POST", self.path, fields, encoded(self.message("tools/call", params)))
        body = await answer.body()
        self.inspect(body)
        if answer.status != 404:
            self.accuse(f"another client's session answered {answer.status}: {body[:200]!r}")
        return "hidden"


class ModernSession(LegacySession):
    """2026-07-28: every request stands for itself."""

    async def begin(self):
        self._main = self.connection()
        can = [each for each in self.target.operations if each not in ("seen", "crash")]
        return self.chosen(("echo", "leave_call", "tools", "discover", "subscribe", *can))

    async def end(self):
        """Nothing was begun."""

    async def discover(self):
        response, _ = await self.asked("server/discover", {})
        return self.judged(response, None)

    async def asked(self, method, params, connection=None):
        message, fields = self.modern(method, params)
        answer = await (connection or self._main).request("POST", self.path, fields, encoded(message))
        return await self.taken(answer, message["id"], self.unasked), answer

    def modern(self, method, params):
        own = {
            f"{META}protocolVersion": MODERN_VERSION,
            f"{META}clientInfo": {"name": f"soak-{self.owner}-0000", "version": "1"},
            f"{META}clientCapabilities": CAPABILITIES,
        }
        message = self.message(method, {**params, "_meta": {**own, **params.get("_meta", {})}})
        fields = {"MCP-Protocol-Version": MODERN_VERSION, "Mcp-Method": method}
        return message, fields | ({"Mcp-Name": params["name"]} if "name" in params else {})

    async def called(self, tool, arguments, expected, meta=None):
        params = {"name": tool, "arguments": arguments, **({"_meta": meta} if meta else {})}
        for _ in range(ROUNDS_MAX):
            response, _ = await self.asked("tools/call", params)
            result = response.get("result", {})
            if result.get("resultType") != "input_required":
                return self.judged(response, expected)
            asked = result.get("inputRequests", {})
            answers = {key: answer_to(each["method"], self.nonce()) for key, each in asked.items()}
            params = {**params, "inputResponses": answers}
            if "requestState" in result:
                params["requestState"] = result["requestState"]
        return "endless"

    async def leave_call(self):
        message, fields = self.modern("tools/call", self.slow_call())
        await self.cut_after(self.connection(), message, fields)
        return "left"

    async def subscribe(self):
        """Listens for a moment, and leaves."""
        wanted = {"notifications": {"toolsListChanged": True}}
        message, fields = self.modern("subscriptions/listen", wanted)
        await self.cut_after(self.connection(), message, fields, 0.03)
        return "left"


class SseSession(LegacySession):
    """HTTP+SSE of 2024-11-05: what is posted is answered on the stream."""

    @property
    def path(self):
        return self._endpoint or f"/sse/{self.target.name}"

    async def begin(self):
        self._endpoint = None
        self._reading = None
        self._waiting = {}
        stream = await self.connection().request("GET", self.path, {"Accept": "text/event-stream"})
        if stream.status != 200:
            refused = self.refusal(stream.status, await stream.body())
            self.ledger.count(self.kind, "initialize", refused.outcome)
            return []
        self._ready = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self.read(stream))
        self._endpoint = await self.await_answer(self._ready)
        operations = await super().begin()
        return [each for each in operations if each != "foreign"]

    async def read(self, stream):
        try:
            async for name, data in stream.events():
                self.inspect(data)
                if name == b"endpoint":
                    self._ready.set_result(data.decode())
                elif data:
                    await self.hear(json.loads(data))
        except (Broken, Hang):
            pass
        finally:
            for waiting in [self._ready, *self._waiting.values()]:
                if not waiting.done():
                    waiting.set_exception(Broken("the stream ended"))
                    waiting.exception()

    async def hear(self, message):
        if "method" in message:
            if "id" in message:
                await self.reply(message)
            return
        waiting = self._waiting.pop(message.get("id"), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    async def asked(self, method, params, connection=None):
        message = self.message(method, params)
        waiting = self._waiting[message["id"]] = asyncio.get_running_loop().create_future()
        answer = await (connection or self._main).request("POST", self.path, {}, encoded(message))
        body = await answer.body()
        if answer.status not in (200, 202):
            waiting.cancel()
            raise self.refusal(answer.status, body)
        return await self.await_answer(waiting), answer

    async def await_answer(self, waiting):
        return await in_time(waiting)

    async def listen(self):
        """There is one stream, and it is read already."""

    async def leave_call(self):
        message = self.message("tools/call", self.slow_call())
        await self.posted(message)
        return "left"

    async def cancel(self):
        message = self.message("tools/call", self.slow_call())
        await self.posted(message)
        await self.told("notifications/cancelled", {"requestId": message["id"]})
        return "cancelled"

    async def end(self):
        if self._reading is None:
            return
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading


KINDS = {"legacy": LegacySession, "modern": ModernSession, "sse": SseSession}


class Client:
    """One identity: its sessions come one after the other."""

    def __init__(self, number, port, key, ledger, rng):
        self.number = number
        self.port = port
        self.key = key
        self.ledger = ledger
        self.rng = rng
        self.last_session = None
        self.session = None
        self.neighbour = self

    async def run(self, targets, numbers):
        """A session for each of `numbers`, an iterator that all clients share."""
        for number in numbers:
            target = self.rng.choice(targets)
            kind = self.rng.choice(target.eras)
            self.session = KINDS[kind](self, number, target, kind, self.rng)
            await self.session.run()
        self.session = None
