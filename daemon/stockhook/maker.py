"""Makes instances of plugin classes from their tables, the strategies that another strategy holds included."""

import typing
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from stockhook import log
from stockhook.config.report import Place, did_you_mean, option_names, problems, toml_path
from stockhook.config.tables import PluginTable, StrategyTable
from stockhook.errors import ConfigError
from stockhook.options import PluginOptions, masked
from stockhook.plugin_manager import Kind, Plugins
from stockhook.strategy import SHORTAGE, InnerStrategy

logger = log.get(__name__)


class Made(NamedTuple):
    """An instance of a plugin class, and the options it was made with."""

    instance: Any
    options: PluginOptions


class Effective(NamedTuple):
    """What a plugin class was made with: the TOML path of its table, its type, and all its options, secrets masked."""

    at: str
    kind: Kind
    type: str
    options: Mapping[str, Any]


class Maker:
    """Makes instances of plugin classes from their tables; ``problems`` and ``effective`` grow on the way."""

    def __init__(self, plugins: Plugins, found: list[str]) -> None:
        self.plugins = plugins
        self.problems = found
        self.effective: list[Effective] = []

    def check_disabled(self, disabled: tuple[str, ...]) -> None:
        """Note disabled plugins that are not there: the name is a slip, and the plugin meant is on."""
        known = {record.name for record in self.plugins.records}
        for index, name in enumerate(disabled):
            if name not in known:
                at = toml_path(("plugins", "disabled", index))
                self.problems.append(f"{at}: no plugin is named {name!r}{did_you_mean(name, known)}")

    def make(
        self,
        kind: Kind,
        at: Place,
        own: PluginTable,
        *,
        shared: PluginOptions | None = None,
        type_at: Place | None = None,
        within: tuple[str, ...] = (),
    ) -> Made | None:
        """Return an instance and its options, or None; a class is passed those shared options that it has as well.

        ``type_at`` is where the type stands if not at ``type``; ``within`` are the strategies of whose defaults it is
        a part.
        """
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
        before = len(self.problems)
        if kind is Kind.STRATEGY:
            table = self._with_inner(at, table, offered, within)
        try:
            options = offered.Options.model_validate(table)
            if len(self.problems) == before:
                made = Made(offered(options), options)
                self.effective.append(Effective(toml_path(at), kind, own.type, masked(options)))
                return made
        except ValidationError as error:
            self.problems += problems(error, at, table, offered.Options, [*names, "type"])
        except Exception as error:  # a plugin may raise anything
            logger.debug("plugin class cannot be made", at=toml_path(at), exc_info=True)
            self.problems.append(f"{toml_path(at)}: cannot be set up: {type(error).__name__}: {error}")
        return None

    def _with_inner(self, at: Place, table: dict[str, Any], offered: Any, within: tuple[str, ...]) -> dict[str, Any]:
        """Return a strategy's table with the strategies made that it names, by itself or by default."""
        made = dict(table)
        for name, field in offered.Options.model_fields.items():
            if not _mentions(field.annotation):
                continue
            key = field.alias or name
            if key in table:
                made[key] = self._inner((*at, key), table[key], ())
            elif isinstance(field.default, str | Mapping):
                made[key] = self._inner((*at, key), field.default, (*within, offered.type))
        return made

    def _inner(self, at: Place, written: Any, within: tuple[str, ...]) -> Any:
        """Return the strategies that a value writes; what writes none is left as it is for the option's own check."""
        if isinstance(written, list):
            return [self._inner((*at, index), each, within) for index, each in enumerate(written)]
        named = isinstance(written, str) and written != SHORTAGE
        if not named and not (isinstance(written, Mapping) and isinstance(written.get("type"), str)):
            return written
        own = PluginTable.of(written)
        if own.type in within:
            circle = " in ".join((own.type, *reversed(within)))
            self.problems.append(f"{toml_path(at)}: by default it would hold itself ({circle}); name another strategy")
            return _NOTHING
        if found := self._misplaced(at, own):
            self.problems += found
            return _NOTHING
        made = self.make(Kind.STRATEGY, at, own, type_at=at if named else None, within=within)
        return (
            InnerStrategy(made.instance, made.options.model_dump(mode="json", exclude_unset=True)) if made else _NOTHING
        )

    def _misplaced(self, at: Place, own: PluginTable) -> list[str]:
        """Return what to say of options that hold for all a strategy is offered, and stand too far inside."""
        offered: Any = self.plugins.classes.get(Kind.STRATEGY, {}).get(own.type)
        mine = set(option_names(offered.Options)) if offered else set()
        return [
            f"{toml_path((*at, name))}: this option is one of the outermost strategy's table; it holds for all of it"
            for name in option_names(StrategyTable)
            if name in own.options and name not in mine
        ]


_STAND_IN: Final[Any] = SimpleNamespace(type="unknown", version="", plan=lambda *_: [])
_NOTHING: Final = InnerStrategy(_STAND_IN)
"""Stands for a strategy that could not be made, so that the other options of its table are still checked."""


def _mentions(annotation: Any) -> bool:
    """Tell whether an option may hold strategies."""
    return annotation is InnerStrategy or any(map(_mentions, typing.get_args(annotation)))


def _plain(value: Any) -> Any:
    """Return a shared option as a plugin's model may take it: a time zone by its name."""
    return getattr(value, "key", value)
