"""The inbox: what needs a person, and what to do about each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from stockhook.advice import Advice, advise
from stockhook.model import Item, OrderKey, Problem, ProblemState, fold
from stockhook.model.told import INSUFFICIENT, UNKNOWN_ITEM
from stockhook.operations import kits
from stockhook.operations import problems as operations
from stockhook.operations.records import known
from stockhook.operations.suggestions import suggest
from stockhook.outbox import EVENT_KINDS
from stockhook.problems import stated
from stockhook.quantity import Quantity
from stockhook.store import Read
from stockhook.web.correction_forms import line_path
from stockhook.web.forms import Form
from stockhook.web.guidance import here
from stockhook.web.page import Page, Values, number
from stockhook.web.paging import listing
from stockhook.web.problem_forms import adding, waiving
from stockhook.web.stock_forms import receive

PAGE: Final = 20
"""Problems of one page; each may carry a form."""

MOST_ITEMS: Final = 1000
"""Items that the form proposes while one types; others can be typed in full."""

MOST_COMPARED: Final = 10_000
"""Items compared with unknown codes for one page; further codes get their near misses on the problem's own page."""

EVERY_STATE: Final = "all"

_WITH_FORM: Final = frozenset({UNKNOWN_ITEM, INSUFFICIENT})


@dataclass(frozen=True, slots=True)
class Task:
    """A problem as the inbox shows it, with what helps to end it.

    ``nearest`` are the SKUs that an unknown code may mean, ``add`` is the form by which it means a new one; ``receive``
    is the form by which what is owed comes in, ``waive`` the one that ends it without goods; ``waived`` is how much
    was ended so of a closed one, and can be taken back.
    """

    problem: Problem
    advice: Advice
    nearest: Sequence[str] = ()
    receive: Form | None = None
    waive: Form | None = None
    add: Form | None = None
    waived: Quantity = 0

    @property
    def todo(self) -> str:
        """What to do about it here."""
        return here(self.problem)

    @property
    def acknowledges(self) -> bool:
        """Tell whether a person's word may close it; what lacks goods or a meaning has a form of its own."""
        return self.problem.kind not in _WITH_FORM

    @property
    def line(self) -> str | None:
        """The address of the page that corrects the line of an order that it is about; None where it is about none."""
        problem = self.problem
        if not problem.account or not problem.order_id:
            return None
        key = OrderKey(problem.account, problem.order_id)
        index = problem.subject.removeprefix(f"{key.account}/{key.order_id}/")
        return line_path(key, int(index)) if index.isascii() and index.isdecimal() else None

    @property
    def replays(self) -> bool:
        """Tell whether running its event again may help, once the cause is gone."""
        return self.problem.kind in EVENT_KINDS and self.problem.event_id is not None


class ProblemsPage(Page):
    """The list of problems; those that are open, unless asked otherwise."""

    async def get(self) -> None:
        """Show it."""
        asked = {"state": self.asked("state"), "kind": self.asked("kind")}
        before = self.asked("before")
        rules = self.site.desk.policies.rules
        await self.show("problems.html", lambda view: problems(view, rules, asked, before))


class ProblemPage(Page):
    """One problem by itself, where links in mails lead."""

    async def get(self, written: str) -> None:
        """Show it."""

        def gather(view: Read) -> Values:
            found = known(view, Problem, number(written, "problem"))
            return {"task": tasks(view, [found], 1)[0], "items": proposed(view, [found])}

        await self.show("problem.html", gather)


def problems(view: Read, rules: kits.Rules, asked: dict[str, str], before: str) -> Values:
    """Return what the inbox shows: above the newest of what is open, what is wrong with kits as they are kept."""
    where: dict[str, object] = {"kind": asked["kind"]} if asked["kind"] else {}
    if asked["state"] != EVERY_STATE:
        where["state"] = asked["state"] or ProblemState.OPEN
    found = listing(view, Problem, where, asked, before=before, most=PAGE)
    items = sum(total.count for total in view.totals(Item))
    newest = not before and asked["state"] in ("", EVERY_STATE) and asked["kind"] in ("", kits.MISMATCH)
    return {
        "faults": kits.faults(view, rules) if newest else [],
        "listing": found,
        "tasks": tasks(view, found.rows, MOST_COMPARED // max(1, items)),
        "items": proposed(view, found.rows),
        "asked": asked,
        "kinds": sorted({*open_kinds(view), *filter(None, [asked["kind"]])}),
    }


def open_kinds(view: Read) -> list[str]:
    """Return the kinds of which a problem is open."""
    return [total.by[0] for total in view.totals(Problem, ("kind",), {"state": ProblemState.OPEN})]


def tasks(view: Read, found: Sequence[Problem], most: int) -> list[Task]:
    """Return problems with what to do about them; near misses for at most ``most`` unknown codes."""
    shown = []
    for problem in found:
        task = Task(stated(view, problem), advise(problem))
        if _is_open(problem, UNKNOWN_ITEM):
            nearest = suggest(view, task.advice.subject) if most else ()
            task, most = replace(task, nearest=nearest, add=adding(problem)), max(0, most - 1)
        elif _is_open(problem, INSUFFICIENT):
            task = replace(task, receive=receiving(view, problem), waive=waiving(problem))
        elif problem.kind == INSUFFICIENT and problem.state is ProblemState.CLOSED:
            task = replace(task, waived=operations.waived(view, problem))
        shown.append(task)
    return shown


def receiving(view: Read, problem: Problem) -> Form | None:
    """Return the form that books in what is owed; None where its item is gone, or retired."""
    item = view.catalogue((), {fold(problem.subject)}).items.get(fold(problem.subject))
    return receive(view, item, "problems") if item and not item.retired else None


def proposed(view: Read, shown: Sequence[Problem]) -> list[Item]:
    """Return the items to propose, by SKU, where a form asks for one."""
    if not any(_is_open(problem, UNKNOWN_ITEM) for problem in shown):
        return []
    return sorted(view.find(Item, most=MOST_ITEMS), key=lambda item: fold(item.sku))


def _is_open(problem: Problem, kind: str) -> bool:
    return problem.kind == kind and problem.state is ProblemState.OPEN
