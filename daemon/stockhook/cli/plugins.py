"""``stockhook plugins``: what was found, what it offers, and why something was left out."""

import sys

import click

from stockhook import config, log, plugin_manager
from stockhook.cli import output
from stockhook.cli.command import Command
from stockhook.cli.context import Context
from stockhook.rows.plugins import plugin_row
from stockhook.rows.values import fields

_SHOWN = ("name", "status", "version", "offers", "error")


@click.command(cls=Command)
@click.option("--traceback", "-t", is_flag=True, help="Print where each failed plugin failed.")
@click.pass_obj
def plugins(context: Context, traceback: bool) -> None:  # noqa: FBT001 - click passes flags so
    """List the plugins, whether the rest of the configuration holds or not.

    Without a configuration file, the installed plugins are listed.
    """
    log.configure("error", sys.stderr)
    chosen = config.read(context.path)[0].plugins if context.config or context.path.exists() else None
    found = plugin_manager.load(chosen.directory, chosen.disabled) if chosen else plugin_manager.load()
    output.rows(context, [fields(plugin_row(record)) for record in found.records], _SHOWN)
    for record in found.records if traceback else ():
        if record.traceback:
            click.echo(f"\n{record.name} ({record.origin})\n{record.traceback}", err=True)
