"""Where the goods of a lot, or a piece, went: what is left and where, and which orders got of it."""

from collections.abc import Sequence
from urllib.parse import urlencode

from stockhook.model import Unit
from stockhook.operations.desk import Desk
from stockhook.operations.recall import recall_lot, recall_serial
from stockhook.operations.stock.holds import hold, release
from stockhook.quantity import counted
from stockhook.web.action import Action
from stockhook.web.forms import REASON, Form
from stockhook.web.page import Page
from stockhook.web.stock import looked_at
from stockhook.web.stock_forms import SETTLES


class RecallPage(Page):
    """Where the goods of one lot or serial number went."""

    async def get(self) -> None:
        """Show it."""
        lot, serial = self.asked("lot"), self.asked("serial")
        desk = self.site.desk
        found = await self.in_thread(lambda: recall_serial(desk, serial) if serial else recall_lot(desk, lot))
        forms = lot_forms(lot, found.units) if lot else []
        values = {"found": found, "lot": lot, "serial": serial, "forms": forms}
        await self.show("recall.html", lambda _view: values)


class HoldLotAction(Action):
    """The form that keeps all that is left of a lot from orders."""

    async def post(self) -> None:
        """Hold it."""
        lot = self.given("lot")

        def hold_lot(desk: Desk) -> str:
            done = hold(desk, self.given("reason"), lot=lot)
            units = counted(len(done.changed), "unit", "units")
            return f"Lot {lot} is held: {units} more, {len(done.units)} in all."

        await self.perform(lambda _: hold_form(lot), hold_lot, "/recall?" + urlencode({"lot": lot}))


class ReleaseLotAction(Action):
    """The form that offers a whole lot to orders again."""

    async def post(self) -> None:
        """Release it."""
        lot = self.given("lot")

        def release_lot(desk: Desk) -> str:
            done = release(desk, self.given("reason"), lot=lot)
            units = counted(len(done.changed), "unit", "units")
            return f"Lot {lot} may be used for orders again: {units}.{looked_at(done.orders)}"

        await self.perform(lambda _: release_form(lot), release_lot, "/recall?" + urlencode({"lot": lot}))


def lot_forms(lot: str, units: Sequence[Unit]) -> list[Form]:
    """Return what can be done with what is left of a lot."""
    left = [unit for unit in units if unit.quantity > 0]
    holding = [] if all(unit.held for unit in left) else [hold_form(lot)]
    return [*holding, *([release_form(lot)] if any(unit.held for unit in left) else [])]


def release_form(lot: str) -> Form:
    """Return the form that releases a lot."""
    title = f"Release all of lot {lot}"
    return Form("release-lot", "/recall/release", title, "Release", (REASON,), SETTLES, hidden={"lot": lot})


def hold_form(lot: str) -> Form:
    """Return the form that holds a lot."""
    title, note = f"Hold all of lot {lot}", "No order takes of it until it is released, as a whole or unit by unit."
    return Form("hold-lot", "/recall/hold", title, "Hold", (REASON,), note, hidden={"lot": lot})
