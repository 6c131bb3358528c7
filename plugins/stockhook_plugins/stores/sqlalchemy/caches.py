"""What was read before and still holds: units by the version of their item, the catalogue by its own version.

Only views of what is committed fill them, and a commit carries its changes in; a version that is not the one in the
reader's snapshot makes an entry worthless, so nothing here can be stale.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from stockhook.plugin import model

_MOST_UNITS: Final = 100_000
_MOST_CODES: Final = 200_000

Shelf: TypeAlias = tuple[int, Mapping[int, model.Unit]]


@dataclass(slots=True)
class Moved:
    """What one commit does to the units of one item; ``remade`` when more than quantities changed."""

    before: int
    after: int
    quantities: dict[int, int] = field(default_factory=dict)
    remade: bool = False


class UnitCache:
    """The units with stock, per sku."""

    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}
        self._size = 0
        self._mutex = threading.Lock()

    def get(self, sku: str, version: int) -> Iterable[model.Unit] | None:
        """Return the units of an item at this version, if they are known."""
        found = self._shelves.get(sku)
        return found[1].values() if found is not None and found[0] == version else None

    def put(self, sku: str, version: int, units: Iterable[model.Unit]) -> None:
        """Remember what a view of this version has read."""
        with self._mutex:
            known = self._shelves.get(sku)
            if known is None or known[0] < version:
                self._set(sku, version, {unit.id: unit for unit in units})

    def carry(self, moved: Mapping[str, Moved]) -> None:
        """Carry in what has been committed."""
        with self._mutex:
            for sku, change in moved.items():
                known = self._shelves.get(sku)
                if known is not None and known[0] == change.before and not change.remade:
                    shelf = _moved(known[1], change.quantities)
                    if shelf is not None:
                        self._set(sku, change.after, shelf)

    def _set(self, sku: str, version: int, shelf: Mapping[int, model.Unit]) -> None:
        known = self._shelves.pop(sku, None)
        self._size += 1 + len(shelf) - (1 + len(known[1]) if known else 0)
        if self._size > _MOST_UNITS:
            self._shelves.clear()
            self._size = 1 + len(shelf)
        self._shelves[sku] = (version, shelf)


def _moved(units: Mapping[int, model.Unit], quantities: Mapping[int, int]) -> Mapping[int, model.Unit] | None:
    """Return the units after a commit; None if one has come back that had nothing, and so is not known here."""
    after = dict(units)
    for number, quantity in quantities.items():
        unit = after.get(number)
        if unit is None:
            return None
        if quantity or unit.held or unit.suspense:
            after[number] = replace(unit, quantity=quantity)
        else:
            del after[number]
    return after


class CatalogueCache:
    """What codes mean at one version of the catalogue; None for what is known to mean nothing."""

    def __init__(self) -> None:
        self._version = -1
        self._known: dict[Any, dict[Any, Any]] = {}
        self._mutex = threading.Lock()

    def at(self, version: int) -> Mapping[Any, dict[Any, Any]]:
        """Return the dicts of this version by what they hold; those of another one are dropped if they are older."""
        with self._mutex:
            if version < self._version:
                return _empty()
            if version > self._version or sum(map(len, self._known.values())) > _MOST_CODES:
                self._version, self._known = version, _empty()
            return self._known


def _empty() -> dict[Any, dict[Any, Any]]:
    return {model.Alias: {}, model.Item: {}, model.Kit: {}}
