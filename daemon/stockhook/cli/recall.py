"""``stockhook recall``: where the goods of a lot went."""

import click

from stockhook.cli import output
from stockhook.cli.arguments import TEXT
from stockhook.cli.command import Command
from stockhook.cli.context import Context
from stockhook.cli.rows import unit_row
from stockhook.operations import recall as operations
from stockhook.operations.recall import Recall, Sums
from stockhook.quantity import text
from stockhook.rows.recall import RecallRow, recall_row
from stockhook.rows.values import fields

_UNITS = ("unit_id", "sku", "location", "lot", "serial", "quantity", "held", "expires_on")
_ORDERS = (
    "account",
    "order_id",
    "item_index",
    "code",
    "shipped_at",
    "consumed",
    "reversed",
    "returned",
    "out",
    "units",
)
_UNNAMED = ("account", "order_id", "line", "sku", "since", "owed", "waived", "counted")


@click.command(cls=Command)
@click.argument("lot", type=TEXT, required=False)
@click.option("--unit", type=int, metavar="U", help="Where the goods of this unit went, instead of a lot.")
@click.option("--serial", type=TEXT, metavar="S", help="Where the piece with this serial number went.")
@click.pass_obj
def recall(context: Context, lot: str | None, unit: int | None, serial: str | None) -> None:
    """Tell which orders got the goods of a lot, what is left and where, and whether that adds up.

    Orders that were wholly taken back or returned are listed too. `stockhook orders show ORDER` tells the other way
    round which lots an order got.

    Example: stockhook recall L-1015
    """
    if sum(asked is not None for asked in (lot, unit, serial)) != 1:
        raise click.UsageError("name a lot, or --unit U, or --serial S")
    with context.desk() as desk:
        if lot is not None:
            found = operations.recall_lot(desk, lot)
        elif serial is not None:
            found = operations.recall_serial(desk, serial)
        else:
            found = operations.recall_unit(desk, unit or 0)
    row = recall_row(found, lot, unit)
    if context.json:
        output.record(context, fields(row))
    else:
        _tell(context, found, row)


def _tell(context: Context, found: Recall, row: RecallRow) -> None:
    for one in found.sums:
        click.echo(output.plain(_words(one)))
    if row.renamed:
        click.echo(f"was called so, and was given another name: unit {', '.join(map(str, row.renamed))}")
    left = [unit_row(unit) for unit in found.units if unit.quantity]
    output.section(context, "left", left, _UNITS)
    output.section(context, "orders that got of it", [fields(one) for one in row.orders], _ORDERS)
    unnamed = [fields(one) for one in row.unnamed]
    output.section(
        context, "orders that may have got of it: shipped while it was there, unit unknown", unnamed, _UNNAMED
    )
    if not found.shipments:
        click.echo("\nno order got of it")
    if row.hold:
        click.echo()
        click.echo(output.plain(f"{text(found.free)} of it may still be taken; to stop that: {row.hold}"))


def _words(one: Sums) -> str:
    """Return the sums as one line that a person can add up."""
    lots = ", ".join("without a lot" if lot is None else f"lot {lot}" for lot in one.lots)
    parts = [f"{one.sku}, {lots}: {text(one.received)} received"]
    changes = (
        (-one.shipped, "shipped"),
        (one.reversed, "of that taken back"),
        (one.returned, "returned"),
        (one.adjusted, "adjusted"),
        (one.counted, "counted"),
        (one.moved, "moved"),
    )
    parts += [f"{'+' if amount > 0 else '-'} {text(abs(amount))} {what}" for amount, what in changes if amount]
    said = f"{' '.join(parts)} = {text(one.left)} left"
    if one.unexplained:
        said += f"; that does not add up by {text(one.unexplained)}: run stockhook verify"
    return said
