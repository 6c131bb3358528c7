"""``stockhook check`` tells whether a daemon can run with the configuration."""

import click

from stockhook.cli import output
from stockhook.cli.command import Command
from stockhook.cli.context import Context
from stockhook.errors import ConfigError
from stockhook.plugin_manager import Status


@click.command(cls=Command)
@click.pass_obj
def check(context: Context) -> None:
    """Load the configuration and its plugins, and tell every problem; nothing is opened or changed."""
    try:
        settings = context.daemon_settings
    except ConfigError as error:
        if context.json:  # a program reads the same keys; a person reads the problems where all errors are told
            output.record(context, {"ok": False, "problems": error.problems, "checked": [], "failed_plugins": None})
        raise
    found = [
        ("config", str(context.path)),
        ("store", settings.store.type),
        ("strategy", settings.strategy.strategy.type),
        *(("channel", f"{name} ({channel.channel.type})") for name, channel in settings.channels.items()),
        *(("notifier", f"{name} ({notifier.notifier.type})") for name, notifier in settings.notifiers.items()),
    ]
    if settings.shadow:
        found.append(("shadow", "on: nothing is booked for orders"))
    failed = [record for record in settings.plugins.records if record.status is Status.FAILED]
    if context.json:
        output.record(
            context,
            {
                "ok": True,
                "problems": [],
                "checked": [{"what": what, "name": name} for what, name in found],
                "failed_plugins": [{"name": record.name, "error": record.error} for record in failed],
            },
        )
        return
    for what, name in found:
        click.echo(f"{'SHADOW MODE ' if what == 'shadow' else f'ok  {what} '}{output.plain(name)}")
    for record in failed:
        click.echo(f"not used  plugin {record.name} ({record.origin}): {output.plain(record.error or '')}")
