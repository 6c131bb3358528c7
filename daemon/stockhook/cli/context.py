"""What a command works with: the configuration, the open store, who is acting."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stockhook.clock import Clock, SystemClock
from stockhook.errors import Refused

if TYPE_CHECKING:
    from stockhook.operations.desk import Desk
    from stockhook.settings import Settings
    from stockhook.store import Store

DEFAULT_CONFIG: Final = Path("/etc/stockhook/config.toml")


class Context:
    """Handed to each command by ``@click.pass_obj``; loads what is asked of it, once, when it is asked."""

    def __init__(self) -> None:
        self.config: Path | None = None
        self.json = False
        self.clock: Clock = SystemClock()

    @property
    def path(self) -> Path:
        """The configuration file: as given, else $STOCKHOOK_CONFIG, else in /etc/stockhook."""
        return self.config or Path(os.environ.get("STOCKHOOK_CONFIG") or DEFAULT_CONFIG)

    @cached_property
    def settings(self) -> "Settings":
        """What the configuration decides, for a command beside the daemon: secrets it cannot read are stand-ins.

        Raises ConfigError with all problems at once.
        """
        from stockhook.secret import stand_ins

        with stand_ins():
            return self._load()

    @cached_property
    def daemon_settings(self) -> "Settings":
        """What the configuration decides, with every secret; raises ConfigError with all problems at once."""
        return self._load()

    def _load(self) -> "Settings":
        from stockhook import log, settings

        log.configure("error", sys.stderr)
        return settings.load(self.path)

    @contextmanager
    def store(self) -> Iterator["Store"]:
        """Open the configured store for this command, beside a daemon that may be running.

        Raises Refused for a store that lives in the daemon's own memory, and what ``Store.open`` raises.
        """
        store = self.settings.store
        if store.type == "memory":
            raise Refused(
                f"the store of {self.path} is of type memory: it lives in the daemon alone, and no command can reach "
                'it; use type = "sqlalchemy"'
            )
        store.open()
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def desk(self) -> Iterator["Desk"]:
        """Open the store and set up what every operation works with; raises what ``store`` raises."""
        from stockhook.operations.desk import set_up

        with self.store():
            yield set_up(self.settings, self.clock, self.actor)

    @property
    def actor(self) -> str:
        """Who acts, for the ledger and the audit: ``cli:USER``; behind sudo the user who called it."""
        import pwd

        user = os.environ.get("SUDO_USER") if os.geteuid() == 0 else None
        if not user:
            try:
                user = pwd.getpwuid(os.getuid()).pw_name
            except KeyError:
                user = str(os.getuid())
        return f"cli:{user}"
