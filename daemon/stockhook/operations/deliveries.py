"""What a person may see of deliveries."""

from dataclasses import dataclass

from stockhook.errors import NotFound
from stockhook.model import Delivery, DeliveryState, Event
from stockhook.operations.desk import Desk
from stockhook.operations.records import known
from stockhook.store import FOREVER, Match, Read


@dataclass(frozen=True, slots=True)
class Shown:
    """A delivery with its events in the order of the body; ``kept``: the payload has not been removed yet."""

    delivery: Delivery
    events: tuple[Event, ...]
    kept: bool


def list_deliveries(
    desk: Desk, *, channel: str | None = None, state: DeliveryState | None = None, most: int = 1000
) -> list[Delivery]:
    """Return deliveries, newest first."""
    where: dict[str, Match] = {}
    if channel is not None:
        where["channel"] = channel
    if state is not None:
        where["state"] = state
    with desk.store.read() as view:
        return view.find(Delivery, where, most=most)


def newest_of(view: Read, channel: str) -> Delivery | None:
    """Return the last delivery that a channel sent; None where it has never been heard of."""
    return next(iter(view.find(Delivery, {"channel": channel}, most=1)), None)


def show(desk: Desk, delivery_id: int) -> Shown:
    """Return one delivery; raises NotFound."""
    with desk.store.read() as view:
        return shown(view, delivery_id)


def shown(view: Read, delivery_id: int) -> Shown:
    """Return what is kept of a delivery; raises NotFound."""
    found = known(view, Delivery, delivery_id)
    events = sorted(view.find(Event, {"delivery_id": delivery_id}, most=FOREVER), key=lambda event: event.position)
    return Shown(found, tuple(events), view.body(delivery_id) is not None)


def body(desk: Desk, delivery_id: int) -> bytes:
    """Return the body of a delivery as it was sent; raises NotFound for none, and for one that was removed."""
    with desk.store.read() as view:
        found = view.body(delivery_id)
    if found is None:
        raise NotFound(f"there is no delivery {delivery_id}, or its payload was removed")
    return found
