"""``stockhook locations``: the tree of places where goods lie."""

import click

from stockhook.cli import output
from stockhook.cli.arguments import YES, asked_for, listing, shown
from stockhook.cli.command import Group
from stockhook.cli.context import Context
from stockhook.operations import locations as operations
from stockhook.quantity import counted
from stockhook.rows.stock import added_location, changed_location, location_row
from stockhook.rows.values import fields

_PICKABLE = click.option("--pickable", type=YES, metavar="yes|no", help="Whether orders may take goods from here.")
_SEQUENCE = click.option(
    "--pick-sequence",
    type=click.IntRange(-operations.MOST_SEQUENCE, operations.MOST_SEQUENCE),
    metavar="N",
    help="Smaller is picked earlier.",
)


@click.group(cls=Group)
def locations() -> None:
    """Keep the places where goods lie, written as paths: MAIN/FG/A-01."""


@locations.command("list")
@listing
@click.pass_obj
def list_locations(context: Context, limit: int | None, everything: bool) -> None:  # noqa: FBT001 - click passes flags so
    """List locations.

    Example: stockhook locations list
    """
    most = asked_for(limit, everything=everything)
    with context.desk() as desk:
        found = shown(operations.list_locations(desk, most), most)
    output.rows(
        context,
        [fields(location_row(place)) for place in found],
        empty="no locations yet; `stockhook locations add MAIN/FG` adds one",
    )


@locations.command()
@click.argument("path")
@_PICKABLE
@_SEQUENCE
@click.pass_obj
def add(context: Context, path: str, pickable: bool | None, pick_sequence: int | None) -> None:  # noqa: FBT001 - click
    """Add a location, and those above it that are missing.

    Example: stockhook locations add MAIN/FG/A-01 --pick-sequence 10
    """
    with context.desk() as desk:
        changed = operations.add(desk, path, pickable=pickable is not False, pick_sequence=pick_sequence)
    above = [place.path for place in changed.parents]
    said = f"added {changed.location.path}" + (f", and above it {', '.join(above)}" if above else "")
    output.done(context, said, **fields(added_location(changed)))


@locations.command("set")
@click.argument("path")
@_PICKABLE
@_SEQUENCE
@click.pass_obj
def set_(context: Context, path: str, pickable: bool | None, pick_sequence: int | None) -> None:  # noqa: FBT001 - click
    """Change whether a location may be picked from, and when it comes in turn.

    Example: stockhook locations set MAIN/RETURNS --pickable no
    """
    with context.desk() as desk:
        changed = operations.change(desk, path, pickable=pickable, pick_sequence=pick_sequence)
    place = changed.location
    sequence = "no pick sequence" if place.pick_sequence is None else f"pick sequence {place.pick_sequence}"
    orders = counted(changed.due, "order that waits", "orders that wait")
    due = f"; {orders} for goods there will be worked by the daemon" if changed.due else ""
    said = f"{place.path}: {'pickable' if place.pickable else 'not pickable'}, {sequence}{due}"
    output.done(context, said, **fields(changed_location(changed)))
