"""Pieces with a serial number: each is there or not, as a whole, and never twice."""

from collections import Counter
from collections.abc import Collection

from stockhook.errors import Refused
from stockhook.model import Booking, Unit, fold
from stockhook.quantity import ONE, text
from stockhook.store import FOREVER, Range, Read


def check_serials(view: Read, booking: Booking) -> None:
    """Raise Refused where a booking would leave a piece with a serial number in part, or in stock twice.

    ``booking`` has not been booked yet; serial numbers compare trimmed and without case.
    """
    amounts: Counter[int] = Counter()
    for movement in booking.movements:
        amounts[movement.unit_id] += movement.quantity
    units = {unit.id: unit for unit in booking.units}
    others = frozenset(amounts.keys() - units.keys())
    if others:
        units |= {unit.id: unit for unit in view.find(Unit, {"id": others}, most=FOREVER)}
    pieces: dict[tuple[str, str], Unit] = {}
    for unit in units.values():
        after = unit.quantity + amounts[unit.id]
        if unit.serial is None or not after:
            continue
        if after != ONE:
            raise Refused(
                f"{unit.sku} with the serial number {unit.serial} is one piece: it is there or it is not, "
                f"and {text(after)} of it cannot be; nothing was changed"
            )
        twin = pieces.setdefault((unit.sku, fold(unit.serial)), unit)
        if twin is not unit:
            raise Refused(f"the serial number {unit.serial} of {unit.sku} is named twice; each piece has its own")
    _refuse_twins(view, pieces, units.keys())


def _refuse_twins(view: Read, pieces: dict[tuple[str, str], Unit], touched: Collection[int]) -> None:
    if not pieces:
        return
    where = {"sku": frozenset(sku for sku, _ in pieces), "quantity": Range(low=1)}
    for other in view.find(Unit, where, most=FOREVER):
        piece = pieces.get((other.sku, fold(other.serial or "")))
        if piece is not None and other.id not in touched:
            raise Refused(
                f"{other.sku} with the serial number {other.serial} is in stock already, as unit {other.id} at "
                f"{other.location}; nothing was changed"
            )
