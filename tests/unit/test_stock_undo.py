"""Taking back what a person booked: receipts, adjustments, moves, returns; once, and never what an order holds."""

import pytest
from keeping_shop import DAY1, new_shop, ship, sound

from stockhook.errors import Refused
from stockhook.model import Audit, Movement, MovementKind, Unit
from stockhook.operations.corrections.returns import take_back
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.reversals import undo
from stockhook.operations.stock.transfers import move
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules
from stockhook.testing.payloads import envelope, event, line
from stockhook.testing.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return new_shop()


class TestUndoing:
    @pytest.mark.parametrize("half", ["out", "into"])
    def test_both_halves_of_a_move_go_back_together_and_once(self, shop: Shop, half: str) -> None:
        shop.stock(A=5)
        moved = move(shop.desk, 1, 2 * ONE, "BACK")
        undo(shop.desk, getattr(moved, half).id, "not carried")
        assert {unit.id: unit.quantity for unit in shop.find(Unit)} == {1: 5 * ONE, 2: 0}
        for number in (moved.out.id, moved.into.id):
            with pytest.raises(Refused, match="was undone before"):
                undo(shop.desk, number, "again")
        assert sound(shop)

    def test_what_has_been_moved_on_or_used_stays(self, shop: Shop) -> None:
        shop.stock(A=5)
        moved = move(shop.desk, 1, 2 * ONE, "BACK")
        move(shop.desk, moved.target.id, ONE, "ATTIC")
        with pytest.raises(Refused, match="holds 1 now: the rest has been used or moved on"):
            undo(shop.desk, moved.out.id, "not carried")
        with pytest.raises(Refused, match="holds 3 now"):
            undo(shop.desk, 1, "never came")
        assert shop.on_hand("A") == 5 * ONE

    def test_a_move_undone_into_a_location_that_is_picked_from_settles(self, shop: Shop) -> None:
        shop.stock(A=5)
        moved = move(shop.desk, 1, 5 * ONE, "ATTIC")
        ship(shop, "D-1", "A", 3)
        undo(shop.desk, moved.out.id, "still here")
        assert (shop.booked("D-1"), shop.owed("A")) == ({"A": 3 * ONE}, 0)

    def test_an_undo_and_what_an_order_took_are_not_undone(self, shop: Shop) -> None:
        shop.stock(A=5)
        ship(shop, "D-1", "A", 1)
        with pytest.raises(Refused, match=r"follows the order; .* stockhook orders correct D-1 LINE"):
            undo(shop.desk, 2, "no")
        adjusted = adjust(shop.desk, 1, -ONE, "lost")
        undone = undo(shop.desk, adjusted.movement.id, "found again")
        assert undone.unit.quantity == 4 * ONE
        with pytest.raises(Refused, match="book anew what was undone by mistake"):
            undo(shop.desk, undone.movement.id, "no")


class TestUndoingAReturn:
    def test_the_goods_count_as_shipped_again_and_once(self, shop: Shop) -> None:
        shop.stock(A=5)
        ship(shop, "D-1", "A", 3)
        take_back(shop.desk, "D-1", 1, 2 * ONE, "customer sent it back")
        back = shop.find(Movement, kind=MovementKind.RETURN)[0]
        assert shop.on_hand("A") == 4 * ONE
        undone = undo(shop.desk, back.id, "another customer")
        assert (undone.unit.quantity, undone.movement.quantity) == (2 * ONE, -2 * ONE)
        assert (undone.movement.kind, undone.movement.reverses) == (MovementKind.RETURN, back.reverses)
        with pytest.raises(Refused, match=f"movement {back.id} was undone before, by movement {undone.movement.id}"):
            undo(shop.desk, back.id, "again")
        with pytest.raises(Refused, match="follows the order"):
            undo(shop.desk, undone.movement.id, "again")
        ship(shop, "D-1", "A", 3)
        assert (shop.on_hand("A"), shop.booked("D-1")) == (2 * ONE, {"A": 3 * ONE})
        take_back(shop.desk, "D-1", 1, 3 * ONE, "all of it, after all")
        assert shop.on_hand("A") == 5 * ONE
        assert sound(shop)

    def test_goods_that_have_been_used_since_stay(self, shop: Shop) -> None:
        shop.stock(A=3)
        ship(shop, "D-1", "A", 3)
        take_back(shop.desk, "D-1", 1, 2 * ONE, "customer sent it back")
        ship(shop, "D-2", "A", 1)
        with pytest.raises(Refused, match="holds 1 now: the rest has been used or moved on"):
            undo(shop.desk, shop.find(Movement, kind=MovementKind.RETURN)[0].id, "another customer")

    def test_what_a_rule_of_the_channel_returns_is_not_undone_for_it_would_come_back(self) -> None:
        shop = new_shop(ChannelRules("shop", restock_reasons=frozenset({"unworn"}), restock_to="BACK"))
        shop.stock(A=3)
        ship(shop, "D-1", "A", 3)
        refunded = line("A", 3, shipped=DAY1, refunded=1) | {"return_reason": "unworn"}
        later = {"created": "2026-11-05T12:00:00-05:00", "refunded_at": "2026-11-05T12:00:00-05:00"}
        shop.send(envelope(event("order_refund", "D-1", [refunded], **later)))
        back = shop.find(Movement, kind=MovementKind.RETURN)[0]
        entries = shop.find(Audit)
        with pytest.raises(Refused, match=r"restock_reasons names the reason of the refund, .* stock count 2 QUANTITY"):
            undo(shop.desk, back.id, "not there")
        assert (shop.on_hand("A"), shop.find(Audit)) == (ONE, entries)
