"""``stockhook backup`` copies the store while the daemon runs."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import click

from stockhook.cli import output
from stockhook.cli.arguments import FILE, stages
from stockhook.cli.command import Command
from stockhook.cli.context import Context
from stockhook.operations.backup import back_up

_MIB: Final = 1 << 20


@click.command(cls=Command)
@click.argument("file", type=FILE)
@click.pass_obj
def backup(context: Context, file: Path) -> None:
    """Copy the whole store to the new FILE, while the daemon runs; to restore, start on the copy.

    FILE appears, with mode 0600, only once the copy is whole, checked, and on the disk. Copy it to another machine:
    a backup on the same disk is none.

    Example: stockhook backup /srv/backup/stockhook-2026-11-21.db
    """
    with _stopped_in_order(), context.desk() as desk, stages(context) as progress:
        made = back_up(desk, file, lambda done, total: progress("copying, MiB", done // _MIB, total // _MIB))
    days = context.settings.payload_days
    if context.json:
        output.record(
            context,
            {
                "file": str(made.path),
                "size": made.size,
                "began_at": made.began_at,
                "deliveries": made.deliveries,
                "orders": made.orders,
                "units": made.units,
                "movements": made.movements,
                "store": dict(made.options),
                "payload_days": days,
            },
        )
        return
    counts = (
        (made.deliveries, "delivery", "deliveries"),
        (made.orders, "order", "orders"),
        (made.units, "unit", "units"),
    )
    counted = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts)
    movements = f"{made.movements} movement{'s' * (made.movements != 1)}"
    click.echo(
        output.plain(f"copied {counted} and {movements} to {made.path}: {_written(made.size)} in {made.seconds:.1f} s")
    )
    click.echo("to restore, stop the daemon and start it on the copy, or on a copy of that:")
    click.echo("    [store]")
    for name, value in made.options.items():
        click.echo(output.plain(f"    {name} = {json.dumps(value)}"))
    since = "ever received" if days is None else f"of the last {days} day{'s' * (days != 1)}"
    click.echo(
        f"the payloads {since}, with customers' names and addresses, are in it: keep it private, and not for longer "
        "than you may"
    )


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """Make SIGTERM end the block like Ctrl-C does, so that half a copy does not stay behind."""

    def end(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _written(size: int) -> str:
    return f"{size / _MIB:.1f} MiB" if size < 1024 * _MIB else f"{size / _MIB / 1024:.2f} GiB"
