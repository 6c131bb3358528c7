"""``stockhook verify``: does the book still hold what stockhook promises."""

import json
import subprocess
import sys
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

import click

from stockhook.cli import output
from stockhook.cli.arguments import stages
from stockhook.cli.command import REFUSED, Command
from stockhook.cli.context import Context
from stockhook.model import Order
from stockhook.operations.verify import NAMES, PASSES, Checked
from stockhook.operations.verify import verify as check

if TYPE_CHECKING:
    from stockhook.operations.desk import Desk

LONG: Final = 20_000
"""So many orders are worth a second process: judging them takes as long as all the rest."""

_PROGRAM: Final = ("-c", "from stockhook.cli import main; main(prog_name='stockhook')")


@click.command(cls=Command)
@click.option(
    "--only", type=click.Choice(NAMES), multiple=True, metavar="CHECK", help="Only this check; may be given repeatedly."
)
@click.pass_context
def verify(ctx: click.Context, only: tuple[str, ...]) -> None:
    """Check the whole book against what stockhook promises; nothing is changed.

    Prints a line for each check: ok and how much was looked at, or the first thing that is wrong. Exit code 1 if any.

    Example: stockhook verify
    """
    context = ctx.find_object(Context)
    assert context is not None
    with context.desk() as desk, stages(context) as progress:
        found = _checked(context, desk, progress, only)
    ok = all(checked.ok for checked in found)
    if context.json:
        checks = [{"name": checked.name, "ok": checked.ok, "detail": checked.detail} for checked in found]
        output.record(context, {"ok": ok, "checks": checks})
    else:
        width = max((len(checked.name) for checked in found), default=0)
        for checked in found:
            verdict = "ok    " if checked.ok else "NOT OK"
            click.echo(f"{verdict}  {checked.name:<{width}}  {output.plain(checked.detail)}")
    if not ok:
        ctx.exit(REFUSED)


def _checked(
    context: Context, desk: "Desk", progress: Callable[[str, int], None], only: tuple[str, ...]
) -> tuple[Checked, ...]:
    """Check what was asked for; a long history with a second process beside this one, for the orders."""
    days = context.settings.payload_days
    if only or not _is_long(desk):
        return check(desk, days, progress, only or NAMES)
    theirs = PASSES["orders"][1]
    mine = [name for name in NAMES if name not in theirs]
    second = _start(context, theirs)
    try:
        found = check(desk, days, progress, mine)
        progress("orders", 0)
        printed, _ = second.communicate()
    finally:
        second.kill()
        second.wait()
    if printed:
        found += tuple(Checked(**each) for each in json.loads(printed)["checks"])
    else:  # whatever kept it from its work is met here again, and told
        found += check(desk, days, progress, theirs)
    return tuple(sorted(found, key=lambda checked: NAMES.index(checked.name)))


def _is_long(desk: "Desk") -> bool:
    with desk.store.read() as view:
        return sum(total.count for total in view.totals(Order)) >= LONG


def _start(context: Context, checks: Collection[str]) -> "subprocess.Popen[bytes]":
    """Start this very program for these checks, to print what it finds as JSON."""
    program = (sys.executable,) if getattr(sys, "frozen", False) else (sys.executable, *_PROGRAM)
    asked = [word for name in sorted(checks) for word in ("--only", name)]
    command = [*program, "verify", "--json", "--config", str(context.path), *asked]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet)  # noqa: S603 - it is ourselves
