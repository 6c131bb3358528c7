"""Orders evaluated one after the other on one running pool, and the bookings that come of it.

A batch reads all it needs in a few queries, plans in memory, and ends as bookings for one commit. It is what the
worker, a receipt and a rebooking share.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from stockhook.allocation import Emptied, Pool
from stockhook.choice import Choices
from stockhook.draft import Cause, Draft, Signal
from stockhook.errors import BadEvent
from stockhook.evaluate import Evaluation, evaluate
from stockhook.event_state import OPEN, due_again, finished, moved_on
from stockhook.facts import merge
from stockhook.kits import resolve
from stockhook.model import (
    NEW,
    Alias,
    Allocation,
    Booking,
    Catalogue,
    Event,
    EventState,
    Location,
    Movement,
    MovementKind,
    Order,
    OrderKey,
    OrderState,
    Said,
    Shortage,
    Snapshot,
    Unit,
    Wait,
    WaitKind,
    fold,
)
from stockhook.problems import Occurrence, Report
from stockhook.record import record, replace
from stockhook.rules import ChannelRules
from stockhook.shadow import shadowed
from stockhook.store import FOREVER, Read
from stockhook.telling import NO_ITEMS

_OF_THE_EVENT: Final = frozenset({"bad-lines", "wrong-merchant"})
"""Reasons for which an event waits by itself; its order's settling does not end them."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)

_READ_ANEW: Final = "kit-mismatch"
"""What is read from the lines with each evaluation, and opens and closes with the newest payload alone."""


@record(frozen=True, slots=True)
class Policies:
    """What decides beside the facts: the rules of each channel, and which strategy takes what whence.

    ``shadow``: what is decided for orders is told, but not booked.
    """

    rules: Mapping[str, ChannelRules]
    choices: Choices
    shadow: bool = False

    def rules_for(self, channel: str) -> ChannelRules:
        """Return a channel's rules; those of an order whose channel was renamed or removed are the first one's."""
        return self.rules.get(channel) or next(iter(self.rules.values()), ChannelRules(channel))


@record(frozen=False, slots=True)
class _Open:
    """One order of the batch: as it was read, as it stands now, and what has been decided on the way.

    ``turn`` counts the orders in the order in which they were first decided; 0: not yet.
    """

    before: OrderState | None
    now: OrderState
    waiting_events: list[Event] = field(default_factory=list)
    events: dict[int, Event] = field(default_factory=dict)
    allocations: list[Allocation] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    shortages: dict[int, Shortage] = field(default_factory=dict)
    units: list[Unit] = field(default_factory=list)
    happened: list[Occurrence] = field(default_factory=list)
    standing: list[Occurrence] | None = None
    settled: set[tuple[str, str]] = field(default_factory=set)
    skus: set[str] = field(default_factory=set)
    turn: int = 0


def settling_turn(order: Order) -> tuple[datetime, OrderKey]:
    """Return by what orders are to be settled: the receipt of their first ``order_ship`` (strategies.md 5)."""
    return order.first_ship_at or _NEVER, order.key


