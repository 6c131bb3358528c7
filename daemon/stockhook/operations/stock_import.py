"""Stock from and to a spreadsheet: a file of receipts booked as a whole, units written out (design.md section 8)."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Final

from stockhook.errors import Refused
from stockhook.model import Audit, Item, Location, Unit, fold
from stockhook.operations.calendar import day, moment
from stockhook.operations.desk import Desk
from stockhook.operations.due import every, make_due, waiting_on_code
from stockhook.operations.items import checked_name, checked_sku
from stockhook.operations.locations import checked_path, parents
from stockhook.operations.spreadsheet import Row, armoured, lines, read_file, refuse_faults, rows
from stockhook.operations.stock.details import checked_cost
from stockhook.operations.stock.receipts import Receipt, receive, retired
from stockhook.operations.words import checked
from stockhook.quantity import ONE, Quantity, parse, text
from stockhook.store import FOREVER, Range, Read

REQUIRED: Final = ("sku", "name", "location", "quantity")
OPTIONAL: Final = (
    "received_at",
    "lot",
    "expires_on",
    "unit_cost",
    "serial",
    "pick_sequence",
    "priority",
    "reference",
)
COLUMNS: Final = (*REQUIRED, *OPTIONAL)
_ACTION: Final = "stock import"
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import booked: how many units, how much in all, what was made for it, and the orders it settled."""

    units: int
    quantity: Quantity
    items: tuple[Item, ...]
    locations: tuple[Location, ...]
    orders: int


@dataclass(slots=True)
class _Sheet:
    """What is known and made while the rows are read; items by folded sku, ``serials`` to the row that named them."""

    items: dict[str, Item]
    places: dict[str, Location]
    create: bool
    made_items: dict[str, Item] = field(default_factory=dict)
    made_places: dict[str, Location] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    serials: dict[tuple[str, str], Row] = field(default_factory=dict)


def import_stock(desk: Desk, path: Path, *, create: bool = True, again: bool = False) -> Imported:
    """Book the rows of a CSV file as receipts, all or none; missing items and locations are made.

    Raises Refused with every bad row, for a file imported before (unless ``again``), and, unless ``create``, for
    items and locations that do not exist.
    """
    data = read_file(path)
    digest = hashlib.sha256(data).hexdigest()

    def check(view: Read) -> None:
        if not again:
            _refuse_again(view, digest, path.name)

    with desk.store.read() as view:
        check(view)
    found = rows(data, REQUIRED, OPTIONAL, path.name)
    if not found:
        raise Refused(f"{path.name} has no rows below its header; nothing was changed")
    with desk.store.read() as view:
        known = view.catalogue((), {row.text("sku") or "" for row in found}).items
        sheet = _Sheet(dict(known), {place.path: place for place in view.find(Location, most=FOREVER)}, create)
        receipts = [receipt for row in found if (receipt := _receipt(row, sheet)) is not None]
        _check_serials(view, sheet)
    refuse_faults(found, path.name)
    made: list[Item | Location] = [*sheet.made_items.values(), *sheet.made_places.values()]
    audit = desk.audit(_ACTION, digest, file=path.name, rows=str(len(receipts)))
    received = receive(desk, receipts, made=made, records=(audit,), check=check)
    _tell_who_waited(desk, sheet.made_items)
    return Imported(
        units=len(received.units),
        quantity=sum(receipt.quantity for receipt in receipts),
        items=tuple(sheet.made_items.values()),
        locations=tuple(sheet.made_places.values()),
        orders=len(received.orders),
    )


def export_stock(desk: Desk, *, everything: bool = False) -> Iterator[str]:
    """Yield the lines of a CSV file that ``import_stock`` reads: units with a quantity, or ``everything``."""
    with desk.store.read() as view:
        names = {item.sku: item.name for item in every(view, Item)}
        places = {place.path: place for place in view.find(Location, most=FOREVER)}
        where = {} if everything else {"quantity": Range(low=1)}
        yield from lines(COLUMNS, (_cells(unit, names, places) for unit in every(view, Unit, where)))


def _refuse_again(view: Read, digest: str, name: str) -> None:
    before = view.find(Audit, {"action": _ACTION, "subject": digest}, most=1)
    if before:
        when = before[0].at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        raise Refused(
            f"{name} was imported on {when} by {before[0].actor}, and an import adds to stock; nothing was changed. "
            "If it is meant, import it with --again"
        )


