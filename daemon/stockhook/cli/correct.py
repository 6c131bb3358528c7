"""``stockhook orders correct``: a person's word on what left of a line, whence, and what came back."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import click

from stockhook.cli import output
from stockhook.cli.arguments import QUANTITY, TEXT
from stockhook.cli.command import Command
from stockhook.cli.context import Context
from stockhook.operations.corrections import amounts, conflicts, returns, sources
from stockhook.operations.corrections.case import Corrected
from stockhook.operations.desk import Desk
from stockhook.quantity import text
from stockhook.rows.orders import corrected_row
from stockhook.rows.values import fields

_Act = Callable[[Desk], Corrected]

_WAYS: Final = ("--to-unit", "--to-lot", "--quantity", "--returned", "--accept", "--refuse", "--as-store")


@click.command(cls=Command)
@click.argument("order")
@click.argument("line", type=click.IntRange(min=0))
@click.option("--to-unit", type=int, metavar="U", help="It was taken from this unit, whatever the strategy chose.")
@click.option("--to-lot", type=TEXT, metavar="L", help="It was taken from this lot, oldest receipt first.")
@click.option("--quantity", type=QUANTITY, metavar="N", help="So much really left, in the item's own units; of a kit "
              "that is booked by its parts, so many kits. What the store repeats does not undo it.")  # fmt: skip
@click.option("--returned", type=QUANTITY, metavar="N", help="So much came back (again), in the item's own units.")
@click.option("--accept", is_flag=True, help="The line is what the store says now: reverse, and book that.")
@click.option("--refuse", is_flag=True, help="The line stays what it was booked as, whatever the store says now.")
@click.option("--as-store", is_flag=True, help="Take every ruling on the quantity back, and book what the store says.")
@click.option("--sku", type=TEXT, metavar="S", help="Of which item, with --to-lot or --returned on a line of several.")
@click.option("--instead-of", type=int, metavar="UNIT", help="With --to-unit or --to-lot: only what was taken from it.")
@click.option("--reason", required=True, metavar="R", help="Why, for whoever reads the ledger later.")
@click.pass_obj
def correct(context: Context, /, order: str, line: int, reason: str, **given: Any) -> None:
    """Put right how a line was booked: reversed and taken anew in one commit, with who and why.

    ORDER is the order id, or ACCOUNT/ORDER where two accounts have it; LINE is the item index that `orders show` lists.
    Exactly one of --to-unit, --to-lot, --quantity, --returned, --accept, --refuse and --as-store says what is right.

    Example: stockhook orders correct DEMO-0009104976 1 --quantity 1 --reason "only one was in the box"
    """
    act = _chosen(order, line, reason, given)
    with context.desk() as desk:
        _tell(context, act(desk))


def _chosen(order: str, line: int, reason: str, given: Mapping[str, Any]) -> _Act:
    """Return what the options ask for; wrong usage is an error of click's."""
    ways = [way for way in _WAYS if given[_name(way)] not in (None, False)]
    if len(ways) != 1:
        found = " and ".join(ways) if ways else "none of them"
        raise click.UsageError(f"give exactly one of {', '.join(_WAYS)}; there is {found}")
    (way,) = ways
    for option, fits in (("--sku", ("--to-lot", "--returned")), ("--instead-of", ("--to-unit", "--to-lot"))):
        if given[_name(option)] is not None and way not in fits:
            raise click.UsageError(f"{option} goes with {' or '.join(fits)}, not with {way}")
    value, sku, instead_of = given[_name(way)], given["sku"], given["instead_of"]
    acts: dict[str, Callable[..., Corrected]] = {
        "--to-unit": partial(sources.take_from_unit, unit_id=value, instead_of=instead_of),
        "--to-lot": partial(sources.take_from_lot, lot=value, sku=sku, instead_of=instead_of),
        "--quantity": partial(amounts.set_quantity, quantity=value),
        "--returned": partial(returns.take_back, quantity=value, sku=sku),
        "--accept": conflicts.accept,
        "--refuse": conflicts.refuse,
        "--as-store": amounts.follow_store,
    }
    return partial(acts[way], order=order, item_index=line, reason=reason)


def _name(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


def _tell(context: Context, corrected: Corrected) -> None:
    said = corrected.said
    if corrected.owed:
        said += f"; {text(corrected.owed)} could not be found in stock and is owed"
    if corrected.settled:
        said += f"; {len(corrected.settled)} other orders that are owed goods were looked at"
    output.done(context, said, **fields(corrected_row(corrected)))
