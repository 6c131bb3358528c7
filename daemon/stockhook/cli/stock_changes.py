"""``stockhook stock move|adjust|amend|undo|hold|release``: what a stock keeper does to goods that are there."""

from datetime import date, datetime
from typing import Any

import click

from stockhook.cli import output
from stockhook.cli.arguments import COST, DAY, MOMENT, NUMBER, PRIORITY, QUANTITY, TEXT
from stockhook.cli.command import Command, QuantityCommand
from stockhook.cli.context import Context
from stockhook.operations.stock import adjustments, amendments, holds, reversals, transfers
from stockhook.operations.stock.holds import Held
from stockhook.operations.stock.ledger import Adjusted
from stockhook.quantity import text
from stockhook.rows.changes import adjusted_row, amended_row, held_row, moved_row
from stockhook.rows.values import fields

_REASON = click.option("--reason", required=True, metavar="R", help="Why, for whoever reads the ledger later.")
_LOT = click.option("--lot", type=TEXT, metavar="L", help="All units of this lot, of whatever items.")


@click.command(cls=QuantityCommand)
@click.argument("unit", type=NUMBER)
@click.argument("quantity", type=QUANTITY)
@click.option("--to", "path", required=True, metavar="PATH", help="The location it is carried to.")
@click.pass_obj
def move(context: Context, unit: int, quantity: int, path: str) -> None:
    """Move so much of a unit to another location.

    It is a unit of its own there, with the same lot, dates and cost, or joins the same goods where they lie already.
    What arrives where orders may take it settles what is owed.

    Example: stockhook stock move 12 24 --to MAIN/FG
    """
    with context.desk() as desk:
        moved = transfers.move(desk, unit, quantity, path)
    source, target = moved.source, moved.target
    used = moved.into.balance_after - target.quantity
    settled = f"; {text(used)} of it went at once to orders that were owed goods" if used else ""
    output.done(
        context,
        f"moved {text(moved.quantity)} of {source.sku} from unit {source.id} at {source.location}, now "
        f"{text(source.quantity)}, to unit {target.id} at {target.location}, now {text(target.quantity)}, by movements "
        f"{moved.out.id} and {moved.into.id}{settled}",
        **fields(moved_row(moved)),
    )


@click.command(cls=Command, context_settings={"ignore_unknown_options": True})  # -3 is a quantity, no option
@click.argument("unit", type=NUMBER)
@click.argument("quantity", type=QUANTITY, metavar="+N|-N")
@click.option(
    "--reason", required=True, metavar="CODE", help=f"One of {', '.join(adjustments.CODES)}, or any short text."
)
@click.option("--settle", is_flag=True, help="Use what is added at once for what is owed of the item.")
@click.pass_obj
def adjust(context: Context, unit: int, quantity: int, reason: str, settle: bool) -> None:  # noqa: FBT001 - click's way
    """Change the quantity of a unit: +3 found, -1 damaged.

    What is found covers what is owed of the item once an order is looked at again, or goods come; at once with
    --settle.

    Example: stockhook stock adjust 12 -1 --reason damaged
    """
    with context.desk() as desk:
        adjusted = adjustments.adjust(desk, unit, quantity, reason, settle=settle)
    _tell(context, adjusted, offer_settling=quantity > 0 and not settle)


