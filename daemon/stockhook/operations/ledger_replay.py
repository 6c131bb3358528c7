"""Reads the ledger oldest first, a page at a time, and tells worlds what was booked (``history``)."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from stockhook.batch import Policies
from stockhook.model import Allocation, How, Item, Line, Movement, MovementKind, Order, Unit, fold
from stockhook.operations.due import every, pages
from stockhook.operations.edges import first_id
from stockhook.operations.past import Past, after, units_of
from stockhook.quantity import Quantity
from stockhook.record import replace
from stockhook.store import FOREVER, Range, Read
from stockhook.target import ship_date
from stockhook.worlds import Asked, LineKey, Taken, World

PAGE: Final = 1000
"""Movements that are read together."""

_SUPPLY: Final = frozenset({MovementKind.RECEIPT, MovementKind.TRANSFER_IN})


def first_since(view: Read, since: datetime) -> int:
    """Return the smallest movement id from which on all was booked at that moment or later."""
    return first_id(view, Movement, since)


class Replay:
    """Plays the ledger from a movement on to worlds that all begin with the stock of that moment.

    ``needs`` counts what was planned again, ``as_booked`` of these what the first world booked as it was, ``by_person``
    what a person had chosen.
    """

    def __init__(self, view: Read, policies: Policies, worlds: Sequence[World], since: datetime, first: int) -> None:
        """Take the view, what decides, and where to begin: ``first`` is the id of the first movement."""
        self.needs = self.as_booked = self.by_person = 0
        self._view = view
        self._policies = policies
        self._worlds = worlds
        self._first = first
        self._past = Past(view, since)
        self._changes = deque(self._past.changes)
        self._units: dict[int, Unit] = {}
        self._items: dict[str, Item | None] = {}
        self._cut: list[dict[int, Quantity]] = [{} for _ in worlds]
        self._open: list[Movement] = []
        self._asking: tuple[Asked, Allocation | None, bool] | None = None
        self._page = _Page()

    def run(self) -> Iterator[int]:
        """Play everything, yielding how many movements each page had. Raises BadPlan."""
        self._begin()
        newest = self._view.find(Movement, most=1)
        last = newest[0].id if newest else 0
        now: datetime | None = None
        for start in range(self._first, last + 1, PAGE):
            found = self._view.find(Movement, {"id": Range(start, start + PAGE)}, most=FOREVER)[::-1]
            self._load(found)
            for movement in found:
                if self._units[movement.unit_id].suspense:
                    continue
                if not self._open or not _same_decision(self._open[0], movement):
                    self._decide()
                if movement.at != now:
                    now = movement.at
                    self._move_on(now)
                self._play(movement)
            yield len(found)
        self._decide()
        self._move_on(None)

    # --- reading ---

    def _begin(self) -> None:
        """Put the stock of the beginning into the worlds: that of now without what was booked since."""
        since = self._view.totals(Movement, by=("unit_id",), where={"id": Range(low=self._first)})
        booked = {total.by[0]: total.amount for total in since}
        for units in pages(self._view, Unit):
            for unit in units:
                quantity = unit.quantity - booked.get(unit.id, 0)
                if quantity > 0 and not unit.suspense:
                    self._put(replace(self._past.unit(unit), quantity=quantity))

    def _put(self, unit: Unit) -> None:
        self._units[unit.id] = unit
        for world in self._worlds:
            world.put(unit)

    def _load(self, movements: Sequence[Movement]) -> None:
        """Read what the movements of a page name: units, decisions, and the facts of their lines."""
        self._know(movement.unit_id for movement in movements)
        decided = frozenset(m.allocation_id for m in movements if m.allocation_id is not None)
        undone = frozenset(m.reverses for m in movements if m.reverses is not None and m.order_id is not None)
        page = _Page()
        if decided:
            page.decisions = {row.id: row for row in every(self._view, Allocation, {"id": decided})}
        if undone:
            page.sources = {row.id: row.unit_id for row in every(self._view, Movement, {"id": undone})}
        taking = [movement for movement in movements if movement.kind is MovementKind.CONSUMPTION]
        for account in {movement.account for movement in taking if movement.account is not None}:
            where = {"account": account, "order_id": frozenset(m.order_id for m in taking if m.account == account)}
            page.orders |= {(row.account, row.order_id): row for row in every(self._view, Order, where)}
            page.lines |= {(row.account, row.order_id, row.number): row for row in every(self._view, Line, where)}
        skus = {movement.sku for movement in taking} - self._items.keys()
        if skus:
            items = self._view.catalogue((), {fold(sku) for sku in skus}).items
            self._items |= {sku: items.get(fold(sku)) for sku in skus}
        self._page = page

    def _know(self, unit_ids: Iterable[int]) -> None:
        """Read the units that no world has yet: nothing of them was there at the beginning."""
        unknown = frozenset(unit_id for unit_id in unit_ids if unit_id not in self._units)
        if unknown:
            for unit in every(self._view, Unit, {"id": unknown}):
                self._put(replace(self._past.unit(unit), quantity=0))

    # --- telling ---

    def _move_on(self, now: datetime | None) -> None:
        """Go on to the next moment of booking: what came in settles, and units are as persons had made them by then."""
        for world in self._worlds:
            world.settle()
        while self._changes and (now is None or self._changes[0].at <= now):
            entry = self._changes.popleft()
            ids = frozenset(units_of(entry))
            self._know(ids)
            for unit_id in sorted(ids & self._units.keys()):
                self._put(after(entry, self._units[unit_id]))

    def _play(self, movement: Movement) -> None:
        quantity = movement.quantity
        key = LineKey(movement.account or "", movement.order_id or "", movement.line or 0, movement.sku)
        of_line = movement.order_id is not None
        if movement.kind is MovementKind.CONSUMPTION and of_line:
            if not self._open:
                decision = self._page.decisions.get(movement.allocation_id or 0)
                self._asking = self._asked(movement), decision, not self._is_of_kits(movement)
            self._open.append(movement)
        elif movement.kind is MovementKind.REVERSAL and of_line and quantity > 0:
            for world in self._worlds:
                world.give_back(key, movement.unit_id, quantity)
        elif movement.kind in (MovementKind.RETURN, MovementKind.COUNT) and of_line and quantity > 0:
            source = self._page.sources.get(movement.reverses or 0, movement.unit_id)
            for world in self._worlds:
                world.come_back(key, source, movement.unit_id, quantity)
        else:
            self._book(movement)

    def _book(self, movement: Movement) -> None:
        for world, cut in zip(self._worlds, self._cut, strict=True):
            quantity = -cut.pop(movement.reverses or 0, -movement.quantity)
            booked = world.book(movement.unit_id, quantity, supply=movement.kind in _SUPPLY)
            if movement.kind is MovementKind.TRANSFER_OUT and booked != quantity:
                cut[movement.id] = booked  # no more can arrive than there was to leave

    def _decide(self) -> None:
        """Have the worlds plan what the open movements booked; they are of one decision, or of none."""
        if not self._open:
            return
        movements, self._open = self._open, []
        assert self._asking is not None, "movements are opened together with what asked for them"
        asked, decision, whole = self._asking
        booked = [Taken(movement.unit_id, -movement.quantity) for movement in movements]
        by_person = decision is None or movements[0].reason is not None
        quantity = decision.need if decision is not None and whole else sum(taken.quantity for taken in booked)
        same = [world.need(asked, quantity, booked, by_person=by_person) for world in self._worlds]
        self.by_person += by_person
        self.needs += not by_person
        self.as_booked += same[0] and not by_person

    def _is_of_kits(self, movement: Movement) -> bool:
        """Tell whether what is not taken finished is taken as components, and so is not short."""
        line = self._line(movement)
        return line is not None and line.binding is not None and line.binding.how is How.STOCKED_FIRST

    def _line(self, movement: Movement) -> Line | None:
        return self._page.lines.get((movement.account, movement.order_id, movement.line))

    def _asked(self, movement: Movement) -> Asked:
        key = LineKey(movement.account or "", movement.order_id or "", movement.line or 0, movement.sku)
        order, line = self._page.orders.get((key.account, key.order_id)), self._line(movement)
        rules = self._policies.rules_for(order.channel if order else "")
        if order is None or line is None:
            return Asked(key, rules, item=self._items.get(movement.sku))
        return Asked(
            key=key,
            rules=rules,
            center=line.center,
            ship_date=ship_date(order, line, rules),
            lots=line.lots,
            serials=line.serials,
            places=line.places,
            item=self._items.get(movement.sku),
            first_ship_at=order.first_ship_at,
        )


def _same_decision(one: Movement, other: Movement) -> bool:
    return one.allocation_id is not None and (one.kind, one.allocation_id) == (other.kind, other.allocation_id)


class _Page:
    """What the movements of one page name."""

    def __init__(self) -> None:
        self.decisions: dict[int, Allocation] = {}
        self.sources: dict[int, int] = {}
        self.orders: dict[tuple[str | None, str | None], Order] = {}
        self.lines: dict[tuple[str | None, str | None, int | None], Line] = {}
