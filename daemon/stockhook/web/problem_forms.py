"""The forms about problems: what a code means, what will never be covered, and taking that back."""

from typing import Final

from stockhook.advice import advise
from stockhook.model import Problem, ProblemState
from stockhook.model.told import INSUFFICIENT
from stockhook.web.forms import REASON, Choice, Field, Form
from stockhook.web.item_forms import new_item

_WAITS: Final = "What waits for it is booked by itself."


def mapping(problem: Problem, items: list[Choice]) -> Form:
    """Return the form that says which item an unknown code means; ``items`` are proposed."""
    return Form(
        name="map",
        address=f"/problems/{problem.id}/map",
        title=f"Map {advise(problem).subject}",
        button="Map",
        fields=(
            Field("sku", "It means the item", required=True, choices=items),
            Field("factor", "So many each", "quantity", value="1"),
        ),
        note=_WAITS,
    )


def adding(problem: Problem) -> Form:
    """Return the form that adds the item that a code means."""
    return Form(
        name=f"add-{problem.id}",
        address=f"/problems/{problem.id}/add",
        title=f"Add {advise(problem).subject} as a new item",
        button="Add",
        fields=new_item(advise(problem).subject),
        note=f"{_WAITS} It is owed until goods are received.",
    )


def ignoring(problem: Problem) -> Form:
    """Return the form that leaves a code out of stock."""
    note = f"A code that is ignored moves no stock. {_WAITS}"
    code = advise(problem).subject
    return Form("ignore", f"/problems/{problem.id}/ignore", f"Ignore {code}", "Ignore this code", (), note)


def waiving(problem: Problem) -> Form:
    """Return the form that ends what is owed of an item without goods."""
    return Form(
        name=f"waive-{problem.id}",
        address=f"/problems/{problem.id}/waive",
        title=f"{problem.subject} will never be covered",
        button="Waive",
        fields=(Field("quantity", "Quantity", "quantity", hint="all"), REASON),
        note="What is owed to the oldest orders ends first. It can be taken back.",
    )


def reopening(problem: Problem) -> Form:
    """Return the form that takes back what was waived or acknowledged."""
    waived = problem.kind == INSUFFICIENT and problem.state is ProblemState.CLOSED
    words = "Take back what was waived" if waived else "Open it again"
    return Form("reopen", f"/problems/{problem.id}/reopen", f"Problem {problem.id}: {words.lower()}", words, ())
