"""HTTP+SSE of 2024-11-05."""

import asyncio
import contextlib
import json

from .legacy import LegacySession
from .wire import Broken, Hang, encoded, in_time


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
