"""2026-07-28: every request stands for itself."""

from .legacy import CAPABILITIES, LegacySession
from .sessions import answer_to
from .wire import encoded

MODERN_VERSION = "2026-07-28"
META = "io.modelcontextprotocol/"
ROUNDS_MAX = 5


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
