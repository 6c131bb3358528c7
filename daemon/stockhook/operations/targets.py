"""What the store says has left of each line of an order, as the evaluation reads it (strategies.md section 1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from stockhook.errors import BadQuantity
from stockhook.kits import means_other
from stockhook.model import OrderState, fold
from stockhook.quantity import Quantity, times
from stockhook.rules import ChannelRules
from stockhook.store import Read
from stockhook.target import Shipped, Target, aims_of


@dataclass(frozen=True, slots=True)
class StoreSays:
    """What the store says of a line, in item units.

    ``units`` holds so much of each item; it is empty for a line that takes nothing, such as a kit whose parts do, and
    None while its code means nothing, or for an amount that cannot be booked: ``wrong`` says why. ``unclear``: nobody
    can tell yet which lines have shipped. ``reason`` is why a shipped line counts for nothing. ``other``: it now says
    another item than is booked; ``asks``: and nobody has said yet which of them left.
    """

    units: Mapping[str, Quantity] | None
    shipped: bool
    unclear: bool
    reason: str | None = None
    other: bool = False
    asks: bool = False
    wrong: str | None = None


def store_says(view: Read, state: OrderState, rules: ChannelRules) -> dict[int, StoreSays]:
    """Return what the store says of each line of an order, by the line's number."""
    account = state.order.account
    codes = {fold(line.code) for line in state.lines}
    codes |= {fold(line.binding.code) for line in state.lines if line.binding}
    bound = {part.sku for line in state.lines if line.binding for part in line.binding.parts}
    catalogue = view.catalogue({(account, code) for code in codes}, bound)
    _, shipped, aims = aims_of(state, catalogue, rules)
    found = {}
    for aim in aims:
        line = aim.reading.line
        other = means_other(line, catalogue)
        units, wrong = _units(aim)
        found[line.number] = StoreSays(
            units=units,
            shipped=aim.shipped,
            unclear=shipped is Shipped.UNCLEAR and not aim.shipped,
            reason=aim.reason,
            other=other,
            asks=other and fold(line.code) not in line.refused,
            wrong=wrong,
        )
    return found


def _units(aim: Target) -> tuple[Mapping[str, Quantity] | None, str | None]:
    """Return how much of each item a line is, or None and, where it is an amount that cannot be booked, why."""
    if aim.reading.parts is None:
        return None, None
    try:
        return {part.sku: times(aim.units, part.quantity) for part in aim.reading.parts}, None
    except BadQuantity as error:
        return None, str(error)
