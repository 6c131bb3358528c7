"""One line of an order: what the store says, what is booked, and the forms that put it right."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from stockhook.errors import NotFound
from stockhook.model import OrderKey
from stockhook.operations.corrections import amounts, conflicts, returns, sources
from stockhook.operations.corrections.case import Corrected
from stockhook.operations.desk import Desk
from stockhook.operations.orders import Shown, ShownLine, shown
from stockhook.operations.targets import StoreSays, store_says
from stockhook.quantity import counted, text
from stockhook.rules import ChannelRules
from stockhook.store import Read
from stockhook.web import forms
from stockhook.web.action import Action
from stockhook.web.base import PageError
from stockhook.web.correction_forms import correction_forms, line_path
from stockhook.web.forms import Form
from stockhook.web.page import Page, Values, number

Do = Callable[..., Corrected]


class LinePage(Page):
    """One line, and what may be put right about it."""

    async def get(self, account: str, order_id: str, index: str) -> None:
        """Show it."""
        key = OrderKey(account, order_id)
        await self.show("line.html", lambda view: self.gather(view, key, index))

    def gather(self, view: Read, key: OrderKey, index: str) -> Values:
        """Return what the page shows; raises NotFound."""
        order, line, says = known_line(view, key, index, self.site.desk.policies.rules_for)
        return {
            "order": order.order,
            "each": line,
            "says": says,
            "forms": correction_forms(view, key, line, says),
            "problems": [problem for problem in order.problems if _about(problem.subject, key, line)],
        }


class CorrectAction(Action):
    """A line is put right: where it was taken from, how much left, what came back, what it was."""

    async def post(self, account: str, order_id: str, index: str, way: str) -> None:
        """Correct it in the given way."""
        key = OrderKey(account, order_id)

        def form(view: Read) -> Form:
            _, line, says = known_line(view, key, index, self.site.desk.policies.rules_for)
            found = [each for each in correction_forms(view, key, line, says) if each.name == f"correct-{way}"]
            if not found:
                raise PageError(HTTPStatus.NOT_FOUND, "That cannot be corrected about this line as it is now.")
            return found[0]

        def correct(desk: Desk) -> str:
            act = self._act(way)
            return _said(act(desk, f"{account}/{order_id}", _index(index), reason=self.given("reason")))

        await self.perform(form, correct, line_path(key, _index(index)), tells=True)

    def _act(self, way: str) -> Do:
        """Return what a form asks for; raises Refused or BadQuantity for what is not filled in rightly."""
        sku = self.given("sku") or None
        instead_of = forms.whole(self.given("instead_of"), "unit")
        match way:
            case "unit":
                unit_id = forms.whole(self.given("unit"), "unit")
                return partial(sources.take_from_unit, unit_id=unit_id or 0, instead_of=instead_of)
            case "lot":
                return partial(sources.take_from_lot, lot=self.given("lot"), sku=sku, instead_of=instead_of)
            case "quantity":
                return partial(amounts.set_quantity, quantity=forms.quantity(self.given("quantity")))
            case "returned":
                return partial(returns.take_back, quantity=forms.quantity(self.given("quantity")), sku=sku)
        return {"accept": conflicts.accept, "refuse": conflicts.refuse, "as-store": amounts.follow_store}[way]


def known_line(
    view: Read, key: OrderKey, index: str, rules_for: Callable[[str], ChannelRules]
) -> tuple[Shown, ShownLine, StoreSays]:
    """Return an order, its line of that index, and what the store says of it; raises NotFound."""
    order = shown(view, key)
    line = next((each for each in order.lines if each.line.item_index == _index(index)), None)
    if line is None:
        raise NotFound(f"Order {key.order_id} has no line {index[:20]} now.")
    says = store_says(view, order.state, rules_for(order.order.channel))
    return order, line, says[line.line.number]


def _index(written: str) -> int:
    return 0 if written == "0" else number(written, "line")


def _about(subject: str, key: OrderKey, line: ShownLine) -> bool:
    return subject in {f"{key.account}/{key.order_id}/{line.line.item_index}", *(row.sku for row in line.shortages)}


def _said(done: Corrected) -> str:
    said = f"{done.said[0].upper()}{done.said[1:]}"
    if done.owed:
        said += f"; {text(done.owed)} could not be found in stock and is owed"
    if done.settled:
        many = len(done.settled)
        others = counted(many, "other order that is owed goods was", "other orders that are owed goods were")
        said += f"; {others} looked at"
    return f"{said}."
