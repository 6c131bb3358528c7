"""``stockhook orders``: what is known of an order, and what is booked for it."""

from typing import Final

import click

from stockhook.cli import output
from stockhook.cli.command import Group
from stockhook.cli.context import Context
from stockhook.cli.correct import correct
from stockhook.cli.rows import event_row, movement_row
from stockhook.cli.why import tell_why
from stockhook.model import MovementKind
from stockhook.operations import forgetting
from stockhook.operations import orders as operations
from stockhook.operations.orders import Shown
from stockhook.quantity import counted
from stockhook.rows.orders import forgotten_row, line_row, order_row, shown_order
from stockhook.rows.values import fields

_LINE: Final = ("item_index", "code", "quantity", "quantity_refunded", "shipped_at", "bound_to", "consumed", "owed")
_TAKEN: Final = (
    "item_index",
    "sku",
    "unit_id",
    "location",
    "lot",
    "quantity",
    "remaining",
    "returned",
    "strategy",
    "why",
)
_BACK: Final = ("id", "at", "kind", "sku", "unit_id", "quantity", "reverses", "actor", "reason")
_SHORT: Final = ("id", "sku", "quantity", "open", "settled", "withdrawn", "waived", "counted", "reason")


@click.group(cls=Group)
def orders() -> None:
    """See what is known of an order, and what is booked for it."""


orders.add_command(correct)


@orders.command()
@click.argument("order")
@click.pass_obj
def forget(context: Context, order: str) -> None:
    """Remove the payloads of one order, with the personal data in them; its facts and what is booked stay.

    ORDER is the order id, or ACCOUNT/ORDER where two accounts have it. A payload goes as a whole, with whatever other
    orders came in the same request: they keep their facts as well, from which a replay works. Backups made before still
    hold it.

    Example: stockhook orders forget DEMO-0009104976
    """
    with context.desk() as desk:
        done = forgetting.forget(desk, order)
    payloads = counted(done.payloads, "payload", "payloads")
    others = ", ".join(key.order_id for key in done.others)
    said = f"{payloads} of {done.key.order_id} removed; its facts and what is booked for it stay"
    said += f". Removed with it, in the same requests, was what came of {others}" if others else ""
    output.done(context, said, **fields(forgotten_row(done)))


@orders.command()
@click.argument("order")
@click.pass_obj
def show(context: Context, order: str) -> None:
    """Show one order: its lines, what was taken for them and why, what came back, what is owed, who corrected what.

    ORDER is the order id, or ACCOUNT/ORDER where two accounts have it.

    Example: stockhook orders show DEMO-0009104976
    """
    with context.desk() as desk:
        found = operations.show(desk, order)
    if context.json:
        output.record(context, fields(shown_order(found)))
    else:
        _tell(context, found)


def _tell(context: Context, found: Shown) -> None:
    output.record(context, fields(order_row(found.order)))
    lines = [fields(line_row(shown)) for shown in found.lines]
    for line in lines:
        bound = line["bound_to"]
        line["bound_to"] = None if bound is None else [f"{part['quantity']} x {part['sku']}" for part in bound]
    output.section(context, "lines", lines, _LINE)
    for shown in found.lines:
        for ruling in shown.rulings:
            click.echo(output.plain(f"line {shown.line.item_index}: {ruling}"))
    takes = [{"item_index": line["item_index"], **take} for line in lines for take in line["takes"]]
    output.section(context, "taken", takes, _TAKEN)
    back = [movement_row(movement) for movement in found.movements if movement.kind is not MovementKind.CONSUMPTION]
    output.section(context, "given back", back, _BACK)
    output.section(context, "shortages", [row for line in lines for row in line["shortages"]], _SHORT)
    for problem in found.problems:
        click.echo(output.plain(f"problem {problem.id} ({problem.kind}): {problem.text}"))
    for wait in found.waits:
        click.echo(output.plain(f"waits for {wait.kind} {wait.subject}".rstrip()))
    events = [event_row(event) for event in found.events]
    output.section(context, "events", events, ("id", "received_at", "name", "state", "reason"))
    tell_why(context, found.allocations)
    for sentence in found.order.history:
        click.echo(output.plain(f"history: {sentence}"))
