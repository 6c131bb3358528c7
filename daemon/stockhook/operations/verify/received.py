"""Checks of what was received: payloads are as they came, and go when their time is over."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from stockhook.model import Delivery
from stockhook.operations.due import every, pages
from stockhook.operations.verify.inspection import Inspection
from stockhook.store import Range

_PRUNED_WITHIN: Final = timedelta(days=2)
"""How long after its time a payload may still be there: the daemon removes them now and then, a few at once."""
_PAGE: Final = 100


def journal(inspection: Inspection) -> Iterator[str | None]:
    """Promise 1: each delivery has the body it came with, until its payload is removed."""
    before = inspection.prune_before
    for page in pages(inspection.view, Delivery, None, _PAGE):
        for delivery in page:
            body = inspection.view.body(delivery.id)
            if body is not None:
                sound = len(body) == delivery.size and hashlib.sha256(body).digest() == delivery.digest
                yield None if sound else f"the body of delivery {delivery.id} is not what was received"
            elif before is not None and delivery.received_at < before:
                yield None
            else:
                kept = "for ever" if before is None else f"{inspection.payload_days} days"
                yield f"the body of delivery {delivery.id} is gone; payloads are kept {kept}"


def retention(inspection: Inspection) -> Iterator[str | None]:
    """Promise 12: no payload is kept beyond its time, unless the same bytes came again since."""
    before = inspection.prune_before
    if before is None:
        return
    late = before - _PRUNED_WITHIN
    for delivery in every(inspection.view, Delivery, {"received_at": Range(high=late)}):
        if inspection.view.body(delivery.id) is None:
            yield None
            continue
        again = inspection.view.find(Delivery, {"digest": delivery.digest, "received_at": Range(low=late)}, most=1)
        days = inspection.payload_days
        yield (
            None
            if again
            else f"the payload of delivery {delivery.id} is still there after {days} days; is the daemon up?"
        )
