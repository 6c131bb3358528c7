"""The forms about stock: what comes in, and what is put right of units."""

from datetime import UTC
from typing import Final

from stockhook.model import Item, Location, Unit
from stockhook.operations.items import find_item
from stockhook.operations.stock.adjustments import CODES
from stockhook.quantity import text
from stockhook.store import FOREVER, Read
from stockhook.web.forms import REASON, Choice, Field, Form
from stockhook.web.templates import item_path

LABELS: Final = {
    "lot": "Lot",
    "serial": "Serial number",
    "expires_on": "Last good day",
    "received_at": "Received (UTC)",
    "unit_cost": "Unit cost",
    "priority": "Priority",
    "reference": "Reference",
}
"""What is written down about goods, as people read it."""

_COUNTED_AT: Final = Field("at", "Counted at (UTC)", hint="now, or 2026-12-01 09:30")
SETTLES: Final = "What is owed of it to orders is settled at once, oldest order first."
"""What comes with goods that orders may take now."""


def places(view: Read) -> list[Choice]:
    """Return the locations to propose, by path."""
    return sorted((place.path, "") for place in view.find(Location, most=FOREVER))


def receive(view: Read, item: Item, back: str = "") -> Form:
    """Return the form by which goods of an item come in; ``back`` names the page to return to."""
    known = places(view)
    location = known[0][0] if len(known) == 1 else ""
    pieces = (Field("serial", LABELS["serial"], required=True),) if item.serial else ()
    return Form(
        name=f"receive-{item.sku}",
        address=f"{item_path(item.sku)}/receive",
        title=f"Receive {item.sku}",
        button="Receive",
        fields=(
            Field("quantity", "Quantity", "quantity", required=True, value="1" if item.serial else ""),
            Field("location", "Location", value=location, required=True, choices=known),
            *pieces,
            Field("lot", LABELS["lot"]),
            Field("expires_on", LABELS["expires_on"], "date"),
            Field("received_at", LABELS["received_at"], hint="now"),
            Field("unit_cost", LABELS["unit_cost"], "quantity"),
            Field("priority", LABELS["priority"], "quantity"),
            Field("reference", LABELS["reference"], hint="a delivery note"),
        ),
        note=SETTLES,
        hidden={"back": back} if back else None,
    )


def count_item(view: Read, item: Item) -> Form:
    """Return the form that says how much of an item was found in a location."""
    known = places(view)
    return Form(
        name="count",
        address=f"{item_path(item.sku)}/count",
        title=f"Count {item.sku}",
        button="Count",
        fields=(
            Field("quantity", "Counted", "quantity", required=True),
            Field("location", "Location", value=known[0][0] if len(known) == 1 else "", required=True, choices=known),
            _COUNTED_AT,
        ),
        note="What is missing is taken from the oldest receipt there, what is more goes to the newest. What was owed "
        "from that location is owed no more: the shelf has been counted without it.",
    )


def adjust(unit: Unit) -> Form:
    """Return the form that changes the quantity of a unit by a signed amount."""
    return Form(
        name="adjust",
        address=f"/units/{unit.id}/adjust",
        title="Adjust the quantity",
        button="Adjust",
        fields=(
            Field("quantity", "By", "quantity", required=True, hint="+3 or -1"),
            Field("reason", "Reason", required=True, choices=[(code, "") for code in CODES]),
            Field("settle", "Use what is added for what is owed", "check"),
        ),
    )


def move(view: Read, unit: Unit) -> Form:
    """Return the form that carries goods to another location."""
    return Form(
        name="move",
        address=f"/units/{unit.id}/move",
        title="Move to another location",
        button="Move",
        fields=(
            Field("quantity", "Quantity", "quantity", value=text(unit.quantity), required=True),
            Field("location", "To", required=True, choices=[each for each in places(view) if each[0] != unit.location]),
        ),
        note="Goods that arrive where orders may take them settle what is owed.",
    )


def count_unit(unit: Unit) -> Form:
    """Return the form that says how much of a unit was found."""
    fields = (Field("quantity", "Counted", "quantity", required=True), _COUNTED_AT)
    return Form("count", f"/units/{unit.id}/count", "Count it", "Count", fields)


def hold(unit: Unit) -> Form:
    """Return the form that keeps a unit from all orders."""
    note = "No order takes of it until it is released."
    return Form("hold", f"/units/{unit.id}/hold", "Hold it", "Hold", (REASON,), note)


def release(unit: Unit) -> Form:
    """Return the form that lets orders have a unit again."""
    note = f"It may be taken for orders again. {SETTLES}"
    return Form("release", f"/units/{unit.id}/release", "Release it", "Release", (REASON,), note)


def amend(view: Read, unit: Unit) -> Form:
    """Return the form that puts right what was written down about a unit; it comes filled in as it is."""
    item = find_item(view, unit.sku)
    pieces = item is not None and item.serial
    kinds = {"expires_on": "date", "unit_cost": "quantity", "priority": "quantity"}
    said = written(unit)
    return Form(
        name="amend",
        address=f"/units/{unit.id}/amend",
        title="Put right what was written down",
        button="Amend",
        fields=(
            *(
                Field(name, label, kinds.get(name, "text"), said[name], required=name in {"serial", "received_at"})
                for name, label in LABELS.items()
                if name != "serial" or pieces
            ),
            REASON,
        ),
        note="Orders that took of it are known by the new words too. Its quantity is put right by adjusting or "
        "counting, its place by moving.",
    )


def written(unit: Unit) -> dict[str, str]:
    """Return what can be amended of a unit as the form has it; empty for nothing."""
    came = unit.received_at.astimezone(UTC)
    return {
        "lot": unit.lot or "",
        "serial": unit.serial or "",
        "expires_on": "" if unit.expires_on is None else unit.expires_on.isoformat(),
        "received_at": f"{came:%Y-%m-%d %H:%M:%S}".removesuffix(":00"),
        "unit_cost": "" if unit.unit_cost is None else text(unit.unit_cost),
        "priority": "" if unit.priority is None else str(unit.priority),
        "reference": unit.reference or "",
    }


def unit_forms(view: Read, unit: Unit) -> list[Form]:
    """Return what can be done to a unit; nothing to one that is no goods."""
    if unit.suspense:
        return []
    moving = [move(view, unit)] if unit.quantity else []
    holding = release(unit) if unit.held else hold(unit)
    return [adjust(unit), *moving, count_unit(unit), holding, amend(view, unit)]


def goods_forms(view: Read, item: Item) -> list[Form]:
    """Return what can be done with the goods of an item."""
    coming = [] if item.retired else [receive(view, item)]
    return [*coming, count_item(view, item)]
