"""What a stock keeper does to goods: receive, count, adjust, move, hold and release."""

from collections.abc import Callable, Sequence
from datetime import datetime

from stockhook.model import OrderKey, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.items import known_item
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.counts import Counts, count
from stockhook.operations.stock.holds import Held, hold, release
from stockhook.operations.stock.ledger import Adjusted, known_unit
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.operations.stock.tallies import Tally
from stockhook.operations.stock.transfers import move
from stockhook.quantity import Quantity, text
from stockhook.store import Read
from stockhook.web import forms, stock_forms
from stockhook.web.action import Action
from stockhook.web.forms import Form
from stockhook.web.page import number
from stockhook.web.templates import item_path

_BACK = {"problems": "/problems"}


class ReceiveAction(Action):
    """Goods of an item come in."""

    async def get(self, sku: str) -> None:
        """Show the form by itself, where links to it lead."""
        await self.show("form.html", lambda view: {"form": stock_forms.receive(view, known_item(view, sku))})

    async def post(self, sku: str) -> None:
        """Book them in."""
        back = self.given("back")

        def book(desk: Desk) -> str:
            receipt = Receipt(
                sku=sku,
                quantity=forms.quantity(self.given("quantity")),
                location=self.given("location"),
                lot=self.given("lot") or None,
                serial=self.given("serial") or None,
                expires_on=forms.day(self.given("expires_on")),
                received_at=forms.moment(self.given("received_at")),
                unit_cost=forms.optional_quantity(self.given("unit_cost")),
                priority=forms.whole(self.given("priority"), "priority"),
                reference=self.given("reference") or None,
            )
            unit = receive(desk, [receipt]).units[0]
            used = _settled(unit.received - unit.quantity)
            return f"Received {text(unit.received)} of {unit.sku} at {unit.location} as unit {unit.id}{used}."

        def form(view: Read) -> Form:
            return stock_forms.receive(view, known_item(view, sku), back)

        await self.perform(form, book, _BACK.get(back, item_path(sku)))


class _CountAction(Action):
    """Something was counted: at the moment that is given, or when the page that asks to confirm it was shown."""

    def counted(self, desk: Desk, tally: Tally) -> str:
        """Bring the book in line, and say so."""
        given = forms.moment(self.given("at"))
        return _counted(count(desk, [tally], given or self.shown_at), given)


class CountItemAction(_CountAction):
    """An item was counted in a location."""

    async def post(self, sku: str) -> None:
        """Bring the book in line."""

        def book(desk: Desk) -> str:
            counted = forms.quantity(self.given("quantity"))
            return self.counted(desk, Tally(counted, sku=sku, location=self.given("location")))

        def form(view: Read) -> Form:
            return stock_forms.count_item(view, known_item(view, sku))

        await self.perform(form, book, item_path(sku), tells=True)


class UnitAction(Action):
    """Something is done to one unit."""

    async def perform_on(
        self, written: str, form: Callable[[Read, Unit], Form], do: Callable[[Desk, int], str], *, tells: bool = False
    ) -> None:
        """Do it, and lead back to the unit's page; ``tells`` as of ``perform``."""
        unit_id = number(written, "unit")

        def shown(view: Read) -> Form:
            return form(view, known_unit(view, unit_id))

        await self.perform(shown, lambda desk: do(desk, unit_id), f"/units/{unit_id}", tells=tells)


class AdjustAction(UnitAction):
    """The quantity of a unit is put right by an amount."""

    async def post(self, written: str) -> None:
        """Adjust it."""

        def book(desk: Desk, unit_id: int) -> str:
            amount, settle = forms.quantity(self.given("quantity")), bool(self.given("settle"))
            return _adjusted(adjust(desk, unit_id, amount, self.given("reason"), settle=settle))

        await self.perform_on(written, lambda _, unit: stock_forms.adjust(unit), book)


class MoveAction(UnitAction):
    """Goods of a unit are carried elsewhere."""

    async def post(self, written: str) -> None:
        """Move them."""

        def book(desk: Desk, unit_id: int) -> str:
            moved = move(desk, unit_id, forms.quantity(self.given("quantity")), self.given("location"))
            target, used = moved.target, moved.into.balance_after - moved.target.quantity
            to = f"to {target.location}, as unit {target.id}"
            return f"Moved {text(moved.quantity)} of {target.sku} {to}{_settled(used)}."

        await self.perform_on(written, stock_forms.move, book)


class CountUnitAction(_CountAction, UnitAction):
    """A unit was counted."""

    async def post(self, written: str) -> None:
        """Bring the book in line."""

        def book(desk: Desk, unit_id: int) -> str:
            return self.counted(desk, Tally(forms.quantity(self.given("quantity")), unit_id=unit_id))

        await self.perform_on(written, lambda _, unit: stock_forms.count_unit(unit), book, tells=True)


class HoldAction(UnitAction):
    """A unit is kept from all orders."""

    async def post(self, written: str) -> None:
        """Hold it."""

        def book(desk: Desk, unit_id: int) -> str:
            return _held(hold(desk, self.given("reason"), unit_id=unit_id), "held")

        await self.perform_on(written, lambda _, unit: stock_forms.hold(unit), book)


class ReleaseAction(UnitAction):
    """A unit may be taken for orders again."""

    async def post(self, written: str) -> None:
        """Release it."""

        def book(desk: Desk, unit_id: int) -> str:
            return _held(release(desk, self.given("reason"), unit_id=unit_id), "released")

        await self.perform_on(written, lambda _, unit: stock_forms.release(unit), book)


def looked_at(orders: Sequence[OrderKey]) -> str:
    """Return in a sentence that orders were looked at because of what was done, if any were."""
    return " The orders that were owed goods were looked at again." if orders else ""


def _settled(used: Quantity) -> str:
    return f"; {text(used)} of it went at once to orders that were owed goods" if used else ""


def _adjusted(done: Adjusted) -> str:
    unit, by = done.unit, done.movement.quantity
    owed = f" {text(done.owed)} of it is owed to orders." if done.owed else ""
    return f"{'+' if by > 0 else ''}{text(by)} {unit.sku}: unit {unit.id} holds {text(unit.quantity)} now.{owed}"


def _counted(done: Counts, at: datetime | None) -> str:
    each = done.counted[0]
    when = f" at {at:%Y-%m-%d %H:%M} UTC" if at else ""
    where = f"unit {each.unit_id}" if each.unit_id else f"{each.sku} at {each.location}"
    ended = f"; {text(done.ended)} that was owed is owed no more" if done.ended else ""
    return f"Counted {text(each.quantity)} of {where}{when}, where the book had {text(each.expected)}{ended}."


def _held(done: Held, word: str) -> str:
    unit = done.units[0]
    if not done.changed:
        return f"Unit {unit.id} was {word} before; nothing changed."
    return f"Unit {unit.id} is {word}.{looked_at(done.orders)}"
