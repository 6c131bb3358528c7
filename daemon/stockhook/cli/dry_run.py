"""``stockhook events dry-run``: what an event would book now."""

from pathlib import Path

import click

from stockhook.cli import output
from stockhook.cli.arguments import FILE
from stockhook.cli.command import Command
from stockhook.cli.context import Context
from stockhook.cli.why import tell_why
from stockhook.model import NEW
from stockhook.operations import dry_run as operations
from stockhook.operations.dry_run import DryRun, WouldBook
from stockhook.rows.dry_run import WouldBeOrder, dry_run_row
from stockhook.rows.values import fields


@click.command("dry-run", cls=Command)
@click.argument("what", metavar="(ID | FILE)", type=FILE)
@click.option("--channel", metavar="C", help="As whose webhook a file is read; needed where there are several.")
@click.pass_obj
def dry_run(context: Context, what: Path, channel: str | None) -> None:
    """Tell what an event would book if it came now, from which units and why. Nothing is written.

    ID is that of an event as `events list` shows it, FILE a payload as `stockhook send` takes it (write ./42 for a
    file whose name is a number). In shadow mode it tells what would be booked without.

    Example: stockhook events dry-run order_ship.json
    """
    is_id = str(what).isdecimal()
    if is_id and channel is not None:
        raise click.UsageError("--channel goes with a file; an event has its channel")
    channels = {name: one.channel for name, one in context.settings.channels.items()}
    with context.desk() as desk:
        if is_id:
            found = operations.dry_run_event(desk, channels, int(str(what)))
        else:
            found = operations.dry_run_file(desk, channels, what, channel)
    if context.json:
        output.record(context, fields(dry_run_row(found)))
    else:
        _tell(context, found)


def _tell(context: Context, found: DryRun) -> None:
    said = "in shadow mode the daemon books none of this" if found.shadow else "nothing was written"
    click.echo(f"dry run: {said}")
    for event in found.events:
        number = f"event {event.id}, " if 0 < event.id < NEW else ""
        about = f"{number}{event.name}" + (f" of {event.order_id}" if event.order_id else "")
        reason = f" ({event.reason})" if event.reason else ""
        click.echo(output.plain(f"{about}: would be {event.state}{reason}: {event.text or ''}".rstrip(": ")))
    row = dry_run_row(found)
    for order, booked in zip(found.orders, row.orders, strict=True):
        _tell_order(context, order, booked)
    output.section(context, "problems it would tell", [fields(one) for one in row.problems])
    output.section(context, "open problems that may close", [fields(one) for one in row.settles])
    if found.wakes:
        click.echo(f"\n{found.wakes} orders that wait for what comes back would be looked at again")


def _tell_order(context: Context, order: WouldBook, row: WouldBeOrder) -> None:
    if row.movements or row.shortages or row.waits:
        click.echo("\n" + output.plain(f"order {row.account}/{row.order_id}"))
    movements = [fields(movement) for movement in row.movements]
    output.section(context, "movements", movements, ("unit_id", "sku", "kind", "quantity", "reason"))
    tell_why(context, order.allocations)
    output.section(context, "shortages", [fields(each) for each in row.shortages])
    output.section(context, "waits for", [fields(wait) for wait in row.waits])
