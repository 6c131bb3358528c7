"""Makes orders due, so that the daemon's worker evaluates them again, and tells which ones wait for what."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final, TypeVar

from stockhook.allocation import Pool
from stockhook.kits import means_other, resolve
from stockhook.model import (
    Catalogue,
    Delivery,
    DeliveryState,
    Line,
    Movement,
    MovementKind,
    Order,
    OrderKey,
    Shortage,
    Stock,
    Unit,
    Wait,
    WaitKind,
    fold,
)
from stockhook.operations.desk import Desk, Swept
from stockhook.rules import ShortagePolicy
from stockhook.store import FOREVER, RECORDS, Match, Range, Read, Total, Work
from stockhook.suspense import amiss

R = TypeVar("R")

FAR: Final = timedelta(hours=2)
"""Nothing is put off for so long; what is due even later was put off by a clock that was wrong."""

_FOUND: Final = frozenset({MovementKind.ADJUSTMENT, MovementKind.COUNT})
_CAME: Final = frozenset({MovementKind.RECEIPT, MovementKind.REVERSAL, MovementKind.RETURN, MovementKind.TRANSFER_IN})
"""Kinds by which goods come that settle what is owed."""

PAGE: Final = 1000
"""How many records are read at a time, so that a long history needs little memory."""


def pages(
    view: Read,
    record: type[R],
    where: Mapping[str, Match] | None = None,
    size: int = PAGE,
    after: tuple[Any, ...] | None = None,
) -> Iterator[list[R]]:
    """Yield all records that match, newest first, from behind the key ``after``, a page at a time."""
    key: Callable[[R], Any] = attrgetter(*RECORDS[record].key)
    while True:
        found = view.find(record, where, after, size)
        if found:
            yield found
        if len(found) < size:
            return
        last = key(found[-1])
        after = last if isinstance(last, tuple) else (last,)


def every(
    view: Read, record: type[R], where: Mapping[str, Match] | None = None, after: tuple[Any, ...] | None = None
) -> Iterator[R]:
    """Yield all records that match, newest first, from behind the key ``after``."""
    for page in pages(view, record, where, after=after):
        yield from page


def make_due(desk: Desk, work: Work, keys: Collection[OrderKey]) -> int:
    """Make these orders due now and return how many were not so before; unknown ones do not count."""
    now = desk.clock.now()
    made = 0
    for found in orders_of(work, keys):
        idle = [replace(row, due_at=now, attempts=0) for row in found if row.due_at is None or row.due_at > now]
        if idle:
            work.save(idle)
        made += len(idle)
    return made


def orders_of(view: Read, keys: Collection[OrderKey]) -> Iterator[list[Order]]:
    """Yield what is known of these orders themselves, some at a time; unknown ones are left out."""
    for account, ids in by_account(keys):
        yield view.find(Order, {"account": account, "order_id": ids}, most=PAGE)


def by_account(keys: Collection[OrderKey]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the orders as ``find`` asks for them: an account, and so many ids at a time that a statement can hold."""
    for account in sorted({key.account for key in keys}):
        ids = sorted(key.order_id for key in keys if key.account == account)
        for start in range(0, len(ids), PAGE):
            yield account, frozenset(ids[start : start + PAGE])


def waiting_on_code(view: Read, code: str, account: str = "") -> set[OrderKey]:
    """Return the orders that wait for a folded code to be mapped; of one account, or of all where it is empty."""
    where: dict[str, Match] = {"kind": WaitKind.CODE, "subject": code}
    if account:
        where["account"] = account
    return {OrderKey(wait.account, wait.order_id) for wait in every(view, Wait, where)}


def shipped_unbound(view: Read, codes: Collection[str], account: str = "") -> set[OrderKey]:
    """Return the orders that shipped a line of these folded codes and did not book it; of one account, or of all."""
    spellings = {str(total.by[0]) for total in view.totals(Line, by=("code",))}
    where: dict[str, Match] = {"code": frozenset(code for code in spellings if fold(code) in codes)}
    if account:
        where["account"] = account
    lines = every(view, Line, where) if where["code"] else ()
    return {OrderKey(line.account, line.order_id) for line in lines if line.binding is None and line.ship_said}


def conflicts_gone(view: Read) -> set[OrderKey]:
    """Return the orders that wait for a ruling on a line which means again, by now, what it is booked as."""
    found: set[OrderKey] = set()
    for page in pages(view, Wait, {"kind": WaitKind.PERSON}):
        states = view.orders({OrderKey(wait.account, wait.order_id) for wait in page})
        lines = {(key, str(line.item_index)): line for key, state in states.items() for line in state.lines}
        catalogue = view.catalogue({(line.account, fold(line.code)) for line in lines.values()})
        for wait in page:
            key = OrderKey(wait.account, wait.order_id)
            line = lines.get((key, wait.subject))
            if line is not None and (fold(line.code) in line.refused or not means_other(line, catalogue)):
                found.add(key)
    return found


def waiting_orders(view: Read, skus: Collection[str]) -> set[OrderKey]:
    """Return the orders to which something of these items is owed, or that wait for them."""
    owed = view.find(Shortage, {"sku": frozenset(skus), "open": Range(low=1)}, most=FOREVER)
    waits = view.find(Wait, {"kind": WaitKind.ITEM, "subject": frozenset(skus)}, most=FOREVER)
    return {OrderKey(row.account, row.order_id) for row in owed} | {
        OrderKey(row.account, row.order_id) for row in waits
    }


