"""The catalogue of event names (ultracart.md 1.8) and what each may say of an order."""

from enum import Enum
from typing import Final


class Says(Enum):
    """What an event of one name may tell."""

    SHIPPED = "shipped"  # all facts of its order, and that lines have shipped
    FACTS = "facts"  # all facts of its order but that lines have shipped
    NO_FACTS = "no facts"  # names an order, and tells nothing that stock depends on
    NO_ORDER = "no order"  # is about something else


BROKEN_ELEMENT: Final = "broken-element"
"""How an element of a body is called that is no object and so has no name of its own."""


_ORDER: Final = (
    "abandon_recovery",
    "create",
    "delete",
    "payment_failed",
    "payment_process",
    "refund",
    "reject",
    "s3_invoice",
    "s3_packing_slip",
    "stage_change",
    "update",
)
_CARRIER: Final = ("order_ship_delivered", "order_ship_expected", "order_ship_out_for_delivery")
# sent per distribution center, up to a day late and again until acknowledged: the order's own events say the same
_FULFILLMENT: Final = ("fulfillment_hold", "fulfillment_transmit")
_OTHERS: Final = {
    "item": ("create", "delete", "update"),
    "auto_order": ("cancel", "create", "decline", "disable", "preshipment", "rebill", "update"),
    "chargeback": ("create", "delete", "update"),
    "checkout": ("cart_abandon", "cart_send_return_email"),
    "customer": ("create", "delete", "update"),
    "screen": ("recording",),
    "user": ("create", "delete", "login", "update"),
    "workflow_task": ("create", "delete", "update"),
}

CATALOGUE: Final[dict[str, Says]] = {
    "order_ship": Says.SHIPPED,
    **{f"order_{what}": Says.FACTS for what in _ORDER},
    **dict.fromkeys(_CARRIER + _FULFILLMENT, Says.NO_FACTS),
    **{f"{subject}_{what}": Says.NO_ORDER for subject, happenings in _OTHERS.items() for what in happenings},
}
"""Every event name known to us. The list grows at UltraCart's side: a name that is not here moves no stock."""
