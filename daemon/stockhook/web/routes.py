"""Every address of the pages, by noun; those of the JSON API are in ``api.routes``."""

from typing import Final

from stockhook.web.amendments import AmendAction
from stockhook.web.api.reference import ReferencePage
from stockhook.web.audit import AuditPage
from stockhook.web.base import BaseHandler
from stockhook.web.channels import ChannelsPage
from stockhook.web.corrections import CorrectAction, LinePage
from stockhook.web.deliveries import BodyDownload, DeliveriesPage, DeliveryPage
from stockhook.web.events import DryRunPage, EventPage, EventsPage, ReplayAction, ReplayFoundAction
from stockhook.web.item_actions import RenameItemAction, RetireItemAction, SetItemAction, UnretireItemAction
from stockhook.web.items import ItemPage, ItemsPage
from stockhook.web.locations import LocationsPage, SetLocationAction
from stockhook.web.login import LoginPage, LogoutAction
from stockhook.web.metrics import MetricsPage
from stockhook.web.movements import MovementPage, UndoAction
from stockhook.web.orders import OrderPage
from stockhook.web.overview import OverviewPage
from stockhook.web.plugins import PluginsPage
from stockhook.web.probes import ProbePage
from stockhook.web.problem_actions import (
    AcknowledgeAction,
    AddMeantAction,
    IgnoreAction,
    MapAction,
    ReopenAction,
    WaiveAction,
)
from stockhook.web.problems import ProblemPage, ProblemsPage
from stockhook.web.recall import HoldLotAction, RecallPage, ReleaseLotAction
from stockhook.web.search import SearchPage
from stockhook.web.static import StaticPage
from stockhook.web.stock import (
    AdjustAction,
    CountItemAction,
    CountUnitAction,
    HoldAction,
    MoveAction,
    ReceiveAction,
    ReleaseAction,
)
from stockhook.web.units import UnitPage

ROUTES: Final[tuple[tuple[str, type[BaseHandler]], ...]] = (
    (r"/", OverviewPage),
    (r"/search", SearchPage),
    (r"/deliveries", DeliveriesPage),
    (r"/deliveries/(\d+)", DeliveryPage),
    (r"/deliveries/(\d+)/body", BodyDownload),
    (r"/events", EventsPage),
    (r"/events/replay", ReplayFoundAction),
    (r"/events/(\d+)", EventPage),
    (r"/events/(\d+)/dry-run", DryRunPage),
    (r"/events/(\d+)/replay", ReplayAction),
    (r"/orders/([^/]+)/([^/]+)", OrderPage),
    (r"/orders/([^/]+)/([^/]+)/lines/(\d+)", LinePage),
    (r"/orders/([^/]+)/([^/]+)/lines/(\d+)/(unit|lot|quantity|returned|accept|refuse|as-store)", CorrectAction),
    (r"/items", ItemsPage),
    (r"/items/([^/]+)", ItemPage),
    (r"/items/([^/]+)/set", SetItemAction),
    (r"/items/([^/]+)/rename", RenameItemAction),
    (r"/items/([^/]+)/retire", RetireItemAction),
    (r"/items/([^/]+)/unretire", UnretireItemAction),
    (r"/items/([^/]+)/receive", ReceiveAction),
    (r"/items/([^/]+)/count", CountItemAction),
    (r"/units/(\d+)", UnitPage),
    (r"/units/(\d+)/adjust", AdjustAction),
    (r"/units/(\d+)/move", MoveAction),
    (r"/units/(\d+)/count", CountUnitAction),
    (r"/units/(\d+)/hold", HoldAction),
    (r"/units/(\d+)/release", ReleaseAction),
    (r"/units/(\d+)/amend", AmendAction),
    (r"/movements/(\d+)", MovementPage),
    (r"/movements/(\d+)/undo", UndoAction),
    (r"/recall", RecallPage),
    (r"/recall/hold", HoldLotAction),
    (r"/recall/release", ReleaseLotAction),
    (r"/locations", LocationsPage),
    (r"/locations/set", SetLocationAction),
    (r"/problems", ProblemsPage),
    (r"/problems/(\d+)", ProblemPage),
    (r"/problems/(\d+)/map", MapAction),
    (r"/problems/(\d+)/add", AddMeantAction),
    (r"/problems/(\d+)/ignore", IgnoreAction),
    (r"/problems/(\d+)/acknowledge", AcknowledgeAction),
    (r"/problems/(\d+)/waive", WaiveAction),
    (r"/problems/(\d+)/reopen", ReopenAction),
    (r"/channels", ChannelsPage),
    (r"/plugins", PluginsPage),
    (r"/audit", AuditPage),
    (r"/api", ReferencePage),
    (r"/login", LoginPage),
    (r"/logout", LogoutAction),
    (r"/(?:healthz|readyz)", ProbePage),
    (r"/metrics", MetricsPage),
    (r"/static/([\w.]+)", StaticPage),
)
"""Each address, as a pattern, and what answers it."""
