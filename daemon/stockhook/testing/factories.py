"""Records with sensible defaults: each function takes any field of its record by name.

``unit(sku="SOAP", quantity=3 * ONE)``; ids left out are placeholders, so that what is made here can be booked.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from stockhook import model
from stockhook.model import NEW
from stockhook.quantity import ONE
from stockhook.store import Arrival
from stockhook.testing.clock import START

ACCOUNT: Final = "ultracart:DEMO"


def body(raw: bytes = b"{}") -> model.Body:
    """Make a body of these raw bytes, kept as they are."""
    return model.Body(hashlib.sha256(raw).digest(), "identity", raw, len(raw))


def delivery(**fields: Any) -> model.Delivery:
    """Make a pending delivery of the channel ``shop``, with the digest of ``{}``."""
    plain = model.Delivery(
        id=0,
        channel="shop",
        received_at=START,
        peer="192.0.2.1",
        headers=(("content-type", "application/json"),),
        digest=body().digest,
        size=2,
    )
    return replace(plain, **fields)


def arrival(raw: bytes = b"{}", **fields: Any) -> Arrival:
    """Make a delivery, by fields of its own, together with the body of these raw bytes."""
    kept = body(raw)
    return Arrival(delivery(**{"digest": kept.digest, "size": kept.size, **fields}), kept)


def event(**fields: Any) -> model.Event:
    """Make an applied ``order_ship`` of order DEMO-1."""
    plain = model.Event(
        id=NEW,
        delivery_id=1,
        position=0,
        channel="shop",
        account=ACCOUNT,
        name="order_ship",
        order_id="DEMO-1",
        state=model.EventState.APPLIED,
        reason=None,
        attempts=1,
        received_at=START,
        finished_at=START,
    )
    return replace(plain, **fields)


def said(minutes: int = 0, delivery_id: int = 1, position: int = 0) -> model.Said:
    """Make how new a snapshot is, so many minutes after ``START``."""
    return model.Said(START + timedelta(minutes=minutes), delivery_id, position)


def order(order_id: str = "DEMO-1", **fields: Any) -> model.Order:
    """Make an order that is not yet kept (version 0)."""
    plain = model.Order(account=ACCOUNT, order_id=order_id, version=0, channel="shop", said=said())
    return replace(plain, **fields)


def line(order_id: str = "DEMO-1", number: int = 0, **fields: Any) -> model.Line:
    """Make a line of one SOAP."""
    plain = model.Line(
        account=ACCOUNT, order_id=order_id, number=number, item_index=number, code="SOAP", quantity=ONE, said=said()
    )
    return replace(plain, **fields)


def item(sku: str = "SOAP", **fields: Any) -> model.Item:
    """Make an item."""
    return replace(model.Item(sku), **fields)


def alias(written: str, sku: str | None = "SOAP", **fields: Any) -> model.Alias:
    """Make an alias that holds for every account."""
    return replace(model.Alias("", model.fold(written), written, sku, ONE), **fields)


def kit(sku: str, *parts: tuple[str, int], **fields: Any) -> model.Kit:
    """Make a kit of (sku, quantity) parts."""
    return replace(model.Kit(sku, tuple(model.Part(*part) for part in parts)), **fields)


def location(path: str = "MAIN/FG", **fields: Any) -> model.Location:
    """Make a location."""
    return replace(model.Location(path), **fields)


def unit(sku: str = "SOAP", quantity: int = 10 * ONE, **fields: Any) -> model.Unit:
    """Make a unit at MAIN/FG that was received with the quantity it has."""
    plain = model.Unit(
        id=NEW, sku=sku, location="MAIN/FG", quantity=quantity, received=quantity, received_at=START, lot="L1"
    )
    return replace(plain, **fields)


def movement(unit_id: int = NEW, quantity: int = -ONE, **fields: Any) -> model.Movement:
    """Make a consumption of one SOAP, without an order; a positive quantity makes a receipt."""
    kind = model.MovementKind.CONSUMPTION if quantity < 0 else model.MovementKind.RECEIPT
    plain = model.Movement(id=NEW, unit_id=unit_id, sku="SOAP", kind=kind, quantity=quantity, at=START, actor="worker")
    return replace(plain, **fields)


def trace(**fields: Any) -> model.Trace:
    """Make the trace of a plan that took one unit of two offered."""
    plain = model.Trace(
        rule="default",
        strategy="fifo",
        version="1",
        options={"days": 3, "strict": True},
        offered=2,
        left_out={"held": 1},
        taken=(model.TraceUnit(1, "MAIN/FG", "L1", 10 * ONE, ONE, "received 2026-12-01"),),
        passed_over=(model.TraceUnit(2, "MAIN/FG", None, ONE, 0, "received 2026-12-02"),),
    )
    return replace(plain, **fields)


def allocation(order_id: str = "DEMO-1", **fields: Any) -> model.Allocation:
    """Make the decision to take one SOAP for line 0."""
    plain = model.Allocation(
        id=NEW,
        account=ACCOUNT,
        order_id=order_id,
        line=0,
        sku="SOAP",
        at=START,
        event_id=None,
        need=ONE,
        taken=ONE,
        trace=trace(),
    )
    return replace(plain, **fields)


def shortage(order_id: str = "DEMO-1", **fields: Any) -> model.Shortage:
    """Make an open shortage of one SOAP on line 0."""
    plain = model.Shortage(
        id=NEW, account=ACCOUNT, order_id=order_id, line=0, sku="SOAP", quantity=ONE, open=ONE, opened_at=START
    )
    return replace(plain, **fields)


def problem(kind: str = "unknown-item", subject: str = "ultracart:DEMO SOAP", **fields: Any) -> model.Problem:
    """Make an open problem seen once."""
    state = model.ProblemState.OPEN
    return replace(model.Problem(0, kind, subject, state, 1, START, START, "Nothing maps this code."), **fields)


def notice(problem_id: int = 1, **fields: Any) -> model.Notice:
    """Make a waiting notice for the notifier ``office``."""
    plain = model.Notice(
        id=0,
        notifier="office",
        about="opened",
        problem_id=problem_id,
        kind="unknown-item",
        subject="ultracart:DEMO SOAP",
        text="Nothing maps this code.",
        count=1,
        made_at=START,
        due_at=START,
    )
    return replace(plain, **fields)


def receipt(
    sku: str = "SOAP", quantity: int = 10 * ONE, items: dict[str, int] | None = None, **fields: Any
) -> model.Booking:
    """Make the booking of a new unit with its receipt; ``fields`` are the unit's."""
    made = unit(sku, quantity, **fields)
    return model.Booking(units=(made,), movements=(movement(made.id, quantity, sku=sku),), items=items or {})


def shipment(
    order_id: str, takes: Sequence[tuple[int, int]], sku: str = "SOAP", version: int = 0, **booking: Any
) -> model.Booking:
    """Make the booking of one order whose line 0 takes (unit id, quantity) each, with allocation and event."""
    moves = tuple(
        movement(
            unit_id,
            -taken,
            id=NEW + place,
            sku=sku,
            account=ACCOUNT,
            order_id=order_id,
            line=0,
            event_id=NEW,
            allocation_id=NEW,
        )
        for place, (unit_id, taken) in enumerate(takes)
    )
    total = sum(taken for _, taken in takes)
    plain = model.Booking(
        order=order(order_id, version=version),
        lines=(line(order_id, code=sku, quantity=total),),
        events=(event(order_id=order_id),),
        allocations=(allocation(order_id, sku=sku, event_id=NEW, need=total, taken=total),),
        movements=moves,
    )
    return replace(plain, **booking)
