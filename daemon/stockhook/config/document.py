"""Reads the configuration file: TOML, then the daemon's own tables, noting every problem on the way."""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from stockhook.config.report import Place, did_you_mean, option_names, problems, shown, toml_path, unknown_option
from stockhook.config.tables import (
    SINGLE,
    Admin,
    Allocation,
    ChannelTable,
    Config,
    Limits,
    Log,
    NotifierTable,
    Plugins,
    PluginTable,
    Retention,
    Server,
)
from stockhook.errors import ConfigError
from stockhook.options import PluginOptions

T = TypeVar("T", bound=PluginOptions)

_TOP: Final = (*SINGLE, "store", "channels", "notifiers")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def read(path: Path) -> tuple[Config, list[str]]:
    """Return what the file says, and every problem of the daemon's own tables; a bad option stands at its default.

    Raises ConfigError for a file that cannot be read or is no TOML.
    """
    return examine(_parse(path), path)


def examine(document: dict[str, Any], path: Path) -> tuple[Config, list[str]]:
    """Return what a TOML document says, and every problem of the daemon's own tables."""
    reader = _Reader(document)
    return reader.config(path), reader.problems


def load(path: Path) -> Config:
    """Return what the file says; raises ConfigError with every problem of the daemon's own tables."""
    config, found = read(path)
    if found:
        raise ConfigError(found)
    return config


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file; `stockhook init --config {path}` writes one"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([f"{path}: line {line}: expected UTF-8 text"]) from None
    except (ValueError, RecursionError) as error:
        match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error), re.DOTALL)
        text = f"line {match[2]}, column {match[3]}: {match[1]}" if match else str(error)
        raise ConfigError([f"{path}: {text}"]) from None


class _Reader:
    """Takes one document apart; ``problems`` grows on the way."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.problems = [unknown_option((key,), _TOP) for key in document if key not in _TOP]

    def config(self, path: Path) -> Config:
        """Return the document as a Config."""
        plugins = self.single("plugins", Plugins)
        if plugins.directory:
            plugins = plugins.model_copy(update={"directory": path.absolute().parent / plugins.directory})
        config = Config(
            path=path,
            server=self.single("server", Server),
            admin=self.single("admin", Admin),
            limits=self.single("limits", Limits),
            log=self.single("log", Log),
            plugins=plugins,
            retention=self.single("retention", Retention),
            allocation=self.single("allocation", Allocation),
            store=self.store(),
            channels=self.named("channels", ChannelTable),
            notifiers=self.named("notifiers", NotifierTable),
        )
        self.check(config)
        return config

    def table(self, name: str) -> dict[str, Any]:
        """Return the table of that name; empty where there is none."""
        found = self.document.get(name, {})
        if isinstance(found, dict):
            return found
        self.problems.append(f"{name}: expected a table, written [{name}]")
        return {}

    def single(self, name: str, model: type[T]) -> T:
        """Return a table that is there once; what stands in [admin] may be a password, and is not shown."""
        return self.validated((name,), self.table(name), model, show=model is not Admin) or model()

    def store(self) -> PluginTable:
        """Return the ``[store]`` table; all but its type is for the store's class."""
        table = dict(self.table("store"))
        chosen = table.pop("type", "sqlalchemy")
        if isinstance(chosen, str):
            return PluginTable(chosen, table)
        self.problems.append("store.type: expected the name of a store in quotes")
        return PluginTable("", table)

    def named(self, kind: str, model: type[T]) -> dict[str, tuple[T, PluginTable]]:
        """Return the tables ``[kind.NAME]`` by name, each with what is left for the class that its type names."""
        found = {}
        names = set(option_names(model))
        for name, table in self.table(kind).items():
            at = (kind, name)
            if not isinstance(table, dict):
                self.problems.append(f"{toml_path(at)}: expected a table, written [{kind}.NAME]")
                continue
            if not _NAME.fullmatch(name):
                self.problems.append(f"{toml_path(at)}: expected a name of at most 64 letters, digits, - and _")
            shared = self.validated(at, {key: value for key, value in table.items() if key in names}, model)
            if shared is not None:
                rest = {key: value for key, value in table.items() if key not in names}
                found[name] = (shared, PluginTable(getattr(shared, "type", ""), rest))
        return found

    def validated(self, at: Place, table: Mapping[str, Any], model: type[T], *, show: bool = True) -> T | None:
        """Return the table; of one with problems what is good, or None where a required option is not."""
        try:
            return model.model_validate(table)
        except ValidationError as error:
            self.problems += problems(error, at, table, model, show=show)
            bad = {detail["loc"][0] for detail in error.errors()}
        try:
            return model.model_validate({key: value for key, value in table.items() if key not in bad})
        except ValidationError:
            return None

    def check(self, config: Config) -> None:
        """Note what does not go together."""
        if not config.channels and not self.document.get("channels"):
            self.problems.append("channels: no channel is configured; add a table [channels.shop] with its token")
        for index, rule in enumerate(config.allocation.rules):
            if rule.channel is not None and rule.channel not in self.table("channels"):
                at = toml_path(("allocation", "rules", index, "channel"))
                near = did_you_mean(rule.channel, self.table("channels"))
                self.problems.append(f"{at}: no channel is named {shown(rule.channel)}{near}")
        self.check_admin(config)
        if config.limits.in_flight < config.limits.body:
            self.problems.append("limits.in_flight: expected at least limits.body, or the largest body never gets in")

    def check_admin(self, config: Config) -> None:
        """Note what would let in others than the operators."""
        listen, guarded = config.admin.listen, "password_hash" in self.table("admin")
        if not listen.local and not guarded:
            self.problems.append(
                f"admin.listen: {listen} can be reached from other machines, which needs admin.password_hash "
                '(`stockhook admin hash-password`); without one, expected a loopback address like "127.0.0.1:8461", or '
                '"unix:/path"'
            )
        if listen.overlaps(config.server.listen) and not (guarded and listen.is_same(config.server.listen)):
            self.problems.append(
                f"admin.listen: {listen} is where server.listen ({config.server.listen}) listens already; expected "
                "another port, or the very same address together with admin.password_hash"
            )
        names = Counter(token.name for token in config.admin.tokens)
        self.problems += [
            f"admin.tokens: {count} tokens are named {name}, and the ledger could not tell them apart"
            for name, count in names.items()
            if count > 1
        ]
