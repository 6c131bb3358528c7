"""What arrives: deliveries, their bodies, and the events they hold."""

from datetime import datetime
from enum import StrEnum

from stockhook.record import record


@record(frozen=True, slots=True)
class Body:
    """The raw bytes of a delivery, stored once per digest; ``size`` counts the bytes as received."""

    digest: bytes
    codec: str
    data: bytes
    size: int


class DeliveryState(StrEnum):
    """Whether some event of the delivery still has to be worked."""

    PENDING = "pending"
    WORKED = "worked"


@record(frozen=True, slots=True)
class Delivery:
    """One HTTP request a channel sent. ``events`` counts those already split off and kept as rows."""

    id: int
    channel: str
    received_at: datetime
    peer: str
    headers: tuple[tuple[str, str], ...]
    digest: bytes
    size: int
    state: DeliveryState = DeliveryState.PENDING
    due_at: datetime | None = None
    attempts: int = 0
    events: int = 0


class EventState(StrEnum):
    """What became of an event; the meanings are those of design.md section 8."""

    PENDING = "pending"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    SHORT = "short"
    PARKED = "parked"
    IGNORED = "ignored"
    SUPERSEDED = "superseded"
    FAILED = "failed"


@record(frozen=True, slots=True)
class Event:
    """One element of a delivery and what became of it. ``text`` says it to a person."""

    id: int
    delivery_id: int
    position: int
    channel: str
    account: str | None
    name: str
    order_id: str | None
    state: EventState
    reason: str | None
    attempts: int
    received_at: datetime
    finished_at: datetime | None
    text: str | None = None
