"""Inventory units, movements and locations as rows."""

from datetime import date

from stockhook.model import Location, Movement, MovementKind, Unit
from stockhook.operations.locations import Changed
from stockhook.quantity import text
from stockhook.rows.values import Amount, Moment, Row, amount, fields, utc


class UnitRow(Row, frozen=True, kw_only=True):
    """So much of one item at one location, of one lot or serial number, one receipt, one cost."""

    unit_id: int
    sku: str
    location: str
    lot: str | None
    serial: str | None
    quantity: Amount
    held: bool
    received_at: Moment
    expires_on: date | None
    unit_cost: Amount | None


class WholeUnit(UnitRow, frozen=True, kw_only=True):
    """A unit with all that is kept of it.

    ``received`` is the quantity first booked in; a ``suspense`` unit is no goods but what is owed, below zero.
    """

    received: Amount
    priority: int | None
    reference: str | None
    suspense: bool


class MovementRow(Row, frozen=True, kw_only=True):
    """One entry of the ledger; ``line`` is the number by which the ledger names the order's line for ever."""

    id: int
    unit_id: int
    sku: str
    kind: MovementKind
    quantity: Amount
    balance_after: Amount
    at: Moment
    actor: str
    line: int | None
    event_id: int | None
    allocation_id: int | None
    reverses: int | None
    reason: str | None
    reference: str | None


class LedgerRow(MovementRow, frozen=True, kw_only=True):
    """A movement with the order that it is for, where it is for one."""

    account: str | None
    order_id: str | None


class LocationRow(Row, frozen=True, kw_only=True):
    """A place where goods lie; a smaller ``pick_sequence`` is picked earlier."""

    path: str
    pickable: bool
    pick_sequence: int | None


class AddedLocation(LocationRow, frozen=True, kw_only=True):
    """A new location, and those above it that were made with it."""

    parents: list[str]


class ChangedLocation(LocationRow, frozen=True, kw_only=True):
    """A location as it is after a change, and how many orders are worked again because of it."""

    due: int


def unit_row(unit: Unit) -> UnitRow:
    """Return a unit as `stock list` has it."""
    return UnitRow(
        unit_id=unit.id,
        sku=unit.sku,
        location=unit.location,
        lot=unit.lot,
        serial=unit.serial,
        quantity=text(unit.quantity),
        held=unit.held,
        received_at=utc(unit.received_at),
        expires_on=unit.expires_on,
        unit_cost=amount(unit.unit_cost),
    )


def whole_unit(unit: Unit) -> WholeUnit:
    """Return a unit with all that is kept of it."""
    return WholeUnit(
        **fields(unit_row(unit)),
        received=text(unit.received),
        priority=unit.priority,
        reference=unit.reference,
        suspense=unit.suspense,
    )


def movement_row(movement: Movement) -> MovementRow:
    """Return a movement as the events and orders it belongs to have it."""
    return MovementRow(
        id=movement.id,
        unit_id=movement.unit_id,
        sku=movement.sku,
        kind=movement.kind,
        quantity=text(movement.quantity),
        balance_after=text(movement.balance_after),
        at=utc(movement.at),
        actor=movement.actor,
        line=movement.line,
        event_id=movement.event_id,
        allocation_id=movement.allocation_id,
        reverses=movement.reverses,
        reason=movement.reason,
        reference=movement.reference,
    )


def ledger_row(movement: Movement) -> LedgerRow:
    """Return a movement with its order."""
    return LedgerRow(**fields(movement_row(movement)), account=movement.account, order_id=movement.order_id)


def location_row(place: Location) -> LocationRow:
    """Return a location as `locations list` has it."""
    return LocationRow(path=place.path, pickable=place.pickable, pick_sequence=place.pick_sequence)


def added_location(added: Changed) -> AddedLocation:
    """Return what `locations add` did."""
    return AddedLocation(**fields(location_row(added.location)), parents=[place.path for place in added.parents])


def changed_location(changed: Changed) -> ChangedLocation:
    """Return what `locations set` did."""
    return ChangedLocation(**fields(location_row(changed.location)), due=changed.due)
