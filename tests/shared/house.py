"""A configuration with a store of its own, for the tests of commands."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from stockhook import settings
from stockhook.budget import Budget
from stockhook.cli import main
from stockhook.testing.shop import Shop

TOKEN = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class House:
    """A configuration with a store of its own; commands run in it, and webhooks are played to it."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def run(self, *arguments: object) -> Result:
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(main, words, env={"STOCKHOOK_CONFIG": str(self.config)}, prog_name="stockhook")

    def done(self, *arguments: object) -> str:
        result = self.run(*arguments)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    def json(self, *arguments: object) -> Any:
        return json.loads(self.done(*arguments, "--json"))

    def refused(self, *arguments: object, code: int = 1) -> str:
        """Run a command that must be refused, and return what it says; nothing may have been changed."""
        before = self.book()
        result = self.run(*arguments)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        assert "Traceback" not in result.stderr
        assert self.book() == before
        return result.stderr

    def book(self) -> dict[str, list[Any]]:
        """Return every row of the store."""
        file = self.folder / "stockhook.db"
        if not file.exists():
            return {}
        with sqlite3.connect(file) as connection:
            tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
            rows = {name: connection.execute(f'select * from "{name}"').fetchall() for name in tables}
        connection.close()
        return rows

    def play(self, *bodies: bytes) -> None:
        """Deliver webhooks and work them, and whatever else is due, as a daemon would."""
        loaded = settings.load(self.config)
        loaded.store.open()
        try:
            channel, strategy = loaded.channels["shop"], loaded.strategy.strategy
            choices = loaded.choices(Budget().planner)
            shop = Shop(
                loaded.store, channel.channel, strategy, rules=channel.rules, choices=choices, shadow=loaded.shadow
            )
            for body in bodies:
                shop.deliver(body)
            shop.clock.advance(timedelta(days=365 * 50))
            shop.work()
        finally:
            loaded.store.close()
