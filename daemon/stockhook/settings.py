"""Joins configuration and plugins: each table's ``type`` picks a class, which checks its options and is made.

Nothing is opened here: no store, no socket, no connection. ``stockhook check`` is this and nothing more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stockhook import config, plugin_manager
from stockhook.channel import Channel
from stockhook.choice import AllocationRule, Choices
from stockhook.config.report import Place, option_names, problems
from stockhook.config.tables import (
    Admin,
    ChannelTable,
    Config,
    Limits,
    Log,
    NotifierTable,
    PluginTable,
    RuleTable,
    Server,
    StrategyTable,
)
from stockhook.errors import ConfigError
from stockhook.hours import Silence
from stockhook.maker import Effective, Maker
from stockhook.model import fold
from stockhook.notifier import Notifier
from stockhook.plugin_manager import Kind, Plugins
from stockhook.rules import ChannelRules
from stockhook.steps import Method, Planner
from stockhook.store import Store
from stockhook.strategy import Strategy, method

Budgeted = Callable[[str, Planner], Planner]
"""Returns a strategy's plan, given its name and the plan, so that its time is watched."""


@dataclass(frozen=True, slots=True)
class ConfiguredChannel:
    """A channel of the configuration, and the stock rules for its orders; ``silence`` None: nobody hears of it."""

    name: str
    channel: Channel
    rules: ChannelRules
    silence: Silence | None = None


@dataclass(frozen=True, slots=True)
class ConfiguredNotifier:
    """A notifier of the configuration.

    ``on`` holds the kinds of problem it tells, None all; of one problem at most ``per_hour`` messages are sent in an
    hour, and so many new problems of one kind told one by one. ``summary`` is when it gets a daily word, None never.
    """

    name: str
    notifier: Notifier
    on: frozenset[str] | None
    per_hour: int
    summary: time | None = None


@dataclass(frozen=True, slots=True)
class ConfiguredStrategy:
    """A strategy of the configuration. ``options`` are its own and the host's as plain values, for traces."""

    strategy: Strategy
    options: Mapping[str, object] = field(default_factory=dict)
    min_shelf_life_days: int = 0
    last_day_good: bool = True

    def method(self, planner: Budgeted) -> Method:
        """Return the method that it is."""
        return method(
            self.strategy,
            self.options,
            planner,
            min_shelf_life_days=self.min_shelf_life_days,
            last_day_good=self.last_day_good,
        )


