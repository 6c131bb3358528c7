"""Where the goods of a lot, or a piece, went: what is left and where, and which orders got of it."""

from urllib.parse import urlencode

from stockhook.operations.desk import Desk
from stockhook.operations.recall import recall_lot, recall_serial
from stockhook.operations.stock.holds import hold
from stockhook.web.action import Action
from stockhook.web.forms import REASON, Form
from stockhook.web.page import Page


class RecallPage(Page):
    """Where the goods of one lot or serial number went."""

    async def get(self) -> None:
        """Show it."""
        lot, serial = self.asked("lot"), self.asked("serial")
        desk = self.site.desk
        found = await self.in_thread(lambda: recall_serial(desk, serial) if serial else recall_lot(desk, lot))
        free = sum(unit.quantity for unit in found.units if unit.quantity > 0 and not unit.held)
        form = hold_form(lot) if lot and free else None
        values = {"found": found, "lot": lot, "serial": serial, "free": free, "form": form}
        await self.show("recall.html", lambda _view: values)


class HoldLotAction(Action):
    """The form that keeps all that is left of a lot from orders."""

    async def post(self) -> None:
        """Hold it."""
        lot = self.given("lot")

        def hold_lot(desk: Desk) -> str:
            done = hold(desk, self.given("reason"), lot=lot)
            units = f"{len(done.changed)} unit{'' if len(done.changed) == 1 else 's'}"
            return f"Lot {lot} is held: {units} more, {len(done.units)} in all."

        await self.perform(lambda _: hold_form(lot), hold_lot, "/recall?" + urlencode({"lot": lot}))


def hold_form(lot: str) -> Form:
    """Return the form that holds a lot."""
    title, note = f"Hold all of lot {lot}", "No order takes of it until each unit is released on its page."
    return Form("hold-lot", "/recall/hold", title, "Hold", (REASON,), note, hidden={"lot": lot})
