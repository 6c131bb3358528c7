"""Joins configuration and plugins: each table's ``type`` picks a class, which checks its options and is made.

Nothing is opened here: no store, no socket, no connection. ``stockhook check`` is this and nothing more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stockhook import config, log, plugin_manager
from stockhook.channel import Channel
from stockhook.config.report import Place, did_you_mean, option_names, problems, toml_path
from stockhook.config.tables import Admin, ChannelTable, Config, Limits, Log, NotifierTable, PluginTable, Server
from stockhook.errors import ConfigError
from stockhook.model import fold
from stockhook.notifier import Notifier
from stockhook.options import PluginOptions
from stockhook.plugin_manager import Kind, Plugins
from stockhook.rules import ChannelRules
from stockhook.store import Store
from stockhook.strategy import Strategy

logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class ConfiguredChannel:
    """A channel of the configuration, and the stock rules for its orders."""

    name: str
    channel: Channel
    rules: ChannelRules


@dataclass(frozen=True, slots=True)
class ConfiguredNotifier:
    """A notifier of the configuration.

    ``on`` holds the kinds of problem it tells, None all; at most ``per_hour`` messages are sent about one problem.
    """

    name: str
    notifier: Notifier
    on: frozenset[str] | None
    per_hour: int


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the configuration decides, with an instance of every plugin class it picks; the store is not open.

    ``strategy_options`` are the strategy's options as plain values, for traces. ``payload_days`` None: kept for ever.
    """

    path: Path
    server: Server
    admin: Admin
    limits: Limits
    log: Log
    plugins: Plugins
    store: Store
    strategy: Strategy
    strategy_options: Mapping[str, object]
    channels: Mapping[str, ConfiguredChannel]
    notifiers: Mapping[str, ConfiguredNotifier]
    payload_days: int | None


def load(path: Path) -> Settings:
    """Read the file, load the plugins and make what it asks for; raises ConfigError with all problems at once."""
    tables, found = config.read(path)
    plugins = plugin_manager.load(tables.plugins.directory, tables.plugins.disabled)
    return resolve(tables, plugins, found)


def resolve(tables: Config, plugins: Plugins, found: list[str]) -> Settings:
    """Make what ``tables`` ask for; raises ConfigError with ``found``, the problems so far, and its own."""
    maker = _Maker(plugins, list(found))
    maker.check_disabled(tables)
    store = maker.make(Kind.STORE, ("store",), tables.store)
    chosen_at: Place = ("allocation", "strategy")
    named = isinstance(tables.allocation.strategy, str)
    strategy = maker.make(Kind.STRATEGY, chosen_at, tables.strategy, type_at=chosen_at if named else None)
    channels = {name: maker.channel(name, shared, own, tables) for name, (shared, own) in tables.channels.items()}
    notifiers = {name: maker.notifier(name, shared, own) for name, (shared, own) in tables.notifiers.items()}
    if maker.problems or not store or not strategy:
        raise ConfigError(maker.problems)
    return Settings(
        path=tables.path,
        server=tables.server,
        admin=tables.admin,
        limits=tables.limits,
        log=tables.log,
        plugins=plugins,
        store=store[0],
        strategy=strategy[0],
        strategy_options=strategy[1].model_dump(mode="json"),
        channels={name: channel for name, channel in channels.items() if channel},
        notifiers={name: notifier for name, notifier in notifiers.items() if notifier},
        payload_days=tables.retention.payload_days or None,
    )


class _Maker:
    """Makes instances of plugin classes from their tables; ``problems`` grows on the way."""

    def __init__(self, plugins: Plugins, found: list[str]) -> None:
        self.plugins = plugins
        self.problems = found

    def check_disabled(self, tables: Config) -> None:
        """Note disabled plugins that are not there: the name is a slip, and the plugin meant is on."""
        known = {record.name for record in self.plugins.records}
        for index, name in enumerate(tables.plugins.disabled):
            if name not in known:
                at = toml_path(("plugins", "disabled", index))
                self.problems.append(f"{at}: no plugin is named {name!r}{did_you_mean(name, known)}")

    def channel(self, name: str, shared: ChannelTable, own: PluginTable, tables: Config) -> ConfiguredChannel | None:
        """Return the channel of that name, or None where its options do not hold."""
        made = self.make(Kind.CHANNEL, ("channels", name), own, shared=shared)
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
        )
        return ConfiguredChannel(name, made[0], rules)

    def notifier(self, name: str, shared: NotifierTable, own: PluginTable) -> ConfiguredNotifier | None:
        """Return the notifier of that name, or None where its options do not hold."""
        made = self.make(Kind.NOTIFIER, ("notifiers", name), own, shared=shared)
        if not made:
            return None
        kinds = None if shared.on is None else frozenset(shared.on)
        return ConfiguredNotifier(name, made[0], kinds, shared.per_hour)

    def make(
        self,
        kind: Kind,
        at: Place,
        own: PluginTable,
        *,
        shared: PluginOptions | None = None,
        type_at: Place | None = None,
    ) -> tuple[Any, PluginOptions] | None:
        """Return an instance and its options, or None; a class is passed those shared options that it has as well."""
        if not own.type:
            return None
        try:
            offered = self.plugins.find(kind, own.type, toml_path(type_at or (*at, "type")))
        except ConfigError as error:
            self.problems += error.problems
            return None
        names = list(option_names(type(shared))) if shared else []
        taken = [name for name in option_names(offered.Options) if name in names]
        table = {**own.options, **{name: _plain(getattr(shared, name)) for name in taken}}
        try:
            options = offered.Options.model_validate(table)
        except ValidationError as error:
            self.problems += problems(error, at, table, offered.Options, [*names, "type"])
            return None
        instance = self._instance(offered, options, at)
        return None if instance is None else (instance, options)

    def _instance(self, offered: Callable[[Any], Any], options: PluginOptions, at: Place) -> Any:
        try:
            return offered(options)
        except Exception as error:  # a plugin may raise anything
            logger.debug("plugin class cannot be made", at=toml_path(at), exc_info=True)
            self.problems.append(f"{toml_path(at)}: cannot be set up: {type(error).__name__}: {error}")
            return None


def _plain(value: Any) -> Any:
    """Return a shared option as a plugin's model may take it: a time zone by its name."""
    return getattr(value, "key", value)
