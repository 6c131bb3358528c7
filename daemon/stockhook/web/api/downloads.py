"""Downloads: lists as CSV for a spreadsheet, read and sent a page at a time."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from stockhook.operations.desk import Desk
from stockhook.operations.spreadsheet import armoured, lines
from stockhook.rows.received import EventRow
from stockhook.rows.stock import LedgerRow, UnitRow
from stockhook.rows.values import Row
from stockhook.web.api import events, movements, stock
from stockhook.web.api.events import EventFilter
from stockhook.web.api.movements import MovementFilter
from stockhook.web.api.paging import Listed, Page
from stockhook.web.api.route import Routes
from stockhook.web.api.stock import StockFilter

routes = Routes()

R = TypeVar("R", bound=Row)

PAGE: Final = 1000
"""Rows that are read, and sent, at a time."""

_NUMBERS: Final = frozenset({"quantity", "balance_after", "unit_cost"})
"""Columns whose text is ours, and may begin with a minus."""


@routes.get("/stock.csv")
def download_stock(desk: Desk, query: StockFilter) -> Iterator[str]:
    """Download what `/stock` lists, all of it, as CSV."""
    return _pieces(UnitRow, lambda page: stock.list_stock(desk, query, page))


@routes.get("/movements.csv")
def download_movements(desk: Desk, query: MovementFilter) -> Iterator[str]:
    """Download what `/movements` lists, all of it, as CSV."""
    return _pieces(LedgerRow, lambda page: movements.list_movements(desk, query, page))


@routes.get("/events.csv")
def download_events(desk: Desk, query: EventFilter) -> Iterator[str]:
    """Download what `/events` lists, all of it, as CSV."""
    return _pieces(EventRow, lambda page: events.list_events(desk, query, page))


def _pieces(kind: type[R], read: Callable[[Page], Listed[R]]) -> Iterator[str]:
    """Yield the header, then the rows a page at a time; each page is a view of its own, so that none stays open."""
    names = kind.__struct_fields__
    found = read(Page(limit=PAGE))  # before the first word is sent, so that what is wrong can still be told
    yield "".join(lines(names, (_cells(names, row) for row in found.rows)))
    while found.next is not None:
        found = read(Page(limit=PAGE, cursor=found.next))
        _, *written = lines(names, (_cells(names, row) for row in found.rows))
        if written:
            yield "".join(written)


def _cells(names: Sequence[str], row: Row) -> list[str]:
    return [_cell(name, getattr(row, name)) for name in names]


def _cell(name: str, value: Any) -> str:
    """Return a value as a cell; what a store or a person may have written is no formula in any spreadsheet."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
    return str(value) if name in _NUMBERS else armoured(str(value))
