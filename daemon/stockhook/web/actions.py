"""Addresses that the list of the application takes in: what a person does, and the newer pages."""

from typing import Final

from stockhook.web.amendments import AmendAction
from stockhook.web.audit import AuditPage
from stockhook.web.channels import ChannelsPage
from stockhook.web.corrections import CorrectAction, LinePage
from stockhook.web.events import DryRunPage, ReplayFoundAction
from stockhook.web.item_actions import RenameItemAction, RetireItemAction, SetItemAction, UnretireItemAction
from stockhook.web.locations import LocationsPage, SetLocationAction
from stockhook.web.movements import MovementPage, UndoAction
from stockhook.web.page import Page
from stockhook.web.problem_actions import (
    AcknowledgeAction,
    AddMeantAction,
    IgnoreAction,
    MapAction,
    ReopenAction,
    WaiveAction,
)
from stockhook.web.recall import HoldLotAction, RecallPage, ReleaseLotAction
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
    (r"/channels", ChannelsPage),
    (r"/audit", AuditPage),
    (r"/locations", LocationsPage),
    (r"/locations/set", SetLocationAction),
    (r"/recall", RecallPage),
    (r"/recall/hold", HoldLotAction),
    (r"/recall/release", ReleaseLotAction),
    (r"/problems/(\d+)/map", MapAction),
    (r"/problems/(\d+)/add", AddMeantAction),
    (r"/problems/(\d+)/ignore", IgnoreAction),
    (r"/problems/(\d+)/acknowledge", AcknowledgeAction),
    (r"/problems/(\d+)/waive", WaiveAction),
    (r"/problems/(\d+)/reopen", ReopenAction),
    (r"/events/replay", ReplayFoundAction),
    (r"/events/(\d+)/dry-run", DryRunPage),
    (r"/orders/([^/]+)/([^/]+)/lines/(\d+)", LinePage),
    (r"/orders/([^/]+)/([^/]+)/lines/(\d+)/(unit|lot|quantity|returned|accept|refuse|as-store)", CorrectAction),
    (r"/movements/(\d+)", MovementPage),
    (r"/movements/(\d+)/undo", UndoAction),
    (r"/items/([^/]+)/set", SetItemAction),
    (r"/items/([^/]+)/rename", RenameItemAction),
    (r"/items/([^/]+)/retire", RetireItemAction),
    (r"/items/([^/]+)/unretire", UnretireItemAction),
    (r"/items/([^/]+)/receive", ReceiveAction),
    (r"/items/([^/]+)/count", CountItemAction),
    (r"/units/(\d+)/adjust", AdjustAction),
    (r"/units/(\d+)/move", MoveAction),
    (r"/units/(\d+)/count", CountUnitAction),
    (r"/units/(\d+)/hold", HoldAction),
    (r"/units/(\d+)/release", ReleaseAction),
    (r"/units/(\d+)/amend", AmendAction),
)
"""Each address, as a pattern, and what answers it."""
