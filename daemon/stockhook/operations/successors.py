"""The items that renamed ones are now: what orders give back under an old sku goes over to the new one."""

from collections.abc import Collection, Iterator
from typing import Final

from stockhook.model import Alias, Audit, Booking, Item, Movement, MovementKind, Unit, fold, same_goods
from stockhook.operations.desk import Desk
from stockhook.operations.due import waiting_orders
from stockhook.operations.stock.ledger import entry
from stockhook.quantity import ONE
from stockhook.record import replace
from stockhook.store import FOREVER, Folded, Range, Read, Work

RENAME: Final = "items rename"
"""What the audit calls a rename; its subject is the old sku."""


def meaning(view: Read, sku: str) -> Alias | None:
    """Return what a sku means as a code, for all accounts, if that is anything but the item."""
    return next(iter(view.find(Alias, {"account": "", "code": fold(sku)}, most=1)), None)


def carried(desk: Desk, ids: Iterator[int], unit: Unit, target: Unit) -> tuple[Movement, Movement]:
    """Return the movements by which all of a unit goes over to a unit of another sku."""
    out = entry(desk, next(ids), unit, MovementKind.TRANSFER_OUT, -unit.quantity, "renamed")
    into = entry(desk, next(ids), target, MovementKind.TRANSFER_IN, unit.quantity, "renamed", reverses=out.id)
    return out, into


def bring_over(desk: Desk, work: Work, ids: Iterator[int], skus: Collection[str]) -> set[str]:
    """Move what lies of these items, just booked in ``work``, to those that they are now; return the latter.

    Lines keep the sku under which they were booked, so that is where their goods come back, and from there nobody
    sells them. Where an order still wants the old sku they are for that order. A piece whose serial number a person
    has booked in under the new sku stays where it is, or it would be there twice.
    """
    brought: set[str] = set()
    retired = work.find(Item, {"sku": frozenset(skus), "retired": True}, most=FOREVER) if skus else ()
    for item in retired:
        sku = _successor(work, item)
        if sku is None or waiting_orders(work, {item.sku}):
            continue
        booking = _booking(desk, work, ids, item.sku, sku)
        if booking.movements:
            work.book([booking])
            brought.add(sku)
    return brought


def _successor(view: Read, item: Item) -> str | None:
    """Return the sku that an item has now; None for one that was retired without being renamed."""
    alias = meaning(view, item.sku)
    if alias is None or alias.factor != ONE or not view.find(Audit, {"action": RENAME, "subject": item.sku}, most=1):
        return None
    return alias.sku


def _booking(desk: Desk, work: Work, ids: Iterator[int], old: str, new: str) -> Booking:
    units: list[Unit] = []
    movements: list[Movement] = []
    for unit in work.find(Unit, {"sku": old, "suspense": False, "quantity": Range(low=1)}, most=FOREVER):
        if unit.serial is not None and _in_stock(work, new, unit.serial):
            continue
        like = replace(unit, sku=new, quantity=0)
        lying = work.find(Unit, {"sku": new, "location": unit.location}, most=FOREVER)
        target = next((other for other in reversed(lying) if same_goods(other, like)), None)
        if target is None:
            target = replace(like, id=next(ids))
            units.append(target)
        movements += carried(desk, ids, unit, target)
    return Booking(units=tuple(units), movements=tuple(movements))


def _in_stock(view: Read, sku: str, serial: str) -> bool:
    return bool(view.find(Unit, {"sku": sku, "serial": Folded(fold(serial)), "quantity": Range(low=1)}, most=1))
