"""``stockhook store``: what is done to a store as a whole."""

import json

import click

from stockhook.cli import output
from stockhook.cli.arguments import stages
from stockhook.cli.command import Group
from stockhook.cli.context import Context
from stockhook.operations.store_copy import copy_store
from stockhook.quantity import text


@click.group(cls=Group)
def store() -> None:
    """Copy the store into another one."""


@store.command()
@click.option(
    "--to", "url", required=True, envvar="STOCKHOOK_COPY_TO", metavar="URL", help="An empty store, as in [store] url."
)
@click.pass_obj
def copy(context: Context, url: str) -> None:
    """Copy the store of a stopped daemon, row by row, into an empty one, and prove that both hold the same.

    From SQLite to PostgreSQL, or back; or to a new SQLite file, which is then as small as can be and has every index
    made anew: that mends a file whose indexes are damaged, but whose rows can still be read.

    Other users of the machine can see a password in the URL: put the URL into $STOCKHOOK_COPY_TO instead, or the
    password into PostgreSQL's own ~/.pgpass.

    Example: stockhook store copy --to postgresql+psycopg://stockhook@localhost/stockhook
    """
    with context.desk() as desk, stages(context) as progress:
        done = copy_store(desk, url, context.settings.payload_days, progress)
    moved, on_hand = text(done.moved), text(done.on_hand)
    failing = [{"name": each.name, "detail": each.detail} for each in done.failing]
    if context.json:
        output.record(
            context, {"url": done.url, "rows": done.rows, "moved": moved, "on_hand": on_hand, "failing": failing}
        )
        return
    output.rows(context, [{"table": name, "rows": count} for name, count in done.rows.items()])
    click.echo()
    click.echo(output.plain(f"copied to {done.url}"))
    click.echo(f"both hold the same rows; movements sum to {moved}, units to {on_hand}, and each to the same as before")
    for each in failing:
        click.echo(output.plain(f"not ok before, and so not ok now: {each['name']}: {each['detail']}"), err=True)
    click.echo("to start on it:\n    [store]")
    click.echo(output.plain(f"    url = {json.dumps(done.url)}"))
    if done.url != url:
        click.echo('    password = { file = "PATH" }')
