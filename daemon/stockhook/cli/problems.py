"""``stockhook problems``: what a person should know, and what can be done about it."""

import click

from stockhook.advice import advise
from stockhook.cli import output
from stockhook.cli.arguments import QUANTITY, asked_for, listing, shown
from stockhook.cli.command import Group
from stockhook.cli.context import Context
from stockhook.cli.rows import problem_row
from stockhook.model import KINDS, ProblemState
from stockhook.model.told import INSUFFICIENT
from stockhook.operations import problems as operations
from stockhook.operations.problems import Waived
from stockhook.quantity import text
from stockhook.rows.told import waived_row
from stockhook.rows.values import fields

_SHOWN = ("id", "kind", "subject", "state", "count", "last_seen", "text")


@click.group(cls=Group)
def problems() -> None:
    """See what does not add up, and settle it."""


@problems.command("list")
@click.option("--kind", type=click.Choice(KINDS), metavar="K", help="Only of this kind.")
@listing
@click.pass_obj
def list_problems(context: Context, kind: str | None, limit: int | None, everything: bool) -> None:  # noqa: FBT001 - click
    """List open problems, newest first; with --all those that are over as well.

    Example: stockhook problems list
    """
    most = asked_for(limit, everything=everything)
    state = None if everything else ProblemState.OPEN
    with context.desk() as desk:
        found = shown(operations.list_problems(desk, state, kind, most), most)
    output.rows(context, [problem_row(problem) for problem in found], _SHOWN, empty="no open problems")
    if context.json:
        return
    kinds = {problem.kind: problem for problem in reversed(found) if problem.state is ProblemState.OPEN}
    for problem in kinds.values():
        advice = advise(problem)
        click.echo(output.plain(f"{problem.id}: {advice.todo}"), err=True)


@problems.command()
@click.argument("problem_id", metavar="ID", type=int)
@click.option("--quantity", type=QUANTITY, metavar="N", help="Only so much of what is owed; otherwise all of it.")
@click.option("--reason", required=True, metavar="R", help="Why, for whoever reads the ledger later.")
@click.pass_obj
def waive(context: Context, problem_id: int, quantity: int | None, reason: str) -> None:
    """End what is owed and will never be covered, oldest shortage first.

    Example: stockhook problems waive 7 --quantity 2 --reason "sent by the supplier"
    """
    with context.desk() as desk:
        waived = operations.waive(desk, problem_id, quantity, reason)
    _tell(context, waived, f"waived {text(waived.quantity)} of {waived.problem.subject}")


@problems.command()
@click.argument("problem_id", metavar="ID", type=int)
@click.pass_obj
def reopen(context: Context, problem_id: int) -> None:
    """Take back what was waived or acknowledged.

    Example: stockhook problems reopen 7
    """
    with context.desk() as desk:
        reopened = operations.reopen(desk, problem_id)
    back = f"{text(reopened.quantity)} of {reopened.problem.subject} is owed again; " if reopened.quantity else ""
    _tell(context, reopened, back.removesuffix("; ") or f"problem {problem_id} is taken up again")


@problems.command()
@click.argument("problem_id", metavar="ID", type=int)
@click.pass_obj
def acknowledge(context: Context, problem_id: int) -> None:
    """Close a problem by your word; orders and stock stay as they are.

    Example: stockhook problems acknowledge 7
    """
    with context.desk() as desk:
        known = operations.acknowledge(desk, problem_id)
    output.done(context, f"problem {known.id} ({known.kind}, {known.subject}) is acknowledged", **problem_row(known))


def _tell(context: Context, waived: Waived, said: str) -> None:
    problem = waived.problem
    owed = f"{text(waived.owed)} still owed" if waived.owed else "nothing is owed any more"
    of_stock = f"; {owed}" if problem.kind == INSUFFICIENT else ""
    taken = ", ".join(f"{text(quantity)} of {sku}" for sku, quantity in waived.taken.items() if quantity)
    of_stock += f"; {taken} were there for the same orders, and were taken" if taken else ""
    output.done(
        context,
        f"{said}{of_stock}; problem {problem.id} is {problem.state}",
        **fields(waived_row(waived)),
    )
