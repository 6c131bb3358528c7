"""One movement: what moved, why, and taking it back."""

from typing import Final

from stockhook.model import Allocation, Movement, MovementKind, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.records import known
from stockhook.operations.stock.reversals import undo
from stockhook.quantity import text
from stockhook.store import Read
from stockhook.web.action import Action
from stockhook.web.forms import REASON, Form
from stockhook.web.page import Page, Values, number
from stockhook.web.paging import PAGE

_UNDONE: Final = frozenset(
    {
        MovementKind.RECEIPT,
        MovementKind.ADJUSTMENT,
        MovementKind.COUNT,
        MovementKind.TRANSFER_OUT,
        MovementKind.TRANSFER_IN,
    }
)
"""Kinds that a person books and may take back."""


class MovementPage(Page):
    """One movement."""

    async def get(self, written: str) -> None:
        """Show it."""
        await self.show("movement.html", lambda view: movement(view, written))


class UndoAction(Action):
    """The form that takes a movement back by its opposite."""

    async def post(self, written: str) -> None:
        """Take it back."""
        movement_id = number(written, "movement")

        def take_back(desk: Desk) -> str:
            done = undo(desk, movement_id, self.given("reason"))
            by = "+" if done.movement.quantity > 0 else ""
            now = f"unit {done.unit.id} of {done.unit.sku} holds {text(done.unit.quantity)} now"
            return f"Took movement {movement_id} back ({by}{text(done.movement.quantity)}); {now}."

        await self.perform(lambda _: _form(movement_id), take_back, f"/movements/{movement_id}")


def movement(view: Read, written: str) -> Values:
    """Return what the page of a movement shows; raises NotFound."""
    movement_id = number(written, "movement")
    one = known(view, Movement, movement_id)
    decided = view.find(Allocation, {"id": one.allocation_id}, most=1) if one.allocation_id else []
    naming = view.find(Movement, {"reverses": movement_id}, most=PAGE)
    undone = [each for each in naming if each.kind is MovementKind.REVERSAL and each.order_id is None]
    return {
        "movement": one,
        "unit": view.find(Unit, {"id": one.unit_id}, most=1)[0],
        "allocation": decided[0] if decided else None,
        "naming": naming[::-1],
        "form": None if undone or not _may_be_undone(one) else _form(movement_id),
    }


def _may_be_undone(one: Movement) -> bool:
    if one.kind is MovementKind.RETURN:
        return one.quantity > 0
    return one.kind in _UNDONE and one.order_id is None


def _form(movement_id: int) -> Form:
    note = "The opposite is booked beside it; nothing is deleted. A move is taken back as a whole, and so is a count."
    address = f"/movements/{movement_id}/undo"
    return Form("undo", address, f"Undo movement {movement_id}", "Undo", (REASON,), note)
