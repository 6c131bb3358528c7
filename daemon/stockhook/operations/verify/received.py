"""Checks of what was received: payloads are as they came, and go when their time is over."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from stockhook.model import Delivery
from stockhook.operations.due import pages
from stockhook.operations.forgetting import forgotten
from stockhook.operations.verify.inspection import Finding, Inspection
from stockhook.store import Range

_PRUNED_WITHIN: Final = timedelta(days=2)
"""How long after its time a payload may still be there: the daemon removes them now and then, a few at once."""
_PAGE: Final = 100


def deliveries(inspection: Inspection) -> Iterator[Finding]:
    """Judge all deliveries, each with its body."""
    before = inspection.prune_before
    late = None if before is None else before - _PRUNED_WITHIN
    gone = forgotten(inspection.view)
    for page in pages(inspection.view, Delivery, None, _PAGE):
        for delivery in page:
            body = inspection.view.body(delivery.id)
            asked_for = body is None and delivery.id in gone
            yield "journal", 1, None if asked_for else _journal(inspection, delivery, body, before)
            if late is not None and delivery.received_at < late:
                yield "retention", 1, _retention(inspection, delivery, body, late)


def _journal(inspection: Inspection, delivery: Delivery, body: bytes | None, before: datetime | None) -> str | None:
    """Promise 1: each delivery has the body it came with, until its payload is removed."""
    if body is not None:
        sound = len(body) == delivery.size and hashlib.sha256(body).digest() == delivery.digest
        return None if sound else f"the body of delivery {delivery.id} is not what was received"
    if before is not None and delivery.received_at < before:
        return None
    kept = "for ever" if before is None else f"{inspection.payload_days} days"
    return f"the body of delivery {delivery.id} is gone; payloads are kept {kept}"


def _retention(inspection: Inspection, delivery: Delivery, body: bytes | None, late: datetime) -> str | None:
    """Promise 12: no payload is kept beyond its time, unless the same bytes came again since."""
    if body is None:
        return None
    if inspection.view.find(Delivery, {"digest": delivery.digest, "received_at": Range(low=late)}, most=1):
        return None
    days = inspection.payload_days
    return f"the payload of delivery {delivery.id} is still there after {days} days; is the daemon up?"
