"""The nouns of stockhook as frozen records: what is received, what is known, what is booked.

Quantities and costs are millionths (``quantity.Quantity``). Times are aware UTC; a ``date`` is a day as the store
or the label wrote it. Records that the store keeps declare their key and their indexes in ``store.py``.
"""

from stockhook.model.key import NEW, OrderKey, Said, fold
from stockhook.model.known import Binding, How, Line, Order, Refund, Rekeying, Snapshot, SnapshotLine, Wait, WaitKind
from stockhook.model.ledger import (
    Allocation,
    Booking,
    Movement,
    MovementKind,
    OrderState,
    Shortage,
    Take,
    Trace,
    TraceUnit,
)
from stockhook.model.planning import Need, Offer, Pick
from stockhook.model.received import Body, Delivery, DeliveryState, Event, EventState
from stockhook.model.stock import (
    Alias,
    Catalogue,
    Count,
    Item,
    Kit,
    KitPolicy,
    Location,
    Part,
    Stock,
    Unit,
    same_goods,
)
from stockhook.model.told import KINDS, Answered, Audit, LogOut, Notice, NoticeState, Problem, ProblemState

__all__ = [
    "KINDS",
    "NEW",
    "Alias",
    "Allocation",
    "Answered",
    "Audit",
    "Binding",
    "Body",
    "Booking",
    "Catalogue",
    "Count",
    "Delivery",
    "DeliveryState",
    "Event",
    "EventState",
    "How",
    "Item",
    "Kit",
    "KitPolicy",
    "Line",
    "Location",
    "LogOut",
    "Movement",
    "MovementKind",
    "Need",
    "Notice",
    "NoticeState",
    "Offer",
    "Order",
    "OrderKey",
    "OrderState",
    "Part",
    "Pick",
    "Problem",
    "ProblemState",
    "Refund",
    "Rekeying",
    "Said",
    "Shortage",
    "Snapshot",
    "SnapshotLine",
    "Stock",
    "Take",
    "Trace",
    "TraceUnit",
    "Unit",
    "Wait",
    "WaitKind",
    "fold",
    "same_goods",
]
