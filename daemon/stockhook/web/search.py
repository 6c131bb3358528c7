"""One box for whatever a person has in hand: an order id, a SKU, a store code, a lot, a serial number."""

from collections.abc import Sequence
from typing import Final

from stockhook.model import Alias, Event, Item, Order, Problem, ProblemState, Unit, Wait, WaitKind, fold
from stockhook.operations.search import lines_with_code, spellings
from stockhook.store import FOREVER, Folded, Read
from stockhook.web.page import Page, Values
from stockhook.web.paging import PAGE

_LISTS: Final = ("orders", "items", "aliases", "problems", "units", "lines", "events", "lots", "serials")


class SearchPage(Page):
    """What is known by the words sought."""

    async def get(self) -> None:
        """Show it."""
        sought = self.asked("q")
        await self.show("search.html", lambda view: search(view, sought))


def search(view: Read, sought: str) -> Values:
    """Return the records that are named so, in whatever case, and in ``cut`` which lists have more than are shown.

    Order ids are found as written, in capitals, and in small letters; the codes of lines also as items and aliases
    are written that the words name.
    """
    if not sought:
        return {"q": "", "cut": frozenset()} | {name: [] for name in _LISTS}
    items = [item for item in view.catalogue((), {sought}).items.values() if fold(item.sku) == fold(sought)]
    orders, named = spellings(sought), Folded(fold(sought))
    lots = view.find(Unit, {"lot": named}, most=PAGE + 1)
    serials = view.find(Unit, {"serial": named}, most=PAGE + 1)
    named_units = {unit.id: unit for unit in (*lots, *serials)}
    found: dict[str, Sequence[object]] = {
        "orders": view.find(Order, {"order_id": orders}, most=PAGE + 1),
        "aliases": view.find(Alias, {"code": fold(sought)}, most=PAGE + 1),
        "units": [named_units[number] for number in sorted(named_units, reverse=True)],
        "lines": lines_with_code(view, sought, PAGE + 1),
        "events": view.find(Event, {"order_id": orders}, most=PAGE + 1),
    }
    return {
        "q": sought,
        "items": items,
        "problems": problems(view, sought, items),
        "lots": list(dict.fromkeys(unit.lot for unit in lots)),
        "serials": list(dict.fromkeys(unit.serial for unit in serials)),
        **{name: rows[:PAGE] for name, rows in found.items()},
        "cut": frozenset(name for name, rows in found.items() if len(rows) > PAGE),
    }


def problems(view: Read, sought: str, items: list[Item]) -> list[Problem]:
    """Return the open problems of a code that orders wait for, and of items."""
    waiting = view.totals(Wait, by=("account",), where={"kind": WaitKind.CODE, "subject": fold(sought)})
    subjects = {f"{total.by[0]}/{code.upper()}" for total in waiting for code in (sought, fold(sought))}
    subjects |= {item.sku for item in items}
    if not subjects:
        return []
    return view.find(Problem, {"state": ProblemState.OPEN, "subject": frozenset(subjects)}, most=FOREVER)
