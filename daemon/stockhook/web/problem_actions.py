"""What a person does about a problem: say what a code means, waive, acknowledge, and take that back."""

from collections.abc import Callable
from http import HTTPStatus

from stockhook.advice import advise
from stockhook.model import Item, Problem, fold
from stockhook.model.told import UNKNOWN_ITEM
from stockhook.operations import codes
from stockhook.operations import problems as operation
from stockhook.operations.codes import Mapped
from stockhook.operations.desk import Desk
from stockhook.operations.items import new_item
from stockhook.operations.problems import Waived
from stockhook.operations.records import known
from stockhook.quantity import ONE, Quantity, counted, text
from stockhook.store import Read
from stockhook.web import forms, problem_forms
from stockhook.web.action import Action
from stockhook.web.base import PageError
from stockhook.web.forms import Form
from stockhook.web.page import Page, number
from stockhook.web.problems import proposed

_INBOX = "/problems"


class _ProblemAction(Action):
    """Something is done about one problem."""

    async def about(self, written: str) -> tuple[Problem, list[Item]]:
        """Return the problem, and the items to propose for what it is about; answers 404 where there is none."""

        def look(view: Read) -> tuple[Problem, list[Item]]:
            problem = known(view, Problem, number(written, "problem"))
            return problem, proposed(view, [problem])

        return await self.read(look)


class _CodeAction(_ProblemAction):
    """It is said what an unknown code means."""

    def code(self, problem: Problem) -> str:
        """Return the code that a problem is about; answers 404 where it is about none."""
        if problem.kind != UNKNOWN_ITEM:
            words = f"Problem {problem.id} is not about an unknown code, so there is nothing to map or ignore."
            raise PageError(HTTPStatus.NOT_FOUND, words)
        return advise(problem).subject

    async def mean(self, problem: Problem, form: Form, sku: str | None, factor: Callable[[], Quantity]) -> None:
        """Have the code mean an item, or (None) nothing; show first what the orders that wait for it would book."""
        code, account = self.code(problem), problem.account

        def mean(desk: Desk) -> str:
            if sku is None:
                return _meant(codes.ignore(desk, code, account))
            return _meant(codes.alias(desk, code, sku, factor(), account))

        def trying(desk: Desk) -> str:
            return _would_mean(*codes.try_out(desk, code, sku, factor(), account))

        await self.perform(lambda _: form, mean, _INBOX, tells=True, trying=trying)


class MapAction(_CodeAction):
    """The form that says which item an unknown code means."""

    async def post(self, written: str) -> None:
        """Map the code; what waited for it runs by itself."""
        problem, items = await self.about(written)
        form = problem_forms.mapping(problem, [(item.sku, item.name) for item in items])

        def factor() -> Quantity:
            written = self.given("factor")
            return forms.quantity(written, "number of items") if written else ONE

        await self.mean(problem, form, self.given("sku"), factor)


class AddMeantAction(_CodeAction):
    """The form that adds the item that an unknown code means."""

    async def post(self, written: str) -> None:
        """Add it; what waited for the code runs by itself."""
        problem, _ = await self.about(written)
        code, account = self.code(problem), problem.account

        def item() -> Item:
            return new_item(self.given("sku"), self.given("name"), serial=bool(self.given("serial")))

        def add(desk: Desk) -> str:
            done = codes.add_meant(desk, code, item(), account)
            return f"{item().sku} is an item now. {_waited(done.due) if _by_sku(done) else _meant(done)}"

        def trying(desk: Desk) -> str:
            tried, worked = codes.try_out(desk, code, item().sku, ONE, account, new=item())
            then = _would_wait(tried, worked) if _by_sku(tried) else _would_mean(tried, worked)
            return f"{item().sku} is an item from then on. {then}"

        await self.perform(lambda _: problem_forms.adding(problem), add, _INBOX, tells=True, trying=trying)


