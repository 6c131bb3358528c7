"""Booking a change of stock that a person makes, and settling what was owed, in one commit."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, TypeVar

from stockhook import log, problems
from stockhook.batch import Batch, settling_turn
from stockhook.draft import Cause
from stockhook.errors import Refused
from stockhook.model import Booking, Location, OrderKey
from stockhook.operations.desk import Desk
from stockhook.operations.due import make_due, orders_of
from stockhook.operations.kits import waiting_for
from stockhook.operations.serials import check_serials
from stockhook.operations.successors import bring_over
from stockhook.store import FOREVER, Work

logger = log.get(__name__)

Result = TypeVar("Result")

MOST_SETTLED: Final = 1000
"""Orders read and settled in the commit of a receipt; where goods are left, the rest become due, and are worked before
any newer need.
"""

SETTLING: Final = 5.0
"""Seconds after which no further one is settled: a server takes the transaction from whoever is silent for long."""

_ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True)
class Change:
    """What a person changes: a booking without an order, records saved beside it, the places of its new units.

    ``orders`` are to be evaluated with it though nothing settles; ``told`` returns records that say what came of that.
    Where it only ``ends`` what was owed to them, they are given no goods.
    """

    booking: Booking
    records: tuple[Any, ...] = ()
    locations: tuple[Location, ...] = ()
    orders: tuple[OrderKey, ...] = ()
    told: Callable[[Batch], tuple[Any, ...]] = lambda _: ()
    ends: bool = False


Prepare: TypeAlias = Callable[[Work, Batch], Change]
"""Reads what is to be changed, and returns it; the batch holds the orders that may be changed with it, and gives ids.

It may be called again when another process booked meanwhile.
"""

Concerned: TypeAlias = Callable[[Work], Collection[OrderKey]]
"""Returns the orders that ``Prepare`` may change."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Orders to be settled: ``first`` with a change, oldest first, and ``rest`` behind them.

    ``skus`` are the items that settle them, of which there must be goods; None: they are evaluated whatever there is.
    """

    first: tuple[OrderKey, ...]
    rest: tuple[OrderKey, ...] = ()
    skus: frozenset[str] | None = None


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
    prepare: Prepare,
    result: Callable[[Work, tuple[OrderKey, ...]], Result],
    *,
    settle: bool,
    concerned: Concerned = lambda _: (),
) -> Result:
    """Book what ``prepare`` returns, settle what waits for ``skus`` if asked to, and return what ``result`` reads.

    ``result`` gets the orders that were evaluated. Raises what ``prepare`` raises, with nothing changed, and Refused
    where a piece with a serial number would be there twice, or in part.
    """
    return booked(desk, lambda work: _post(desk, work, skus, prepare, result, concerned, settle=settle), "items")


def _post(
    desk: Desk,
    work: Work,
    skus: Collection[str],
    prepare: Prepare,
    result: Callable[[Work, tuple[OrderKey, ...]], Result],
    concerned: Concerned,
    *,
    settle: bool,
) -> Result:
    work.units(skus)  # waits for whoever books these items, so that what they leave owed is among what waits
    waiting = queue(desk, work, skus) if settle else None
    keys = {*(waiting.first if waiting else ()), *concerned(work)}
    batch = Batch(desk.policies, work, keys, skus=skus)
    change = prepare(work, batch)
    check_serials(work, change.booking)
    _lay(batch, change)
    evaluated, left = settled(desk, batch, waiting or Queue(change.orders), gives=not change.ends)
    booking = replace(change.booking, items={sku: batch.pool.versions.get(sku, 0) for sku in skus})
    commit(desk, work, batch, [*change.records, *change.told(batch)], first=[booking], due=left)
    return result(work, evaluated)


def _lay(batch: Batch, change: Change) -> None:
    """Put on the batch's shelf what a change adds, takes, or makes of a unit."""
    places = {location.path: location for location in change.locations}
    amounts: Counter[int] = Counter()
    for movement in change.booking.movements:
        amounts[movement.unit_id] += movement.quantity
    for unit in change.booking.units:
        batch.pool.add(replace(unit, quantity=unit.quantity + amounts.pop(unit.id, 0)), places.get(unit.location))
    for unit_id, quantity in amounts.items():
        batch.pool.move(unit_id, quantity)


