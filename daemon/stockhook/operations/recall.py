"""Where the goods of a lot went: which orders got them, what is left and where, and whether that adds up.

The other way round, from an order to its units and lots, is ``orders.show``.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, TypeVar

from stockhook.errors import NotFound
from stockhook.model import Audit, Line, Movement, MovementKind, Order, OrderKey, Shortage, Unit, fold
from stockhook.operations.desk import Desk
from stockhook.operations.due import every
from stockhook.operations.past import AMEND, before, units_of
from stockhook.operations.records import known
from stockhook.operations.suggestions import did_you_mean, near, newest
from stockhook.quantity import Quantity
from stockhook.rules import ChannelRules
from stockhook.store import Folded, Match, Read
from stockhook.target import moment_shipped, ship_date

T = TypeVar("T")

AT_ONCE: Final = 500
"""Orders, units or movements that are asked for together."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What became of an item's goods: ``received`` + all that came or went since = ``left``.

    ``adjusted`` holds what persons undid as well, ``reversed`` what was booked for orders and taken back because it
    had not shipped, ``moved`` what was moved to or from units of another name. ``returned`` came back from customers.
    """

    sku: str
    lots: tuple[str | None, ...]
    received: Quantity
    adjusted: Quantity
    counted: Quantity
    moved: Quantity
    shipped: Quantity
    reversed: Quantity
    returned: Quantity
    left: Quantity

    @property
    def unexplained(self) -> Quantity:
        """What is left beyond what the movements say; 0 in a book that is sound."""
        came = self.received + self.adjusted + self.counted + self.moved + self.reversed + self.returned
        return self.left - came + self.shipped


@dataclass(frozen=True, slots=True)
class Shipment:
    """What one line of an order got of the goods; ``line`` is its number, quantities are in item units.

    ``shipped_at`` is the moment the goods left as far as the store told it, ``ship_date`` the day as it wrote it.
    """

    account: str
    order_id: str
    channel: str
    line: int
    item_index: int
    code: str
    sku: str
    shipped_at: datetime | None
    ship_date: date | None
    consumed: Quantity
    reversed: Quantity
    returned: Quantity
    units: tuple[int, ...]

    @property
    def out(self) -> Quantity:
        """What has left and not come back."""
        return self.consumed - self.reversed - self.returned


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Goods of the item that left while the lot was there, and of which nobody knows the unit.

    ``owed``, ``waived`` and ``counted`` are what shortages of the line hold; what is below zero under the policy
    ``negative`` is owed.
    """

    account: str
    order_id: str
    line: int
    sku: str
    since: datetime
    owed: Quantity = 0
    waived: Quantity = 0
    counted: Quantity = 0


@dataclass(frozen=True, slots=True)
class Recall:
    """Where goods went: the sums of each item, the units with where they lie now, who got them, and who may have.

    ``renamed`` are units that bore the name that was asked for, and were given another one.
    """

    sums: tuple[Sums, ...]
    units: tuple[Unit, ...]
    shipments: tuple[Shipment, ...]
    unnamed: tuple[Unnamed, ...]
    renamed: tuple[int, ...] = ()

    @property
    def free(self) -> Quantity:
        """How much is left that orders may take."""
        return sum(unit.quantity for unit in self.units if unit.quantity > 0 and not unit.held)


def recall_lot(desk: Desk, lot: str) -> Recall:
    """Return where the goods of a lot went, of whatever items; lots compare trimmed and without case.

    Raises NotFound with near misses.
    """
    with desk.store.read() as view:
        return _recall_named(desk, view, "lot", lot)


def recall_serial(desk: Desk, serial: str) -> Recall:
    """Return where the piece with a serial number went; raises NotFound with near misses."""
    with desk.store.read() as view:
        return _recall_named(desk, view, "serial", serial)


def recall_unit(desk: Desk, unit_id: int) -> Recall:
    """Return where the goods of one unit went; raises NotFound."""
    with desk.store.read() as view:
        known(view, Unit, unit_id)
        return _recall(desk, view, [{"id": unit_id}])


