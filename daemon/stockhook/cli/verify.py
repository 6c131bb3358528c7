"""``stockhook verify``: does the book still hold what stockhook promises."""

import click

from stockhook.cli import output
from stockhook.cli.arguments import stages
from stockhook.cli.command import REFUSED, Command
from stockhook.cli.context import Context
from stockhook.operations.verify import verify as check


@click.command(cls=Command)
@click.pass_context
def verify(ctx: click.Context) -> None:
    """Check the whole book against what stockhook promises; nothing is changed.

    Prints a line for each check: ok and how much was looked at, or the first thing that is wrong. Exit code 1 if any.

    Example: stockhook verify
    """
    context = ctx.find_object(Context)
    assert context is not None
    with context.desk() as desk, stages(context) as progress:
        found = check(desk, context.settings.payload_days, progress)
    ok = all(checked.ok for checked in found)
    if context.json:
        checks = [{"name": checked.name, "ok": checked.ok, "detail": checked.detail} for checked in found]
        output.record(context, {"ok": ok, "checks": checks})
    else:
        width = max(len(checked.name) for checked in found)
        for checked in found:
            verdict = "ok    " if checked.ok else "NOT OK"
            click.echo(f"{verdict}  {checked.name:<{width}}  {output.plain(checked.detail)}")
    if not ok:
        ctx.exit(REFUSED)
