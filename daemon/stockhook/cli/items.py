"""``stockhook items``: what is stocked, what the store's codes mean, what kits consist of."""

from pathlib import Path

import click

from stockhook.cli import output
from stockhook.cli.arguments import (
    AS_STRATEGY_SAYS,
    FILE,
    MARK,
    NO_MARK,
    PART,
    QUANTITY,
    SHELF_LIFE,
    asked_for,
    listing,
    progress,
    shown,
)
from stockhook.cli.command import Group
from stockhook.cli.context import Context
from stockhook.model import KitPolicy
from stockhook.operations import codes as code_operations
from stockhook.operations import item_settings, renaming
from stockhook.operations import items as operations
from stockhook.operations.codes import Mapped
from stockhook.operations.item_import import import_items
from stockhook.quantity import ONE, counted, text
from stockhook.rows.catalogue import (
    added_item,
    changed_item,
    kit_row,
    listed_item,
    mapped_row,
    renamed_item,
    retired_item,
)
from stockhook.rows.values import fields

_CHANNEL = click.option("--channel", metavar="C", help="Only for orders of this channel; otherwise for all.")


@click.group(cls=Group)
def items() -> None:
    """Keep the list of what is stocked, and what the store's codes mean."""


@items.command("list")
@listing
@click.pass_obj
def list_items(context: Context, limit: int | None, everything: bool) -> None:  # noqa: FBT001 - click passes flags so
    """List items, with the parts of those that are kits.

    Example: stockhook items list
    """
    most = asked_for(limit, everything=everything)
    with context.desk() as desk:
        found = shown(operations.list_items(desk, most), most)
    listed = [fields(listed_item(item, kit)) for item, kit in found]
    if not context.json:
        for row in listed:
            row["parts"] = [f"{part['quantity']} x {part['sku']}" for part in row["parts"]]
    output.rows(context, listed, empty="no items yet; `stockhook items add SKU` or `stockhook items import FILE`")