def _recall_named(desk: Desk, view: Read, what: str, asked: str) -> Recall:
    named = {what: Folded(fold(asked))}
    renamed = _renamed(view, what, asked)
    if not renamed and not view.find(Unit, named, most=1):
        raise NotFound(_no_such(view, what, asked))
    found = _recall(desk, view, [named, {"id": frozenset(renamed)}])
    return replace(found, renamed=tuple(sorted(renamed)))


def _renamed(view: Read, what: str, asked: str) -> set[int]:
    """Return the units that bear another name now and were of the one asked for, before a person amended them."""
    entries = list(every(view, Audit, {"action": AMEND}))
    amended = sorted({unit_id for entry in entries for unit_id in units_of(entry)})
    now = {unit.id: unit for ids in _some(amended) for unit in every(view, Unit, {"id": frozenset(ids)})}
    then = dict(now)
    named: set[int] = set()
    for entry in entries:
        for unit_id in now.keys() & set(units_of(entry)):
            then[unit_id] = before(entry, then[unit_id])
            if fold(getattr(then[unit_id], what) or "") == fold(asked):
                named.add(unit_id)
    return {unit_id for unit_id in named if fold(getattr(now[unit_id], what) or "") != fold(asked)}


def _no_such(view: Read, what: str, asked: str) -> str:
    other, option = ("serial", "--serial ") if what == "lot" else ("lot", "")
    noun = {"lot": "lot", "serial": "serial number"}
    if view.find(Unit, {other: Folded(fold(asked))}, most=1):
        return f"there is no {noun[what]} {asked!r}, but a {noun[other]}: stockhook recall {option}{asked}"
    meant = did_you_mean(near(asked, newest(view, what)))
    return (
        f"no unit ever had the {noun[what]} {asked!r}{meant or '; `stockhook stock list --all` shows what was there'}"
    )


def _recall(desk: Desk, view: Read, which: Sequence[Mapping[str, Match]]) -> Recall:
    units = {unit.id: unit for where in which for unit in every(view, Unit, where)}
    ledger = _Ledger()
    ledger.take(_movements(view, units))
    while found := _moved_on(view, ledger.left, units):
        units |= found
        ledger.take(_movements(view, found))
    sums = tuple(ledger.sums(sku, units.values()) for sku in sorted({unit.sku for unit in units.values()}))
    ordered = tuple(sorted(units.values(), key=lambda unit: (unit.sku, unit.location, unit.id)))
    shipments = tuple(_shipments(desk, view, ledger))
    return Recall(sums, ordered, shipments, tuple(_unnamed(view, units.values())))


@dataclass(slots=True)
class _Got:
    """What one line got, while it is added up."""

    consumed: Quantity = 0
    reversed: Quantity = 0
    returned: Quantity = 0
    units: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Ledger:
    """The movements of the units, added up by item and kind, and by line; ``left`` are those that took goods away."""

    by_kind: dict[tuple[str, str], Quantity] = field(default_factory=dict)
    lines: dict[tuple[str, str, int, str], _Got] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)

    def take(self, movements: Iterable[Movement]) -> None:
        """Add movements; ``left`` is then those of these that took goods away."""
        self.left = []
        for movement in movements:
            kind = movement.kind
            if kind is MovementKind.REVERSAL and movement.order_id is None:
                kind = MovementKind.ADJUSTMENT  # a person undid something
            key = (movement.sku, kind.value)
            self.by_kind[key] = self.by_kind.get(key, 0) + movement.quantity
            if kind in (MovementKind.CONSUMPTION, MovementKind.TRANSFER_OUT):
                self.left.append(movement.id)
            if movement.account is not None and movement.order_id is not None and movement.line is not None:
                self._note(movement, (movement.account, movement.order_id, movement.line, movement.sku))

    def _note(self, movement: Movement, key: tuple[str, str, int, str]) -> None:
        got = self.lines.setdefault(key, _Got())
        got.units.add(movement.unit_id)
        match movement.kind:
            case MovementKind.CONSUMPTION:
                got.consumed -= movement.quantity
            case MovementKind.REVERSAL:
                got.reversed += movement.quantity
            case MovementKind.RETURN:
                got.returned += movement.quantity

    def sums(self, sku: str, units: Collection[Unit]) -> Sums:
        """Return what became of an item's goods, and what its units hold."""
        mine = [unit for unit in units if unit.sku == sku]

        def total(*kinds: MovementKind) -> Quantity:
            return sum(self.by_kind.get((sku, kind.value), 0) for kind in kinds)

        return Sums(
            sku=sku,
            lots=tuple(sorted({unit.lot for unit in mine}, key=lambda lot: (lot is not None, lot or ""))),
            received=total(MovementKind.RECEIPT),
            adjusted=total(MovementKind.ADJUSTMENT),
            counted=total(MovementKind.COUNT),
            moved=total(MovementKind.TRANSFER_IN, MovementKind.TRANSFER_OUT),
            shipped=-total(MovementKind.CONSUMPTION),
            reversed=total(MovementKind.REVERSAL),
            returned=total(MovementKind.RETURN),
            left=sum(unit.quantity for unit in mine),
        )


