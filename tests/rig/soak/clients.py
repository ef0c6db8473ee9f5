"""One identity's sessions, one after the other."""

from .legacy import LegacySession
from .modern import ModernSession
from .sse import SseSession

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
