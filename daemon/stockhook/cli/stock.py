"""``stockhook stock``: what lies where, goods that come in, and the way from and to a spreadsheet."""

from datetime import date, datetime
from pathlib import Path

import click

from stockhook.cli import output
from stockhook.cli.arguments import (
    COST,
    DAY,
    DAY_OR_MOMENT,
    FILE,
    MOMENT,
    PRIORITY,
    QUANTITY,
    TEXT,
    asked_for,
    listing,
    progress,
    shown,
)
from stockhook.cli.command import Group, QuantityCommand, SilentCommand
from stockhook.cli.context import Context
from stockhook.cli.rows import unit_row
from stockhook.cli.stock_changes import adjust, amend, hold, move, release, undo
from stockhook.cli.stock_count import count
from stockhook.operations.calendar import end
from stockhook.operations.spreadsheet import write_lines
from stockhook.operations.stock import receipts
from stockhook.operations.stock_import import export_stock, import_stock
from stockhook.operations.units import Selection, list_units
from stockhook.quantity import counted, text
from stockhook.rows.changes import received_row
from stockhook.rows.values import fields

_SHOWN = ("unit_id", "sku", "location", "lot", "serial", "quantity", "held", "received_at", "expires_on", "unit_cost")


@click.group(cls=Group)
def stock() -> None:
    """See what is in stock, receive, move, count and hold goods, correct what is wrong."""


@stock.command("list")
@click.option(
    "--as-of",
    type=DAY_OR_MOMENT,
    metavar="TIME",
    help="What the book said then: 2026-12-01T09:00:00Z, or 2026-11-30 for the end of that day (UTC).",
)
@click.option("--sku", metavar="S", help="Only this item.")
@click.option("--location", metavar="PATH", help="Only this location and those below it.")
@listing
@click.pass_obj
def list_stock(
    context: Context,
    as_of: date | datetime | None,
    sku: str | None,
    location: str | None,
    limit: int | None,
    everything: bool,  # noqa: FBT001 - click passes flags so
) -> None:
    """List inventory units that have a quantity; with --all the empty ones as well.

    Example: stockhook stock list --sku SOAP
    """
    most = asked_for(limit, everything=everything)
    with context.desk() as desk:
        then = None if as_of is None else end(as_of, desk.clock.now())
        found = list_units(desk, Selection(sku, location, everything=everything), as_of=then, most=most)
    listed = [unit_row(unit) for unit in shown(found, most)]
    empty = "nothing in stock; `stockhook stock receive` or `stock import`"
    if then is not None:
        empty = f"nothing was in stock as of {output.text(then)}, by the time of booking"
        if listed and not context.json:
            click.echo(f"as of {output.text(then)}, by the time of booking:")
    output.rows(context, listed, _SHOWN, empty=empty)


@stock.command(cls=QuantityCommand)
@click.argument("sku")
@click.argument("qty", type=QUANTITY)
@click.option("--location", required=True, metavar="PATH", help="Where the goods are put.")
@click.option("--lot", type=TEXT, metavar="L", help="The lot or batch they are of.")
@click.option("--serial", type=TEXT, metavar="S", help="The serial number of the one piece.")
@click.option("--expires-on", type=DAY, metavar="DAY", help="The last good day: 2027-03-31.")
@click.option("--received-at", type=MOMENT, metavar="TIME", help="When they came in; otherwise now.")
@click.option("--unit-cost", type=COST, metavar="C", help="What one of them cost.")
@click.option("--priority", type=PRIORITY, metavar="N", help="For the strategy `priority`.")
@click.option("--reference", type=TEXT, metavar="R", help="What to find the receipt by, such as a work order.")
@click.pass_obj
def receive(
    context: Context,
    sku: str,
    qty: int,
    location: str,
    lot: str | None,
    serial: str | None,
    expires_on: date | None,
    received_at: datetime | None,
    unit_cost: int | None,
    priority: int | None,
    reference: str | None,
) -> None:
    """Book goods in; what was owed of them is settled at once, oldest order first.

    Example: stockhook stock receive SOAP 100 --location MAIN/FG --lot L7 --expires-on 2027-03-31
    """
    with context.desk() as desk:
        receipt = receipts.Receipt(
            sku, qty, location, received_at, lot, serial, expires_on, unit_cost, priority, reference
        )
        received = receipts.receive(desk, [receipt])
    unit, movement = received.units[0], received.movements[0]
    used = unit.received - unit.quantity
    settled = f"; {text(used)} of it went at once to orders that were owed goods" if used else ""
    as_what = f"as unit {unit.id} by movement {movement.id}"
    output.done(
        context,
        f"received {text(unit.received)} of {unit.sku} at {unit.location} {as_what}{settled}",
        **fields(received_row(received)),
    )


@stock.command("import")
@click.argument("file", type=FILE)
@click.option("--no-create", is_flag=True, help="Refuse items and locations that do not exist instead of making them.")
@click.option("--again", is_flag=True, help="Import a file that was imported before: it adds once more.")
@click.pass_obj
def import_(context: Context, file: Path, no_create: bool, again: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Receive what a CSV file lists. It adds to what is there; all rows are booked, or none.

    Columns: sku, name, location, quantity; and if wanted received_at, lot, expires_on, unit_cost, serial,
    pick_sequence, priority, reference. UTF-8, with commas or semicolons.

    Example: stockhook stock import opening.csv
    """
    with context.desk() as desk, progress(context, f"importing {file.name}"):
        done = import_stock(desk, file, create=not no_create, again=again)
    said = [f"received {text(done.quantity)} in {counted(done.units, 'unit', 'units')}"]
    if done.items:
        said.append(f"made items {', '.join(item.sku for item in done.items)}")
    if done.locations:
        said.append(f"made locations {', '.join(place.path for place in done.locations)}")
    if done.orders:
        said.append(f"looked again at {counted(done.orders, 'order that was', 'orders that were')} owed goods")
    output.done(
        context,
        "; ".join(said),
        units=done.units,
        quantity=text(done.quantity),
        items=[item.sku for item in done.items],
        locations=[place.path for place in done.locations],
        orders=done.orders,
    )


@stock.command(cls=SilentCommand)
@click.option("--output", "-o", type=FILE, metavar="FILE", help="Write to a file that only you may read.")
@click.option("--all", "everything", is_flag=True, help="Empty units as well.")
@click.pass_obj
def export(context: Context, output: Path | None, everything: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Write what is in stock as CSV, in the form that `stock import` reads.

    Example: stockhook stock export --output stock.csv
    """
    with context.desk() as desk, progress(context, "exporting") as advance:
        lines = export_stock(desk, everything=everything)
        if output is None:
            for line in lines:
                click.echo(line, nl=False)
        else:
            count = write_lines(output, lines, advance)
            click.echo(f"{counted(count - 1, 'unit', 'units')} written to {output}", err=True)


for _command in (move, count, adjust, amend, undo, hold, release):
    stock.add_command(_command)
