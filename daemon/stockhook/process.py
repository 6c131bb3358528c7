"""The interpreter's own settings, for a process that answers requests and works beside it, and the end of it."""

import gc
import os
import sys
import threading
from typing import Final

from stockhook import log

logger = log.get(__name__)

END: Final = 29.0
"""Seconds after which a process that was to end is ended: some thread hangs in the store or in a plugin."""

GARBAGE: Final = 50_000
"""So many objects more than before make the collector look: records hold no cycles, and reference counts free them."""
HAND_OVER: Final = 0.0005
"""Seconds that a thread keeps the interpreter while others want it; Python's own 5 ms would be added many times."""


def settle_threads() -> None:
    """Have a busy thread hand the interpreter over soon: a request needs it some ten times before it is answered."""
    sys.setswitchinterval(HAND_OVER)


def settle_memory() -> None:
    """Have the garbage collector leave alone what start-up has made, which stays for good: it stops all threads."""
    gc.set_threshold(GARBAGE, 20, 50)
    gc.collect()
    gc.freeze()


def end_soon() -> None:
    """End the process after ``END`` seconds, if it has not ended by then: a thread that hangs would hold it for ever.

    That is no worse than a crash, which loses nothing.
    """

    def end() -> None:
        logger.critical("something hangs, the process is ended", seconds=END)
        log.settle(1.0)
        os._exit(1)

    last = threading.Timer(END, end)
    last.daemon = True
    last.start()