def sweep(desk: Desk) -> int:
    """Make due what waits for nothing, and return how much that was: the poll behind a wake-up.

    That is orders that wait for a code which resolves by now, for a ruling that is needed no more, or for an item of
    which there are goods, whatever a clock that was set back has left behind, and what was owed before the policy
    ``negative`` was chosen.
    """
    with desk.store.read() as view:
        goods, seen = _waiting_beside_goods(view, desk.swept)
        keys = _waiting_on_known_codes(view) | conflicts_gone(view) | goods
        far = {"due_at": Range(low=desk.clock.now() + FAR)}
        keys |= {order.key for order in every(view, Order, far)}
        if not desk.swept:  # the first time, for the policy may be another one than the last daemon had
            keys |= _owed_out_of_suspense(desk, view)
        put_off = list(every(view, Delivery, {"state": DeliveryState.PENDING, **far}))
    made = 0
    if keys or put_off:
        with desk.store.write() as work:
            work.save([replace(delivery, due_at=None) for delivery in put_off])
            made = make_due(desk, work, keys) + len(put_off)
    desk.swept.clear()
    desk.swept.update(seen)
    return made


def _owed_out_of_suspense(desk: Desk, view: Read) -> set[OrderKey]:
    """Return the orders under the policy ``negative`` of which something is owed, but not booked below zero."""
    if not any(rules.on_shortage is ShortagePolicy.NEGATIVE for rules in desk.policies.rules.values()):
        return set()
    found: set[OrderKey] = set()
    for page in pages(view, Shortage, {"open": Range(low=1)}):
        for key, state in view.orders({OrderKey(row.account, row.order_id) for row in page}).items():
            rules = desk.policies.rules_for(state.order.channel)
            if rules.on_shortage is ShortagePolicy.NEGATIVE and any(n < 0 for n in amiss(state).values()):
                found.add(key)
    return found


def _waiting_on_known_codes(view: Read) -> set[OrderKey]:
    waited = [
        (str(total.by[0]), str(total.by[1]))
        for total in view.totals(Wait, by=("account", "subject"), where={"kind": WaitKind.CODE})
    ]
    catalogue = view.catalogue(set(waited)) if waited else Catalogue()
    found = [each for each in waited if resolve(*each, catalogue) is not None]
    return {key for account, code in found for key in waiting_on_code(view, code, account)}


def _waiting_beside_goods(view: Read, before: Mapping[str, Swept]) -> tuple[set[OrderKey], dict[str, Swept]]:
    """Return the orders that wait for items of which there are goods, and what to compare with the next time.

    An order may have to wait beside goods (they have expired, or are too few for the whole of it), so it is looked at
    again only once the goods have changed. What was owed already when goods were merely found stays owed beside them.
    """
    waiting: dict[str, list[Total]] = {}
    owed = view.totals(Shortage, by=("sku",), where={"open": Range(low=1)})
    for total in (*owed, *view.totals(Wait, by=("subject",), where={"kind": WaitKind.ITEM})):
        waiting.setdefault(str(total.by[0]), []).append(total)
    pool = Pool(view.units(waiting) if waiting else Stock())
    keys: set[OrderKey] = set()
    seen: dict[str, Swept] = {}
    for sku, totals in waiting.items():
        offered = frozenset(pool.shelf(sku, ()).tiers[0])
        goods, last = (pool.versions.get(sku, 0), offered), before.get(sku)
        if last is not None and (last.goods, last.waiting) == (goods, tuple(totals)):
            seen[sku] = last
            continue
        orders = frozenset(waiting_orders(view, {sku}) - _before_a_find(view, sku) if offered else ())
        keys |= orders - last.orders if last is not None and last.goods == goods else orders
        seen[sku] = Swept(goods, tuple(totals), orders)
    return keys, seen


def _before_a_find(view: Read, sku: str) -> set[OrderKey]:
    """Return the orders that wait since before goods were found, by an adjustment or a count, and nothing came since.

    Neither settles (strategies.md section 5); what came since has settled what it could, the find included.
    """
    found = _last_found(view, sku)
    if found is None:
        return set()
    owed = view.find(Shortage, {"sku": sku, "open": Range(low=1)}, most=FOREVER)
    waits = view.find(Wait, {"kind": WaitKind.ITEM, "subject": sku}, most=FOREVER)
    return {OrderKey(row.account, row.order_id) for row in owed if row.opened_at <= found} | {
        OrderKey(wait.account, wait.order_id) for wait in waits
    }


def _last_found(view: Read, sku: str) -> datetime | None:
    """Return when goods were found, if that is how the last of an item came."""
    suspense = {unit.id for unit in view.find(Unit, {"sku": sku, "suspense": True}, most=FOREVER)}
    for movement in every(view, Movement, {"sku": sku, "kind": _FOUND | _CAME}):
        if movement.quantity <= 0 or movement.unit_id in suspense:
            continue
        if movement.kind in _CAME:
            return None
        if movement.order_id is None:  # that of an order has a count stand, and nothing came
            return movement.at
    return None
