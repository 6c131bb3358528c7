"""A return that a person takes back: the goods have not come back after all, and count as shipped again."""

from dataclasses import dataclass

from stockhook.batch import Batch
from stockhook.draft import Cause, Draft
from stockhook.errors import Refused
from stockhook.model import Movement, MovementKind, OrderKey
from stockhook.operations.desk import Desk
from stockhook.quantity import Quantity, text
from stockhook.record import replace
from stockhook.store import Read


@dataclass(frozen=True, slots=True)
class Unreturned:
    """A return of an order; its opposite is a return below zero that names the same consumption."""

    movement: Movement

    @property
    def key(self) -> OrderKey:
        """The order whose goods have not come back."""
        return OrderKey(self.movement.account or "", self.movement.order_id or "")

    @property
    def reference(self) -> str:
        """By what the opposite is known: both name the consumption, so neither can name the other."""
        return f"undoes movement {self.movement.id}"

    def opposite(self, view: Read) -> Movement | None:
        """Return the movement that has undone it, if one has."""
        where = {"reverses": self.movement.reverses, "kind": MovementKind.RETURN, "reference": self.reference}
        return next(iter(view.find(Movement, where, most=1)), None)

    def book(self, desk: Desk, batch: Batch, reason: str) -> None:
        """Put the opposite into the order of the batch."""
        state = batch.state(self.key)
        assert state is not None, "a return without its order"
        back = self.movement
        draft = Draft(state, Cause(desk.clock.now(), desk.actor), batch.ids)
        draft.movements.append(
            replace(
                back,
                id=next(batch.ids),
                quantity=-back.quantity,
                at=draft.cause.now,
                actor=desk.actor,
                event_id=None,
                reason=reason,
                reference=self.reference,
            )
        )
        draft.skus.add(back.sku)
        batch.pool.move(back.unit_id, -back.quantity)
        takes = tuple(
            replace(take, returned=take.returned - back.quantity) if take.movement_id == back.reverses else take
            for take in state.takes
        )
        words = f"the return of {text(back.quantity)} of {back.sku} was taken back: {reason}"
        order = replace(state.order, history=(*state.order.history, words))
        batch.adopt(self.key, replace(state, order=order, takes=takes), draft)

    def refuse_again(self, batch: Batch, before: Quantity) -> None:
        """Raise Refused where the evaluation has returned it again: the rules of the channel say that it comes back."""
        if self.returned(batch) >= before:
            raise Refused(
                f"movement {self.movement.id} was booked because restock_reasons names the reason of the refund, and "
                "would be booked again. If the goods are not there, say what is: stockhook stock count "
                f"{self.movement.unit_id} QUANTITY"
            )

    def returned(self, batch: Batch) -> Quantity:
        """Return how much of the same item of the line has come back, as the batch has it now."""
        state = batch.state(self.key)
        of_it = (self.movement.line, self.movement.sku)
        return sum(take.returned for take in state.takes if (take.line, take.sku) == of_it) if state else 0
