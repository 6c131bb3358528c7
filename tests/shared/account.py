"""A plain account of what the stock rules say must come out, kept beside a shop that is driven at random.

It holds every snapshot that was ever delivered, and works out from scratch how much of each line must be booked or
owed.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stockhook.quantity import ONE
from stockhook.testing.payloads import event, line

ORDERS = ("D-1", "D-2")
CODES = {1: "A", 2: "B", 3: "PACK", 4: "JUNK", 5: "SET"}
"""What each line of every order is; PACK means two of A once that is said, JUNK nothing, SET a kit of A 1 and B 2."""
PARTS = {"A": {"A": 1}, "B": {"B": 1}, "PACK": {"A": 2}, "JUNK": {}, "SET": {"A": 1, "B": 2}}

BEFORE, FIRST, LATER, AFTER = (datetime(2026, 11, day, 17, tzinfo=UTC) for day in (1, 2, 3, 5))
"""Refunded before shipping; the order's first shipment; a line's own; refunded after."""
NEWEST = datetime(2026, 11, 6, tzinfo=UTC)


@dataclass(frozen=True)
class Shown:
    """One line in one snapshot."""

    index: int
    quantity: int
    refunded: int
    dated: bool


@dataclass(frozen=True)
class Element:
    """One event as the store could send it."""

    order_id: str
    name: str
    as_of: datetime
    refunded_at: datetime | None
    lines: tuple[Shown, ...]

    @property
    def ships(self) -> bool:
        return self.name == "order_ship"

    @property
    def written(self) -> dict[str, Any]:
        lines = [
            line(
                CODES[shown.index],
                shown.quantity,
                index=shown.index,
                refunded=shown.refunded,
                return_reason="Unwanted" if shown.refunded else None,
                kit=CODES[shown.index] == "SET",
                shipped=LATER.isoformat() if shown.dated else None,
            )
            for shown in self.lines
        ]
        return event(
            self.name,
            self.order_id,
            lines,
            created=self.as_of.isoformat(),
            shipping_date=FIRST.isoformat() if self.ships else None,
            refunded_at=self.refunded_at.isoformat() if self.refunded_at else None,
        )


@dataclass
class Account:
    """Every snapshot delivered, and what follows from them by the text of the rules.

    ``rulings`` are what persons decided beyond the store, in millionths: of an item, or of kits for SET; ``highest``
    the most that each has ever been.
    """

    seen: list[tuple[tuple[datetime, int, int], Element]] = field(default_factory=list)
    rulings: dict[tuple[str, int], int] = field(default_factory=dict)
    highest: dict[tuple[str, int], int] = field(default_factory=dict)

    def rule(self, line: tuple[str, int], ruling: int) -> None:
        """Enter what a person has ruled on a line."""
        self.rulings[line] = ruling
        self.highest[line] = max(self.highest.get(line, 0), ruling)

    def wanted(self, order_id: str, index: int) -> int:
        """How much of a line shall be booked, in millionths of what its ruling counts."""
        factor = 1 if len(PARTS[CODES[index]]) > 1 else sum(PARTS[CODES[index]].values())
        return max(self.target(order_id, index) * factor * ONE + self.rulings.get((order_id, index), 0), 0)

    def of(self, order_id: str, index: int) -> list[tuple[tuple[datetime, int, int], Element, Shown]]:
        """The snapshots that list a line, oldest first."""
        listed = [
            (said, element, shown)
            for said, element in self.seen
            if element.order_id == order_id
            for shown in element.lines
            if shown.index == index
        ]
        return sorted(listed, key=lambda one: one[0])

    def dated(self, order_id: str, index: int) -> bool:
        """Whether the newest order_ship that lists a line dates it."""
        ships = [shown.dated for _, element, shown in self.of(order_id, index) if element.ships]
        return bool(ships) and ships[-1]

    def shipped(self, order_id: str, index: int) -> bool:
        """Whether a line has shipped: by its date, or by its order where no line has one."""
        if not any(element.ships for _, element, _ in self.of(order_id, index)):
            return False
        return self.dated(order_id, index) or not any(self.dated(order_id, other) for other in CODES)

    def target(self, order_id: str, index: int) -> int:
        """How much of a line has left for good, in store units."""
        listed = self.of(order_id, index)
        if not self.shipped(order_id, index):
            return 0
        return max(listed[-1][2].quantity - self._kept_back(order_id, index), 0)

    def _kept_back(self, order_id: str, index: int) -> int:
        dated = self.dated(order_id, index)
        moment = LATER if dated else FIRST
        kept = 0
        for _, element, shown in self.of(order_id, index):
            before = element.refunded_at is not None and element.refunded_at <= moment
            says_shipped = shown.dated or (element.ships and not any(other.dated for other in element.lines))
            if before or (not says_shipped and (dated or element.as_of < moment)):
                kept = max(kept, shown.refunded)
        return kept

    def most(self, order_id: str, index: int) -> int:
        """The largest quantity that any snapshot ever gave a line."""
        return max((shown.quantity for _, _, shown in self.of(order_id, index)), default=0)

    def ever_dated(self, order_id: str, index: int) -> bool:
        return any(shown.dated for _, element, shown in self.of(order_id, index) if element.ships)