@click.command(cls=Command)
@click.argument("unit", type=NUMBER)
@click.option("--lot", type=TEXT, metavar="L", help="The lot or batch it is of.")
@click.option("--serial", type=TEXT, metavar="S", help="The serial number of the one piece.")
@click.option("--expires-on", type=DAY, metavar="DAY", help="The last good day: 2027-03-31.")
@click.option("--received-at", type=MOMENT, metavar="TIME", help="When it came in.")
@click.option("--unit-cost", type=COST, metavar="C", help="What one of them cost.")
@click.option("--priority", type=PRIORITY, metavar="N", help="For the strategy `priority`.")
@click.option("--reference", type=TEXT, metavar="R", help="What to find it by, such as a work order.")
@click.option(
    "--clear",
    multiple=True,
    type=click.Choice([name.replace("_", "-") for name in amendments.FIELDS if name != "received_at"]),
    metavar="FIELD",
    help="Empty lot, serial, expires-on, unit-cost, priority or reference; may be given more than once.",
)
@_REASON
@click.pass_obj
def amend(
    context: Context,
    unit: int,
    lot: str | None,
    serial: str | None,
    expires_on: date | None,
    received_at: datetime | None,
    unit_cost: int | None,
    priority: int | None,
    reference: str | None,
    clear: tuple[str, ...],
    reason: str,
) -> None:
    """Put right what was written down about a unit; orders that took of it are known by the new words too.

    Its quantity is put right by `stock adjust` or `stock count`, its place by `stock move`.

    Example: stockhook stock amend 12 --lot L7 --expires-on 2027-03-31 --reason "misread the label"
    """
    given: dict[str, Any] = {
        "lot": lot,
        "serial": serial,
        "expires_on": expires_on,
        "received_at": received_at,
        "unit_cost": unit_cost,
        "priority": priority,
        "reference": reference,
    }
    filled = {name: value for name, value in given.items() if value is not None}
    emptied = {name.replace("-", "_") for name in clear}
    both = sorted(emptied & filled.keys())
    if both:
        raise click.UsageError(f"{both[0].replace('_', '-')} is both given and cleared; leave one of the two out")
    with context.desk() as desk:
        amended = amendments.amend(desk, unit, filled | dict.fromkeys(emptied), reason)
    row = fields(amended_row(amended))
    words = [
        f"{name.replace('_', ' ')} {output.text(row[name])} (was {output.text(was)})"
        for name, was in row["before"].items()
    ]
    said = f"unit {unit} of {amended.unit.sku}: {', '.join(words)}"
    output.done(context, said, **row)


@click.command(cls=Command)
@click.argument("movement", type=NUMBER)
@_REASON
@click.pass_obj
def undo(context: Context, movement: int, reason: str) -> None:
    """Book the opposite of a receipt, an adjustment, a count, a return, or both halves of a move.

    Nothing is ever deleted. What an order took is put right by `orders correct`.

    Example: stockhook stock undo 345 --reason "wrong item"
    """
    with context.desk() as desk:
        adjusted = reversals.undo(desk, movement, reason)
    _tell(context, adjusted, offer_settling=False)


@click.command(cls=Command)
@click.argument("unit", type=NUMBER, required=False)
@_LOT
@_REASON
@click.pass_obj
def hold(context: Context, unit: int | None, lot: str | None, reason: str) -> None:
    """Keep a unit, or a whole lot, from all orders until it is released: quarantine, a recall.

    Empty units of the lot are held as well, so that what comes back to them is. What is received of the lot later is
    not: hold it again.

    Example: stockhook stock hold --lot L7 --reason "recall 2026-12"
    """
    _require_one(unit, lot)
    with context.desk() as desk:
        held = holds.hold(desk, reason, unit_id=unit, lot=lot)
    _tell_held(context, held, "held")


@click.command(cls=Command)
@click.argument("unit", type=NUMBER, required=False)
@_LOT
@_REASON
@click.pass_obj
def release(context: Context, unit: int | None, lot: str | None, reason: str) -> None:
    """Offer a held unit, or a whole lot, to orders again; what is owed of it is settled at once.

    Example: stockhook stock release 12 --reason "laboratory: good"
    """
    _require_one(unit, lot)
    with context.desk() as desk:
        held = holds.release(desk, reason, unit_id=unit, lot=lot)
    _tell_held(context, held, "released")


def _require_one(unit: int | None, lot: str | None) -> None:
    if (unit is None) == (lot is None):
        raise click.UsageError("name a unit by its number, or a lot with --lot L")


def _tell_held(context: Context, held: Held, done: str) -> None:
    changed = [unit for unit in held.units if unit.id in held.changed]
    said = f"nothing changed: all of it was {done} before"
    if changed:
        units = ", ".join(f"unit {unit.id} ({text(unit.quantity)} of {unit.sku})" for unit in reversed(changed))
        many = "1 order that was" if len(held.orders) == 1 else f"{len(held.orders)} orders that were"
        settled = f"; looked again at {many} owed goods" if held.orders else ""
        said = f"{done} {units}{settled}"
    output.done(context, said, **fields(held_row(held)))


def _tell(context: Context, adjusted: Adjusted, *, offer_settling: bool) -> None:
    unit, movement = adjusted.unit, adjusted.movement
    sign = "+" if movement.quantity > 0 else ""
    said = f"unit {unit.id} of {unit.sku}: {sign}{text(movement.quantity)}, now {text(unit.quantity)}"
    said += f", by movement {movement.id}"
    if adjusted.owed:
        said += f"; {text(adjusted.owed)} of {unit.sku} are owed"
        said += (
            ", and stay so until an order is looked at again or goods come; --settle uses it now"
            if offer_settling
            else ""
        )
    output.done(context, said, **fields(adjusted_row(adjusted)))
