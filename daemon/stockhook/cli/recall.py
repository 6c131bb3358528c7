"""``stockhook recall``: where the goods of a lot went."""

import shlex

import click

from stockhook.cli import output
from stockhook.cli.arguments import TEXT
from stockhook.cli.command import Command
from stockhook.cli.context import Context
from stockhook.cli.rows import unit_row
from stockhook.operations import recall as operations
from stockhook.operations.recall import Recall, Shipment, Sums, Unnamed
from stockhook.quantity import Quantity, text

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
            found, hold = operations.recall_lot(desk, lot), f"--lot {shlex.quote(lot)}"
        elif serial is not None:
            found = operations.recall_serial(desk, serial)
            hold = str(found.units[0].id)
        else:
            found, hold = operations.recall_unit(desk, unit or 0), str(unit)
    command = f"stockhook stock hold {hold} --reason recall"
    if context.json:
        output.record(context, _row(found, command))
    else:
        _tell(context, found, command)


def _row(found: Recall, command: str) -> dict[str, object]:
    return {
        "sums": [_sums(one) for one in found.sums],
        "units": [unit_row(unit) for unit in found.units],
        "orders": [_order(one) for one in found.shipments],
        "unnamed": [_unnamed(one) for one in found.unnamed],
        "renamed": found.renamed,
        "hold": command if _free(found) else None,
    }


def _tell(context: Context, found: Recall, command: str) -> None:
    for one in found.sums:
        click.echo(output.plain(_words(one)))
    if found.renamed:
        click.echo(f"was called so, and was given another name: unit {', '.join(map(str, found.renamed))}")
    left = [unit_row(unit) for unit in found.units if unit.quantity]
    output.section(context, "left", left, _UNITS)
    output.section(context, "orders that got of it", [_order(one) for one in found.shipments], _ORDERS)
    unnamed = [_unnamed(one) for one in found.unnamed]
    output.section(
        context, "orders that may have got of it: shipped while it was there, unit unknown", unnamed, _UNNAMED
    )
    if not found.shipments:
        click.echo("\nno order got of it")
    if free := _free(found):
        click.echo(output.plain(f"\n{text(free)} of it may still be taken; to stop that: {command}"))


def _free(found: Recall) -> Quantity:
    """Return how much is left that is not held."""
    return sum(unit.quantity for unit in found.units if unit.quantity > 0 and not unit.held)


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


def _sums(one: Sums) -> dict[str, object]:
    return {
        "sku": one.sku,
        "lots": one.lots,
        "received": text(one.received),
        "shipped": text(one.shipped),
        "reversed": text(one.reversed),
        "returned": text(one.returned),
        "adjusted": text(one.adjusted),
        "counted": text(one.counted),
        "moved": text(one.moved),
        "left": text(one.left),
        "unexplained": text(one.unexplained),
    }


def _order(one: Shipment) -> dict[str, object]:
    return {
        "account": one.account,
        "order_id": one.order_id,
        "channel": one.channel,
        "line": one.line,
        "item_index": one.item_index,
        "code": one.code,
        "sku": one.sku,
        "shipped_at": one.shipped_at,
        "ship_date": one.ship_date,
        "consumed": text(one.consumed),
        "reversed": text(one.reversed),
        "returned": text(one.returned),
        "out": text(one.out),
        "units": one.units,
    }


def _unnamed(one: Unnamed) -> dict[str, object]:
    return {
        "account": one.account,
        "order_id": one.order_id,
        "line": one.line,
        "sku": one.sku,
        "since": one.since,
        "owed": text(one.owed),
        "waived": text(one.waived),
        "counted": text(one.counted),
    }
