"""What a count ends: what was owed of an item to lines that shipped from the place before it (strategies.md 5).

The evaluation of an order closes what is owed to it once it knows of the count; here is told which orders those are.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from stockhook.batch import Batch
from stockhook.draft import Cause, Draft
from stockhook.model import OrderKey, OrderState, WaitKind
from stockhook.operations.desk import Desk
from stockhook.quantity import Quantity, parse, text
from stockhook.record import replace
from stockhook.target import moment_shipped

_ORDER: Final = "order "


def owed_of(batch: Batch, keys: Iterable[OrderKey]) -> defaultdict[str, set[OrderKey]]:
    """Return by item the orders of ``keys`` to which something of it is owed, or that wait for it."""
    found: defaultdict[str, set[OrderKey]] = defaultdict(set)
    for key in keys:
        state = batch.state(key)
        for row in state.shortages if state else ():
            if row.open:
                found[row.sku].add(key)
        for wait in state.waits if state else ():
            if wait.kind is WaitKind.ITEM:
                found[wait.subject].add(key)
    return found


def ended_by_counts(desk: Desk, batch: Batch, keys: Iterable[OrderKey], sku: str) -> list[OrderKey]:
    """Return the orders of ``keys`` to which an item is owed no more, by the counts that the batch knows of.

    Others are not to be evaluated because of a count: it never settles.
    """
    return [key for key in keys if _ended(desk, batch, key, sku)]


def _ended(desk: Desk, batch: Batch, key: OrderKey, sku: str) -> bool:
    state = batch.state(key)
    if state is None:
        return False
    owed = {row.line for row in state.shortages if row.sku == sku and row.open}
    waits = any(wait.kind is WaitKind.ITEM and wait.subject == sku for wait in state.waits)
    policies = desk.policies
    rules = policies.rules_for(state.order.channel)
    for line in state.lines:
        moment = moment_shipped(state.order, line)
        if (waits or line.number in owed) and moment is not None:
            choice = policies.choices.choose(rules, sku, line.center)
            if batch.pool.shelf_counted(sku, choice.locations, moment):
                return True
    return False


def counted_of(state: OrderState | None, sku: str) -> Quantity:
    """Return how much of an item is owed to an order no more, because of counts."""
    return sum(row.counted for row in state.shortages if row.sku == sku) if state else 0


def written(ended: Mapping[OrderKey, Quantity]) -> dict[str, str]:
    """Return what a count has ended, for its audit."""
    return {f"{_ORDER}{key.account}/{key.order_id}": text(quantity) for key, quantity in ended.items()}


def read(details: Mapping[str, str]) -> dict[OrderKey, Quantity]:
    """Return what the audit of a count says that it has ended."""
    ended = {}
    for name, quantity in details.items():
        if name.startswith(_ORDER):
            account, _, order_id = name.removeprefix(_ORDER).partition("/")
            ended[OrderKey(account, order_id)] = parse(quantity)
    return ended


def open_again(desk: Desk, batch: Batch, key: OrderKey, sku: str, quantity: Quantity, reason: str) -> None:
    """Withdraw so much of what a count has ended, newest first; evaluated again, the order takes it or is owed it."""
    state = batch.state(key)
    if state is None:
        return
    draft = Draft(state, Cause(desk.clock.now(), desk.actor), batch.ids)
    left = quantity
    for row in reversed([row for row in state.shortages if row.sku == sku]):
        part = min(left, row.counted)
        if part:
            left -= part
            draft.keep(replace(row, withdrawn=row.withdrawn + part, counted=row.counted - part))
    if left < quantity:
        words = f"the count that ended {text(quantity - left)} of {sku} was taken back: {reason}"
        order = replace(state.order, history=(*state.order.history, words))
        batch.adopt(key, replace(state, order=order, shortages=tuple(draft.rows.values())), draft)
