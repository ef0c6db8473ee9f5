"""What happens to the gateway meanwhile: its children are killed, its configuration is read anew."""

import asyncio
import contextlib
import os
import signal

from . import remains

RELOAD_PAUSE_S = 2.0
# Every so many reloads the children's environment changes, so that those that run are of an old configuration.
RELOADS_PER_NEW_CHILD = 5


class Chaos:
    """Kills and reloads until it is cancelled."""

    def __init__(self, service, write_configuration, rng, kill_pause_s):
        self.kills = 0
        self._kill_pause_s = kill_pause_s
        self.reloads = 0
        self._service = service
        self._write = write_configuration
        self._rng = rng

    async def run(self):
        await asyncio.gather(self._kill(), self._reload())

    async def _kill(self):
        while True:
            await asyncio.sleep(self._kill_pause_s)
            children = await asyncio.to_thread(remains.children, self._service.pid)
            if children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._rng.choice(children), signal.SIGKILL)
                    self.kills += 1

    async def _reload(self):
        while True:
            await asyncio.sleep(RELOAD_PAUSE_S)
            self.reloads += 1
            self._write(self.reloads, self.reloads // RELOADS_PER_NEW_CHILD)
            os.kill(self._service.pid, signal.SIGHUP)
