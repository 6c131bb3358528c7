"""``stockhook audit``: who has changed what, when, and why."""

from datetime import datetime

import click

from stockhook.cli import output
from stockhook.cli.arguments import MOMENT, asked_for, listing, shown
from stockhook.cli.command import Group
from stockhook.cli.context import Context
from stockhook.cli.rows import audit_row
from stockhook.operations.audit import list_audit

_SHOWN = ("id", "at", "actor", "action", "subject", "reason", "details")


@click.group(cls=Group)
def audit() -> None:
    """See what persons have changed, and why."""


@audit.command("list")
@click.option(
    "--subject", metavar="S", help="Only of what is called so: an order id, a sku, `unit 7`, or a part of it."
)
@click.option("--actor", metavar="A", help="Only by this one: cli:anna, or anna.")
@click.option("--action", metavar="A", help="Only such: `orders correct`, or all that begin so: stock.")
@click.option(
    "--since", type=MOMENT, metavar="T", help="Only what was done since: 2026-12-01T09:00:00Z, or a day (UTC)."
)
@listing
@click.pass_obj
def list_entries(
    context: Context,
    subject: str | None,
    actor: str | None,
    action: str | None,
    since: datetime | None,
    limit: int | None,
    everything: bool,  # noqa: FBT001 - click passes flags so
) -> None:
    """List what persons have changed, newest first.

    Example: stockhook audit list --subject DEMO-0009104976
    """
    most = asked_for(limit, everything=everything)
    with context.desk() as desk:
        found = list_audit(desk, subject=subject, actor=actor, action=action, since=since, most=most)
    listed = [audit_row(entry) for entry in shown(found, most)]
    if not context.json:
        for row, entry in zip(listed, found, strict=False):
            row["details"] = [f"{name} {value}" for name, value in entry.details.items()]
    output.rows(context, listed, _SHOWN, empty="nothing was changed by a person")
