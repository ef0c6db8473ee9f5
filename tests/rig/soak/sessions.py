"""What every session of the soak does: it asks, inspects whatever comes, and says how it ended."""

import asyncio
import json
from dataclasses import dataclass

from .wire import Broken, Connection, Hang

OPERATIONS_MAX = 4
OPERATION_S = 25.0
# Statuses by which a gateway may refuse while children die and back off: told, counted, never wrong.
REFUSALS = {404: "gone", 429: "full", 502: "refused", 503: "refused", 504: "refused"}
STATE_LOST = b"requestState is unknown"


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
