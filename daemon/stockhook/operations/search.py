"""Orders by what a person has in hand of them: their id, the code of a line, a lot or a piece that they got of.

Events and deliveries are found through their orders, so that no index but those of orders, lines and units is needed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any, Final

from stockhook.model import Alias, Delivery, Event, Item, Line, Movement, Unit, fold
from stockhook.store import FOREVER, Folded, Match, Range, Read

MOST: Final = 250
"""Orders that are looked at for a code or a lot: what has more is narrowed down by other filters, or by its recall."""

_UNITS: Final = 100
"""Units of a lot whose movements are looked at, the newest ones."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Ids of orders; ``cut``: more have what was asked for, and these are the newest, by their ids or their goods."""

    ids: frozenset[str]
    cut: bool = False

    def __and__(self, other: "Orders") -> "Orders":
        """Return what both name."""
        return Orders(self.ids & other.ids, self.cut or other.cut)

    def match(self, view: Read, record: type[Any]) -> dict[str, Match]:
        """Return what events, or deliveries, of these orders match."""
        if record is not Delivery:
            return {"order_id": self.ids}
        told = view.totals(Event, by=("delivery_id",), where={"order_id": self.ids})
        return {"id": frozenset(total.by[0] for total in told)}


def spellings(written: str) -> frozenset[str]:
    """Return how an order id may be kept that a person wrote: as it stands, or in one case."""
    return frozenset({written, written.upper(), written.lower()})


def orders_named(view: Read, order: str = "", code: str = "", lot: str = "") -> Orders | None:
    """Return the orders that have all that is given of id, code of a line, and lot or serial number; None for no word.

    Case does not count; of a code or a lot, no more than ``MOST`` orders are found.
    """
    asked: list[Orders] = []
    if order:
        asked.append(Orders(spellings(order)))
    if code:
        asked.append(orders_with_code(view, code))
    if lot:
        asked.append(orders_with_lot(view, lot))
    return reduce(and_, asked) if asked else None


def lines_with_code(view: Read, code: str, most: int) -> list[Line]:
    """Return lines that bear a code, in the spellings known of it, by descending order id and number."""
    found: list[Line] = []
    for spelling in _codes(view, code):  # one by one: an index holds the lines of each in this very order
        found += view.find(Line, {"code": spelling}, most=most)
    return sorted(found, key=lambda line: (line.order_id, line.account, line.number), reverse=True)[:most]


def orders_with_code(view: Read, code: str) -> Orders:
    """Return the orders of which a line bears a code, those with the highest ids first."""
    found = lines_with_code(view, code, MOST + 1)
    return _first(line.order_id for line in found)


def orders_with_lot(view: Read, lot: str) -> Orders:
    """Return the orders for which goods of a lot, or a piece by its serial number, were booked, newest goods first."""
    named = Folded(fold(lot))
    units = {unit.id for what in ("lot", "serial") for unit in view.find(Unit, {what: named}, most=_UNITS + 1)}
    found: dict[str, None] = {}
    cut = len(units) > _UNITS
    for unit in sorted(units, reverse=True)[:_UNITS]:
        rows = view.find(Movement, {"unit_id": unit, "order_id": Range(low="")}, most=MOST + 1)
        found |= dict.fromkeys(str(row.order_id) for row in rows)
        cut = cut or len(rows) > MOST
        if len(found) > MOST:
            break
    first = _first(found)
    return Orders(first.ids, first.cut or cut)


def _first(found: Iterable[str]) -> Orders:
    ids = [*dict.fromkeys(found)]
    return Orders(frozenset(ids[:MOST]), len(ids) > MOST)


def _codes(view: Read, code: str) -> list[str]:
    """Return a code as it stands, in one case, and as items and aliases are written that it names."""
    skus = view.catalogue((), {code}).items.values()
    aliases = view.find(Alias, {"code": fold(code)}, most=FOREVER)
    named: list[Item | Alias] = [*(item for item in skus if fold(item.sku) == fold(code)), *aliases]
    written = {each.sku if isinstance(each, Item) else each.written for each in named}
    return sorted(spellings(code) | written)
