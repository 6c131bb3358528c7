"""What every store in the box must agree on about bookings: which are void, and what their placeholders stand for."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from stockhook.plugin import BadBooking, Refused, model

REFERENCES: Final[Mapping[type, tuple[tuple[str, type], ...]]] = {
    model.Event: (("delivery_id", model.Delivery),),
    model.Allocation: (("event_id", model.Event),),
    model.Movement: (
        ("unit_id", model.Unit),
        ("event_id", model.Event),
        ("allocation_id", model.Allocation),
        ("reverses", model.Movement),
    ),
    model.Problem: (("event_id", model.Event),),
    model.Notice: (("problem_id", model.Problem), ("event_id", model.Event)),
}
"""The fields of a record that may hold the placeholder of another record of the same call or booking."""

_BOOKED: Final = (model.Line, model.Unit, model.Movement, model.Allocation, model.Shortage)


def standing(
    bookings: Sequence[model.Booking], orders: Mapping[model.OrderKey, int], items: Mapping[str, int]
) -> tuple[list[model.Booking], frozenset[model.OrderKey | None]]:
    """Return the bookings to write, and the keys of those that are void, given the versions before the call.

    Beyond what ``Work.book`` says, a later booking of an order of which one is void is void too: its key could not
    tell which of them was written.
    """
    good: list[model.Booking] = []
    void: set[model.OrderKey | None] = set()
    spoilt: set[str] = set()
    for booking in bookings:
        order, key = booking.order, booking.key
        stale = order is not None and (key in void or order.version != orders.get(order.key, 0))
        if stale or any(v != items.get(sku, 0) or sku in spoilt for sku, v in booking.items.items()):
            void.add(key)
            spoilt.update(booking.items)
        else:
            good.append(booking)
    return good, frozenset(void)


def real(value: int | None, given: Mapping[int, int], what: str) -> int | None:
    """Return the id that ``value`` stands for: itself, or what was ``given`` for a placeholder."""
    if value is None or value < model.NEW:
        return value
    if value not in given:
        raise BadBooking(f"{what} names the placeholder NEW+{value - model.NEW}, which no record of this call has")
    return given[value]


def traced(row: model.Allocation, units: Mapping[int, int]) -> model.Allocation:
    """Return the allocation with the placeholders of ``units`` resolved in its trace."""
    trace = row.trace
    if not units or all(each.unit_id < model.NEW for each in (*trace.taken, *trace.passed_over)):
        return row

    def resolved(units_of_trace: Sequence[model.TraceUnit]) -> tuple[model.TraceUnit, ...]:
        return tuple(each._replace(unit_id=real(each.unit_id, units, "Trace") or 0) for each in units_of_trace)

    return replace(row, trace=replace(trace, taken=resolved(trace.taken), passed_over=resolved(trace.passed_over)))


def known_unit(unit: model.Unit | None, number: int) -> model.Unit:
    """Return the unit; raises BadBooking if there is none."""
    if unit is None:
        raise BadBooking(f"a booking names unit {number}, which does not exist; nothing of it was written")
    return unit


def known_order(order: model.Order | None, key: model.OrderKey) -> model.Order:
    """Return the order; raises Refused if there is none."""
    if order is None:
        raise Refused(f"order {key.account}/{key.order_id} is not kept; a first booking makes it, save does not")
    return order


def refuse_booked(row: Any) -> None:
    """Raise Refused for a record that is not for ``save``."""
    if isinstance(row, _BOOKED):
        raise Refused(f"a {type(row).__name__} is booked, not saved: put it into a Booking")


def refuse_forgetting(row: Any) -> None:
    """Raise Refused for a record that is kept for ever."""
    if not isinstance(row, (model.Alias, model.Kit, model.Answered, model.LogOut)):
        kept = f"a {type(row).__name__} is never removed"
        raise Refused(f"{kept}; only aliases, kits, answers to programs and log-outs are")


def refuse_rewriting(movement: int) -> None:
    """Raise Refused for a movement that is already booked."""
    if 0 < movement < model.NEW:
        raise Refused(f"movement {movement} is booked and never changes; book a reversal that names it")


def take(consumed: model.Movement, later: Iterable[model.Movement], *, suspense: bool) -> model.Take:
    """Return a consumption as its order sees it; ``later`` are the movements that name it."""
    sums: Counter[model.MovementKind] = Counter()
    for row in later:
        sums[row.kind] += row.quantity
    left = -consumed.quantity - sums[model.MovementKind.REVERSAL]
    back, made_up = sums[model.MovementKind.RETURN], sums[model.MovementKind.COUNT]
    line, quantity = consumed.line or 0, -consumed.quantity
    return model.Take(consumed.id, consumed.unit_id, line, consumed.sku, quantity, left, back, made_up, suspense)


def refuse_below_zero(unit: int, sku: str, quantity: int, *, suspense: bool) -> None:
    """Raise BadBooking for a unit that a call would leave below zero; one in suspense may be there."""
    if quantity < 0 and not suspense:
        raise BadBooking(
            f"unit {unit} of {sku} would end at {quantity} millionths, below zero: the plan was made on other "
            "figures; nothing was written"
        )