def queue(desk: Desk, work: Work, skus: Collection[str], but: Collection[OrderKey] = ()) -> Queue:
    """Return what waits for these items, without the orders ``but``; no more are to be read than can be settled."""
    keys = waiting_for(desk, work, skus) - set(but)
    if len(keys) <= MOST_SETTLED:
        return Queue(tuple(sorted(keys)), (), frozenset(skus))
    found = [order for page in orders_of(work, keys) for order in page]
    oldest_first = [order.key for order in sorted(found, key=settling_turn)]
    return Queue(tuple(oldest_first[:MOST_SETTLED]), tuple(oldest_first[MOST_SETTLED:]), frozenset(skus))


def settled(
    desk: Desk, batch: Batch, waiting: Queue, *, gives: bool = True, seconds: float | None = None
) -> tuple[tuple[OrderKey, ...], list[OrderKey]]:
    """Evaluate orders that wait, oldest first, and return those that were, and those to be made due.

    Where no goods are left to settle with, what is left waits for the next. Not ``gives``: what was owed may only end.
    No further one is begun after so many ``seconds``, ``SETTLING`` where none are given.
    """
    oldest_first = batch.oldest_first(waiting.first)
    evaluated: list[OrderKey] = []
    failed: list[OrderKey] = []
    ends = time.monotonic() + (SETTLING if seconds is None else seconds)
    for key in oldest_first[:MOST_SETTLED]:
        if waiting.skus is not None and not any(batch.pool.offers(sku) for sku in waiting.skus):
            return tuple(evaluated), failed
        if time.monotonic() > ends:
            break
        evaluated.append(key)
        try:
            batch.again(key, Cause(desk.clock.now(), desk.actor, settles=gives))
        except Exception:  # one order that cannot be evaluated must not keep goods out of the book
            logger.exception("order failed", account=key.account, order=key.order_id)
            failed.append(key)
    return tuple(evaluated), [*failed, *oldest_first[len(evaluated) :], *waiting.rest]


def commit(
    desk: Desk,
    work: Work,
    batch: Batch,
    records: Sequence[Any],
    *,
    first: Sequence[Booking] = (),
    due: Collection[OrderKey] = (),
) -> None:
    """Book ``first`` and what a batch has decided, save ``records``, and see to what follows from it.

    The orders ``due`` become so. Raises Moved, for the unit of work to be made anew, where anything of it is void.
    """
    if work.book([*first, *batch.bookings()]):
        raise Moved
    work.save(records)
    make_due(desk, work, due)
    follow(desk, work, batch, frozenset(), batch.report(()))


def follow(desk: Desk, work: Work, batch: Batch, void: Collection[OrderKey | None], report: problems.Report) -> None:
    """See to what follows from what a batch has booked: places for what came back, orders to settle, and problems.

    What an order has given back, of whatever line, makes due what waits for it; what covered one order may be refunded
    there, and come back. What came back under the old sku of a renamed item goes over to the new one.
    """
    _make_places(work, batch.places())
    given = batch.given_back(void)
    make_due(desk, work, waiting_for(desk, work, given | bring_over(desk, work, batch.ids, given)))
    problems.record(work, report, desk.subscriptions, desk.clock.now())


def _make_places(work: Work, places: Collection[Location]) -> None:
    """Make the places that are not there yet, looked for behind the booking: a person may have made them meanwhile."""
    if places:
        paths = frozenset(place.path for place in places)
        known = {place.path for place in work.find(Location, {"path": paths}, most=FOREVER)}
        work.save([place for place in places if place.path not in known])