class Batch:
    """One view's orders, catalogue and units, running along with what is decided."""

    def __init__(
        self,
        policies: Policies,
        view: Read,
        keys: Collection[OrderKey],
        codes: Iterable[tuple[str, str]] = (),
        skus: Iterable[str] = (),
    ) -> None:
        """Load the orders ``keys`` and all that evaluating them may need.

        ``codes`` (account, folded code) and ``skus`` are those that the orders themselves do not name yet.
        """
        self._policies = policies
        self.ids: Iterator[int] = itertools.count(NEW)
        self._turns: Iterator[int] = itertools.count(1)
        states = view.orders(keys) if keys else {}
        wanted = set(codes) | {(key.account, fold(line.code)) for key, state in states.items() for line in state.lines}
        bound = {part.sku for state in states.values() for ln in state.lines if ln.binding for part in ln.binding.parts}
        self.catalogue: Catalogue = view.catalogue(wanted, bound) if wanted else Catalogue()
        self.pool = Pool(view.units(_skus(self.catalogue, states.values()) | set(skus)), _finder(view))
        self._unmade = self._know_places(view)
        self._orders: dict[OrderKey, _Open] = {key: _Open(state, state) for key, state in states.items()}
        self._know_events(view)

    def _know_events(self, view: Read) -> None:
        """Read the events that wait for what their orders wait for, for all orders of an account at once."""
        waiting: defaultdict[str, set[str]] = defaultdict(set)
        for key, opened in self._orders.items():
            if opened.now.waits or any(row.open for row in opened.now.shortages):
                waiting[key.account].add(key.order_id)
        for account, ids in waiting.items():
            where = {"account": account, "order_id": frozenset(ids), "state": OPEN}
            for event in view.find(Event, where, most=FOREVER):
                if event.reason not in _OF_THE_EVENT:
                    self._orders[OrderKey(account, event.order_id or "")].waiting_events.append(event)

    def _know_places(self, view: Read) -> dict[str, Location]:
        """Tell the pool of places that matter though nothing may lie there; return those that are yet to be made.

        They are where returns go. One that nobody has made is not picked from: what comes back is looked at first.
        """
        returns = {rules.restock_to for rules in self._policies.rules.values() if rules.restock_to is not None}
        paths = frozenset(returns | self.pool.counted_places())
        found = {place.path: place for place in view.find(Location, {"path": paths}, most=FOREVER)} if paths else {}
        unmade = {path: Location(path, pickable=False) for path in returns - found.keys()}
        self.pool.know([*found.values(), *unmade.values()])
        return unmade

    def places(self) -> list[Location]:
        """Return the places to be made for what has come back, to be saved with the bookings."""
        paths = {unit.location for opened in self._orders.values() for unit in opened.units}
        return [place for path, place in self._unmade.items() if path in paths]

    def state(self, key: OrderKey) -> OrderState | None:
        """Return an order as it stands now in this batch."""
        opened = self._orders.get(key)
        return opened.now if opened else None

    def oldest_first(self, keys: Iterable[OrderKey]) -> list[OrderKey]:
        """Return orders as they are to be settled."""
        states = {key: self.state(key) for key in keys}
        return sorted(states, key=lambda key: settling_turn(state.order) if (state := states[key]) else (_NEVER, key))

    def note(self, snapshot: Snapshot, event: Event, cause: Cause) -> EventState:
        """Merge an event's snapshot into its order, evaluate it, and return what became of the event.

        The event is kept under the id that the cause names, a placeholder for a new one.
        Whatever it raises, the batch is as if the event had not been.
        """
        key = OrderKey(snapshot.account, snapshot.order_id)
        opened = self._orders.get(key)
        known = (opened.now.order, opened.now.lines) if opened else None
        said = Said(snapshot.as_of or event.received_at, event.delivery_id, event.position)
        merged = merge(
            known,
            snapshot,
            said,
            received_at=event.received_at,
            channel=event.channel,
            meaning=lambda code: self._meaning(snapshot.account, code),
        )
        if opened:
            state = replace(opened.now, order=merged.order, lines=merged.lines)
        else:
            state = OrderState(merged.order, merged.lines)
        waited = _awaits_items(state)
        state = replace(state, waits=_waits_for_items(state, snapshot, said))
        result = self._evaluate(state, cause)
        done = finished(event, result, cause, changed=merged.changed, superseded=merged.superseded)
        opened = self._orders.setdefault(key, _Open(None, state))
        self._keep(opened, result, done, cause, tells=merged.changed)
        if snapshot.ships and not snapshot.lines:
            words = f"order {key.order_id} came without its lines: the expansion `item` is missing on the webhook"
            if merged.changed or (not waited and _awaits_items(state)):
                opened.happened.append(_occurrence(Signal("no-items", event.channel, words), opened.now.order, event))
        elif snapshot.ships:
            opened.settled.add(("no-items", event.channel))
        opened.events[done.id] = done
        return done.state

    def again(self, key: OrderKey, cause: Cause) -> Evaluation | None:
        """Evaluate an order anew from its facts; None for one that is not kept."""
        opened = self._orders.get(key)
        if opened is None:
            return None
        state = opened.now
        result = self._evaluate(state, cause)
        self._keep(opened, result, None, cause, tells=_binds(state, result))
        return result

    def renew(self, event: Event, cause: Cause) -> None:
        """Evaluate the order of an event whose payload has been removed from the facts that were kept."""
        key = OrderKey(event.account or "", event.order_id or "")
        result = self.again(key, cause)
        if result is None:
            raise BadEvent("quarantined", "its payload has been removed, and no facts of an order were kept from it")
        done = finished(event, result, cause, changed=False, superseded=False)
        self._orders[key].events[done.id] = done

    def adopt(self, key: OrderKey, state: OrderState, draft: Draft) -> None:
        """Take over what a person has drafted for an order (reversals, waived shortages) before it is evaluated."""
        opened = self._orders[key]
        opened.turn = opened.turn or next(self._turns)
        opened.now = state
        opened.allocations += draft.allocations
        opened.movements += draft.movements
        opened.units += draft.units
        opened.shortages |= draft.changed_rows
        opened.skus |= draft.skus
        opened.settled |= {("insufficient-inventory", row.sku) for row in draft.changed_rows.values()}

    def bookings(self) -> list[Booking]:
        """Return what the batch has decided, one booking per order, in the order of deciding."""
        decided = sorted((opened for opened in self._orders.values() if _decided(opened)), key=attrgetter("turn"))
        made = {unit.id: unit for opened in decided for unit in opened.units}
        bookings = []
        for opened in decided:  # a unit comes with the first that names it, who made it may be decided again later
            units = [made.pop(number) for number in sorted(_units(opened) & made.keys())] if made else []
            bookings.append(self._booking(opened, units))
        return bookings

    def report(self, void: Collection[OrderKey | None]) -> Report:
        """Return what there is to tell about the orders that are not void."""
        report = Report()
        for key, opened in self._orders.items():
            if key in void or not _decided(opened):
                continue
            report.happened += opened.happened
            report.settled |= opened.settled
            if opened.standing or (opened.standing is not None and opened.before is not None):
                report.standing[key] = opened.standing
        return report

    def given_back(self, void: Collection[OrderKey | None]) -> set[str]:
        """Return the items of which orders that are not void have given something back."""
        skus: set[str] = set()
        for key, opened in self._orders.items():
            if key not in void:
                skus |= _given_back(opened)
        return skus

    def deliveries(self, void: Collection[OrderKey | None]) -> set[int]:
        """Return the deliveries with an event of a void order: they must be worked again."""
        return {event.delivery_id for key in void if key for event in self._orders[key].events.values()}

    def _evaluate(self, state: OrderState, cause: Cause) -> Evaluation:
        rules = self._policies.rules_for(state.order.channel)
        mark = self.pool.mark()
        try:
            result = evaluate(
                state, rules, self.catalogue, self.pool, self._policies.choices, cause=cause, ids=self.ids
            )
        except BaseException:
            self.pool.rollback(mark)
            raise
        if self._policies.shadow and (told := shadowed(result, state)) is not result:
            self.pool.rollback(mark)
            return told
        return result

    def _keep(self, opened: _Open, result: Evaluation, event: Event | None, cause: Cause, *, tells: bool) -> None:
        order = due_again(result.state.order, result, cause.now)
        opened.turn = opened.turn or next(self._turns)
        opened.now = result.state if order is result.state.order else replace(result.state, order=order)
        opened.allocations += result.allocations
        opened.movements += result.movements
        opened.shortages |= {row.id: row for row in result.shortages}
        opened.units += result.units
        opened.skus |= result.skus
        opened.settled |= {each for each in result.settled if tells or each[0] != _READ_ANEW}
        if result.judged:
            opened.standing = [_occurrence(signal, order, event) for signal in result.standing]
        opened.happened += [_occurrence(signal, order, event) for signal in result.happened if tells or _new(signal)]
        for waiting in opened.waiting_events:
            if event is None or waiting.id != event.id:
                opened.events[waiting.id] = moved_on(waiting, result, cause.now)
        if event is not None and event.state in OPEN:
            opened.waiting_events = [*(e for e in opened.waiting_events if e.id != event.id), event]

    def _booking(self, opened: _Open, units: Iterable[Unit]) -> Booking:
        before, now = opened.before, opened.now
        old_lines = {line.number: line for line in before.lines} if before else {}
        waits = None if set(now.waits) == set(before.waits if before else ()) else now.waits
        return Booking(
            order=now.order,
            lines=tuple(line for line in now.lines if line is not old_lines.get(line.number)),
            waits=waits,
            events=tuple(opened.events.values()),
            units=tuple(units),
            allocations=tuple(opened.allocations),
            movements=tuple(opened.movements),
            shortages=tuple(opened.shortages.values()),
            items={sku: self.pool.versions.get(sku, 0) for sku in opened.skus},
        )

    def _meaning(self, account: str, code: str) -> object:
        meaning = resolve(account, code, self.catalogue)
        return fold(code) if meaning is None or isinstance(meaning, Alias) else (meaning,)


