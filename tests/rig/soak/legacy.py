"""Streamable HTTP up to 2025-11-25: sessions, which do what clients do and leave as clients leave."""

import asyncio
import contextlib
import json

from .sessions import Refused, Session, answer_to
from .wire import Broken, Hang, encoded

LEGACY_VERSION = "2025-11-25"
CAPABILITIES = {"sampling": {}, "elicitation": {}, "roots": {}}
LEAVES = ["delete"] * 7 + ["cut"] * 2 + ["silent"]


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
