"""Webhook bodies in UltraCart's form, built from a few facts: for tests, the demo and benchmarks."""

import base64
import gzip
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

Amount: TypeAlias = int | str | Decimal
"""A quantity as the body shall write it: ``2``, ``Decimal("0.5")``; a text is written as a JSON string."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


def line(
    code: str,
    quantity: Amount,
    *,
    index: int | None = None,
    shipped: str | None = None,
    refunded: Amount | None = None,
    return_reason: str | None = None,
    center: str | None = "DFLT",
    kit: bool = False,
    component: bool = False,
    parent_index: int | None = None,
    lots: Sequence[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """Return one order line; ``shipped`` is its ``shipped_dts`` as text, ``more`` any other keys of the line.

    Without an ``index``, ``order`` numbers it by its place, from 1. As in the store's own payloads, what is not so is
    left out and not written as false.
    """
    written: dict[str, Any] = {"merchant_item_id": code, "quantity": quantity, "description": f"{code} as sold"}
    if index is not None:
        written["item_index"] = index
    optional = {
        "quantity_refunded": refunded,
        "return_reason": return_reason,
        "distribution_center_code": center,
        "kit": kit or None,
        "kit_component": component or None,
        "parent_item_index": parent_index,
        "shipped_dts": shipped,
        "edi": {"lots": [{"lot_number": lot, "lot_quantity": 1} for lot in lots]} if lots else None,
    }
    written.update((key, value) for key, value in optional.items() if value is not None)
    price = {"value": 17.95, "localized": 17.95, "localized_formatted": "$17.95"}
    written |= {
        "cost": price,
        "unit_cost_with_discount": price,
        "total_cost_with_discount": price,
        "discount": {"value": 0, "localized": 0.0, "localized_formatted": "$0.00"},
        "weight": {"value": 1, "uom": "LB"},
        "special_product_type": "",
        "accounting_code": code,
        "tags": [{"tag_value": "finished goods"}],
    }
    return written | more


def kit(
    code: str, quantity: Amount, components: Sequence[tuple[str, Amount]], *, index: int, **shared: Any
) -> list[dict[str, Any]]:
    """Return a kit line at ``index`` and its component lines right after it; ``shared`` goes to every one of them."""
    return [
        line(code, quantity, index=index, kit=True, **shared),
        *(
            line(part, amount, index=index + place, component=True, parent_index=index, **shared)
            for place, (part, amount) in enumerate(components, start=1)
        ),
    ]


def order(
    order_id: str,
    lines: Sequence[Mapping[str, Any]] | None,
    *,
    merchant_id: str = "DEMO",
    created: str | None = "2026-03-02T09:15:00-05:00",
    stage: str | None = "Shipping Department",
    shipping_date: str | None = None,
    refunded_at: str | None = None,
    rejected_at: str | None = None,
    test: bool = False,
    linked: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Return an order as events and the REST API show it; ``lines=None`` is one without the ``item`` expansion.

    Times are texts as the store writes them, with offset; ``more`` holds any other keys of the order.
    """
    written: dict[str, Any] = {"merchant_id": merchant_id, "order_id": order_id, "language_iso_code": "ENG"}
    shipping: dict[str, Any] = {"shipping_method": "UPS: Ground", "tracking_numbers": [""]}
    if shipping_date is not None:
        shipping |= {"shipping_date": shipping_date, "tracking_numbers": ["1ZEXAMPLE0000001"]}
    optional = {
        "current_stage": stage,
        "creation_dts": created,
        "refund_dts": refunded_at,
        "reject_dts": rejected_at,
        "payment": {"payment_status": "Processed", "test_order": True} if test else None,
        "linked_shipment": {"has_linked_shipment": True} if linked else None,
        "shipping": shipping if lines is not None else None,
        "items": None if lines is None else [_numbered(each, place) for place, each in enumerate(lines, start=1)],
    }
    written.update((key, value) for key, value in optional.items() if value is not None)
    return written | more


def _numbered(written: Mapping[str, Any], place: int) -> dict[str, Any]:
    return {"item_index": place, **written}


def event(name: str, order_id: str, lines: Sequence[Mapping[str, Any]] | None, **facts: Any) -> dict[str, Any]:
    """Return one element of a body: the event ``name`` with an order; ``facts`` are those of ``order``."""
    return {name: order(order_id, lines, **facts)}


def order_create(order_id: str, lines: Sequence[Mapping[str, Any]] | None, **facts: Any) -> dict[str, Any]:
    """Return the element that tells of a new order."""
    return event("order_create", order_id, lines, **facts)


def order_ship(order_id: str, lines: Sequence[Mapping[str, Any]] | None, **facts: Any) -> dict[str, Any]:
    """Return the element that tells of a shipped order, or of a shipped part of it."""
    return event("order_ship", order_id, lines, **facts)


def order_refund(order_id: str, lines: Sequence[Mapping[str, Any]] | None, **facts: Any) -> dict[str, Any]:
    """Return the element that tells of a refund; refunded quantities are totals so far (ultracart.md 2.7)."""
    return event("order_refund", order_id, lines, **facts)


def order_reject(order_id: str, lines: Sequence[Mapping[str, Any]] | None, **facts: Any) -> dict[str, Any]:
    """Return the element that tells of a rejected order; say when by ``rejected_at``."""
    return event("order_reject", order_id, lines, **{"stage": "Rejected", **facts})


def envelope(*elements: Mapping[str, Any]) -> bytes:
    """Return a body that holds the elements under ``events``, as UltraCart's own receivers expect it."""
    return _encode({"events": elements})


def array(*elements: Mapping[str, Any]) -> bytes:
    """Return a body that is a bare list of the elements, as the wiki shows it."""
    return _encode(elements)


def compressed(*elements: Mapping[str, Any]) -> bytes:
    """Return an envelope whose ``events`` is a text, gzip then base64: a webhook with ``compress_events`` on."""
    return _encode({"events": base64.b64encode(gzip.compress(_encode(elements), mtime=0)).decode()})
