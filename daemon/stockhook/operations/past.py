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

_BEFORE, _AFTER = "before", "after"

_FIELDS: Final[Mapping[str, tuple[Callable[[Any], str], Callable[[str], Any]]]] = {
    "lot": (str, str),
    "serial": (str, str),
    "expires_on": (date.isoformat, date.fromisoformat),
    "received_at": (lambda at: at.astimezone(UTC).isoformat(), datetime.fromisoformat),
    "unit_cost": (text, parse),
    "priority": (str, int),
    "reference": (str, str),
}
"""What can be amended of a unit: how the audit writes it, and how that is read."""


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
    return replace(unit, **_read(entry, _BEFORE))


def after(entry: Audit, unit: Unit) -> Unit:
    """Return a unit, as it was before, with what the entry tells of done to it."""
    if entry.action != AMEND:
        return replace(unit, held=entry.action == HOLD)
    return replace(unit, **_read(entry, _AFTER))


def amendment(before: Unit, after: Unit) -> dict[str, str]:
    """Return what was changed of a unit, for the audit: ``lot_before`` and ``lot_after``, say; one of None is left out.

    No word stands for None: whatever it were, a lot could be called so.
    """
    return {
        f"{name}_{when}": write(value)
        for name, (write, _) in _FIELDS.items()
        if getattr(before, name) != getattr(after, name)
        for when, unit in ((_BEFORE, before), (_AFTER, after))
        if (value := getattr(unit, name)) is not None
    }


def _read(entry: Audit, when: str) -> dict[str, Any]:
    """Return the fields that an amendment changed as they were before or after it."""
    values: dict[str, Any] = {}
    for name, (_, read) in _FIELDS.items():
        if {f"{name}_{_BEFORE}", f"{name}_{_AFTER}"} & entry.details.keys():
            written = entry.details.get(f"{name}_{when}")
            values[name] = None if written is None else read(written)
    return values
