"""What of an UltraCart Order is read (ultracart.md 2.1 to 2.5); every other key is skipped unseen.

A field that is absent, null or false means the same. Dates are taken as they come: most may be unreadable without harm.
"""

from decimal import Decimal
from typing import Any, Final, TypeAlias

from msgspec import Raw, Struct

Number: TypeAlias = int | Decimal | None
"""``1``, ``1.0`` or ``"1"``; exact, and never a float."""


_NULL: Final = Raw(b"null")


class Lot(Struct, frozen=True, gc=False):
    """One entry of ``edi.lots``."""

    lot_number: str | int | None = None


class Edi(Struct, frozen=True, gc=False):
    """The only place of a line that names lots."""

    lots: list[Lot | None] | None = None


class Item(Struct, frozen=True, gc=False):
    """One line; its ``options`` stay as they came until it is known which of them are read."""

    item_index: Number = None
    merchant_item_id: str | None = None
    quantity: Number = None
    quantity_refunded: Number = None
    return_reason: str | None = None
    distribution_center_code: str | None = None
    kit: bool | None = None
    kit_component: bool | None = None
    parent_item_index: Number = None
    transmitted_to_distribution_center_dts: Any = None
    shipped_dts: Any = None
    edi: Edi | None = None
    options: Raw = _NULL


class Shipping(Struct, frozen=True, gc=False):
    """Of the shipping data only when the first part left; the address is never read."""

    shipping_date: Any = None


class Payment(Struct, frozen=True, gc=False):
    """When it was paid, and whether that was a test."""

    payment_dts: Any = None
    test_order: bool | None = None


class LinkedShipment(Struct, frozen=True, gc=False):
    """Whether the order is parent or child of another."""

    has_linked_shipment: bool | None = None
    linked_shipment: bool | None = None


class Transition(Struct, frozen=True, gc=False):
    """One change of stage."""

    transition_dts: Any = None


class Name(Struct, frozen=True, gc=False):
    """What names an order; any event that is about one has these."""

    merchant_id: str | None = None
    order_id: str | None = None


class Order(Name, frozen=True, gc=False):
    """The order itself."""

    current_stage: str | None = None
    creation_dts: Any = None
    refund_dts: Any = None
    reject_dts: Any = None
    payment: Payment | None = None
    shipping: Shipping | None = None
    linked_shipment: LinkedShipment | None = None
    current_stage_histories: list[Transition | None] | None = None
    items: list[Item] | None = None
