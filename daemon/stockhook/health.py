"""What the running daemon knows of itself and no store can tell; cheap to ask, and without detail for the outside."""

from collections.abc import Callable
from dataclasses import dataclass


def _well() -> None:
    return None


@dataclass(slots=True)
class Health:
    """What the probes ask: ``alive`` and ``ready`` return what is wrong in a word, or None."""

    alive: Callable[[], str | None] = _well
    ready: Callable[[], str | None] = _well

    def answer(self, path: str) -> tuple[bool, str]:
        """Return whether all is well, and one line of text, for ``/healthz`` or ``/readyz``."""
        wrong = self.alive() if path == "/healthz" else self.alive() or self.ready()
        return wrong is None, f"{wrong or 'ok'}\n"
