"""Records by the ids that persons and programs name, or where to look for one that is none."""

from collections.abc import Mapping
from typing import Final, TypeVar

from stockhook.errors import NotFound
from stockhook.model import Audit, Delivery, Event, Movement, Problem, Unit
from stockhook.store import Read

R = TypeVar("R")

_NAMES: Final[Mapping[type, tuple[str, str]]] = {
    Delivery: ("delivery", "`stockhook deliveries list` shows them"),
    Event: ("event", "`stockhook events list` shows them"),
    Unit: ("unit", "`stockhook stock list` shows them"),
    Movement: (
        "movement",
        "the page of a unit lists its movements, and `stockhook orders show` those of an order",
    ),
    Problem: ("problem", "`stockhook problems list --all` shows them"),
    Audit: ("audit entry", "`stockhook audit list` shows them"),
}


def known(view: Read, record: type[R], number: int) -> R:
    """Return the record of that id; raises NotFound with where they are listed."""
    found = view.find(record, {"id": number}, most=1)
    if not found:
        raise NotFound(missing(record, number))
    return found[0]


def missing(record: type, number: int) -> str:
    """Return the sentence that there is no such record, and where to look."""
    noun, listed = _NAMES[record]
    return f"there is no {noun} {number}; {listed}"
