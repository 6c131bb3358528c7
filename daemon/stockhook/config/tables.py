"""The tables of the configuration that are the daemon's own; what a plugin takes is declared by its class."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from stockhook.config.values import (
    Address,
    BusinessHours,
    ClockTime,
    Count,
    Days,
    Duration,
    Folder,
    Listen,
    LocationPath,
    Moment,
    PasswordHash,
    PathPrefix,
    Pattern,
    PublicUrl,
    Reason,
    Size,
    TokenHash,
    TokenName,
    TrustedNetwork,
    Zone,
    parse_location,
    parse_zone,
)
from stockhook.hours import ALWAYS
from stockhook.model import KINDS, KitPolicy
from stockhook.options import PluginOptions
from stockhook.rules import ShipRule, ShortagePolicy

Level = Literal["debug", "info", "warning", "error"]


class Server(PluginOptions):
    """The listener that the store posts to. ``public_url`` None: target URLs are written with ``listen``.

    ``trusted_proxies`` and ``path_prefix`` hold for the listener of the pages as well.
    """

    listen: Listen = Address("127.0.0.1", 8460)
    public_url: PublicUrl | None = None
    trusted_proxies: tuple[TrustedNetwork, ...] = ()
    path_prefix: PathPrefix = ""


class Token(PluginOptions):
    """One of ``[[admin.tokens]]``: what a program proves itself with; ``hash`` is ``sha256:`` and 64 hex digits.

    ``scope``: "read" looks, "write" does what persons can do as well.
    """

    name: TokenName
    hash: TokenHash
    scope: Literal["read", "write"] = "read"


class Admin(PluginOptions):
    """The listener of the status page and the API. ``public_url`` None: links in mails are written with ``listen``.

    ``password_hash`` None: whoever reaches it is let in, so that only this machine may.
    """

    listen: Listen = Address("127.0.0.1", 8461)
    public_url: PublicUrl | None = None
    password_hash: PasswordHash | None = None
    tokens: tuple[Token, ...] = ()


class Limits(PluginOptions):
    """How much is taken in at once: bytes of one body, bytes of all unfinished ones, connections, events a batch.

    ``disk_free`` is how many bytes the store's disk must have left for the daemon to be ready.
    """

    body: Size = 10 * 2**20
    in_flight: Size = 32 * 2**20
    connections: Count = 256
    batch: Count = 256
    disk_free: Size = 512 * 2**20


class Log(PluginOptions):
    """What is logged."""

    level: Level = "info"


class Plugins(PluginOptions):
    """Where plugins are found beside the installed ones, and which are left out."""

    directory: Folder | None = None
    disabled: tuple[str, ...] = ()


class Retention(PluginOptions):
    """How long payloads are kept, in days; 0 is for ever."""

    payload_days: Annotated[int, Field(strict=True, ge=0)] = 30


def strategy_choice(value: Any) -> str | dict[str, Any]:
    """Return the choice of a strategy as a name, or a table with ``type``; raises ValueError."""
    if (isinstance(value, str) and value) or (isinstance(value, dict) and isinstance(value.get("type"), str)):
        return value
    raise ValueError('expected the name of a strategy, or a table like { type = "fefo" }')


StrategyChoice = Annotated[str | dict[str, Any], PlainValidator(strategy_choice)]
"""A strategy's name, or a table of ``type`` and the options of that strategy."""


class StrategyTable(PluginOptions):
    """The options that every strategy has: they decide which units it is offered.

    A unit must be good for ``min_shelf_life_days`` behind the ship date; ``expires_on`` says whether its date of
    expiry is the last good day ("inclusive") or the first bad one.
    """

    min_shelf_life_days: Days = 0
    expires_on: Literal["inclusive", "exclusive"] = "inclusive"


class RuleTable(PluginOptions):
    """One of ``[[allocation.rules]]``: what it matches (item, channel, center) and what it chooses."""

    item: Pattern | None = None
    channel: str | None = None
    distribution_center: Pattern | None = None
    strategy: StrategyChoice | None = None
    locations: tuple[LocationPath, ...] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.item is None and self.channel is None and self.distribution_center is None:
            raise ValueError(
                "this rule matches nothing; expected item, channel or distribution_center (what holds for everything"
                " stands in [allocation] itself)"
            )
        if self.strategy is None and self.locations is None:
            raise ValueError("this rule chooses nothing; expected strategy or locations")
        return self


