"""Counts from a spreadsheet: of units by their number, or of items in locations."""

from pathlib import Path
from typing import Final

from stockhook.errors import Refused
from stockhook.operations.spreadsheet import Row, read_file, refuse_faults, rows
from stockhook.operations.stock.tallies import Tally
from stockhook.quantity import Quantity, parse, text

BY_UNIT: Final = ("unit_id", "quantity")
BY_PLACE: Final = ("sku", "location", "quantity")


def read_counts(path: Path) -> list[Tally]:
    """Return the rows of a CSV file with the header ``unit_id,quantity`` or ``sku,location,quantity``.

    UTF-8 with or without a byte order mark, with commas or semicolons. Raises NotFound or Refused with every bad row.
    """
    data = read_file(path)
    by_unit = b"unit_id" in data.split(b"\n", 1)[0].lower()
    required, instead = (BY_UNIT, BY_PLACE) if by_unit else (BY_PLACE, BY_UNIT)
    found = rows(data, required, (), path.name, instead)
    if not found:
        raise Refused(f"{path.name} has no rows below its header; nothing was changed")
    tallies = [_tally(row, required, path.name) for row in found]
    refuse_faults(found, path.name)
    return tallies


def _tally(row: Row, required: tuple[str, ...], name: str) -> Tally:
    for column in required:
        if row.text(column) is None:
            row.fault(f"{column} is empty")
    return Tally(
        row.read("quantity", _counted) or 0,
        row.read("unit_id", unit_number) if "unit_id" in required else None,
        row.text("sku") or "",
        row.text("location") or "",
        where=f"{name} line {row.line}: ",
    )


def _counted(written: str) -> Quantity:
    quantity = parse(written)
    if quantity < 0:
        raise ValueError(f"{text(quantity)} cannot be counted; where there is nothing, the count is 0")
    return quantity


def unit_number(written: str) -> int:
    """Return the number of a unit; raises ValueError."""
    if not (written.isascii() and written.isdigit()) or len(written) > len("9" * 18):
        raise ValueError(f"{written!r} is no number of a unit")
    return int(written)