@items.command()
@click.argument("sku")
@click.option("--name", default="", metavar="N", help="What it is, for people.")
@click.option("--serial", is_flag=True, help="Each piece has a serial number of its own.")
@click.pass_obj
def add(context: Context, sku: str, name: str, serial: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Add an item.

    Example: stockhook items add SOAP-LAV --name "Lavender soap"
    """
    with context.desk() as desk:
        added = operations.add(desk, sku, name, serial=serial)
    said = f"added {added.item.sku}{_worked_again(added.due)}"
    output.done(context, said, **fields(added_item(added)))


@items.command()
@click.argument("code")
@click.argument("sku")
@click.option("--factor", type=QUANTITY, default=ONE, metavar="N", help="How many of the item one code is [1].")
@_CHANNEL
@click.option("--rebook", is_flag=True, help="Give back what was booked under another meaning, and book it anew.")
@click.pass_obj
def alias(
    context: Context,
    code: str,
    sku: str,
    factor: int,
    channel: str | None,
    rebook: bool,  # noqa: FBT001 - click passes flags so
) -> None:
    """Say that a code of the store means an item; the orders that wait for it are booked by themselves.

    Lines booked while the code meant something else stay as they are and are listed, unless --rebook.

    Example: stockhook items alias SOAP-12PK SOAP --factor 12
    """
    with context.desk() as desk, progress(context, "looking for lines of the code"):
        mapped = code_operations.alias(desk, code, sku, factor, channel, rebook=rebook)
    _tell(context, mapped, f"{mapped.alias.written} means {text(mapped.alias.factor)} x {mapped.alias.sku}")


@items.command()
@click.argument("code")
@_CHANNEL
@click.pass_obj
def ignore(context: Context, code: str, channel: str | None) -> None:
    """Say that a code of the store moves no stock, such as a gift wrap or a fee.

    Example: stockhook items ignore GIFT-WRAP
    """
    with context.desk() as desk, progress(context, "looking for lines of the code"):
        mapped = code_operations.ignore(desk, code, channel)
    _tell(context, mapped, f"{mapped.alias.written} is ignored")


@items.command()
@click.argument("sku")
@click.argument("parts", nargs=-1, required=True, type=PART, metavar="PART=QTY...")
@click.option(
    "--policy",
    type=click.Choice([policy.value for policy in KitPolicy]),
    metavar="P",
    help="components: the parts are taken; parent: the finished kit is; stocked-first: finished kits while there are "
    "any, the parts for the rest. Otherwise as the channel says.",
)
@click.pass_obj
def kit(context: Context, sku: str, parts: tuple[tuple[str, int], ...], policy: str | None) -> None:
    """Define what an item sold as one consists of; an earlier definition is replaced as a whole.

    A part may be a kit itself: it is taken apart in its turn, unless its own policy is parent. Lines that are booked
    stay as they are.

    Example: stockhook items kit GIFT-BOX SOAP=2 BOX=1
    """
    with context.desk() as desk:
        saved = operations.define_kit(desk, sku, parts, KitPolicy(policy) if policy else None)
    said = f"{saved.sku} consists of " + ", ".join(f"{text(part.quantity)} x {part.sku}" for part in saved.parts)
    said += f" ({saved.policy})" if saved.policy else ""
    output.done(context, said, **fields(kit_row(saved)))


@items.command("set")
@click.argument("sku")
@click.option(
    "--min-shelf-life",
    "days",
    type=SHELF_LIFE,
    metavar="DAYS|none",
    help="So many days goods must still be good when they ship; none: as the strategy says.",
)
@click.option(
    "--reorder-at",
    type=MARK,
    metavar="N|none",
    help="A person is told when no more than this is left that orders may take.",
)
@click.option("--name", metavar="N", help="What it is, for people.")
@click.pass_obj
def set_(context: Context, sku: str, days: int | None, reorder_at: int | None, name: str | None) -> None:
    """Change an item's name, how long its goods must still be good when they ship, or when a person hears of low stock.

    Example: stockhook items set SOAP-LAV --min-shelf-life 30 --reorder-at 50
    """
    with context.desk() as desk:
        life = None if days == AS_STRATEGY_SAYS else days
        changed = item_settings.change(
            desk,
            sku,
            name=name,
            min_shelf_life_days=life,
            as_strategy_says=days == AS_STRATEGY_SAYS,
            reorder_at=None if reorder_at == NO_MARK else reorder_at,
            no_mark=reorder_at == NO_MARK,
        )
    item = changed.item
    good = "the shelf life that the strategy asks for"
    if item.min_shelf_life_days is not None:
        good = f"{item.min_shelf_life_days} days of shelf life when it ships"
    mark = "" if item.reorder_at is None else f"; to be reordered at {text(item.reorder_at)}"
    said = f"{item.sku}{f' ({item.name})' if item.name else ''}: {good}{mark}{_worked_again(changed.due)}"
    output.done(context, said, **fields(changed_item(changed)))


@items.command()
@click.argument("old")
@click.argument("new")
@click.pass_obj
def rename(context: Context, old: str, new: str) -> None:
    """Give an item another sku: its goods, codes and kits go over, and the old sku becomes a code that means the new.

    What was booked stays written under the old sku. What orders booked before give back goes over to the new one by
    itself; say the same again to bring over what a count has found under the old one. To take a rename back, rename
    back.

    Example: stockhook items rename SOAP-LAV SOAP-LAVENDER
    """
    with context.desk() as desk, progress(context, f"renaming {old}"):
        renamed = renaming.rename(desk, old, new)
    kits = f"; changed in the kits {', '.join(renamed.kits)}" if renamed.kits else ""
    units = counted(renamed.units, "unit", "units")
    said = f"{renamed.old.sku} is {renamed.new.sku} from now on: {text(renamed.quantity)} in {units} went over{kits}"
    output.done(context, said, **fields(renamed_item(renamed)))


@items.command()
@click.argument("sku")
@click.option("--undo", is_flag=True, help="Receive it again.")
@click.pass_obj
def retire(context: Context, sku: str, undo: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Have no more of an item be received. What is left is used up, and its history stays.

    Example: stockhook items retire SOAP-XMAS
    """
    with context.desk() as desk:
        changed = item_settings.retire(desk, sku, retired=not undo)
    left = f"; {text(changed.in_stock)} of it are still in stock, and are used up" if changed.in_stock else ""
    said = f"{changed.item.sku} can be received again" if undo else f"{changed.item.sku} is retired{left}"
    output.done(context, said, **fields(retired_item(changed)))


@items.command("import")
@click.argument("file", type=FILE)
@click.pass_obj
def import_(context: Context, file: Path) -> None:
    """Add the items of a CSV file with the columns sku, name, serial (yes or no); sku alone is required.

    An item that exists takes over its name. All rows are taken, or none.

    Example: stockhook items import items.csv
    """
    with context.desk() as desk, progress(context, f"importing {file.name}"):
        done = import_items(desk, file)
    said = (
        f"{len(done.added)} added, {len(done.changed)} changed, {done.unchanged} as they were{_worked_again(done.due)}"
    )
    added, changed = [item.sku for item in done.added], [item.sku for item in done.changed]
    output.done(context, said, added=added, changed=changed, unchanged=done.unchanged, due=done.due)


def _tell(context: Context, mapped: Mapped, said: str) -> None:
    row = fields(mapped_row(mapped))
    output.done(
        context,
        f"{said}{f' for {mapped.alias.account}' if mapped.alias.account else ''}{_worked_again(mapped.due)}",
        **row,
    )
    if mapped.booked and not context.json:
        click.echo("booked anew:" if mapped.rebooked else "booked under another meaning, and left as they are:")
        output.rows(context, row["booked"])


def _worked_again(due: int) -> str:
    if not due:
        return ""
    return f"; {counted(due, 'order', 'orders')} that waited for it will be worked by the daemon"
