"""HTTP/1.1 by hand on asyncio: one request at a time a connection, an answer read as it comes."""

import asyncio
import json

# A peer that says nothing for so long hangs: that is a finding, not a reason to wait on.
HANG_S = 30.0
BODY_BYTES_MAX = 8 << 20
LINE_BYTES_MAX = 8 << 20


class Broken(Exception):
    """The connection ended before the answer did."""


class Hang(Exception):
    """Nothing came for `HANG_S`."""


class Connection:
    """A connection to the gateway."""

    def __init__(self, port, key):
        self._port = port
        self._key = key
        self._reader = self._writer = None
        self.is_open = False

    async def request(self, method, path, headers=None, body=b""):
        """Sends one request and returns its answer, of which the head has come."""
        async with deadline():
            if not self.is_open:
                await self._open()
            self._writer.write(self._head(method, path, headers or {}, len(body)) + body)
            try:
                await self._writer.drain()
                return await self._read_head()
            except (OSError, EOFError, ValueError) as failure:
                self.cut()
                raise Broken(str(failure)) from failure

    def cut(self):
        """Closes the connection, whatever is under way."""
        self.is_open = False
        if self._writer is not None:
            self._writer.transport.abort()

    async def _open(self):
        try:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=LINE_BYTES_MAX)
        except OSError as failure:
            raise Broken(str(failure)) from failure
        self.is_open = True

    def _head(self, method, path, headers, length):
        fields = {
            "Host": f"127.0.0.1:{self._port}",
            "Authorization": f"Bearer {self._key}",
            "Accept": "application/json, text/event-stream",
            **headers,
        }
        if method == "POST":
            fields |= {"Content-Type": "application/json", "Content-Length": str(length)}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode()

    async def _read_head(self):
        status = await self._reader.readline()
        if not status:
            raise EOFError("closed before an answer")
        fields = {}
        while (line := await self._reader.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            fields[name.strip().lower()] = value.strip()
        return Answer(self, self._reader, int(status.split()[1]), fields)


class Answer:
    """A status, its fields and what follows."""

    def __init__(self, connection, reader, status, fields):
        self.status = status
        self.fields = fields
        self._connection = connection
        self._reader = reader

    @property
    def is_stream(self):
        return self.fields.get("content-type", "").startswith("text/event-stream")

    async def body(self):
        whole = bytearray()
        async for piece in self._pieces():
            whole += piece
            if len(whole) > BODY_BYTES_MAX:
                raise Broken("the body is larger than the client takes")
        return bytes(whole)

    async def events(self):
        """The events of a stream, each as its name and its data."""
        held = b""
        async for piece in self._pieces():
            held = (held + piece).replace(b"\r\n", b"\n")
            *whole, held = held.split(b"\n\n")
            for event in whole:
                yield split_event(event)

    async def _pieces(self):
        try:
            if "content-length" in self.fields:
                length = int(self.fields["content-length"])
                if length:
                    yield await in_time(self._reader.readexactly(length))
            elif self.fields.get("transfer-encoding") == "chunked":
                while size := int(await in_time(self._reader.readuntil(b"\r\n")), 16):
                    yield await in_time(self._reader.readexactly(size))
                    await in_time(self._reader.readexactly(2))
                await in_time(self._reader.readexactly(2))
            elif self.status not in (202, 204):
                while piece := await in_time(self._reader.read(65536)):
                    yield piece
                self._connection.cut()
        except (OSError, EOFError, ValueError) as failure:
            self._connection.cut()
            raise Broken(str(failure)) from failure
        if self.fields.get("connection") == "close":
            self._connection.cut()


def split_event(event):
    fields = [line.partition(b":") for line in event.split(b"\n")]
    values = lambda wanted: [value.removeprefix(b" ") for name, _, value in fields if name == wanted]  # noqa: E731
    return b"".join(values(b"event")) or b"message", b"\n".join(values(b"data"))


def deadline():
    return _Deadline()


class _Deadline:
    """A block that may take `HANG_S`, and is a hang beyond it."""

    async def __aenter__(self):
        self._timeout = asyncio.timeout(HANG_S)
        return await self._timeout.__aenter__()

    async def __aexit__(self, kind, failure, trace):
        try:
            return await self._timeout.__aexit__(kind, failure, trace)
        except TimeoutError as late:
            raise Hang(f"no byte for {HANG_S} s") from late


async def in_time(reading):
    async with deadline():
        return await reading


def encoded(message):
    return json.dumps(message).encode()
