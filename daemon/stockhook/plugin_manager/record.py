"""What is known of plugins once all are loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stockhook.config.report import did_you_mean
from stockhook.errors import ConfigError
from stockhook.plugin_manager.offer import Kind


class Status(StrEnum):
    """What became of a plugin."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Record:
    """One plugin. ``origin`` is an entry point's value or a path; ``offers`` holds "strategy fifo" and the like."""

    name: str
    origin: str
    distribution: str | None = None
    version: str | None = None
    status: Status = Status.ENABLED
    error: str | None = None
    traceback: str | None = None
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plugins:
    """All plugins, and the classes of the enabled ones by kind and the type that config picks them by."""

    records: tuple[Record, ...]
    classes: Mapping[Kind, Mapping[str, type]] = field(default_factory=dict)

    def find(self, kind: Kind, name: str, path: str) -> Any:
        """Return the class of that kind and type.

        Raises ConfigError, beginning with the TOML ``path``, that names what there is and which plugins are missing.
        """
        known = self.classes.get(kind, {})
        if name in known:
            return known[name]
        names = ", ".join(sorted(known)) or "none"
        text = f"{path}: no plugin offers {name!r} (known: {names}){did_you_mean(name, known)}"
        failed = [f"{record.name} ({record.error})" for record in self.records if record.status is Status.FAILED]
        if failed:
            text += f"; these plugins failed to load: {', '.join(failed)}"
        disabled = [record.name for record in self.records if record.status is Status.DISABLED]
        if disabled:
            text += f"; these are disabled: {', '.join(disabled)}"
        raise ConfigError([text])
