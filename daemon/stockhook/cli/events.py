"""``stockhook events``: what the store said, what became of it, and having it worked again."""

from datetime import datetime

import click

from stockhook.cli import output
from stockhook.cli.arguments import MOMENT, asked_for, listing, progress, shown
from stockhook.cli.command import Group
from stockhook.cli.context import Context
from stockhook.cli.dry_run import dry_run
from stockhook.cli.rows import event_row
from stockhook.cli.why import tell_why
from stockhook.model import EventState
from stockhook.operations import events as operations
from stockhook.quantity import counted
from stockhook.rows.received import replayed_row, shown_event
from stockhook.rows.values import fields

_SHOWN = ("id", "received_at", "channel", "name", "order_id", "state", "reason")
_STATE = click.option(
    "--state", type=click.Choice([state.value for state in EventState]), help="Only those in this state."
)
_SINCE = click.option(
    "--since", type=MOMENT, metavar="T", help="Only those received since: 2026-12-01T09:00:00Z, or a day (UTC)."
)


@click.group(cls=Group)
def events() -> None:
    """See what the store said and what became of it; have it worked again."""


@events.command("list")
@_STATE
@_SINCE
@click.option("--order", metavar="ORDER", help="Only of this order.")
@click.option("--channel", metavar="C", help="Only of this channel.")
@listing
@click.pass_obj
def list_events(
    context: Context,
    state: str | None,
    since: datetime | None,
    order: str | None,
    channel: str | None,
    limit: int | None,
    everything: bool,  # noqa: FBT001 - click passes flags so
) -> None:
    """List events, newest first.

    Example: stockhook events list --state parked
    """
    most = asked_for(limit, everything=everything)
    chosen = EventState(state) if state else None
    with context.desk() as desk:
        found = operations.list_events(desk, state=chosen, since=since, order=order, channel=channel, most=most)
    output.rows(context, [event_row(event) for event in shown(found, most)], _SHOWN, empty="no such event")


@events.command()
@click.argument("event_id", metavar="ID", type=int)
@click.pass_obj
def show(context: Context, event_id: int) -> None:
    """Show one event: what became of it, what it booked, from which units and why.

    Example: stockhook events show 42
    """
    with context.desk() as desk:
        found = operations.show(desk, event_id)
    row = fields(shown_event(found))
    if context.json:
        output.record(context, row)
        return
    movements = row.pop("movements")
    output.record(context, {name: value for name, value in row.items() if name != "allocations"})
    columns = ("id", "unit_id", "sku", "kind", "quantity", "balance_after", "at")
    output.section(context, "movements", movements, columns)
    tell_why(context, found.allocations)


@events.command()
@click.argument("ids", nargs=-1, type=int, metavar="[ID...]")
@_STATE
@_SINCE
@click.pass_obj
def replay(context: Context, ids: tuple[int, ...], state: str | None, since: datetime | None) -> None:
    """Have events worked again, those named or all of a state. What is booked already is not booked twice.

    Example: stockhook events replay --state failed --since 2026-12-01
    """
    if bool(ids) == bool(state):
        raise click.UsageError("name events by their ids, or all of a state by --state; not both")
    if since is not None and not state:
        raise click.UsageError("--since goes with --state")
    with context.desk() as desk:
        if ids:
            done = operations.replay(desk, ids)
        else:
            with progress(context, "making events due") as advance:
                done = operations.replay_matching(desk, EventState(str(state)), since, advance)
    said = [f"{counted(len(done.events), 'event', 'events')} will be worked again by the daemon"]
    if done.orders:
        orders = counted(len(done.orders), "order", "orders")
        said.append(f"{orders} too, from what is kept: the payloads have been removed")
    if done.lost:
        said.append(f"nothing is left of events {', '.join(map(str, done.lost))}: their payloads have been removed")
    output.done(context, "; ".join(said), **fields(replayed_row(done)))


events.add_command(dry_run)
