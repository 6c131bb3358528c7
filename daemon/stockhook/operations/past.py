"""Units as the book had them at a moment: what was changed of them since is taken back (by booking time)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from stockhook.errors import Refused
from stockhook.model import Audit, Unit
from stockhook.operations.due import every
from stockhook.quantity import parse, text
from stockhook.store import Match, Range, Read

INSTANT: Final = timedelta(microseconds=1)

HOLD, RELEASE, AMEND = "stock hold", "stock release", "stock amend"
"""What the audit calls what persons do to units beyond movements."""

_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "lot": str,
    "serial": str,
    "expires_on": date.fromisoformat,
    "received_at": datetime.fromisoformat,
    "unit_cost": parse,
    "priority": int,
    "reference": str,
}


def refuse_future(moment: datetime, now: datetime) -> None:
    """Raise Refused for a moment of which the book says nothing yet."""
    if moment > now:
        raise Refused(
            f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ} is in the future, and it is {now:%Y-%m-%d %H:%M:%SZ} now: "
            "the book says nothing of it yet"
        )


class Past:
    """What the audit says of units since a moment; ``unit`` takes it back, ``changes`` are in the order they came."""

    def __init__(self, view: Read, moment: datetime) -> None:
        """Read what was done to units after the moment."""
        self.changes: list[Audit] = []
        self._changes: dict[int, list[Audit]] = {}
        where: dict[str, Match] = {"action": frozenset({HOLD, RELEASE, AMEND}), "at": Range(low=moment + INSTANT)}
        for entry in every(view, Audit, where):
            self.changes.append(entry)
            for unit_id in units_of(entry):
                self._changes.setdefault(unit_id, []).append(entry)
        self.changes.reverse()

    def unit(self, unit: Unit) -> Unit:
        """Return a unit as it was called and held then; its quantity is left as it is."""
        for entry in self._changes.get(unit.id, ()):
            unit = before(entry, unit)
        return unit


def units_of(entry: Audit) -> Iterator[int]:
    """Yield the units that an audit entry of ``stock hold``, ``release`` or ``amend`` changed."""
    written = entry.details.get("units", "") if entry.action != AMEND else entry.subject.removeprefix("unit ")
    yield from (int(part) for part in written.split(",") if part.strip().isdecimal())


def before(entry: Audit, unit: Unit) -> Unit:
    """Return a unit as it was before what the entry tells of was done to it."""
    if entry.action != AMEND:
        return replace(unit, held=entry.action == RELEASE)
    # the new value is known, so that one which holds the arrow itself is told from the old one
    return _amended(entry, unit, lambda told, known: told.removesuffix(f" > {known}"))


def after(entry: Audit, unit: Unit) -> Unit:
    """Return a unit, as it was before, with what the entry tells of done to it."""
    if entry.action != AMEND:
        return replace(unit, held=entry.action == HOLD)
    return _amended(entry, unit, lambda told, known: told.removeprefix(f"{known} > "))


def _amended(entry: Audit, unit: Unit, other: Callable[[str, str], str]) -> Unit:
    changes: dict[str, Any] = {}
    for name, read in _READ.items():
        if name in entry.details:
            value = other(entry.details[name], written(name, unit))
            changes[name] = None if value == "none" else read(value)
    return replace(unit, **changes)


def written(name: str, unit: Unit) -> str:
    """Return a field of a unit as the audit of an amendment writes it."""
    value = getattr(unit, name)
    if name == "unit_cost" and value is not None:
        return text(value)
    match value:
        case None:
            return "none"
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
    return str(value)
