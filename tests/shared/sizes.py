"""How much a test of chance does: little in ``make test``, a lot in ``make test-long``."""

import os

LONG = os.environ.get("STOCKHOOK_LONG") == "1"


def times(small: int, long: int) -> int:
    """Return the one or the other."""
    return long if LONG else small


def seeds(small: int, long: int, first: int = 20261121) -> range:
    """Return so many seeds; as parameters of a test they are part of its name, and so of every failure."""
    return range(first, first + times(small, long))
