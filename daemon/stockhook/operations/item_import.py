"""Items from a spreadsheet: a file of items taken as a whole."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from stockhook.errors import Refused
from stockhook.model import Item, Unit, fold
from stockhook.operations.desk import Desk
from stockhook.operations.due import make_due, waiting_on_code
from stockhook.operations.items import checked_name, checked_sku
from stockhook.operations.posting import Moved, booked
from stockhook.operations.spreadsheet import Row, read_file, refuse_faults, rows
from stockhook.store import Work

REQUIRED: Final = ("sku",)
OPTIONAL: Final = ("name", "serial")
_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})


@dataclass(frozen=True, slots=True)
class Imported:
    """The items that are new, those whose name or kind changed, and how many were as the file says already."""

    added: tuple[Item, ...]
    changed: tuple[Item, ...]
    unchanged: int
    due: int


def import_items(desk: Desk, path: Path) -> Imported:
    """Add the items of a CSV file, and take over names and serial flags of those that exist; all rows or none.

    A cell that is empty leaves an existing item as it is. Raises Refused with every bad row.
    """
    found = rows(read_file(path), REQUIRED, OPTIONAL, path.name)
    if not found:
        raise Refused(f"{path.name} has no rows below its header; nothing was changed")
    return booked(desk, partial(_import, desk, found, path.name), "items")


def _import(desk: Desk, found: list[Row], name: str, work: Work) -> Imported:
    added, changed, unchanged = planned = _planned(work, found, name)
    counts = {"added": str(len(added)), "changed": str(len(changed))}
    work.save([desk.audit("items import", name, None, **counts)])
    if _planned(work, found, name) != planned:  # no version covers an item; from the first write on nobody else writes
        raise Moved
    work.save([*added, *changed])
    due = make_due(desk, work, {key for item in added for key in waiting_on_code(work, fold(item.sku))})
    return Imported(added, changed, unchanged, due)


def _planned(work: Work, found: list[Row], name: str) -> tuple[tuple[Item, ...], tuple[Item, ...], int]:
    """Return the items of a file that are new, those that change, and how many are as it says; raises Refused."""
    known = work.catalogue((), {row.text("sku") or "" for row in found}).items
    wanted: dict[str, tuple[Row, Item]] = {}
    for row in found:
        item = _item(row, known.get(fold(row.text("sku") or "")))
        if item is not None:
            first, _ = wanted.setdefault(fold(item.sku), (row, item))
            if first is not row:
                row.fault(f"sku: {item.sku} is on line {first.line} as well")
    for code, (row, item) in wanted.items():
        if code in known and item.serial != known[code].serial and _was_stocked(work, item):
            row.fault(f"serial: {item.sku} has been stocked, and whether it has serial numbers cannot change any more")
    refuse_faults(found, name)
    added = tuple(item for code, (_, item) in wanted.items() if code not in known)
    changed = tuple(item for code, (_, item) in wanted.items() if code in known and item != known[code])
    return added, changed, len(wanted) - len(added) - len(changed)


def _item(row: Row, known: Item | None) -> Item | None:
    if row.text("sku") is None:
        row.fault("sku is empty")
    sku = row.read("sku", checked_sku)
    name = row.read("name", checked_name)
    serial = row.read("serial", _flag)
    if row.faults or sku is None:
        return None
    if known is None:
        return Item(sku, name or "", bool(serial))
    return replace(known, name=known.name if name is None else name, serial=known.serial if serial is None else serial)


def _flag(written: str) -> bool:
    if fold(written) in _YES | _NO:
        return fold(written) in _YES
    raise ValueError(f"{written!r} is neither yes nor no")


def _was_stocked(work: Work, item: Item) -> bool:
    return bool(work.find(Unit, {"sku": item.sku}, most=1))
