"""Inventory units, movements and locations as rows."""

from datetime import date
from typing import Generic

from stockhook.model import Location, Movement, MovementKind, Unit
from stockhook.operations.locations import Changed
from stockhook.rows.values import Amount, Id, Moment, Row, row_of


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


class AnyMovement(Row, Generic[Id], frozen=True, kw_only=True):
    """A movement, booked or not."""

    id: Id
    unit_id: Id
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


class MovementRow(AnyMovement[int], frozen=True, kw_only=True):
    """One entry of the ledger; ``line`` is the number by which the ledger names the order's line for ever."""


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
    return row_of(UnitRow, unit, unit_id=unit.id)


def whole_unit(unit: Unit) -> WholeUnit:
    """Return a unit with all that is kept of it."""
    return row_of(WholeUnit, unit, unit_id=unit.id)


def movement_row(movement: Movement) -> MovementRow:
    """Return a movement as the events and orders it belongs to have it."""
    return row_of(MovementRow, movement)


def ledger_row(movement: Movement) -> LedgerRow:
    """Return a movement with its order."""
    return row_of(LedgerRow, movement)


def location_row(place: Location) -> LocationRow:
    """Return a location as `locations list` has it."""
    return row_of(LocationRow, place)


def added_location(added: Changed) -> AddedLocation:
    """Return what `locations add` did."""
    return row_of(AddedLocation, added.location, parents=[place.path for place in added.parents])


def changed_location(changed: Changed) -> ChangedLocation:
    """Return what `locations set` did."""
    return row_of(ChangedLocation, changed.location, due=changed.due)
