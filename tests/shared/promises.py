"""The one checker that runs after every fault: what was acknowledged is there, and all of it is booked once."""

from collections import Counter, defaultdict

from traffic import STOCK, Traffic

from stockhook import settings
from stockhook.model import Delivery, DeliveryState, Event, EventState, Movement, MovementKind, Order, Shortage, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.store import FOREVER

STUCK = frozenset({EventState.PENDING, EventState.PARKED, EventState.FAILED})


class PromiseBroken(AssertionError):
    """The store is not as was promised: nothing that a slow machine explains, so such a test is not tried again."""


def check(traffic: Traffic, *, seconds: float = 120.0) -> None:
    """Wait until the daemon has worked all there is, then compare the store with what was sent.

    Every acknowledged delivery is stored; each order is booked as it says, and those never acknowledged as they say or
    not at all; the units hold the rest; nothing is stuck; ``verify`` holds, the integrity of the file included.
    Raises PromiseBroken with the seed of the traffic.
    """
    if any(daemon.running for daemon in traffic.daemons):
        traffic.daemon.until_idle(seconds)
    try:
        with traffic.daemon.desk() as desk:
            _compare(traffic, desk)
            prove(desk, settings.load(traffic.daemon.config).payload_days)
    except AssertionError as error:
        among = f"with {traffic}, {len(traffic.acknowledged)} of {len(traffic.wanted)} orders acknowledged"
        raise PromiseBroken(f"{error}\n{among}") from error


def prove(desk: Desk, days: int | None = None) -> None:
    """Make sure that ``verify`` holds, with payloads kept for so many ``days``; raises PromiseBroken."""
    found = [checked for checked in verify(desk, days) if not checked.ok]
    if found:
        raise PromiseBroken(f"verify found {found}")


def finish(traffic: Traffic, *, seconds: float = 120.0) -> None:
    """Send what was never acknowledged until it is, then check: all of it is booked."""
    traffic.send_rest(seconds)
    check(traffic, seconds=seconds)


def none_lost(traffic: Traffic) -> None:
    """Make sure that every acknowledged delivery is stored, worked or not; raises PromiseBroken, no daemon need run."""
    if missing := lost(traffic):
        raise PromiseBroken(f"{len(missing)} acknowledged deliveries are lost, with {traffic}")


def lost(traffic: Traffic) -> set[str]:
    """Return the orders whose delivery was acknowledged and is not stored, worked or not; no daemon need run."""
    bodies = {body: name for name, body in traffic.bodies.items()}
    with traffic.daemon.desk() as desk, desk.store.read() as view:
        stored = {order.order_id for order in view.find(Order, most=FOREVER)}
        for delivery in view.find(Delivery, {"state": DeliveryState.PENDING}, most=FOREVER):
            stored.add(bodies[view.body(delivery.id) or b""])
    return traffic.acknowledged.keys() - stored


def _compare(traffic: Traffic, desk: Desk) -> None:
    booked: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with desk.store.read() as view:
        known = {order.order_id for order in view.find(Order, most=FOREVER)}
        pending = view.find(Delivery, {"state": DeliveryState.PENDING})
        stuck = view.find(Event, {"state": STUCK})
        for movement in view.find(Movement, {"kind": MovementKind.CONSUMPTION}, most=FOREVER):
            booked[str(movement.order_id)][movement.sku] -= movement.quantity
        for shortage in view.find(Shortage, most=FOREVER):
            booked[shortage.order_id][shortage.sku] += shortage.open
        on_hand = {str(total.by[0]): total.amount for total in view.totals(Unit, ["sku"])}
    missing = traffic.acknowledged.keys() - known
    assert not missing, f"{len(missing)} acknowledged deliveries are lost"
    assert not pending, "deliveries wait for ever"
    assert not stuck, "events wait for ever"
    assert known <= traffic.wanted.keys(), "orders that nobody sent"
    sold: Counter[str] = Counter()
    assert booked.keys() <= known, "bookings for orders that nobody knows"
    for name in sorted(known):
        assert booked[name] == {sku: n * ONE for sku, n in traffic.wanted[name].items()}, f"order {name}"
        sold.update(traffic.wanted[name])
    assert on_hand == {sku: max(0, there - sold[sku]) * ONE for sku, there in STOCK.items()}
