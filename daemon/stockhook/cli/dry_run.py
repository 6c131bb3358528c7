"""``stockhook events dry-run``: what an event would book now."""

from pathlib import Path

import click

from stockhook.cli import output
from stockhook.cli.arguments import FILE
from stockhook.cli.command import Command
from stockhook.cli.context import Context
from stockhook.cli.rows import allocation_row, event_row, movement_row
from stockhook.cli.why import tell_why
from stockhook.model import NEW, Event, Shortage
from stockhook.operations import dry_run as operations
from stockhook.operations.dry_run import DryRun, Raised, WouldBook
from stockhook.quantity import text

_NUMBERS = ("id", "allocation_id", "event_id", "delivery_id", "reverses", "unit_id")


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
        output.record(context, _row(found))
    else:
        _tell(context, found)


def _row(found: DryRun) -> dict[str, object]:
    return {
        "events": [_event(event) for event in found.events],
        "orders": [
            {
                "account": order.key.account,
                "order_id": order.key.order_id,
                "movements": [_made(movement_row(movement)) for movement in order.movements],
                "allocations": [_made(allocation_row(allocation)) for allocation in order.allocations],
                "shortages": [_shortage(row) for row in order.shortages],
                "waits": [{"kind": wait.kind, "subject": wait.subject} for wait in order.waits],
            }
            for order in found.orders
        ],
        "problems": [_problem(raised) for raised in found.raises],
        "settles": [{"kind": kind, "subject": subject} for kind, subject in found.settles],
        "wakes": found.wakes,
        "shadow": found.shadow,
    }


def _made(row: dict[str, object]) -> dict[str, object]:
    """Return a row in which ids that only a booking gives are left out."""
    return {name: None if name in _NUMBERS and _is_new(value) else value for name, value in row.items()}


def _is_new(value: object) -> bool:
    return isinstance(value, int) and value >= NEW


def _event(event: Event) -> dict[str, object]:
    row = _made({**event_row(event), "text": event.text})
    return {**row, "id": event.id if 0 < event.id < NEW else None}


def _shortage(row: Shortage) -> dict[str, object]:
    return {
        "id": None if row.id >= NEW else row.id,
        "line": row.line,
        "sku": row.sku,
        "open": text(row.open),
        "settled": text(row.settled),
        "withdrawn": text(row.withdrawn),
    }


def _problem(raised: Raised) -> dict[str, object]:
    signal = raised.signal
    return {"kind": signal.kind, "subject": signal.subject, "text": signal.text, "known": raised.known}


def _tell(context: Context, found: DryRun) -> None:
    said = "in shadow mode the daemon books none of this" if found.shadow else "nothing was written"
    click.echo(f"dry run: {said}")
    for event in found.events:
        number = f"event {event.id}, " if 0 < event.id < NEW else ""
        about = f"{number}{event.name}" + (f" of {event.order_id}" if event.order_id else "")
        reason = f" ({event.reason})" if event.reason else ""
        click.echo(output.plain(f"{about}: would be {event.state}{reason}: {event.text or ''}".rstrip(": ")))
    for order in found.orders:
        _tell_order(context, order)
    output.section(context, "problems it would tell", [_problem(one) for one in found.raises])
    settles = [{"kind": kind, "subject": subject} for kind, subject in found.settles]
    output.section(context, "open problems that may close", settles)
    if found.wakes:
        click.echo(f"\n{found.wakes} orders that wait for what comes back would be looked at again")


def _tell_order(context: Context, order: WouldBook) -> None:
    if order.movements or order.shortages or order.waits:
        click.echo("\n" + output.plain(f"order {order.key.account}/{order.key.order_id}"))
    movements = [_made(movement_row(movement)) for movement in order.movements]
    output.section(context, "movements", movements, ("unit_id", "sku", "kind", "quantity", "reason"))
    tell_why(context, order.allocations)
    output.section(context, "shortages", [_shortage(row) for row in order.shortages])
    waits = [{"kind": wait.kind, "subject": wait.subject} for wait in order.waits]
    output.section(context, "waits for", waits)
