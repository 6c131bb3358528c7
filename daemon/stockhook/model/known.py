"""What is known of an order: what a snapshot says, and the facts that are kept."""

from datetime import date, datetime
from enum import StrEnum

from stockhook.model.key import OrderKey, Said
from stockhook.model.stock import Part
from stockhook.quantity import Quantity
from stockhook.record import record


@record(frozen=True, slots=True)
class SnapshotLine:
    """One line as one snapshot shows it; ``quantity`` and ``quantity_refunded`` are totals in store units.

    ``lots``, ``serials`` and ``places`` are what the line asks to be taken from.
    """

    item_index: int
    code: str
    quantity: Quantity
    quantity_refunded: Quantity = 0
    return_reason: str | None = None
    center: str | None = None
    kit: bool = False
    component: bool = False
    parent_index: int | None = None
    lots: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    shipped_at: datetime | None = None
    ship_date: date | None = None


@record(frozen=True, slots=True)
class Snapshot:
    """One order as one event, or one fetch, shows it.

    ``ships``: this kind of event may say that lines have shipped (``order_ship``, a fetched order). ``lines`` is None
    when the payload has no list of lines at all. ``ship_date`` is the date part of ``shipping_date`` as written.
    """

    account: str
    order_id: str
    ships: bool
    as_of: datetime | None
    stage: str | None = None
    test: bool = False
    refunded_at: datetime | None = None
    shipping_date: datetime | None = None
    ship_date: date | None = None
    rejected: bool = False
    linked: bool = False
    lines: tuple[SnapshotLine, ...] | None = None


@record(frozen=True, slots=True)
class Refund:
    """A refunded total that some snapshot showed for a line, with what is needed to tell whether it was kept back."""

    quantity: Quantity
    refunded_at: datetime | None
    dated: bool
    as_of: datetime


class How(StrEnum):
    """How a line consumes, once bound (strategies.md section 2)."""

    PLAIN = "plain"
    COMPONENT = "component"
    KIT = "kit"  # the kit line itself, its components consume
    PARENT = "parent"  # the kit line consumes, as an item
    COVERED = "covered"  # a component line whose kit line consumes
    STOCKED_FIRST = "stocked-first"  # the kit line consumes finished kits, its components or definition the rest
    DEFINITION = "definition"  # a kit line multiplied out by our own definition


@record(frozen=True, slots=True)
class Binding:
    """What a line meant when it was first booked; later changes of alias, kit or config do not touch it.

    ``parts`` holds what one store unit of the line consumes; it is empty for a line that consumes nothing.
    The first part of a kit line that goes ``stocked-first`` is the kit's own item; those of our definition follow it.
    """

    code: str
    how: How
    parts: tuple[Part, ...]


@record(frozen=True, slots=True)
class Line:
    """A line's newest facts, and what persons decided about it.

    ``number`` names the line for ever in takes, shortages and movements; ``item_index`` is the store's present index
    and changes when lines are keyed anew. ``ship_said`` tells which snapshot spoke about shipping last; ``inferred``:
    booked as shipped without a date on the line. ``least_refunded`` is the smallest refunded total any snapshot
    showed: what was refunded before the line was first seen. ``ruling`` is in item units, or in kits
    for a line of several items. ``lots``, ``serials`` and ``places`` are what the line asks to be taken from.
    ``refused`` are folded codes that a person has said the booked line does not mean, whatever the store says.
    """

    account: str
    order_id: str
    number: int
    item_index: int
    code: str
    quantity: Quantity
    said: Said
    return_reason: str | None = None
    quantity_refunded: Quantity = 0
    center: str | None = None
    kit: bool = False
    component: bool = False
    parent_index: int | None = None
    lots: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    ship_said: Said | None = None
    shipped_at: datetime | None = None
    ship_date: date | None = None
    refunds: tuple[Refund, ...] = ()
    least_refunded: Quantity = 0
    inferred: bool = False
    binding: Binding | None = None
    ruling: Quantity = 0
    refused: tuple[str, ...] = ()


@record(frozen=True, slots=True)
class Rekeying:
    """One time at which the store's item indexes came to name other lines of an order.

    ``said`` is the first snapshot known that has the new indexes, ``since`` the last one known that has the old ones.
    ``moves`` are (old index, new index); ``left`` are the numbers of the lines that have no place any more.
    """

    said: Said
    since: Said
    moves: tuple[tuple[int, int], ...]
    left: tuple[int, ...] = ()


@record(frozen=True, slots=True)
class Order:
    """An order's newest facts without personal data. ``version`` grows with each booking; 0 is not yet kept.

    ``first_ship_at`` is the receipt of its first ``order_ship``; it orders settling. ``due_at`` is set while the order
    must be evaluated (again). ``history`` tells in sentences what was done beyond plain bookings. ``rekeyed`` tells,
    oldest first, by which indexes snapshots of what time are to be read.
    """

    account: str
    order_id: str
    version: int
    channel: str
    said: Said
    stage: str | None = None
    test: bool = False
    refunded_at: datetime | None = None
    shipping_date: datetime | None = None
    ship_date: date | None = None
    first_ship_at: datetime | None = None
    rejected: bool = False
    linked: bool = False
    due_at: datetime | None = None
    attempts: int = 0
    history: tuple[str, ...] = ()
    rekeyed: tuple[Rekeying, ...] = ()

    @property
    def key(self) -> OrderKey:
        """The order's name."""
        return OrderKey(self.account, self.order_id)


class WaitKind(StrEnum):
    """What an order can wait for."""

    CODE = "code"  # the subject is a folded store code that nothing maps yet
    ITEM = "item"  # the subject is the sku of which there is too little
    FACTS = "facts"  # a snapshot that says more (shipped-unclear); the subject is empty
    PERSON = "person"  # a ruling on a line (line-conflict); the subject is the line's item index
    STRATEGY = "strategy"  # the subject names the strategy whose plan was refused (bad-plan)


@record(frozen=True, slots=True)
class Wait:
    """One thing an order waits for, without which some line of it is not fully booked."""

    account: str
    order_id: str
    kind: WaitKind
    subject: str
