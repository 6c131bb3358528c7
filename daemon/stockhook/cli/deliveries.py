"""``stockhook deliveries``: what the channels sent, as it came in."""

import click

from stockhook.cli import output
from stockhook.cli.arguments import asked_for, listing, shown
from stockhook.cli.command import Group
from stockhook.cli.context import Context
from stockhook.model import DeliveryState
from stockhook.operations import deliveries as operations
from stockhook.rows.received import delivery_row, shown_delivery
from stockhook.rows.values import fields

_SHOWN = ("id", "channel", "received_at", "state", "events", "size", "peer")


@click.group(cls=Group)
def deliveries() -> None:
    """See the requests that the channels sent."""


@deliveries.command("list")
@click.option("--channel", metavar="C", help="Only of this channel.")
@click.option("--state", type=click.Choice([state.value for state in DeliveryState]), help="Only in this state.")
@listing
@click.pass_obj
def list_deliveries(
    context: Context,
    channel: str | None,
    state: str | None,
    limit: int | None,
    everything: bool,  # noqa: FBT001 - click passes flags so
) -> None:
    """List deliveries, newest first.

    Example: stockhook deliveries list --state pending
    """
    most = asked_for(limit, everything=everything)
    chosen = DeliveryState(state) if state else None
    with context.desk() as desk:
        found = shown(operations.list_deliveries(desk, channel=channel, state=chosen, most=most), most)
    output.rows(
        context, [fields(delivery_row(delivery)) for delivery in found], _SHOWN, empty="no delivery has come in yet"
    )


@deliveries.command()
@click.argument("delivery_id", metavar="ID", type=int)
@click.pass_obj
def show(context: Context, delivery_id: int) -> None:
    """Show one delivery with its headers and events.

    Example: stockhook deliveries show 17
    """
    with context.desk() as desk:
        found = fields(shown_delivery(operations.show(desk, delivery_id)))
    if context.json:
        output.record(context, found)
        return
    headers, events = found.pop("headers"), found.pop("event_list")
    output.record(context, found)
    output.section(context, "headers", headers)
    output.section(context, "events", events, ("id", "name", "order_id", "state", "reason"))
