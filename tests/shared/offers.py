"""Units as a strategy is offered them, and plans as a stock keeper reads them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from stockhook.plugin import InnerStrategy, Need, Offer, quantity
from stockhook_plugins.strategies import stockhook_register_strategies

BUNDLED: dict[str, Any] = {offered.type: offered for offered in stockhook_register_strategies()}
FIRST, SECOND, THIRD = (datetime(2026, 3, day, 9, 30, tzinfo=UTC) for day in (1, 2, 3))


def unit(
    number: int,
    available: str = "5",
    *,
    location: str = "MAIN/FG",
    pick_sequence: int | None = None,
    received_at: datetime = SECOND,
    opened: bool = False,
    lot: str | None = None,
    serial: str | None = None,
    expires_on: date | None = None,
    cost: str | None = None,
    priority: int | None = None,
) -> Offer:
    """Offer a unit; quantities and costs are texts, as in the book."""
    return Offer(
        number,
        location,
        pick_sequence,
        quantity.parse(available),
        received_at,
        opened,
        lot,
        serial,
        expires_on,
        None if cost is None else quantity.parse(cost),
        priority,
    )


def made(name: str, **options: Any) -> Any:
    """Return a bundled strategy with these options."""
    return BUNDLED[name](BUNDLED[name].Options(**options))


def plan(strategy: Any, need: str, units: Sequence[Offer], **asked: Any) -> list[tuple[int, str, str]]:
    """Return unit, quantity and reason of each pick of a strategy's own plan."""
    chosen = made(strategy) if isinstance(strategy, str) else strategy
    picks = chosen.plan(Need("SOAP", quantity.parse(need), **asked), units)
    return [(pick.unit_id, quantity.text(pick.quantity), pick.why) for pick in picks]


def takes(strategy: Any, need: str, units: Sequence[Offer], **asked: Any) -> list[tuple[int, str, str]]:
    """Return the same without the units that would come next."""
    return [pick for pick in plan(strategy, need, units, **asked) if pick[1] != "0"]


def taken(strategy: Any, need: str, units: Sequence[Offer], **asked: Any) -> list[tuple[int, str]]:
    """Return unit and quantity of what a strategy takes with all its steps, from one location."""
    chosen = made(strategy) if isinstance(strategy, str) else strategy
    return [pick[:2] for pick in takes(InnerStrategy(chosen), need, units, **asked)]


def order(strategy: Any, units: Sequence[Offer]) -> list[int]:
    """Return in which order a strategy would use up units."""
    return [pick[0] for pick in plan(strategy, "1000", units)]
