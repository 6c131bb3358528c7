"""The tables of the configuration that are the daemon's own; what a plugin takes is declared by its class."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from stockhook.config.values import (
    Address,
    Count,
    Folder,
    Listen,
    LocationPath,
    Moment,
    PublicUrl,
    Size,
    Zone,
    parse_location,
    parse_zone,
)
from stockhook.model import KINDS, KitPolicy
from stockhook.options import PluginOptions
from stockhook.rules import ShipRule, ShortagePolicy

Level = Literal["debug", "info", "warning", "error"]


class Server(PluginOptions):
    """The listener that the store posts to. ``public_url`` None: target URLs are written with ``listen``."""

    listen: Listen = Address("127.0.0.1", 8460)
    public_url: PublicUrl | None = None


class Admin(PluginOptions):
    """The listener of the status page."""

    listen: Listen = Address("127.0.0.1", 8461)


class Limits(PluginOptions):
    """How much is taken in at once: bytes of one body, bytes of all unfinished ones, connections, events a batch."""

    body: Size = 10 * 2**20
    in_flight: Size = 32 * 2**20
    connections: Count = 256
    batch: Count = 256


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


class Allocation(PluginOptions):
    """How units are chosen. ``strategy`` is a name, or a table of ``type`` and the options of that strategy."""

    strategy: Annotated[str | dict[str, Any], PlainValidator(strategy_choice)] = "fifo"
    locations: tuple[LocationPath, ...] = ()
    on_shortage: ShortagePolicy = ShortagePolicy.PARTIAL


def center_choice(value: Any) -> tuple[str, ...] | None:
    """Return the locations that lines of a center are taken from; None for ``"ignore"``. Raises ValueError."""
    if value is None or value == "ignore":
        return None
    if not isinstance(value, list | tuple) or not value:
        raise ValueError('expected a list of locations like ["MAIN/FG"], or "ignore"')
    return tuple(parse_location(path) for path in value)


class ChannelTable(PluginOptions):
    """The options that every channel has. ``on_shortage`` None: as ``[allocation]`` says."""

    type: str = "ultracart"
    since: Moment | None = None
    time_zone: Zone = Field(default_factory=lambda: parse_zone("America/New_York"))
    ship_rule: ShipRule = ShipRule.AUTO
    kits: KitPolicy = KitPolicy.COMPONENTS
    on_shortage: ShortagePolicy | None = None
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
    """The options that every notifier has. ``on`` None: every kind of problem."""

    type: str
    on: tuple[Annotated[str, BeforeValidator(known_kind)], ...] | None = None
    per_hour: Count = 5


@dataclass(frozen=True, slots=True)
class PluginTable:
    """A table that a plugin's class is made from: who takes it, and what is left for its ``Options``."""

    type: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration file as read: the daemon's tables checked, the plugins' still as written."""

    path: Path
    channels: Mapping[str, tuple[ChannelTable, PluginTable]]
    notifiers: Mapping[str, tuple[NotifierTable, PluginTable]] = field(default_factory=dict)
    store: PluginTable = PluginTable("sqlalchemy")
    strategy: PluginTable = PluginTable("fifo")
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
