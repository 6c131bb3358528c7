"""How much of each line has left for good: shipped, less what was kept back (strategies.md section 1)."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from math import gcd

from stockhook.kits import Reading, Readings, read_lines
from stockhook.model import Catalogue, Line, Order, OrderState, Part, fold
from stockhook.quantity import ONE, Quantity, times
from stockhook.record import record
from stockhook.rules import ChannelRules, ShipRule


class Shipped(StrEnum):
    """By what the lines of an order are known to have shipped."""

    NOT = "not"
    BY_LINE = "by line"
    BY_ORDER = "by order"
    UNCLEAR = "unclear"


@record(frozen=True, slots=True)
class Target:
    """What the store says has shipped of one line, in store units.

    ``inferred``: without a date on the line. ``reason`` tells why a shipped line counts for nothing here
    (``test-order``, ``before-start``, ``other-warehouse``). ``unexplained`` is the refunded part of a line that was
    first seen shipped, of which nobody can tell whether it left; ``cut`` of it is what the refund of its kit comes to
    beyond whole units. ``moment`` is when the line shipped, None for one that
    has not. ``refunded`` is what was refunded since it left; of that ``back`` has come back by the channel's rules.
    """

    reading: Reading
    units: Quantity
    shipped: bool
    inferred: bool
    ship_date: date | None
    reason: str | None = None
    unexplained: Quantity = 0
    cut: Quantity = 0
    moment: datetime | None = None
    refunded: Quantity = 0
    back: Quantity = 0

    def ruled(self, part: Part) -> Quantity:
        """Return how much of a part of the line shall be booked, in item units: target + ruling, never below nothing.

        The ruling counts the one item of a line; of a line with several, such as a kit by definition, it counts kits:
        the line's own units, each of which takes all of its parts.
        """
        ruling = self.reading.line.ruling
        if len(self.reading.parts or ()) > 1:
            return times(max(self.units + ruling, 0), part.quantity)
        return max(times(self.units, part.quantity) + ruling, 0)


def aims_of(state: OrderState, catalogue: Catalogue, rules: ChannelRules) -> tuple[Readings, Shipped, list[Target]]:
    """Return what an order's lines consume, by what they are known to have shipped, and the target of each."""
    readings = read_lines(state.lines, catalogue, rules.kits)
    shipped = how_shipped(state.order, readings.lines, rules.ship_rule)
    return readings, shipped, targets(state.order, readings.lines, rules, shipped)


def how_shipped(order: Order, readings: Sequence[Reading], rule: ShipRule) -> Shipped:
    """Return by what to tell that lines have shipped; ``auto`` looks for dates first."""
    if not any(reading.line.ship_said for reading in readings):
        return Shipped.NOT
    if rule is ShipRule.ORDER:
        return Shipped.BY_ORDER
    if rule is ShipRule.LINE or any(reading.line.shipped_at for reading in readings):
        return Shipped.BY_LINE
    centers = {fold(reading.line.center) for reading in readings if reading.consumes and reading.line.center}
    return Shipped.BY_ORDER if order.stage == "Completed Order" or len(centers) <= 1 else Shipped.UNCLEAR


def targets(order: Order, readings: Sequence[Reading], rules: ChannelRules, shipped: Shipped) -> list[Target]:
    """Return the target of each line; a refund on a kit line alone counts for its components in proportion."""
    lines = {reading.line.number: reading.line for reading in readings}
    return [_target(order, reading, lines[reading.group], rules, shipped) for reading in readings]


def _target(order: Order, reading: Reading, kit: Line, rules: ChannelRules, shipped: Shipped) -> Target:
    line = reading.line
    dated = line.shipped_at is not None
    has_shipped = line.ship_said is not None and (dated or shipped is Shipped.BY_ORDER)
    shipped_on = ship_date(order, line, rules)
    inferred = has_shipped and not dated
    if not has_shipped:
        return Target(reading, 0, shipped=False, inferred=False, ship_date=shipped_on)
    moment = moment_shipped(order, line)
    reason = _left_out(order, line, rules, moment)
    if reason is not None:
        return Target(reading, 0, shipped=True, inferred=inferred, ship_date=shipped_on, reason=reason, moment=moment)
    kept = kept_back(line, moment, inferred=inferred)
    unexplained = max(line.least_refunded - kept, 0)
    share, rest = _share(line, kit, kept_back(kit, moment, inferred=inferred))
    cut = max(share + rest - max(kept, share), 0)
    kept = max(kept, share)
    units = max(line.quantity - kept, 0)
    refunded, back = (max(total - kept, 0) for total in _refunded(line, kit, rules))
    return Target(
        reading,
        units,
        shipped=True,
        inferred=inferred,
        ship_date=shipped_on,
        unexplained=unexplained + cut,
        cut=cut,
        moment=moment,
        refunded=refunded,
        back=back,
    )


def ship_date(order: Order, line: Line, rules: ChannelRules) -> date | None:
    """Return the day a line left as the store wrote it, else the day of its first ``order_ship`` (strategies.md 3)."""
    if line.ship_date is not None or order.ship_date is not None or order.first_ship_at is None:
        return line.ship_date or order.ship_date
    return order.first_ship_at.astimezone(rules.time_zone).date()


def moment_shipped(order: Order, line: Line) -> datetime | None:
    """Return when a line that has shipped left the shelf, as far as it is known (strategies.md section 1)."""
    return line.shipped_at or order.shipping_date or order.first_ship_at


def _share(line: Line, kit: Line, refunded: Quantity) -> tuple[Quantity, Quantity]:
    """Return what so much of a kit line is of a component line in proportion, and what is left beyond whole units.

    Whole is what the line itself is counted in, so that no part of a piece is kept back.
    """
    if kit is line or not kit.quantity or not line.quantity:
        return 0, 0
    exact = line.quantity * refunded // kit.quantity
    step = gcd(line.quantity, ONE)
    return exact - exact % step, exact % step


def _refunded(line: Line, kit: Line, rules: ChannelRules) -> tuple[Quantity, Quantity]:
    """Return how much of a line is refunded in all, and how much for a reason that puts the goods back.

    A refund on the kit line alone counts for its components in proportion, its reason where they have none.
    """
    total = max(line.quantity_refunded, _share(line, kit, kit.quantity_refunded)[0])
    reason = line.return_reason or kit.return_reason
    return total, total if reason and fold(reason) in rules.restock_reasons else 0


def kept_back(line: Line, moment: datetime | None, *, inferred: bool) -> Quantity:
    """Return how many store units were refunded before the line shipped at ``moment`` (ultracart.md 2.7).

    It is the most that any snapshot showed while the line had not shipped, or whose refund is not dated after the
    shipment. A line without a date of its own had not shipped in snapshots older than the moment of the order.
    """
    if not line.refunds:  # as most lines: asked of each twice
        return 0
    return max(
        (
            refund.quantity
            for refund in line.refunds
            if (refund.refunded_at is not None and moment is not None and refund.refunded_at <= moment)
            or (not refund.dated and (not inferred or (moment is not None and refund.as_of < moment)))
        ),
        default=0,
    )


def _left_out(order: Order, line: Line, rules: ChannelRules, moment: datetime | None) -> str | None:
    """Return why a shipped line moves no stock; config that came after its first booking does not touch it."""
    if order.test:
        return "test-order"
    if line.binding is not None:
        return None
    if rules.since is not None and moment is not None and moment < rules.since:
        return "before-start"
    if line.center is not None and rules.centers.get(fold(line.center), ()) is None:
        return "other-warehouse"
    return None
