"""Opens the store for a daemon: systemd hears that it takes long, and a store on another machine is waited for."""

import asyncio
import time
from typing import Final

from stockhook import log
from stockhook.errors import StoreAway
from stockhook.store import Store
from stockhook.systemd import Systemd

logger = log.get(__name__)

AWAY: Final = 90.0
"""Seconds for which a store that is away is tried.

So five starts take longer than the unit's StartLimitIntervalSec, and systemd goes on for as long as it is away.
"""
PAUSE: Final = 1.0
"""Seconds between two tries."""
OPENING: Final = 3600.0
"""Seconds for which more time is asked of systemd; a migration may take long."""
MORE: Final = 30
"""Seconds asked for at a time."""


async def open_for_daemon(store: Store, systemd: Systemd) -> None:
    """Open the store; one that is away is tried again and again, for ``AWAY`` seconds, and the log says so at once.

    Raises what opening it raises: that a store is away at the end only, all else at once.
    """
    began = time.monotonic()
    waiting = log.Outage(logger, "store is away, waiting for it", "store is there")
    while True:
        try:
            await _open(store, systemd)
        except StoreAway as error:
            if time.monotonic() - began + PAUSE > AWAY:
                raise
            waiting.failed(error)
            systemd.starting("waiting for the store, which is away: see the log", MORE)
            await asyncio.sleep(PAUSE)
        else:
            waiting.ended()
            return


async def _open(store: Store, systemd: Systemd) -> None:
    opening = asyncio.create_task(asyncio.to_thread(store.open))
    began = time.monotonic()
    while not (await asyncio.wait({opening}, timeout=MORE / 3))[0]:
        spent = time.monotonic() - began
        if spent < OPENING:
            systemd.starting(f"opening the store, for {spent:.0f} s so far", MORE)
    opening.result()