class Allocation(PluginOptions):
    """How units are chosen; the first of ``rules`` that matches a need wins over the rest.

    ``shadow``: what is decided is told, and not booked.
    """

    strategy: StrategyChoice = "fifo"
    locations: tuple[LocationPath, ...] = ()
    on_shortage: ShortagePolicy = ShortagePolicy.PARTIAL
    shadow: bool = False
    rules: tuple[RuleTable, ...] = ()


def center_choice(value: Any) -> tuple[str, ...] | None:
    """Return the locations that lines of a center are taken from; None for ``"ignore"``. Raises ValueError."""
    if value is None or value == "ignore":
        return None
    if not isinstance(value, list | tuple) or not value:
        raise ValueError('expected a list of locations like ["MAIN/FG"], or "ignore"')
    return tuple(parse_location(path) for path in value)


class SilenceTable(PluginOptions):
    """When a person hears that nothing comes from a channel: after so much of these hours without a delivery."""

    after: Duration
    hours: BusinessHours = ALWAYS


class ChannelTable(PluginOptions):
    """The options that every channel has. ``on_shortage`` None: as ``[allocation]`` says.

    ``restock_reasons`` are the return reasons that put refunded goods back, ``restock_to`` says where; None: where they
    came from. ``silence`` None: nobody hears of it.
    """

    type: str = "ultracart"
    since: Moment | None = None
    time_zone: Zone = Field(default_factory=lambda: parse_zone("America/New_York"))
    ship_rule: ShipRule = ShipRule.AUTO
    kits: KitPolicy = KitPolicy.COMPONENTS
    on_shortage: ShortagePolicy | None = None
    restock_reasons: tuple[Reason, ...] = ()
    restock_to: LocationPath | None = None
    silence: SilenceTable | None = None
    distribution_centers: dict[str, Annotated[tuple[str, ...] | None, PlainValidator(center_choice)]] = Field(
        default_factory=dict
    )


def known_kind(value: Any) -> str:
    """Return the kind of problem, if it is one; raises PydanticCustomError with those that are."""
    if value in KINDS:
        return str(value)
    known = ", ".join(f"'{kind}'" for kind in KINDS)
    raise PydanticCustomError("kind", "expected a kind of problem: {expected}", {"expected": known})


class NotifierTable(PluginOptions):
    """The options that every notifier has. ``on`` None: every kind of problem; ``summary`` None: no daily word."""

    type: str
    on: tuple[Annotated[str, BeforeValidator(known_kind)], ...] | None = None
    per_hour: Count = 5
    summary: ClockTime | None = None


@dataclass(frozen=True, slots=True)
class PluginTable:
    """A table that a plugin's class is made from: who takes it, and what is left for its ``Options``."""

    type: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, written: str | Mapping[str, Any]) -> "PluginTable":
        """Return the table that a name, or a table with ``type``, writes."""
        if isinstance(written, str):
            return cls(written)
        return cls(str(written["type"]), {key: value for key, value in written.items() if key != "type"})


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration file as read: the daemon's tables checked, the plugins' still as written."""

    path: Path
    channels: Mapping[str, tuple[ChannelTable, PluginTable]]
    notifiers: Mapping[str, tuple[NotifierTable, PluginTable]] = field(default_factory=dict)
    store: PluginTable = PluginTable("sqlalchemy")
    server: Server = field(default_factory=Server)
    admin: Admin = field(default_factory=Admin)
    limits: Limits = field(default_factory=Limits)
    log: Log = field(default_factory=Log)
    plugins: Plugins = field(default_factory=Plugins)
    allocation: Allocation = field(default_factory=Allocation)
    retention: Retention = field(default_factory=Retention)


SINGLE: Final[Mapping[str, type[PluginOptions]]] = {
    "server": Server,
    "admin": Admin,
    "limits": Limits,
    "log": Log,
    "plugins": Plugins,
    "allocation": Allocation,
    "retention": Retention,
}
"""The tables that are there once and are wholly the daemon's."""
