"""``stockhook check`` tells whether a daemon can run with the configuration, and what is wrong with the kits."""

from typing import TYPE_CHECKING

import click

from stockhook.cli import output
from stockhook.cli.command import Command
from stockhook.cli.context import Context
from stockhook.errors import ConfigError, StockhookError
from stockhook.plugin_manager import Status

if TYPE_CHECKING:
    from stockhook.operations.kits import Fault
    from stockhook.settings import Settings


@click.command(cls=Command)
@click.pass_obj
def check(context: Context) -> None:
    """Load the configuration and its plugins, and tell every problem; nothing is made or changed.

    Where a store is there already, tell as well what is wrong with the kits in it.
    """
    try:
        settings = context.daemon_settings
    except ConfigError as error:
        if context.json:  # a program reads the same keys; a person reads the problems where all errors are told
            told = {"ok": False, "problems": error.problems, "checked": []}
            output.record(context, told | {"failed_plugins": None, "kits": None, "kits_not_checked": None})
        raise
    found = [
        ("config", str(context.path)),
        ("store", settings.store.type),
        ("strategy", settings.strategy.strategy.type),
        *(
            ("strategy", f"{rule.strategy.strategy.type} (rule {rule.number})")
            for rule in settings.rules
            if rule.strategy
        ),
        *(("channel", f"{name} ({channel.channel.type})") for name, channel in settings.channels.items()),
        *(("notifier", f"{name} ({notifier.notifier.type})") for name, notifier in settings.notifiers.items()),
    ]
    if settings.shadow:
        found.append(("shadow", "on: nothing is booked for orders"))
    failed = [record for record in settings.plugins.records if record.status is Status.FAILED]
    faults, unread = _kits(settings)
    if context.json:
        output.record(
            context,
            {
                "ok": True,
                "problems": [],
                "checked": [{"what": what, "name": name} for what, name in found],
                "failed_plugins": [{"name": record.name, "error": record.error} for record in failed],
                "kits": None if unread else [{"sku": fault.sku, "text": fault.text} for fault in faults],
                "kits_not_checked": unread,
            },
        )
        return
    for what, name in found:
        click.echo(f"{'SHADOW MODE ' if what == 'shadow' else f'ok  {what} '}{output.plain(name)}")
    for record in failed:
        click.echo(f"not used  plugin {record.name} ({record.origin}): {output.plain(record.error or '')}")
    if unread:
        click.echo(f"not checked  kits: {output.plain(unread)}")
    for fault in faults:
        click.echo(f"look  {output.plain(fault.text)}")


def _kits(settings: "Settings") -> tuple[list["Fault"], str | None]:
    """Return what is wrong with the kits in the store, or why it was not looked into."""
    from stockhook.operations import kits
    from stockhook.store import Prepared

    store = settings.store
    if not isinstance(store, Prepared):
        return [], f"a store of type {store.type} cannot be looked into from here"
    try:
        unprepared = store.unprepared()
        if unprepared is not None:
            return [], unprepared
        store.open()
        try:
            with store.read() as view:
                return kits.all_faults(view, {name: each.rules for name, each in settings.channels.items()}), None
        finally:
            store.close()
    except StockhookError as error:  # the configuration may hold all the same: the daemon waits for a store
        return [], str(error)