class IgnoreAction(_CodeAction):
    """The button that leaves an unknown code out of stock."""

    async def post(self, written: str) -> None:
        """Ignore the code; what waited for it runs by itself."""
        problem, _ = await self.about(written)
        await self.mean(problem, problem_forms.ignoring(problem), None, lambda: ONE)


class AcknowledgeAction(Page):
    """The button that closes a problem by a person's word: orders and stock stay as they are."""

    async def post(self, written: str) -> None:
        """Acknowledge it."""
        problem_id = number(written, "problem")

        def acknowledge(desk: Desk) -> str:
            operation.acknowledge(desk, problem_id)
            return f"Problem {problem_id} is acknowledged."

        await self.act(acknowledge, _INBOX)


class WaiveAction(_ProblemAction):
    """The form that ends what is owed and will never be covered."""

    async def post(self, written: str) -> None:
        """Waive all of it, or so much."""
        problem, _ = await self.about(written)

        def waive(desk: Desk) -> str:
            quantity = forms.optional_quantity(self.given("quantity"))
            done = operation.waive(desk, problem.id, quantity, self.given("reason"))
            rest = f"{text(done.owed)} is still owed" if done.owed else "nothing is owed any more"
            return f"{text(done.quantity)} of {done.problem.subject} is waived; {rest}.{_taken(done)}"

        await self.perform(lambda _: problem_forms.waiving(problem), waive, _INBOX, tells=True)


class ReopenAction(_ProblemAction):
    """The button that takes back what was waived or acknowledged."""

    async def post(self, written: str) -> None:
        """Open the problem again."""
        problem, _ = await self.about(written)

        def reopen(desk: Desk) -> str:
            done = operation.reopen(desk, problem.id)
            back = f" {text(done.quantity)} of {done.problem.subject} is owed again." if done.quantity else ""
            return f"Problem {problem.id} is {done.problem.state}.{back}{_taken(done)}"

        form = problem_forms.reopening(problem)
        await self.perform(lambda _: form, reopen, f"{_INBOX}/{problem.id}", tells=True)


def _meant(done: Mapped) -> str:
    """Return what a code means now, and what comes of that."""
    meaning = f"{_meaning(done)} from now on" if done.alias.sku is None else f"now {_meaning(done)}"
    left = f" {counted(len(done.booked), 'line that was', 'lines that were')} booked under another meaning "
    stay = f"{left}{'stays as it is' if len(done.booked) == 1 else 'stay as they are'}." if done.booked else ""
    return f"{done.alias.written} {meaning}. {_waited(done.due)}{stay}"


def _would_mean(tried: Mapped, worked: int) -> str:
    """Return what a code would mean, and how many of the orders that wait for it were tried."""
    return f"{tried.alias.written} {_meaning(tried)} from then on. {_would_wait(tried, worked)}"


def _would_wait(tried: Mapped, worked: int) -> str:
    waiting = "No order waits for it"
    if tried.due:
        waiting = f"{counted(tried.due, 'order waits for it, and is', 'orders wait for it, and are')} worked then"
    some = ""
    if tried.due > worked:
        some = f"; here you see the oldest {worked} of them" if worked else "; planning takes too long to show it here"
    return f"{waiting}{some}."


def _by_sku(mapped: Mapped) -> bool:
    """Tell whether a code means an item because it is its sku."""
    return fold(mapped.alias.sku or "") == mapped.alias.code


def _meaning(mapped: Mapped) -> str:
    alias = mapped.alias
    if alias.sku is None:
        return "moves no stock"
    return f"means {'' if alias.factor == ONE else f'{text(alias.factor)} of '}{alias.sku}"


def _waited(orders: int) -> str:
    if not orders:
        return "No order waited for it."
    return (
        f"{orders} orders that waited for it are worked now." if orders > 1 else "The order that waited is worked now."
    )


def _taken(done: Waived) -> str:
    """Return what there was for the same orders, and was booked with it."""
    taken = ", ".join(f"{text(quantity)} of {sku}" for sku, quantity in done.taken.items() if quantity)
    return f" In stock for the same orders, and taken: {taken}." if taken else ""