def _units(opened: _Open) -> set[int]:
    """Return the units that a booking names: those it moves, and those its traces tell of."""
    traces = [allocation.trace for allocation in opened.allocations]
    told = {unit.unit_id for trace in traces for unit in (*trace.taken, *trace.passed_over)}
    return told | {movement.unit_id for movement in opened.movements}


def _given_back(opened: _Open) -> set[str]:
    """Return the items that went back; what was owed in suspense is no goods, a count says what was there."""
    suspense = {take.unit_id for take in opened.now.takes if take.suspense}
    back: Counter[str] = Counter()
    for each in opened.movements:
        if each.unit_id not in suspense and (each.quantity > 0) is (each.kind is not MovementKind.COUNT):
            back[each.sku] += each.quantity
    return set(+back)


def _decided(opened: _Open) -> bool:
    return opened.now is not opened.before


def _skus(catalogue: Catalogue, states: Iterable[OrderState]) -> set[str]:
    skus = {item.sku for item in catalogue.items.values()}
    skus |= {part.sku for kit in catalogue.kits.values() for part in kit.parts}
    for state in states:
        skus |= {take.sku for take in state.takes} | {row.sku for row in state.shortages}
        skus |= {part.sku for line in state.lines if line.binding for part in line.binding.parts}
    return skus


