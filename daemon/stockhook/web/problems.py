"""The inbox: what needs a person, what to do about each, and the forms that do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stockhook.advice import Advice, advise
from stockhook.errors import NotFound, Refused
from stockhook.model import Item, OrderKey, Problem, ProblemState, fold
from stockhook.operations import codes, kits
from stockhook.operations import problems as operation
from stockhook.operations.desk import Desk
from stockhook.operations.suggestions import suggest
from stockhook.outbox import EVENT_KINDS
from stockhook.quantity import ONE, parse, text
from stockhook.store import Read
from stockhook.web.correction_forms import line_path
from stockhook.web.forms import Form
from stockhook.web.page import Page, Values, number
from stockhook.web.paging import listing
from stockhook.web.stock_forms import receive

PAGE: Final = 20
"""Problems of one page; each may carry a form."""

MOST_ITEMS: Final = 1000
"""Items that the form proposes while one types; others can be typed in full."""

MOST_COMPARED: Final = 10_000
"""Items compared with unknown codes for one page; further codes get their near misses on the problem's own page."""

EVERY_STATE: Final = "all"

_WITH_FORM: Final = frozenset({"unknown-item", "insufficient-inventory"})


@dataclass(frozen=True, slots=True)
class Task:
    """A problem as the inbox shows it, with what helps to end it.

    ``nearest`` are the SKUs that an unknown code may mean, ``receive`` is the form by which what is owed comes in.
    """

    problem: Problem
    advice: Advice
    nearest: Sequence[str] = ()
    receive: Form | None = None

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
            found = known(view, number(written, "problem"))
            return {"task": tasks(view, [found], 1)[0], "items": proposed(view, [found])}

        await self.show("problem.html", gather)


class MapAction(Page):
    """The form that says which item an unknown code means."""

    async def post(self, written: str) -> None:
        """Map the code; what waited for it runs by itself."""
        problem_id, sku, factor = number(written, "problem"), self.given("sku"), self.given("factor")

        def map_code(desk: Desk) -> str:
            code, account = _code(desk, problem_id)
            done = codes.alias(desk, code, sku, parse(factor) if factor else ONE, account)
            each = "" if done.alias.factor == ONE else f"{text(done.alias.factor)} of "
            return f"{code} now means {each}{done.alias.sku}. {_waited(done.due)}"

        await self.act(map_code, "/problems")


class IgnoreAction(Page):
    """The button that leaves an unknown code out of stock."""

    async def post(self, written: str) -> None:
        """Ignore the code; what waited for it runs by itself."""
        problem_id = number(written, "problem")

        def ignore(desk: Desk) -> str:
            code, account = _code(desk, problem_id)
            done = codes.ignore(desk, code, account)
            return f"{code} moves no stock from now on. {_waited(done.due)}"

        await self.act(ignore, "/problems")


class AcknowledgeAction(Page):
    """The button that closes a problem by a person's word."""

    async def post(self, written: str) -> None:
        """Acknowledge it."""
        problem_id = number(written, "problem")

        def acknowledge(desk: Desk) -> str:
            operation.acknowledge(desk, problem_id)
            return f"Problem {problem_id} is acknowledged."

        await self.act(acknowledge, "/problems")


class WaiveAction(Page):
    """The form that ends what is owed and will never be covered."""

    async def post(self, written: str) -> None:
        """Waive all of it, or so much."""
        problem_id, reason, quantity = number(written, "problem"), self.given("reason"), self.given("quantity")

        def waive(desk: Desk) -> str:
            done = operation.waive(desk, problem_id, parse(quantity) if quantity else None, reason)
            rest = f"{text(done.owed)} is still owed" if done.owed else "nothing is owed any more"
            return f"{text(done.quantity)} of {done.problem.subject} is waived; {rest}."

        await self.act(waive, "/problems")


class ReopenAction(Page):
    """The button that takes back what was waived or acknowledged."""

    async def post(self, written: str) -> None:
        """Open the problem again."""
        problem_id = number(written, "problem")

        def reopen(desk: Desk) -> str:
            done = operation.reopen(desk, problem_id)
            back = f" {text(done.quantity)} of {done.problem.subject} is owed again." if done.quantity else ""
            return f"Problem {problem_id} is {done.problem.state}.{back}"

        await self.act(reopen, f"/problems/{problem_id}")


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


def known(view: Read, problem_id: int) -> Problem:
    """Return the problem of that id; raises NotFound."""
    found = view.find(Problem, {"id": problem_id}, most=1)
    if not found:
        raise NotFound(f"There is no problem {problem_id}.")
    return found[0]


def tasks(view: Read, found: Sequence[Problem], most: int) -> list[Task]:
    """Return problems with what to do about them; near misses for at most ``most`` unknown codes."""
    shown = []
    for problem in found:
        advice = advise(problem)
        nearest: Sequence[str] = ()
        if most and problem.kind == "unknown-item" and problem.state is ProblemState.OPEN:
            nearest, most = suggest(view, advice.subject), most - 1
        shown.append(Task(problem, advice, nearest, receiving(view, problem)))
    return shown


def receiving(view: Read, problem: Problem) -> Form | None:
    """Return the form that books in what is owed; None where nothing is, or its item is gone."""
    if problem.kind != "insufficient-inventory" or problem.state is not ProblemState.OPEN:
        return None
    item = view.catalogue((), {fold(problem.subject)}).items.get(fold(problem.subject))
    return receive(view, item, "problems") if item and not item.retired else None


def proposed(view: Read, shown: Sequence[Problem]) -> list[Item]:
    """Return the items to propose, by SKU, where a form asks for one."""
    if not any(problem.kind == "unknown-item" and problem.state is ProblemState.OPEN for problem in shown):
        return []
    return sorted(view.find(Item, most=MOST_ITEMS), key=lambda item: fold(item.sku))


def _code(desk: Desk, problem_id: int) -> tuple[str, str | None]:
    """Return the code that a problem is about, and its account; raises Refused for another kind of problem."""
    with desk.store.read() as view:
        problem = known(view, problem_id)
    if problem.kind != "unknown-item":
        raise Refused(f"Problem {problem_id} is not about an unknown code, so there is nothing to map or ignore.")
    return advise(problem).subject, problem.account


def _waited(orders: int) -> str:
    if not orders:
        return "No order waited for it."
    return (
        f"{orders} orders that waited for it are worked now." if orders > 1 else "The order that waited is worked now."
    )
