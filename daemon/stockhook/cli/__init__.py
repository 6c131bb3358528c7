"""The ``stockhook`` command; each group of commands is a module of its own, imported when it is called."""

from typing import Final

import click

from stockhook import __version__
from stockhook.cli.command import Root

COMMANDS: Final = {
    "admin": "stockhook.cli.admin:admin",
    "audit": "stockhook.cli.audit:audit",
    "backup": "stockhook.cli.backup:backup",
    "check": "stockhook.cli.check:check",
    "deliveries": "stockhook.cli.deliveries:deliveries",
    "demo": "stockhook.cli.demo:demo",
    "events": "stockhook.cli.events:events",
    "init": "stockhook.cli.init:init",
    "items": "stockhook.cli.items:items",
    "locations": "stockhook.cli.locations:locations",
    "orders": "stockhook.cli.orders:orders",
    "plugins": "stockhook.cli.plugins:plugins",
    "problems": "stockhook.cli.problems:problems",
    "recall": "stockhook.cli.recall:recall",
    "send": "stockhook.cli.send:send",
    "serve": "stockhook.cli.serve:serve",
    "stock": "stockhook.cli.stock:stock",
    "store": "stockhook.cli.store:store",
    "verify": "stockhook.cli.verify:verify",
    "what-if": "stockhook.cli.what_if:what_if",
}
"""Where each command, or group of commands, is defined."""


@click.group(cls=Root, commands_at=COMMANDS)
@click.version_option(__version__, prog_name="stockhook")
def main() -> None:
    """Keep a maker's finished-goods stock true to what the store ships.

    Exit codes: 0 done; 1 refused or not found; 2 wrong usage; 78 the configuration cannot be used.
    """
