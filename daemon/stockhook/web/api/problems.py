"""Problems: what a person should know."""

from typing import Annotated

from msgspec import Meta

from stockhook.model import Problem, ProblemState
from stockhook.operations import problems as operations
from stockhook.operations.desk import Desk
from stockhook.operations.records import known
from stockhook.operations.suggestions import suggest
from stockhook.problems import stated
from stockhook.rows.told import ProblemRow, WaivedRow, problem_row, waived_row
from stockhook.rows.values import Row
from stockhook.web.api.contents import Amount, Reason, quantity_or_none
from stockhook.web.api.filters import given
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Content, Id, Query, Routes

routes = Routes()


class ProblemFilter(Query, frozen=True, kw_only=True):
    """Which problems."""

    state: Annotated[ProblemState | None, Meta(description="Only those in this state; otherwise the open ones.")] = None
    kind: Annotated[str | None, Meta(description="Only of this kind, such as unknown-item.")] = None
    subject: Annotated[str | None, Meta(description="Only about this subject.")] = None
    all: Annotated[bool, Meta(description="In whatever state.")] = False


@routes.get("/problems")
def list_problems(desk: Desk, query: ProblemFilter, page: Page) -> Listed[ProblemRow]:
    """List open problems, newest first; with `all` those that are over as well."""
    state = query.state or (None if query.all else ProblemState.OPEN)
    where = given(state=state, kind=query.kind, subject=query.subject)
    with desk.store.read() as view:
        return listed(view, Problem, where, page, lambda problem: problem_row(stated(view, problem)))


@routes.get("/problems/{problem_id}")
def show_problem(desk: Desk, problem_id: Id) -> ProblemRow:
    """Show one problem."""
    with desk.store.read() as view:
        return problem_row(stated(view, known(view, Problem, problem_id)))


class SuggestionsRow(Row, frozen=True, kw_only=True):
    """A store code that means nothing yet, and the skus of the items that it may mean, nearest first."""

    code: str
    items: list[str]


@routes.get("/problems/{problem_id}/suggestions")
def suggest_items(desk: Desk, problem_id: Id) -> SuggestionsRow:
    """List the items that the code of a problem `unknown-item` may mean, nearest first; there may be none."""
    with desk.store.read() as view:
        code = operations.unknown_code(known(view, Problem, problem_id))
        return SuggestionsRow(code=code, items=suggest(view, code))


class Waiver(Content, frozen=True, kw_only=True):
    """How much will never be covered, and why; ``quantity`` null: all that is owed."""

    reason: Reason
    quantity: Amount | None = None


@routes.post("/problems/{problem_id}/acknowledge")
def acknowledge_problem(desk: Desk, problem_id: Id) -> ProblemRow:
    """Close a problem by a person's word; orders and stock stay as they are."""
    return problem_row(operations.acknowledge(desk, problem_id))


@routes.post("/problems/{problem_id}/waive")
def waive_problem(desk: Desk, problem_id: Id, body: Waiver) -> WaivedRow:
    """End what is owed and will never be covered, oldest shortage first."""
    wanted = quantity_or_none(body.quantity, "quantity")
    return waived_row(operations.waive(desk, problem_id, wanted, body.reason))


@routes.post("/problems/{problem_id}/reopen")
def reopen_problem(desk: Desk, problem_id: Id) -> WaivedRow:
    """Take back what was waived or acknowledged."""
    return waived_row(operations.reopen(desk, problem_id))