def _receipt(row: Row, sheet: _Sheet) -> Receipt | None:
    """Return a row as a receipt; what is wrong becomes its faults."""
    for column in ("sku", "location", "quantity"):
        if row.text(column) is None:
            row.fault(f"{column} is empty")
    serial = row.text("serial")
    item = row.read("sku", lambda sku: _item(row, sheet, sku, serial=serial is not None))
    place = row.read("location", lambda location: _place(row, sheet, location))
    quantity = row.read("quantity", parse)
    receipt = Receipt(
        sku=item.sku if item else "",
        quantity=quantity or 0,
        location=place or "",
        received_at=row.read("received_at", moment),
        lot=row.read("lot", partial(checked, "lot")),
        serial=row.read("serial", partial(checked, "serial number")),
        expires_on=row.read("expires_on", day),
        unit_cost=row.read("unit_cost", cost),
        priority=row.read("priority", whole),
        reference=row.read("reference", partial(checked, "reference")),
    )
    if quantity is not None and quantity <= 0:
        row.fault(f"quantity: {text(quantity)} cannot be received; a receipt is above 0")
    if item is not None and item.serial:
        _serial(row, sheet, item, quantity)
    elif item is not None and serial is not None:
        row.fault(f"serial: {item.sku} has no serial numbers")
    return None if row.faults else receipt


def _item(row: Row, sheet: _Sheet, sku: str, *, serial: bool) -> Item | None:
    known = sheet.items.get(fold(sku)) or sheet.made_items.get(fold(sku))
    if known is not None:
        if known.retired:
            row.fault(f"sku: {known.sku} is {retired(known)}")
        return known
    if not sheet.create:
        row.fault(f"there is no item {sku}; leave out --no-create to have it made")
        return None
    item = Item(checked_sku(sku), row.read("name", checked_name) or "", serial)
    sheet.made_items[fold(sku)] = item
    return item


def _place(row: Row, sheet: _Sheet, written: str) -> str | None:
    path = checked_path(written)
    sequence = row.read("pick_sequence", whole)
    known = sheet.places.get(path)
    if known is not None:
        if sequence is not None and sequence != known.pick_sequence:
            now = "none" if known.pick_sequence is None else known.pick_sequence
            change = f"stockhook locations set {path} --pick-sequence {sequence}"
            row.fault(f"pick_sequence: {path} has {now}; change it with: {change}")
        return path
    if not sheet.create:
        row.fault(f"there is no location {path}; leave out --no-create to have it made")
        return None
    if sequence is not None and sheet.sequences.setdefault(path, sequence) != sequence:
        row.fault(f"pick_sequence: a row above gives {path} the number {sheet.sequences[path]}")
    for parent in parents(path):
        if parent not in sheet.places:
            sheet.made_places.setdefault(parent, Location(parent))
    sheet.made_places[path] = Location(path, pick_sequence=sheet.sequences.get(path))
    return path


def _serial(row: Row, sheet: _Sheet, item: Item, quantity: Quantity | None) -> None:
    serial = row.text("serial")
    if serial is None:
        row.fault(f"serial is empty, but {item.sku} has serial numbers: one row for each piece")
        return
    if quantity is not None and quantity > 0 and quantity != ONE:
        row.fault(f"quantity: a piece with a serial number is 1, not {text(quantity)}")
    first = sheet.serials.setdefault((item.sku, fold(serial)), row)
    if first is not row:
        row.fault(f"serial: {serial} of {item.sku} is on line {first.line} as well")


def _check_serials(view: Read, sheet: _Sheet) -> None:
    skus = sorted({sku for sku, _ in sheet.serials})
    for start in range(0, len(skus), _AT_ONCE):
        asked = {"sku": frozenset(skus[start : start + _AT_ONCE]), "quantity": Range(low=1)}
        for unit in every(view, Unit, asked):
            row = sheet.serials.get((unit.sku, fold(unit.serial or "")))
            if row is not None:
                row.fault(f"serial: {unit.serial} of {unit.sku} is in stock already, as unit {unit.id}")


def _tell_who_waited(desk: Desk, made: dict[str, Item]) -> None:
    """Make due the orders that waited for a code which is the sku of a new item."""
    if not made:
        return
    with desk.store.write() as work:
        make_due(desk, work, {key for code in made for key in waiting_on_code(work, code)})


def _cells(unit: Unit, names: dict[str, str], places: dict[str, Location]) -> tuple[str, ...]:
    place = places.get(unit.location)
    return (
        armoured(unit.sku),
        armoured(names.get(unit.sku, "")),
        armoured(unit.location),
        text(unit.quantity),
        unit.received_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        armoured(unit.lot or ""),
        unit.expires_on.isoformat() if unit.expires_on else "",
        "" if unit.unit_cost is None else text(unit.unit_cost),
        armoured(unit.serial or ""),
        "" if place is None or place.pick_sequence is None else str(place.pick_sequence),
        "" if unit.priority is None else str(unit.priority),
        armoured(unit.reference or ""),
    )


def cost(written: str) -> Quantity:
    """Return a cost, which is not below 0; raises BadQuantity or Refused."""
    return checked_cost(parse(written))


def whole(written: str) -> int:
    """Return a whole number that a store can keep; raises ValueError."""
    if not written.lstrip("-").isascii() or not written.removeprefix("-").isdigit() or len(written) > len("-100000000"):
        raise ValueError(f"{written!r} is not a whole number of at most nine digits")
    return int(written)