def _movements(view: Read, units: Collection[int]) -> Iterator[Movement]:
    for ids in _some(sorted(units)):
        yield from every(view, Movement, {"unit_id": frozenset(ids)})


def _moved_on(view: Read, left: Collection[int], known: Collection[int]) -> dict[int, Unit]:
    """Return further units that goods went to: moved there, or returned to another place than they came from."""
    kinds = frozenset({MovementKind.TRANSFER_IN, MovementKind.RETURN})
    found: set[int] = set()
    for ids in _some(sorted(left)):
        again = every(view, Movement, {"reverses": frozenset(ids), "kind": kinds})
        found |= {movement.unit_id for movement in again if movement.unit_id not in known}
    return {unit.id: unit for unit in every(view, Unit, {"id": frozenset(found)})} if found else {}


def _some(everything: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(everything), AT_ONCE):
        yield everything[start : start + AT_ONCE]


def _shipments(desk: Desk, view: Read, ledger: _Ledger) -> list[Shipment]:
    keys = sorted({OrderKey(account, order_id) for account, order_id, _, _ in ledger.lines})
    states: dict[OrderKey, tuple[Order, dict[int, Line]]] = {}
    for some in _some(keys):
        for key, state in view.orders(some).items():
            states[key] = (state.order, {line.number: line for line in state.lines})
    found = []
    for (account, order_id, number, sku), got in ledger.lines.items():
        order, lines = states[OrderKey(account, order_id)]
        rules = desk.policies.rules_for(order.channel)
        found.append(_shipment(order, lines[number], sku, got, rules))
    return sorted(found, key=lambda one: (one.account, one.order_id, one.line, one.sku))


def _shipment(order: Order, line: Line, sku: str, got: _Got, rules: ChannelRules) -> Shipment:
    return Shipment(
        account=order.account,
        order_id=order.order_id,
        channel=order.channel,
        line=line.number,
        item_index=line.item_index,
        code=line.code,
        sku=sku,
        shipped_at=moment_shipped(order, line),
        ship_date=ship_date(order, line, rules),
        consumed=got.consumed,
        reversed=got.reversed,
        returned=got.returned,
        units=tuple(sorted(got.units)),
    )


def _unnamed(view: Read, units: Iterable[Unit]) -> list[Unnamed]:
    """Return what was shipped of the items, since the first of these goods came, without that any unit is known."""
    since: dict[str, datetime] = {}
    for unit in units:
        since[unit.sku] = min(unit.received_at, since.get(unit.sku, unit.received_at))
    found: dict[tuple[str, str, int, str], Unnamed] = {}
    for row in every(view, Shortage, {"sku": frozenset(since)}):
        if row.opened_at >= since[row.sku] and (row.open or row.waived or row.counted):
            key = (row.account, row.order_id, row.line, row.sku)
            entry = found.get(key) or Unnamed(*key, since=row.opened_at)
            found[key] = replace(
                entry,
                owed=entry.owed + row.open,
                waived=entry.waived + row.waived,
                counted=entry.counted + row.counted,
            )
    return sorted(found.values(), key=lambda one: (one.since, one.account, one.order_id, one.line))
