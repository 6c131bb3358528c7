"""``stockhook demo`` shows in a minute what stockhook does, on a shop of its own."""

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stockhook.cli import output
from stockhook.cli.context import Context

if TYPE_CHECKING:
    from stockhook.demo.play import Told


@click.command()
@click.option("--once", is_flag=True, help="Play the day, check the books and end, instead of staying up.")
@click.pass_obj
def demo(context: Context, *, once: bool) -> None:
    """Play a day of webhooks to a daemon of its own, in a temporary folder, and show what became of it."""
    from stockhook import log

    log.configure("error", sys.stderr)
    with tempfile.TemporaryDirectory(prefix="stockhook-demo-") as folder:
        with contextlib.suppress(KeyboardInterrupt):
            if not asyncio.run(_run(context, Path(folder), once=once)):
                raise SystemExit(1)
        click.echo("\nStopped; the demo's folder is gone.")


async def _run(context: Context, folder: Path, *, once: bool) -> bool:
    from stockhook.demo.play import play
    from stockhook.operations.verify import verify

    told: list[Told] = []
    click.echo("A day at a small maker's shop, over HTTP, on a database of its own.\n")
    demo = await play(folder, told.append)
    _show(context, told)
    checks = await asyncio.to_thread(verify, demo.daemon.desk, demo.daemon.settings.payload_days)
    wrong = [check for check in checks if not check.ok]
    found = f"WRONG: {wrong[0].name}: {wrong[0].detail}" if wrong else "all hold."
    click.echo(f"\nThe books: {len(checks)} checks, {found}")
    mails = sorted((folder / "mails").glob("*.eml"))
    where = "" if once else f", in {folder / 'mails'}"  # with --once the folder is gone before anyone can look
    click.echo(f"Mails it would have sent{where}:")
    for mail in mails:
        click.echo(f"  {mail.name}  {_subject(mail)}")
    if not once:
        click.echo(f"\nThe status page: {demo.daemon.addresses['admin']}/   (Ctrl-C ends the demo)")
        await demo.task
    else:
        await demo.finish()
    return not wrong


def _show(context: Context, told: "list[Told]") -> None:
    posts = [one for one in told if one.answer]
    output.rows(
        context,
        [{"the store sends": o.what, "answer": o.answer, "event": o.state, "what became of it": o.text} for o in posts],
    )
    click.echo("\nThen the stock keeper puts right what was reported, and what waited settles by itself:\n")
    deeds = [one for one in told if not one.answer]
    output.rows(context, [{"the stock keeper": o.what, "event": o.state, "what became of it": o.text} for o in deeds])


def _subject(mail: Path) -> str:
    from email import message_from_bytes, policy

    return str(message_from_bytes(mail.read_bytes(), policy=policy.default)["Subject"])