@dataclass(frozen=True, slots=True)
class ConfiguredRule:
    """One of ``[[allocation.rules]]``, counted from 1; None: anything, and as above."""

    number: int
    item: str | None
    channel: str | None
    center: str | None
    locations: tuple[str, ...] | None
    strategy: ConfiguredStrategy | None

    def rule(self, planner: Budgeted) -> AllocationRule:
        """Return the rule as the core wants it."""
        chosen = self.strategy.method(planner) if self.strategy else None
        return AllocationRule(self.number, self.item, self.channel, self.center, self.locations, chosen)


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the configuration decides, with an instance of every plugin class it picks; the store is not open.

    ``payload_days`` None: kept for ever. ``shadow``: what orders would book is told, and not booked.
    ``effective`` are the options of every plugin class that was made, to be shown.
    """

    path: Path
    server: Server
    admin: Admin
    limits: Limits
    log: Log
    plugins: Plugins
    store: Store
    strategy: ConfiguredStrategy
    rules: tuple[ConfiguredRule, ...]
    channels: Mapping[str, ConfiguredChannel]
    notifiers: Mapping[str, ConfiguredNotifier]
    payload_days: int | None
    shadow: bool = False
    effective: tuple[Effective, ...] = ()

    def choices(self, planner: Budgeted) -> Choices:
        """Return what chooses locations and strategy for each need."""
        return Choices(self.strategy.method(planner), [rule.rule(planner) for rule in self.rules])


def load(path: Path) -> Settings:
    """Read the file, load the plugins and make what it asks for; raises ConfigError with all problems at once."""
    tables, found = config.read(path)
    plugins = plugin_manager.load(tables.plugins.directory, tables.plugins.disabled)
    return resolve(tables, plugins, found)


def resolve(tables: Config, plugins: Plugins, found: list[str]) -> Settings:
    """Make what ``tables`` ask for; raises ConfigError with ``found``, the problems so far, and its own."""
    maker = Maker(plugins, list(found))
    maker.check_disabled(tables.plugins.disabled)
    store = maker.make(Kind.STORE, ("store",), tables.store)
    chosen = _strategy(maker, ("allocation", "strategy"), tables.allocation.strategy)
    rules = tuple(_rule(maker, index, table) for index, table in enumerate(tables.allocation.rules))
    channels = {name: _channel(maker, name, *both, tables) for name, both in tables.channels.items()}
    notifiers = {name: _notifier(maker, name, *both) for name, both in tables.notifiers.items()}
    if maker.problems or not store or not chosen:
        raise ConfigError(maker.problems)
    return Settings(
        path=tables.path,
        server=tables.server,
        admin=tables.admin,
        limits=tables.limits,
        log=tables.log,
        plugins=plugins,
        store=store.instance,
        strategy=chosen,
        rules=rules,
        channels={name: channel for name, channel in channels.items() if channel},
        notifiers={name: notifier for name, notifier in notifiers.items() if notifier},
        payload_days=tables.retention.payload_days or None,
        shadow=tables.allocation.shadow,
        effective=tuple(maker.effective),
    )


def strategy(plugins: Plugins, written: str | Mapping[str, Any], at: Place = ("strategy",)) -> ConfiguredStrategy:
    """Return the strategy that a name or a table with ``type`` writes; raises ConfigError with all problems."""
    maker = Maker(plugins, [])
    made = _strategy(maker, at, written)
    if made is None:
        raise ConfigError(maker.problems)
    return made


def _strategy(maker: Maker, at: Place, written: str | Mapping[str, Any]) -> ConfiguredStrategy | None:
    own = PluginTable.of(written)
    names = list(option_names(StrategyTable))
    table = {key: value for key, value in own.options.items() if key in names}
    before = len(maker.problems)
    try:
        shared = StrategyTable.model_validate(table)
    except ValidationError as error:
        maker.problems += problems(error, at, table, StrategyTable, show=True)
        shared = StrategyTable()
    rest = PluginTable(own.type, {key: value for key, value in own.options.items() if key not in names})
    type_at = at if isinstance(written, str) else None
    made = maker.make(Kind.STRATEGY, at, rest, shared=shared, type_at=type_at)
    if made is None or len(maker.problems) > before:
        return None
    options = made.options.model_dump(mode="json") | shared.model_dump(mode="json", exclude_unset=True)
    return ConfiguredStrategy(made.instance, options, shared.min_shelf_life_days, shared.expires_on == "inclusive")


def _rule(maker: Maker, index: int, table: RuleTable) -> ConfiguredRule:
    at: Place = ("allocation", "rules", index, "strategy")
    chosen = None if table.strategy is None else _strategy(maker, at, table.strategy)
    return ConfiguredRule(index + 1, table.item, table.channel, table.distribution_center, table.locations, chosen)


def _channel(
    maker: Maker, name: str, shared: ChannelTable, own: PluginTable, tables: Config
) -> ConfiguredChannel | None:
    made = maker.make(Kind.CHANNEL, ("channels", name), own, shared=shared)
    if not made:
        return None
    rules = ChannelRules(
        name=name,
        ship_rule=shared.ship_rule,
        since=shared.since,
        time_zone=shared.time_zone,
        kits=shared.kits,
        on_shortage=shared.on_shortage or tables.allocation.on_shortage,
        centers={fold(code): places for code, places in shared.distribution_centers.items()},
        locations=tables.allocation.locations,
        restock_reasons=frozenset(map(fold, shared.restock_reasons)),
        restock_to=shared.restock_to,
    )
    silence = Silence(shared.silence.after, shared.silence.hours) if shared.silence else None
    return ConfiguredChannel(name, made.instance, rules, silence)


def _notifier(maker: Maker, name: str, shared: NotifierTable, own: PluginTable) -> ConfiguredNotifier | None:
    made = maker.make(Kind.NOTIFIER, ("notifiers", name), own, shared=shared)
    if not made:
        return None
    kinds = None if shared.on is None else frozenset(shared.on)
    return ConfiguredNotifier(name, made.instance, kinds, shared.per_hour, shared.summary)
