"""What config decides about one channel's orders, as the pure core wants it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from stockhook.model import KitPolicy


class ShipRule(StrEnum):
    """How a line is known to have shipped (strategies.md section 1)."""

    AUTO = "auto"
    LINE = "line"
    ORDER = "order"


class ShortagePolicy(StrEnum):
    """What is booked when a line cannot be covered (strategies.md section 5)."""

    PARTIAL = "partial"
    LINE = "line"
    ORDER = "order"
    NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """The stock rules of one channel.

    ``since``: goods shipped before it are already out of the opening stock. ``centers`` maps a distribution center's
    folded code to the locations its lines are taken from, or to None: others ship these goods. ``locations`` are the
    subtrees to take from where no center says otherwise, first to last; empty means everywhere. ``restock_reasons`` are
    the folded return reasons that put refunded goods back, ``restock_to`` the location they go to; None: back to the
    unit they came from.
    """

    name: str
    ship_rule: ShipRule = ShipRule.AUTO
    since: datetime | None = None
    time_zone: tzinfo = UTC
    kits: KitPolicy = KitPolicy.COMPONENTS
    on_shortage: ShortagePolicy = ShortagePolicy.PARTIAL
    centers: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    locations: tuple[str, ...] = ()
    restock_reasons: frozenset[str] = frozenset()
    restock_to: str | None = None
