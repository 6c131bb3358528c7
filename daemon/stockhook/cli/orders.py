"""``stockhook orders``: what is known of an order, and what is booked for it."""

from typing import Final

import click

from stockhook.cli import output
from stockhook.cli.command import Group
from stockhook.cli.context import Context
from stockhook.cli.correct import correct
from stockhook.cli.rows import allocation_row, audit_row, event_row, movement_row, problem_row
from stockhook.cli.why import tell_why
from stockhook.model import MovementKind, Shortage
from stockhook.operations import orders as operations
from stockhook.operations.orders import Shown, ShownLine, Taken
from stockhook.quantity import text

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
def show(context: Context, order: str) -> None:
    """Show one order: its lines, what was taken for them and why, what came back, what is owed, who corrected what.

    ORDER is the order id, or ACCOUNT/ORDER where two accounts have it.

    Example: stockhook orders show DEMO-0009104976
    """
    with context.desk() as desk:
        found = operations.show(desk, order)
    if context.json:
        output.record(context, _row(found))
    else:
        _tell(context, found)


def _row(found: Shown) -> dict[str, object]:
    return {
        **_head(found),
        "lines": [_line(shown) for shown in found.lines],
        "waits": [{"kind": wait.kind, "subject": wait.subject} for wait in found.waits],
        "events": [event_row(event) for event in found.events],
        "movements": [movement_row(movement) for movement in found.movements],
        "allocations": [allocation_row(allocation) for allocation in found.allocations],
        "corrections": [audit_row(entry) for entry in found.corrections],
        "problems": [problem_row(problem) for problem in found.problems],
        "history": found.order.history,
    }


def _head(found: Shown) -> dict[str, object]:
    order = found.order
    return {
        "account": order.account,
        "order_id": order.order_id,
        "channel": order.channel,
        "stage": order.stage,
        "test": order.test,
        "rejected": order.rejected,
        "linked": order.linked,
        "shipping_date": order.shipping_date,
        "refunded_at": order.refunded_at,
        "first_ship_at": order.first_ship_at,
        "newest_facts_at": order.said.as_of,
        "due_at": order.due_at,
    }


def _line(shown: ShownLine) -> dict[str, object]:
    line, binding = shown.line, shown.line.binding
    parts = binding.parts if binding else ()
    return {
        "item_index": line.item_index,
        "number": line.number,
        "code": line.code,
        "quantity": text(line.quantity),
        "quantity_refunded": text(line.quantity_refunded),
        "distribution_center": line.center,
        "kit": line.kit,
        "component": line.component,
        "shipped_at": line.shipped_at,
        "inferred": line.inferred,
        "bound_to": [{"sku": part.sku, "quantity": text(part.quantity)} for part in parts] if binding else None,
        "how": binding.how if binding else None,
        "consumed": text(shown.consumed),
        "returned": text(shown.returned),
        "ruling": text(line.ruling),
        "refused": line.refused,
        "owed": text(shown.open),
        "takes": [_take(taken) for taken in shown.takes],
        "shortages": [_shortage(row) for row in shown.shortages],
    }


def _take(taken: Taken) -> dict[str, object]:
    return {
        "movement_id": taken.take.movement_id,
        "unit_id": taken.take.unit_id,
        "sku": taken.take.sku,
        "quantity": text(taken.take.quantity),
        "remaining": text(taken.take.remaining),
        "returned": text(taken.take.returned),
        "counted": text(taken.take.counted),
        "suspense": taken.take.suspense,
        "location": taken.location,
        "lot": taken.lot,
        "serial": taken.serial,
        "strategy": taken.strategy,
        "why": taken.why,
    }


def _shortage(row: Shortage) -> dict[str, object]:
    return {
        "id": row.id,
        "sku": row.sku,
        "quantity": text(row.quantity),
        "open": text(row.open),
        "settled": text(row.settled),
        "withdrawn": text(row.withdrawn),
        "waived": text(row.waived),
        "counted": text(row.counted),
        "reason": row.reason,
        "actor": row.actor,
        "opened_at": row.opened_at,
    }


def _tell(context: Context, found: Shown) -> None:
    output.record(context, _head(found))
    lines = [_line(shown) for shown in found.lines]
    for line in lines:
        bound = line["bound_to"]
        line["bound_to"] = [f"{p['quantity']} x {p['sku']}" for p in bound] if isinstance(bound, list) else None
    output.section(context, "lines", lines, _LINE)
    for shown in found.lines:
        for ruling in shown.rulings:
            click.echo(output.plain(f"line {shown.line.item_index}: {ruling}"))
    takes = [
        {"item_index": shown.line.item_index, **take}
        for shown, line in zip(found.lines, lines, strict=True)
        for take in _listed(line["takes"])
    ]
    output.section(context, "taken", takes, _TAKEN)
    back = [movement_row(movement) for movement in found.movements if movement.kind is not MovementKind.CONSUMPTION]
    output.section(context, "given back", back, _BACK)
    shortages = [row for line in lines for row in _listed(line["shortages"])]
    output.section(context, "shortages", shortages, _SHORT)
    for problem in found.problems:
        click.echo(output.plain(f"problem {problem.id} ({problem.kind}): {problem.text}"))
    for wait in found.waits:
        click.echo(output.plain(f"waits for {wait.kind} {wait.subject}".rstrip()))
    events = [event_row(event) for event in found.events]
    output.section(context, "events", events, ("id", "received_at", "name", "state", "reason"))
    tell_why(context, found.allocations)
    for sentence in found.order.history:
        click.echo(output.plain(f"history: {sentence}"))


def _listed(found: object) -> list[dict[str, object]]:
    return found if isinstance(found, list) else []
