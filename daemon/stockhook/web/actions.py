"""The addresses of what a person does to stock and to orders, beside those of the pages that show them."""

from typing import Final

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
    (r"/items/([^/]+)/receive", ReceiveAction),
    (r"/items/([^/]+)/count", CountItemAction),
    (r"/units/(\d+)/adjust", AdjustAction),
    (r"/units/(\d+)/move", MoveAction),
    (r"/units/(\d+)/count", CountUnitAction),
    (r"/units/(\d+)/hold", HoldAction),
    (r"/units/(\d+)/release", ReleaseAction),
)
"""Each address, as a pattern, and what answers it."""
