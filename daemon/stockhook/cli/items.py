"""``stockhook items``: what is stocked, what the store's codes mean, what kits consist of."""

from pathlib import Path

import click

from stockhook.cli import output
from stockhook.cli.arguments import FILE, PART, QUANTITY, asked_for, listing, progress, shown
from stockhook.cli.command import Group
from stockhook.cli.context import Context
from stockhook.model import KitPolicy
from stockhook.operations import codes as code_operations
from stockhook.operations import items as operations
from stockhook.operations.codes import Mapped
from stockhook.operations.item_import import import_items
from stockhook.quantity import ONE, text

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
    listed = []
    for item, kit in found:
        parts = [{"sku": part.sku, "quantity": text(part.quantity)} for part in kit.parts] if kit else []
        listed.append(
            {
                "sku": item.sku,
                "name": item.name,
                "serial": item.serial,
                "parts": parts if context.json else [f"{part['quantity']} x {part['sku']}" for part in parts],
                "policy": kit.policy if kit else None,
            }
        )
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
    output.done(context, said, sku=added.item.sku, name=added.item.name, serial=added.item.serial, due=added.due)


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
    help="components: the parts are taken; parent: the finished kit is. Otherwise as the channel says.",
)
@click.pass_obj
def kit(context: Context, sku: str, parts: tuple[tuple[str, int], ...], policy: str | None) -> None:
    """Define what an item sold as one consists of; an earlier definition is replaced as a whole.

    Example: stockhook items kit GIFT-BOX SOAP=2 BOX=1
    """
    with context.desk() as desk:
        saved = operations.define_kit(desk, sku, parts, KitPolicy(policy) if policy else None)
    contents = [{"sku": part.sku, "quantity": text(part.quantity)} for part in saved.parts]
    said = f"{saved.sku} consists of " + ", ".join(f"{each['quantity']} x {each['sku']}" for each in contents)
    output.done(context, said, sku=saved.sku, parts=contents, policy=saved.policy)


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
    booked = [
        {
            "account": line.order.account,
            "order_id": line.order.order_id,
            "item_index": line.item_index,
            "code": line.code,
            "meant": line.meant,
        }
        for line in mapped.booked
    ]
    output.done(
        context,
        f"{said}{f' for {mapped.alias.account}' if mapped.alias.account else ''}{_worked_again(mapped.due)}",
        code=mapped.alias.written,
        account=mapped.alias.account or None,
        sku=mapped.alias.sku,
        factor=text(mapped.alias.factor),
        due=mapped.due,
        booked=booked,
        rebooked=[f"{key.account}/{key.order_id}" for key in mapped.rebooked],
    )
    if booked and not context.json:
        click.echo("booked anew:" if mapped.rebooked else "booked under another meaning, and left as they are:")
        output.rows(context, booked)


def _worked_again(due: int) -> str:
    if not due:
        return ""
    return f"; {due} {'order' if due == 1 else 'orders'} that waited for it will be worked by the daemon"
