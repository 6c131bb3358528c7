"""``stockhook stock count``: the book follows what was found on the shelf."""

from datetime import datetime
from pathlib import Path

import click

from stockhook.cli import output
from stockhook.cli.arguments import FILE, MOMENT, QUANTITY, progress
from stockhook.cli.command import QuantityCommand
from stockhook.cli.context import Context
from stockhook.operations.stock.count_file import read_counts, unit_number
from stockhook.operations.stock.counts import Counts
from stockhook.operations.stock.counts import count as book
from stockhook.operations.stock.tallies import Tally
from stockhook.quantity import text
from stockhook.rows.changes import counts_row
from stockhook.rows.values import fields

_SHOWN = ("sku", "location", "unit_id", "lot", "before", "change", "quantity", "movement_id")


@click.command(cls=QuantityCommand)
@click.argument("what", required=False, metavar="UNIT|SKU")
@click.argument("quantity", type=QUANTITY, required=False)
@click.option("--location", metavar="PATH", help="Where the item was counted: at this location itself, not below it.")
@click.option("--file", type=FILE, metavar="CSV", help="Counts from a file: unit_id,quantity or sku,location,quantity.")
@click.option(
    "--at", type=MOMENT, metavar="TIME", help="When it was counted; a day is its first moment (UTC); otherwise now."
)
@click.pass_obj
def count(
    context: Context,
    what: str | None,
    quantity: int | None,
    location: str | None,
    file: Path | None,
    at: datetime | None,
) -> None:
    """Say how much there is: of one unit, of an item in a location, or of all that a file lists.

    Of an item in a location, what is missing is taken from the oldest receipt first (held ones last), and what is more
    is put to the newest one there; count by unit where the lot matters. That also ends what was owed of the item to
    orders that had shipped from the location before. What shipped before the count and is booked later is not taken
    again. With --at, what came or went since then is added. Of a file all rows are booked, or none.

    Examples: stockhook stock count SOAP 40 --location MAIN/FG;
    stockhook stock count 12 7;
    stockhook stock count --file counted.csv --at 2026-12-01T07:00:00Z
    """
    if file is not None:
        if what is not None or location is not None:
            raise click.UsageError("count from a file, or by hand: leave out --file, or what is given beside it")
        with context.desk() as desk, progress(context, f"counting {file.name}"):
            counts = book(desk, read_counts(file), at)
    else:
        tally = _by_hand(what, quantity, location)
        with context.desk() as desk:
            counts = book(desk, [tally], at)
    _tell(context, counts)


def _by_hand(what: str | None, quantity: int | None, location: str | None) -> Tally:
    if what is None or quantity is None:
        raise click.UsageError("say what was counted, and how much: UNIT N, or SKU N --location PATH, or --file CSV")
    if location is not None:
        return Tally(quantity, sku=what, location=location)
    try:
        return Tally(quantity, unit_id=unit_number(what))
    except ValueError as error:
        raise click.UsageError(f"{error}; of an item, say where it was counted: --location PATH") from None


def _tell(context: Context, counts: Counts) -> None:
    row = fields(counts_row(counts))
    if context.json:
        output.done(context, "", **row)
        return
    for each in counts.counted:
        name = f"unit {each.unit_id} of {each.sku}" if each.unit_id else f"{each.sku} at {each.location}"
        output.done(context, f"{name}: counted {text(each.quantity)}, the book had {text(each.expected)}")
    output.rows(context, [unit for each in row["counted"] for unit in each["units"]], _SHOWN, empty="no unit is there")
    if counts.ended:
        orders = ", ".join(key.order_id for key in counts.orders[:5]) + (" ..." if len(counts.orders) > 5 else "")  # noqa: PLR2004 - enough to know them by
        output.done(context, f"{text(counts.ended)} that was owed to {orders} is owed no more")
