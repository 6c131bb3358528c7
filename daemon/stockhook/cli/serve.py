"""``stockhook serve`` runs the daemon."""

import asyncio

import click

from stockhook import log
from stockhook.cli.command import SilentCommand
from stockhook.cli.context import Context


@click.command(cls=SilentCommand)
@click.pass_obj
def serve(context: Context) -> None:
    """Run the daemon until SIGTERM; it logs one JSON line per fact to standard output."""
    from stockhook.daemon import Daemon
    from stockhook.process import end_soon

    settings = context.daemon_settings

    async def run() -> int:
        return await Daemon(settings, ending=end_soon).serve()

    with log.aside():
        log.configure(settings.log.level)
        code = asyncio.run(run())
    raise SystemExit(code)
