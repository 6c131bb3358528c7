"""The forms that put right how a line of an order is booked (strategies.md section 7)."""

from typing import Final

from stockhook.model import OrderKey, Unit
from stockhook.operations.orders import ShownLine
from stockhook.operations.targets import StoreSays
from stockhook.quantity import text
from stockhook.store import Range, Read
from stockhook.web.forms import REASON, Choice, Field, Form
from stockhook.web.templates import order_path

MOST: Final = 200
"""Units that a form offers to choose from."""

_ALL: Choice = ("", "all that was taken")


def correction_forms(view: Read, key: OrderKey, line: ShownLine, says: StoreSays) -> list[Form]:
    """Return what can be put right about a line as it is now."""
    there = [*(_conflict(key, line, says) if says.other else ()), *_moved(view, key, line)]
    if says.units or line.line.ruling:
        there.append(_quantity(key, line))
    if line.line.ruling:
        there.append(_form(key, line, "as-store", "The store is right", "Book what the store says"))
    return there


def _conflict(key: OrderKey, line: ShownLine, says: StoreSays) -> list[Form]:
    now, was = line.line.code, line.line.binding.code if line.line.binding else ""
    accept = _form(key, line, "accept", f"It was {now} that left", "Book it as the store says now")
    refuse = _form(key, line, "refuse", f"It was {was} that left", "Keep it as it is booked")
    return [accept, refuse] if says.asks else [accept]


def _moved(view: Read, key: OrderKey, line: ShownLine) -> list[Form]:
    """Return the forms about goods that are out: whence they were, and that they came back."""
    out = [taken for taken in line.takes if taken.take.returnable and not taken.take.suspense]
    skus = sorted({taken.take.sku for taken in out})
    if not out:
        return []
    where = {"sku": frozenset(skus), "quantity": Range(low=1), "suspense": False}
    units = [unit for unit in view.find(Unit, where, most=MOST) if not unit.held]
    instead = [(str(taken.take.unit_id), f"only that from unit {taken.take.unit_id}") for taken in out]
    of_these = (Field("instead_of", "Instead of", "select", choices=[_ALL, *instead]),) if len(out) > 1 else ()
    of_item = (Field("sku", "Item", "select", choices=[(sku, sku) for sku in skus]),) if len(skus) > 1 else ()
    lots = sorted({unit.lot for unit in units if unit.lot})
    from_unit = Field("unit", "Unit", "select", required=True, choices=[*map(_words, reversed(units))])
    from_lot = Field("lot", "Lot", required=True, choices=[(lot, "") for lot in lots])
    back = Field("quantity", "Came back", "quantity", required=True)
    forms = []
    if units:
        forms.append(
            _form(key, line, "unit", "It was taken from another unit", "Correct the unit", from_unit, *of_these)
        )
    if lots:
        forms.append(
            _form(key, line, "lot", "It was taken from another lot", "Correct the lot", from_lot, *of_item, *of_these)
        )
    forms.append(_form(key, line, "returned", "Some of it came back", "Take it back", back, *of_item))
    return forms


def _quantity(key: OrderKey, line: ShownLine) -> Form:
    field = Field("quantity", "Really left", "quantity", required=True)
    note = "Counted in the item's own units, or in kits for a line of several items. No repeat of the store undoes it."
    return _form(key, line, "quantity", "Another quantity left", "Correct the quantity", field, note=note)


def _form(key: OrderKey, line: ShownLine, way: str, title: str, button: str, *fields: Field, note: str = "") -> Form:
    return Form(
        f"correct-{way}", f"{line_path(key, line.line.item_index)}/{way}", title, button, (*fields, REASON), note
    )


def line_path(key: OrderKey, item_index: int) -> str:
    """Return the address of a line's page."""
    return f"{order_path(key.account, key.order_id)}/lines/{item_index}"


def _words(unit: Unit) -> Choice:
    lot = f", lot {unit.lot}" if unit.lot else ""
    return str(unit.id), f"unit {unit.id}: {text(unit.quantity)} of {unit.sku} at {unit.location}{lot}"
