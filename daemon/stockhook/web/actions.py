"""The addresses of what a person does to stock and to orders, beside those of the pages that show them."""

from typing import Final

from stockhook.web.corrections import CorrectAction, LinePage
from stockhook.web.events import DryRunPage, ReplayFoundAction
from stockhook.web.movements import MovementPage, UndoAction
from stockhook.web.page import Page
from stockhook.web.stock import (
    AdjustAction,
    CountItemAction,
    CountUnitAction,
    HoldAction,
    MoveAction,
    ReceiveAction,
    ReleaseAction,
)

ACTIONS: Final[tuple[tuple[str, type[Page]], ...]] = (
    (r"/events/replay", ReplayFoundAction),
    (r"/events/(\d+)/dry-run", DryRunPage),
    (r"/orders/([^/]+)/([^/]+)/lines/(\d+)", LinePage),
    (r"/orders/([^/]+)/([^/]+)/lines/(\d+)/(unit|lot|quantity|returned|accept|refuse|as-store)", CorrectAction),
    (r"/movements/(\d+)", MovementPage),
    (r"/movements/(\d+)/undo", UndoAction),
    (r"/items/([^/]+)/receive", ReceiveAction),
    (r"/items/([^/]+)/count", CountItemAction),
    (r"/units/(\d+)/adjust", AdjustAction),
    (r"/units/(\d+)/move", MoveAction),
    (r"/units/(\d+)/count", CountUnitAction),
    (r"/units/(\d+)/hold", HoldAction),
    (r"/units/(\d+)/release", ReleaseAction),
)
"""Each address, as a pattern, and what answers it."""
