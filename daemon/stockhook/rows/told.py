"""Problems and audit entries as rows."""

from stockhook.model import Audit, Problem, ProblemState
from stockhook.operations.problems import Waived
from stockhook.quantity import text
from stockhook.rows.values import Amount, Moment, Row, fields, order_names, utc


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
    return ProblemRow(
        id=problem.id,
        kind=problem.kind,
        subject=problem.subject,
        state=problem.state,
        count=problem.count,
        first_seen=utc(problem.first_seen),
        last_seen=utc(problem.last_seen),
        text=problem.text,
    )


def waived_row(waived: Waived) -> WaivedRow:
    """Return what `problems waive` and `problems reopen` did."""
    return WaivedRow(
        **fields(problem_row(waived.problem)),
        quantity=text(waived.quantity),
        owed=text(waived.owed),
        orders=order_names(waived.orders),
    )


def audit_row(entry: Audit) -> AuditRow:
    """Return an audit entry as `audit list` has it."""
    return AuditRow(
        id=entry.id,
        at=utc(entry.at),
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        reason=entry.reason,
        details=dict(entry.details),
    )
