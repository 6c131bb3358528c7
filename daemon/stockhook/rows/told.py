"""Problems and audit entries as rows."""

from stockhook.model import Audit, Problem, ProblemState
from stockhook.operations.problems import Waived
from stockhook.quantity import text
from stockhook.rows.values import Amount, Moment, Row, order_names, row_of


class ProblemRow(Row, frozen=True, kw_only=True):
    """Something a person should know."""

    id: int
    kind: str
    subject: str
    state: ProblemState
    count: int
    first_seen: Moment
    last_seen: Moment
    text: str


class WaivedRow(ProblemRow, frozen=True, kw_only=True):
    """A problem after something was waived or taken back: how much, what is still owed, of which orders."""

    quantity: Amount
    owed: Amount
    orders: list[str]


class AuditRow(Row, frozen=True, kw_only=True):
    """A change that a person or a program made: who, what, to what, why."""

    id: int
    at: Moment
    actor: str
    action: str
    subject: str
    reason: str | None
    details: dict[str, str]


def problem_row(problem: Problem) -> ProblemRow:
    """Return a problem as `problems list` has it."""
    return row_of(ProblemRow, problem)


def waived_row(waived: Waived) -> WaivedRow:
    """Return what `problems waive` and `problems reopen` did."""
    return row_of(
        WaivedRow,
        waived.problem,
        quantity=text(waived.quantity),
        owed=text(waived.owed),
        orders=order_names(waived.orders),
    )


def audit_row(entry: Audit) -> AuditRow:
    """Return an audit entry as `audit list` has it."""
    return row_of(AuditRow, entry)
