"""From an event to what it says of its order: a snapshot, never an increment (strategies.md section 1)."""

from datetime import datetime, tzinfo
from typing import Final

import msgspec

from stockhook.plugin import BadEvent, BadQuantity, Nothing, RawEvent, model, quantity
from stockhook_plugins.channels.ultracart.events import BROKEN_ELEMENT, CATALOGUE, Says
from stockhook_plugins.channels.ultracart.fault import bad_lines, cut, misshapen, odd
from stockhook_plugins.channels.ultracart.moment import Moment, moment, moment_if_readable
from stockhook_plugins.channels.ultracart.order import Item, Name, Number, Order
from stockhook_plugins.channels.ultracart.pins import Pins
from stockhook_plugins.channels.ultracart.word import LONGEST, ODD, word

_INDEXES: Final = 2**31
_WHOLE_UNITS: Final = quantity.LIMIT // quantity.ONE
_REJECTED: Final = "rejected"

_order = msgspec.json.Decoder(Order)
_name = msgspec.json.Decoder(Name)


class Reader:
    """Reads the events of one merchant's channel."""

    def __init__(self, merchant_id: str, zone: tzinfo, pins: Pins | None = None) -> None:
        """Take whose events they must be, the time zone of dates without an offset, and what lines may ask for."""
        self._merchant_id = merchant_id.strip()
        self._zone = zone
        self._pins = pins or Pins()

    def read(self, event: RawEvent) -> model.Snapshot | Nothing:
        """Return what the event says; raises BadEvent (``bad-lines``, ``wrong-merchant``) for what none may book."""
        says = CATALOGUE.get(event.name)
        if says is Says.SHIPPED or says is Says.FACTS:
            try:
                return self._snapshot(event, ships=says is Says.SHIPPED)
            except BadEvent as error:
                about = _naming(event)
                raise BadEvent(error.kind, str(error), about.account, about.order_id) from None
        if says is Says.NO_FACTS:
            return _naming(event)
        if event.name == BROKEN_ELEMENT:
            raise bad_lines(event.name, 'one element of the delivery is not an object {"event name": {...}}')
        return Nothing("unknown-event" if says is None else "not-a-shipment")

    def _snapshot(self, event: RawEvent, *, ships: bool) -> model.Snapshot:
        try:
            order = _order.decode(event.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise misshapen(_called(event.name, _naming(event).order_id), event.payload, error) from None
        called = _called(event.name, order.order_id)
        account = self._account(called, order)
        order_id = _key(called, "order_id", order.order_id)
        shipped = _shipping_date(order, self._zone)
        refunded = moment_if_readable(order.refund_dts, self._zone)
        rejected = moment_if_readable(order.reject_dts, self._zone)
        stage = word(order.current_stage)
        lines = None if order.items is None else self._lines(called, order.items)
        return model.Snapshot(
            account=account,
            order_id=order_id,
            ships=ships,
            as_of=self._as_of(order, lines or (), shipped, refunded, rejected),
            stage=stage,
            test=order.payment is not None and order.payment.test_order is True,
            refunded_at=refunded.at if refunded else None,
            shipping_date=shipped.at if shipped else None,
            ship_date=shipped.on if shipped else None,
            rejected=rejected is not None or (stage is not None and stage.lower() == _REJECTED),
            linked=_is_linked(order),
            lines=lines,
        )

    def _account(self, event: str, order: Order) -> str:
        merchant_id = (order.merchant_id or "").strip()
        if merchant_id.casefold() != self._merchant_id.casefold():
            found = f"belongs to merchant {cut(merchant_id)}" if merchant_id else "names no merchant_id"
            raise BadEvent(
                "wrong-merchant",
                f"{event}: {found}, this channel is for merchant {cut(self._merchant_id)};"
                " check where the store's webhook points to, and merchant_id in the config",
            )
        return f"ultracart:{merchant_id}"

    def _as_of(
        self,
        order: Order,
        lines: tuple[model.SnapshotLine, ...],
        *known: Moment | None,
    ) -> datetime | None:
        """Return the latest moment the payload tells of as past; planned dates are no part of it."""
        dates = [order.creation_dts]
        if order.payment is not None:
            dates.append(order.payment.payment_dts)
        dates += [each.transition_dts for each in order.current_stage_histories or () if each is not None]
        dates += [item.transmitted_to_distribution_center_dts for item in order.items or ()]
        found = [*known, *(moment_if_readable(date, self._zone) for date in dates if date is not None)]
        moments = [each.at for each in found if each is not None]
        moments += [line.shipped_at for line in lines if line.shipped_at is not None]
        return max(moments, default=None)

    def _lines(self, event: str, items: list[Item]) -> tuple[model.SnapshotLine, ...]:
        lines = []
        seen = set()
        for place, item in enumerate(items, start=1):
            line = self._line(event, place, item)
            if line.item_index in seen:
                raise bad_lines(event, "item_index is there twice; each line needs its own", line.item_index)
            seen.add(line.item_index)
            lines.append(line)
        return tuple(lines)

    def _line(self, event: str, place: int, item: Item) -> model.SnapshotLine:
        index = _index(event, f"at place {place}", "item_index", item.item_index)
        if index is None:
            raise bad_lines(event, "item_index is missing", f"at place {place}")
        if item.quantity is None:
            raise bad_lines(event, "quantity is missing", index)
        try:
            shipped = moment(item.shipped_dts, self._zone)
        except ValueError:
            text = f"shipped_dts {odd(item.shipped_dts)} is no date; expected one like 2026-03-03T14:02:11-05:00"
            raise bad_lines(event, text, index) from None
        pinned = self._pins.read(item)
        return model.SnapshotLine(
            item_index=index,
            code=_key(event, "merchant_item_id", item.merchant_item_id, index),
            quantity=_quantity(event, index, "quantity", item.quantity),
            quantity_refunded=_quantity(event, index, "quantity_refunded", item.quantity_refunded),
            return_reason=word(item.return_reason),
            center=word(item.distribution_center_code),
            kit=item.kit is True,
            component=item.kit_component is True,
            parent_index=_index(event, index, "parent_item_index", item.parent_item_index),
            lots=pinned.lots,
            serials=pinned.serials,
            places=pinned.places,
            shipped_at=shipped.at if shipped else None,
            ship_date=shipped.on if shipped else None,
        )


def _called(name: str, order_id: str | None) -> str:
    """Return what a message calls an event, so that a person can find its order in the store."""
    text = (order_id or "").strip()
    return name if not text or ODD.search(text) else f"{name} of order {text[:40]}"


def _naming(event: RawEvent) -> Nothing:
    """Return that the event moves no stock, with the order it is about where it can be told."""
    try:
        name = _name.decode(event.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Nothing("not-a-shipment")
    merchant_id, order_id = word(name.merchant_id), word(name.order_id)
    return Nothing("not-a-shipment", f"ultracart:{merchant_id}" if merchant_id else None, order_id)


def _shipping_date(order: Order, zone: tzinfo) -> Moment | None:
    return None if order.shipping is None else moment_if_readable(order.shipping.shipping_date, zone)


def _is_linked(order: Order) -> bool:
    linked = order.linked_shipment
    return linked is not None and (linked.has_linked_shipment is True or linked.linked_shipment is True)


def _key(event: str, field: str, value: str | None, line: int | None = None) -> str:
    """Return a text by which something is found again: it must be there, and readable."""
    text = (value or "").strip()
    if not text:
        raise bad_lines(event, f"{field} is missing", line)
    if len(text) > LONGEST:
        raise bad_lines(event, f"{field} {cut(text)} has more than {LONGEST} characters", line)
    if ODD.search(text):
        raise bad_lines(event, f"{field} {cut(text)} holds characters that cannot be read", line)
    return text


def _index(event: str, line: object, field: str, value: Number) -> int | None:
    """Return a whole number from 0: the first line of old orders is 0 (ultracart.md 2.2)."""
    if value is None:
        return None
    finite = isinstance(value, int) or value.is_finite()
    if not finite or not 0 <= value < _INDEXES or value != int(value):
        raise bad_lines(event, f"{field} {odd(value)} is not a whole number from 0", line)
    return int(value)


def _quantity(event: str, line: int, field: str, value: Number) -> quantity.Quantity:
    if isinstance(value, int) and 0 <= value <= _WHOLE_UNITS:
        return value * quantity.ONE
    try:
        amount = quantity.parse(value or 0)
    except BadQuantity:
        amount = -1
    if amount < 0:
        expected = f"expected a number from 0 to {_WHOLE_UNITS} with at most six decimal places"
        raise bad_lines(event, f"{field} {odd(value)} is no quantity; {expected}", line)
    return amount
