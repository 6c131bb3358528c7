"""What a count ends: what was owed of an item to lines that shipped from the place before it (strategies.md 5)."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from stockhook.batch import Batch
from stockhook.draft import Cause, Draft
from stockhook.model import Line, Location, Movement, MovementKind, Order, OrderKey, Shortage, Take
from stockhook.operations.desk import Desk
from stockhook.operations.due import every
from stockhook.quantity import Quantity, text
from stockhook.record import replace
from stockhook.store import Range, Read
from stockhook.target import moment_shipped


@dataclass(slots=True)
class Ended:
    """How much is owed no more, to which orders, and in words for the audit what of each shortage or unit."""

    quantity: Quantity = 0
    orders: dict[OrderKey, None] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What was counted, and when: all of an item in one place."""

    sku: str
    place: Location
    at: datetime

    @property
    def words(self) -> str:
        """Where and when, for a person."""
        return f"{self.place.path} counted for {self.at:%Y-%m-%d %H:%M}Z"


def owed_orders(view: Read, skus: Collection[str]) -> set[OrderKey]:
    """Return the orders to which something of these items is owed, as a shortage or in suspense."""
    wanted = frozenset(skus)
    owed = every(view, Shortage, {"sku": wanted, "open": Range(low=1)})
    keys = {OrderKey(row.account, row.order_id) for row in owed}
    for unit in view.units(skus).units:
        if unit.suspense and unit.quantity < 0:
            for movement in every(view, Movement, {"unit_id": unit.id, "kind": MovementKind.CONSUMPTION}):
                keys.add(OrderKey(movement.account or "", movement.order_id or ""))
    return keys


def end(desk: Desk, batch: Batch, keys: Collection[OrderKey], shelf: Shelf) -> Ended:
    """Close, in the batch, what is owed of the counted item to lines that shipped from there before the count.

    Lines take from there unless the location is not pickable or the rules of allocation leave it out.
    """
    ended = Ended()
    if shelf.place.pickable:
        for key in batch.oldest_first(keys):
            _end(desk, batch, key, shelf, ended)
    return ended


def _end(desk: Desk, batch: Batch, key: OrderKey, shelf: Shelf, ended: Ended) -> None:
    state = batch.state(key)
    assert state is not None, "something is owed to an order that is not kept"
    lines = {line.number for line in state.lines if _shipped_from(desk, state.order, line, shelf)}
    draft = Draft(state, Cause(desk.clock.now(), desk.actor), batch.ids)
    much = sum(_close(draft, row, shelf, ended) for row in state.shortages if row.line in lines)
    much += sum(_clear(draft, batch, take, shelf, ended) for take in state.takes if take.line in lines)
    if not much:
        return
    ended.quantity += much
    ended.orders[key] = None
    history = f"{text(much)} of {shelf.sku} is owed no more: {shelf.words} by {desk.actor}"
    order = replace(state.order, history=(*state.order.history, history))
    after = replace(state, order=order, takes=tuple(draft.takes), shortages=tuple(draft.rows.values()))
    batch.adopt(key, after, draft)


def _shipped_from(desk: Desk, order: Order, line: Line, shelf: Shelf) -> bool:
    moment = moment_shipped(order, line)
    if moment is None or moment >= shelf.at:
        return False
    choice = desk.policies.choices.choose(desk.policies.rules_for(order.channel), shelf.sku, line.center)
    path = shelf.place.path
    return not choice.locations or any(f"{path}/".startswith(f"{root.rstrip('/')}/") for root in choice.locations)


def _close(draft: Draft, row: Shortage, shelf: Shelf, ended: Ended) -> Quantity:
    if row.sku != shelf.sku or not row.open:
        return 0
    draft.keep(
        replace(
            row,
            open=0,
            counted=row.counted + row.open,
            reason=row.reason or shelf.words,
            actor=draft.cause.actor,
        )
    )
    ended.details[f"shortage {row.id}"] = text(row.open)
    return row.open


def _clear(draft: Draft, batch: Batch, take: Take, shelf: Shelf, ended: Ended) -> Quantity:
    owed = take.remaining - take.returned - take.counted
    if take.sku != shelf.sku or not take.suspense or owed <= 0:
        return 0
    order = draft.state.order
    draft.movements.append(
        Movement(
            id=next(draft.ids),
            unit_id=take.unit_id,
            sku=take.sku,
            kind=MovementKind.COUNT,
            quantity=owed,
            at=draft.cause.now,
            actor=draft.cause.actor,
            account=order.account,
            order_id=order.order_id,
            line=take.line,
            reverses=take.movement_id,
            reason=shelf.words,
        )
    )
    draft.skus.add(take.sku)
    draft.takes = [replace(one, counted=one.counted + owed) if one is take else one for one in draft.takes]
    batch.pool.move(take.unit_id, owed)
    ended.details[f"movement {take.movement_id}"] = text(owed)
    return owed
