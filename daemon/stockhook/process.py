"""The interpreter's own settings, for a process that answers requests and works beside it."""

import gc
import sys
from typing import Final

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