def _new(signal: Signal) -> bool:
    """Tell whether a signal is given for something new alone: a mismatch is read from the lines each time."""
    return signal.kind != _READ_ANEW


def _binds(state: OrderState, result: Evaluation) -> bool:
    """Tell whether an evaluation has booked some line for the first time."""
    before = {line.number for line in state.lines if line.binding is not None}
    return any(line.binding is not None and line.number not in before for line in result.lines)


def _awaits_items(state: OrderState) -> bool:
    return any(wait.subject == NO_ITEMS for wait in state.waits)


def _waits_for_items(state: OrderState, snapshot: Snapshot, said: Said) -> tuple[Wait, ...]:
    """Return the waits of an order once a snapshot has been merged: one that ships without lines leaves it waiting.

    It waits until it is known as of that moment or later which lines have shipped.
    """
    wait = Wait(state.order.account, state.order.order_id, WaitKind.FACTS, NO_ITEMS)
    others = tuple(other for other in state.waits if other != wait)
    if not snapshot.ships:
        return state.waits
    if snapshot.lines:
        return others if said.as_of >= state.order.said.as_of else state.waits
    known = any(line.ship_said is not None and line.ship_said.as_of >= said.as_of for line in state.lines)
    return state.waits if known else (*others, wait)


def _finder(view: Read) -> Emptied:
    def find(unit_id: int) -> tuple[Unit, Location | None] | None:
        units = view.find(Unit, {"id": unit_id}, most=1)
        if not units:
            return None
        places = view.find(Location, {"path": units[0].location}, most=1)
        return units[0], places[0] if places else None

    return find


def _occurrence(signal: Signal, order: Order, event: Event | None) -> Occurrence:
    where = (event.delivery_id, event.position) if event else None
    return Occurrence(signal, order.channel, order.account, order.order_id, where)
