"""Booking a change of stock that a person makes, and settling what was owed, in one commit."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from stockhook import log, problems
from stockhook.batch import Batch
from stockhook.draft import Cause
from stockhook.errors import Refused
from stockhook.model import Booking, Location, Order, OrderKey
from stockhook.operations.desk import Desk
from stockhook.operations.due import make_due, waiting_orders
from stockhook.store import Work

logger = log.get(__name__)

Result = TypeVar("Result")

MOST_SETTLED: Final = 1000
"""Orders settled in the commit of a receipt; the rest become due, and are worked before any newer need."""

SETTLING: Final = 5.0
"""Seconds after which no further one is: a server takes the transaction away from whoever is silent for long."""

_ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True)
class Change:
    """What a person changes: a booking without an order, records saved beside it, the places of its new units."""

    booking: Booking
    records: tuple[Any, ...] = ()
    locations: tuple[Location, ...] = ()


class Moved(Exception):
    """An order or an item was booked between reading and booking, or between two reads."""


def booked(desk: Desk, attempt: Callable[[Work], Result], what: str = "orders") -> Result:
    """Return what ``attempt`` does in a unit of work; one that raises ``Moved`` is undone and made anew.

    Raises Refused where ``what`` never stands still for long enough.
    """
    for _ in range(_ATTEMPTS):
        try:
            with desk.store.write() as work:
                return attempt(work)
        except Moved:
            continue
    raise Refused(f"the {what} are being booked by others all the time; try again in a moment")


def post(
    desk: Desk,
    skus: Collection[str],
    prepare: Callable[[Work, Iterator[int]], Change],
    result: Callable[[Work, tuple[OrderKey, ...]], Result],
    *,
    settle: bool,
) -> Result:
    """Book what ``prepare`` returns, settle what waits for ``skus`` if asked to, and return what ``result`` reads.

    ``prepare`` may be called again when another process booked meanwhile. ``result`` gets the orders that were
    evaluated. Raises what ``prepare`` raises, with nothing changed.
    """
    return booked(desk, lambda work: _post(desk, work, skus, prepare, result, settle=settle), "items")


def _post(
    desk: Desk,
    work: Work,
    skus: Collection[str],
    prepare: Callable[[Work, Iterator[int]], Change],
    result: Callable[[Work, tuple[OrderKey, ...]], Result],
    *,
    settle: bool,
) -> Result:
    work.units(skus)  # waits for whoever books these items, so that what they leave owed is among what waits
    keys = waiting_orders(work, skus) if settle else set()
    batch = Batch(desk.policies, work, keys, skus=skus)
    change = prepare(work, batch.ids)
    places = {location.path: location for location in change.locations}
    amounts: dict[int, int] = {}
    for movement in change.booking.movements:
        amounts[movement.unit_id] = amounts.get(movement.unit_id, 0) + movement.quantity
    for unit in change.booking.units:
        batch.pool.add(replace(unit, quantity=amounts.pop(unit.id, 0)), places.get(unit.location))
    for unit_id, quantity in amounts.items():
        batch.pool.move(unit_id, quantity)
    evaluated, left = settled(desk, batch, keys)
    booking = replace(change.booking, items={sku: batch.pool.versions.get(sku, 0) for sku in skus})
    void = work.book([booking, *batch.bookings()])
    if void:
        raise Moved
    work.save([*change.records, *left])
    problems.record(work, batch.report(void), desk.subscriptions, desk.clock.now())
    return result(work, evaluated)


def settled(desk: Desk, batch: Batch, keys: Collection[OrderKey]) -> tuple[tuple[OrderKey, ...], list[Order]]:
    """Evaluate orders that wait, oldest first, and return those that were, and the rest made due, to be saved."""
    oldest_first = batch.oldest_first(keys)
    evaluated: list[OrderKey] = []
    failed: list[OrderKey] = []
    ends = time.monotonic() + SETTLING
    for key in oldest_first[:MOST_SETTLED]:
        if time.monotonic() > ends:
            break
        evaluated.append(key)
        try:
            batch.again(key, Cause(desk.clock.now(), desk.actor))
        except Exception:  # one order that cannot be evaluated must not keep goods out of the book
            logger.exception("order failed", account=key.account, order=key.order_id)
            failed.append(key)
    states = [batch.state(key) for key in [*failed, *oldest_first[len(evaluated) :]]]
    return tuple(evaluated), [replace(state.order, due_at=desk.clock.now()) for state in states if state]


def settle_later(desk: Desk, work: Work, skus: Collection[str]) -> None:
    """Make due what waits for items of which an order has given something back."""
    if skus:
        make_due(desk, work, waiting_orders(work, skus))
