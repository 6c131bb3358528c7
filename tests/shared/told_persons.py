"""How often what persons ask of the shop driven at random was done, and how often refused."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from stockhook.errors import Refused

ANSWERS: Final[Counter[tuple[str, str]]] = Counter()
"""By what was asked, and ``done`` or ``refused``."""


@contextmanager
def asked(what: str) -> Iterator[None]:
    """Ask for something that may be refused; a test holds to it that both happen."""
    try:
        yield
    except Refused:
        ANSWERS[what, "refused"] += 1
    else:
        ANSWERS[what, "done"] += 1
