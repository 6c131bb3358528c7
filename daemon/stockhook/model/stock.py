"""The catalogue and what lies on the shelf: items, aliases, kits, locations, inventory units."""

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from enum import StrEnum
from operator import attrgetter
from typing import Final

from stockhook.quantity import Quantity
from stockhook.record import record


@record(frozen=True, slots=True)
class Part:
    """So much of an item in one of something: a component of a kit, or what one store unit of a line means."""

    sku: str
    quantity: Quantity


@record(frozen=True, slots=True)
class Item:
    """What is stocked. ``serial``: each unit is one piece with a number of its own.

    ``min_shelf_life_days``: so many days a unit must still be good behind the day it ships; None: as the strategy says.
    ``retired``: no more of it is received; what is left is used up, and what became of it stays told. ``reorder_at``: a
    person is told when no more than this is left that may be taken; None: nobody is.
    """

    sku: str
    name: str = ""
    serial: bool = False
    min_shelf_life_days: int | None = None
    retired: bool = False
    reorder_at: Quantity | None = None


@record(frozen=True, slots=True)
class Alias:
    """A store code that means ``factor`` of an item, or (``sku`` None) that is to be ignored.

    ``account`` is empty where the alias holds for every account. ``code`` is folded, ``written`` as a person wrote it.
    """

    account: str
    code: str
    written: str
    sku: str | None
    factor: Quantity


class KitPolicy(StrEnum):
    """Which lines of a kit group consume (strategies.md section 2)."""

    COMPONENTS = "components"
    PARENT = "parent"
    STOCKED_FIRST = "stocked-first"


@record(frozen=True, slots=True)
class Kit:
    """An item sold as one and shipped as several; ``policy`` None leaves the choice to the channel."""

    sku: str
    parts: tuple[Part, ...]
    policy: KitPolicy | None = None


@record(frozen=True, slots=True)
class Location:
    """A node of the one location tree, written as a path; a smaller ``pick_sequence`` is picked earlier."""

    path: str
    pickable: bool = True
    pick_sequence: int | None = None


@record(frozen=True, slots=True)
class Unit:
    """A quantity of one item at one location, of one lot or serial number, one receipt, one cost.

    ``received`` is the quantity first booked in; ``expires_on`` the last good day; ``unit_cost`` in millionths of the
    book's currency. A ``suspense`` unit is no goods but what is owed of an item under the policy ``negative``: it
    alone may be below zero, is never above, and no strategy is offered it; it lies in no location (``""``).
    """

    id: int
    sku: str
    location: str
    quantity: Quantity
    received: Quantity
    received_at: datetime
    lot: str | None = None
    serial: str | None = None
    held: bool = False
    expires_on: date | None = None
    unit_cost: Quantity | None = None
    priority: int | None = None
    reference: str | None = None
    suspense: bool = False


_ORIGIN: Final = attrgetter(
    "sku", "received_at", "lot", "serial", "held", "expires_on", "unit_cost", "priority", "reference", "suspense"
)


def same_goods(one: Unit, other: Unit) -> bool:
    """Tell whether two units are of the same goods, wherever they lie and how much of each there is or was."""
    return bool(_ORIGIN(one) == _ORIGIN(other))


@record(frozen=True, slots=True)
class Count:
    """When an item was last counted: all of it in one location (``unit_id`` 0), or one unit.

    ``at`` is the moment the count speaks of. What shipped before it is not taken again (strategies.md section 5).
    """

    sku: str
    location: str
    unit_id: int
    at: datetime


@record(frozen=True, slots=True)
class Catalogue:
    """What codes mean: aliases by (account or "", folded code), items and kits by folded sku."""

    aliases: Mapping[tuple[str, str], Alias] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    kits: Mapping[str, Kit] = field(default_factory=dict)


@record(frozen=True, slots=True)
class Stock:
    """Units in id order, the locations they lie in by path, and the version of each item asked for by sku.

    An item of which nothing was ever booked has version 0. ``counts`` are those of the items, in no order.
    """

    units: tuple[Unit, ...] = ()
    locations: Mapping[str, Location] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    counts: tuple[Count, ...] = ()
