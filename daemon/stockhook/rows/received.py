"""Deliveries and events as rows."""

from typing import Generic

from stockhook.model import Delivery, DeliveryState, Event, EventState
from stockhook.operations import deliveries, events
from stockhook.rows.decisions import AllocationRow, allocation_row
from stockhook.rows.stock import MovementRow, movement_row
from stockhook.rows.values import Id, Moment, Row, order_names, row_of


class DeliveryRow(Row, frozen=True, kw_only=True):
    """One request that a channel sent; ``digest`` is the SHA-256 of its body, ``size`` counts the body's bytes."""

    id: int
    channel: str
    received_at: Moment
    peer: str
    state: DeliveryState
    events: int
    size: int
    digest: str
    attempts: int
    due_at: Moment | None


class HeaderRow(Row, frozen=True, kw_only=True):
    """One header of a request; those with credentials are not kept."""

    name: str
    value: str


class AnyEvent(Row, Generic[Id], frozen=True, kw_only=True):
    """An event, in the store or not."""

    id: Id
    delivery_id: Id
    channel: str
    account: str | None
    name: str
    order_id: str | None
    state: EventState
    reason: str | None
    attempts: int
    received_at: Moment
    finished_at: Moment | None


class EventRow(AnyEvent[int], frozen=True, kw_only=True):
    """One element of a delivery, and what became of it."""


class ShownDelivery(DeliveryRow, frozen=True, kw_only=True):
    """A delivery with its headers and its events in the order of the body."""

    payload_kept: bool
    headers: list[HeaderRow]
    event_list: list[EventRow]


class ShownEvent(EventRow, frozen=True, kw_only=True):
    """An event, what it booked, and why which units were taken."""

    text: str | None
    payload_kept: bool
    movements: list[MovementRow]
    allocations: list[AllocationRow]


class ReplayedRow(Row, frozen=True, kw_only=True):
    """Events that are worked again; orders worked from what is kept of them; events of which nothing is left."""

    events: list[int]
    orders: list[str]
    lost: list[int]


def delivery_row(delivery: Delivery) -> DeliveryRow:
    """Return a delivery as `deliveries list` has it."""
    return row_of(DeliveryRow, delivery, digest=delivery.digest.hex())


def event_row(event: Event) -> EventRow:
    """Return an event as `events list` has it."""
    return row_of(EventRow, event)


def shown_delivery(shown: deliveries.Shown) -> ShownDelivery:
    """Return a delivery as `deliveries show` has it."""
    return row_of(
        ShownDelivery,
        shown.delivery,
        digest=shown.delivery.digest.hex(),
        payload_kept=shown.kept,
        headers=[HeaderRow(name=name, value=value) for name, value in shown.delivery.headers],
        event_list=[event_row(event) for event in shown.events],
    )


def shown_event(shown: events.Shown) -> ShownEvent:
    """Return an event as `events show` has it."""
    return row_of(
        ShownEvent,
        shown.event,
        payload_kept=shown.kept,
        movements=[movement_row(movement) for movement in shown.movements],
        allocations=[allocation_row(allocation) for allocation in shown.allocations],
    )


def replayed_row(done: events.Replayed) -> ReplayedRow:
    """Return what `events replay` did."""
    return ReplayedRow(events=list(done.events), orders=order_names(done.orders), lost=list(done.lost))
