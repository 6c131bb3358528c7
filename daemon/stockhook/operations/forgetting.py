"""Removes the payloads of one order, with the personal data in them; its facts and what is booked stay."""

from dataclasses import dataclass
from typing import Final

from stockhook.errors import Refused
from stockhook.model import Audit, Delivery, DeliveryState, Event, OrderKey
from stockhook.operations.desk import Desk
from stockhook.operations.orders import find_key
from stockhook.store import FOREVER, Read

FORGOTTEN: Final = "orders forget"
"""The action in the audit; its entry names the deliveries, so that ``verify`` knows why their payloads are gone."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The order, how many payloads were removed, in how many deliveries it was, which others were in them as well.

    The payload of those others is gone, too; their facts stay like its own.
    """

    key: OrderKey
    payloads: int
    deliveries: int
    others: tuple[OrderKey, ...]


def forget(desk: Desk, written: str) -> Forgotten:
    """Remove every payload that the order came in; doing it again removes what has come since.

    A payload is one request of the store and goes as a whole, the other orders in it included: to cut one order out
    would change what was received. Whatever is replayed then is worked from the facts. Raises NotFound, or Refused
    while a delivery of it is still to be worked, with nothing changed.
    """
    with desk.store.write() as work:
        key = find_key(work, written)
        mine = work.find(Event, {"account": key.account, "order_id": key.order_id}, most=FOREVER)
        ids = frozenset(event.delivery_id for event in mine)
        deliveries = work.find(Delivery, {"id": ids}, most=FOREVER) if ids else []
        if waiting := sorted(one.id for one in deliveries if one.state is DeliveryState.PENDING):
            raise Refused(
                f"delivery {waiting[0]} of order {key.order_id} is still to be worked, and needs its payload; nothing "
                "was removed. Try again once it is: `stockhook deliveries show` tells"
            )
        events = work.find(Event, {"delivery_id": ids}, most=FOREVER) if ids else []
        keys = {OrderKey(event.account, event.order_id) for event in events if event.account and event.order_id}
        # noted first: what a crash between leaves is noted and not done, and can be done again
        named = ",".join(str(number) for number in sorted(ids))
        work.save([desk.audit(FORGOTTEN, f"{key.account}/{key.order_id}", deliveries=named)])
    payloads = desk.store.erase({one.digest for one in deliveries})
    return Forgotten(key, payloads, len(deliveries), tuple(sorted(keys - {key})))


def forgotten(view: Read) -> frozenset[int]:
    """Return the ids of the deliveries whose payloads were removed for an order's sake."""
    entries = view.find(Audit, {"action": FORGOTTEN}, most=FOREVER)
    return frozenset(int(number) for entry in entries for number in entry.details["deliveries"].split(",") if number)
