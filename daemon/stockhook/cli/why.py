"""Why units were chosen, as several commands tell it to a person."""

from collections.abc import Sequence

import click

from stockhook.cli import output
from stockhook.cli.context import Context
from stockhook.model import Allocation
from stockhook.quantity import counted, text


def tell_why(context: Context, allocations: Sequence[Allocation]) -> None:
    """Print, for a person, why which units were taken."""
    for allocation in allocations:
        trace = allocation.trace
        needed = f"{text(allocation.taken)} of {text(allocation.need)} {allocation.sku}"
        chosen = f" of {trace.configured}" if trace.configured else ""
        out = "".join(f", {count} {why}" for why, count in trace.left_out.items())
        click.echo()
        click.echo(
            output.plain(
                f"line {allocation.line}: took {needed} by {trace.strategy} {trace.version}{chosen} ({trace.rule}); "
                f"{counted(trace.offered, 'unit', 'units')} offered{out}"
            )
        )
        units = [
            {
                "unit_id": unit.unit_id,
                "location": unit.location,
                "lot": unit.lot,
                "available": text(unit.available),
                "taken": text(unit.taken),
                "why": unit.why,
            }
            for unit in (*trace.taken, *trace.passed_over)
        ]
        if units:
            output.rows(context, units)
