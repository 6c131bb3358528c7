"""Problems: what a person should know."""

from typing import Annotated

from msgspec import Meta

from stockhook.errors import NotFound
from stockhook.model import Problem, ProblemState
from stockhook.operations.desk import Desk
from stockhook.rows.told import ProblemRow, problem_row
from stockhook.web.api.filters import given
from stockhook.web.api.paging import Listed, Page, listed
from stockhook.web.api.route import Id, Query, Routes

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
        return listed(view, Problem, where, page, problem_row)


@routes.get("/problems/{problem_id}")
def show_problem(desk: Desk, problem_id: Id) -> ProblemRow:
    """Show one problem."""
    with desk.store.read() as view:
        found = view.find(Problem, {"id": problem_id}, most=1)
    if not found:
        raise NotFound(f"there is no problem {problem_id}; /problems?all=true lists them")
    return problem_row(found[0])
