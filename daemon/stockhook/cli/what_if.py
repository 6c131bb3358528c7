"""``stockhook what-if``: the same history under another strategy."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from stockhook.cli import output
from stockhook.cli.arguments import MOMENT, stages
from stockhook.cli.command import Command
from stockhook.cli.context import Context
from stockhook.errors import ConfigError, Refused
from stockhook.operations import what_if as operations
from stockhook.operations.what_if import Remains, Side, WhatIf
from stockhook.quantity import counted, text

if TYPE_CHECKING:
    from stockhook.settings import ConfiguredStrategy

_SHOWN: Final = 20
"""So many units are listed for a person, unless all are asked for."""


@click.command("what-if", cls=Command)
@click.option("--strategy", required=True, metavar="X", help="The strategy to try: fefo.")
@click.option(
    "--since", required=True, type=MOMENT, metavar="T", help="From when on: 2026-12-01T09:00:00Z, or a day (UTC)."
)
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of it; may be repeated.")
@click.option("--all", "everything", is_flag=True, help=f"List every unit that ends up differently, not {_SHOWN}.")
@click.pass_obj
def what_if(
    context: Context,
    strategy: str,
    since: datetime,
    options: tuple[str, ...],
    everything: bool,  # noqa: FBT001 - click passes flags so
) -> None:
    """Play what was booked since T through again with another strategy, beside the one that is configured.

    What came in, was counted, adjusted and moved stays; what orders took is planned again. Nothing is written.

    Example: stockhook what-if --strategy fefo --since 2026-11-01 --option min_shelf_life_days=30
    """
    from stockhook.budget import Budget

    chosen = _chosen(context, strategy, options)
    with context.desk() as desk, stages(context) as stage:
        method = chosen.method(Budget().planner)
        found = operations.what_if(desk, method, since, lambda done, total: stage("replaying", done, total))
    if context.json:
        output.record(context, _row(found))
    else:
        _tell(context, found, everything=everything)


def _chosen(context: Context, strategy: str, options: Sequence[str]) -> "ConfiguredStrategy":
    from stockhook import settings

    written: dict[str, Any] = dict(_option(each) for each in options)
    try:
        return settings.strategy(context.settings.plugins, {"type": strategy, **written} if written else strategy)
    except ConfigError as error:
        raise Refused("\n".join(error.problems)) from None


def _option(written: str) -> tuple[str, Any]:
    """Return an option as the configuration would have it; a value that is no TOML is a text."""
    name, equals, value = written.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise click.UsageError(f"--option {written!r} is no option; write it like min_shelf_life_days=30")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()


def _row(found: WhatIf) -> dict[str, object]:
    return {
        "since": found.since,
        "until": found.until,
        "movements": found.movements,
        "needs": found.needs,
        "as_booked": found.as_booked,
        "by_person": found.by_person,
        "never_asked": text(found.never_asked),
        "present": {"strategy": found.present.strategy, **_figures(found.present)},
        "other": {"strategy": found.other.strategy, **_figures(found.other)},
        "remains": [_remains(each) for each in found.remains],
        "assumes": operations.ASSUMES,
    }


def _figures(side: Side) -> Mapping[str, object]:
    figures = side.figures
    return {
        "takes": figures.takes,
        "units_touched": len(figures.units),
        "taken": text(figures.taken),
        "taken_cost": text(figures.cost),
        "taken_without_cost": text(figures.uncosted),
        "taken_past_date": text(figures.past_date),
        "fewest_days_left": figures.least_days,
        "owed": text(side.owed),
        "left": text(side.left),
        "left_value": text(side.value),
        "left_without_cost": text(side.uncosted),
        "left_past_date": text(side.expired),
        "left_past_date_value": text(side.expired_value),
        "units_left": side.stocked,
        "units_opened": side.opened,
        "unapplied": text(figures.unapplied),
    }


def _remains(each: Remains) -> dict[str, object]:
    unit = each.unit
    return {
        "unit_id": unit.id,
        "sku": unit.sku,
        "location": unit.location,
        "lot": unit.lot,
        "expires_on": unit.expires_on,
        "unit_cost": None if unit.unit_cost is None else text(unit.unit_cost),
        "present": text(each.present),
        "other": text(each.other),
    }


def _tell(context: Context, found: WhatIf, *, everything: bool) -> None:
    needs, movements = counted(found.needs, "need", "needs"), counted(found.movements, "movement", "movements")
    click.echo(f"{needs} planned again since {output.text(found.since)}, {movements} read")
    if found.needs != found.as_booked:
        click.echo(
            f"{found.needs - found.as_booked} of them come out otherwise than booked with {found.present.strategy} too:"
            " settings have changed since, or what follows is not known of the past"
        )
    if found.by_person:
        click.echo(f"{found.by_person} more stay as a person chose")
    click.echo()
    names = _heads(found)
    here, there = _figures(found.present), _figures(found.other)
    output.rows(context, [{"": name.replace("_", " "), names[0]: here[name], names[1]: there[name]} for name in here])
    shown = found.remains if everything else found.remains[:_SHOWN]
    rows = [_remains(each) for each in shown]
    for row in rows:
        row[names[0]], row[names[1]] = row.pop("present"), row.pop("other")
    output.section(context, "left of units that end up differently", rows)
    if len(shown) < len(found.remains):
        click.echo(f"{len(found.remains) - len(shown)} more units: --all")
    click.echo("\nassumed:")
    for sentence in operations.ASSUMES:
        click.echo(f"- {sentence}")
    if found.never_asked:
        click.echo(f"  That is {text(found.never_asked)}, owed on both sides.")


def _heads(found: WhatIf) -> tuple[str, str]:
    """Return what the two columns are called; a strategy may be compared with itself under other options."""
    present, other = found.present.strategy, found.other.strategy
    return (present, other) if present != other else (f"{present} now", f"{other} tried")
