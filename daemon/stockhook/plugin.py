"""The public API for plugin authors: what is here is stable, what is elsewhere is not.

A plugin is a module with functions marked ``@hookimpl`` (see ``stockhook/hookspecs.py`` for the hooks), found by the
entry point group ``stockhook`` or in the folder that ``[plugins] directory`` names.
"""

import pluggy

from stockhook import model, quantity
from stockhook.channel import Channel, Guided, Nothing, RawEvent, Request
from stockhook.errors import (
    BadBooking,
    BadEvent,
    BadQuantity,
    NoSuchToken,
    Refused,
    Rejected,
    StoreAway,
    StoreBroken,
    StoreTooNew,
    StoreUnavailable,
    Unreadable,
)
from stockhook.model import Catalogue, Need, Offer, Pick, Stock
from stockhook.notifier import Message, Notifier
from stockhook.options import PluginOptions
from stockhook.secret import Secret
from stockhook.store import (
    FOREVER,
    RECORDS,
    Arrival,
    Chunk,
    Copyable,
    Due,
    Folded,
    Footprint,
    Kept,
    Match,
    Measured,
    Prepared,
    Progress,
    Range,
    Read,
    SelfChecking,
    Store,
    Total,
    Work,
    untold,
)
from stockhook.strategy import InnerStrategy, Otherwise, Step, Strategy, steps

hookimpl = pluggy.HookimplMarker("stockhook")

__all__ = [
    "FOREVER",
    "RECORDS",
    "Arrival",
    "BadBooking",
    "BadEvent",
    "BadQuantity",
    "Catalogue",
    "Channel",
    "Chunk",
    "Copyable",
    "Due",
    "Folded",
    "Footprint",
    "Guided",
    "InnerStrategy",
    "Kept",
    "Match",
    "Measured",
    "Message",
    "Need",
    "NoSuchToken",
    "Nothing",
    "Notifier",
    "Offer",
    "Otherwise",
    "Pick",
    "PluginOptions",
    "Prepared",
    "Progress",
    "Range",
    "RawEvent",
    "Read",
    "Refused",
    "Rejected",
    "Request",
    "Secret",
    "SelfChecking",
    "Step",
    "Stock",
    "Store",
    "StoreAway",
    "StoreBroken",
    "StoreTooNew",
    "StoreUnavailable",
    "Strategy",
    "Total",
    "Unreadable",
    "Work",
    "hookimpl",
    "model",
    "quantity",
    "steps",
    "untold",
]
