"""What a person does with an item itself: add it, change its settings or its sku, have no more of it come."""

from collections.abc import Callable
from typing import Any

from stockhook.model import Item
from stockhook.operations.desk import Desk
from stockhook.operations.item_settings import Changed, change, retire
from stockhook.operations.items import add, known_item
from stockhook.operations.renaming import rename
from stockhook.quantity import counted, text
from stockhook.web import forms, item_forms
from stockhook.web.action import Action
from stockhook.web.forms import Form
from stockhook.web.templates import item_path


class AddItemAction(Action):
    """A new item."""

    async def post(self) -> None:
        """Add it."""

        def add_item(desk: Desk) -> str:
            serial = bool(self.given("serial"))
            added = add(desk, self.given("sku"), self.given("name"), serial=serial)
            pieces = ", each piece of which has a serial number," if serial else ""
            waits = counted(added.due, "order waits", "orders wait")
            orders = f" {waits} for it by this SKU, and {_are(added.due)} worked." if added.due else ""
            return f"{added.item.sku}{pieces} is an item.{orders}"

        sku = self.given("sku")
        then = item_path(sku) if sku else "/items"
        await self.perform(lambda _: item_forms.adding(), add_item, then, tells=True, back="/items")


class _ItemAction(Action):
    """Something is done to an item that there is, and its page says what."""

    async def perform_on(self, sku: str, form: Callable[[Item], Form], do: Callable[[Desk], str]) -> None:
        """Do what ``do`` does to the item; ``form`` is what it was asked for with. Answers 404 where there is none."""
        await self.perform(lambda view: form(known_item(view, sku)), do, item_path(sku), tells=True)


class SetItemAction(_ItemAction):
    """The name of an item, its shelf life, or the mark at which someone is told that little is left."""

    async def post(self, sku: str) -> None:
        """Change it."""

        def set_item(desk: Desk) -> str:
            days = forms.whole(self.given("min_shelf_life_days"), "number of days")
            mark = forms.optional_quantity(self.given("reorder_at"))
            with desk.store.read() as view:
                before = known_item(view, sku)
            given: dict[str, Any] = {"name": self.given("name")} if self.given("name") != before.name else {}
            if days != before.min_shelf_life_days:
                given |= {"min_shelf_life_days": days, "as_strategy_says": days is None}
            if mark != before.reorder_at:
                given |= {"reorder_at": mark, "no_mark": mark is None}
            return _set(change(desk, sku, **given)) if given else f"Nothing of {before.sku} was changed."

        await self.perform_on(sku, item_forms.settings, set_item)


class RenameItemAction(_ItemAction):
    """An item gets another sku."""

    async def post(self, sku: str) -> None:
        """Rename it."""

        def rename_item(desk: Desk) -> str:
            done = rename(desk, sku, self.given("sku"))
            kits = f" Changed in the kits {', '.join(done.kits)}." if done.kits else ""
            units = counted(done.units, "unit", "units")
            over = f"{text(done.quantity)} in {units} goes over" if done.units else "there are no goods to go over"
            return f"{done.old.sku} is {done.new.sku} from now on; {over}.{kits}"

        await self.perform_on(sku, item_forms.renaming, rename_item)


class RetireItemAction(_ItemAction):
    """No more of an item is received."""

    async def post(self, sku: str) -> None:
        """Retire it."""

        def retire_item(desk: Desk) -> str:
            done = retire(desk, sku)
            left = f"; the {text(done.in_stock)} in stock are used up" if done.in_stock else ""
            return f"{done.item.sku} is retired: no more of it is received{left}."

        await self.perform_on(sku, item_forms.retiring, retire_item)


class UnretireItemAction(_ItemAction):
    """An item that was retired is received again."""

    async def post(self, sku: str) -> None:
        """Take it up again."""

        def take_up(desk: Desk) -> str:
            return f"{retire(desk, sku, retired=False).item.sku} can be received again."

        await self.perform_on(sku, item_forms.unretiring, take_up)


def _set(done: Changed) -> str:
    item, days, mark = done.item, done.item.min_shelf_life_days, done.item.reorder_at
    called = f" ({item.name})" if item.name else ""
    good = "the shelf life that the strategy asks for" if days is None else f"good for at least {days} days when sent"
    told = (
        "nobody is told when little is left"
        if mark is None
        else f"someone is told when no more than {text(mark)} is left"
    )
    again = (
        f" {counted(done.due, 'order waits', 'orders wait')} for it, and {_are(done.due)} worked again."
        if done.due
        else ""
    )
    return f"{item.sku}{called}: {good}; {told}.{again}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
