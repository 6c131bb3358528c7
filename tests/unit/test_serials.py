"""Numbers of pieces: each is there whole, and never twice, whatever a stock keeper does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from keeping_shop import new_shop, piece, ship

from stockhook.errors import Refused
from stockhook.model import Unit
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.amendments import amend
from stockhook.operations.stock.counts import count
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.operations.stock.reversals import undo
from stockhook.operations.stock.tallies import Tally
from stockhook.operations.stock.transfers import move
from stockhook.operations.stock_import import import_stock
from stockhook.quantity import ONE
from stockhook.testing.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return new_shop()


class TestSerialNumbers:
    """Each piece is there as a whole, and never twice, whichever way it comes."""

    @pytest.mark.parametrize("serial", ["S-1", "s-1"])
    def test_it_is_not_received_twice(self, shop: Shop, serial: str) -> None:
        piece(shop)
        with pytest.raises(Refused, match="the serial number S-1 is in stock already, as unit 1 at MAIN"):
            piece(shop, serial)
        with pytest.raises(Refused, match="named twice; each piece has its own"):
            receive(shop.desk, [Receipt("S", ONE, "MAIN", serial=name) for name in ("S-2", "s-2")])

    def test_it_is_not_imported_twice_or_in_part(self, shop: Shop, tmp_path: Path) -> None:
        piece(shop)
        file = tmp_path / "s.csv"
        file.write_text(
            "sku,name,location,quantity,serial\nS,,MAIN,1,s-1\nS,,MAIN,0.5,S-2\nS,,MAIN,1,S-3\nS,,MAIN,1,s-3\n"
        )
        with pytest.raises(Refused) as raised:
            import_stock(shop.desk, file)
        said = str(raised.value).splitlines()
        assert said[0] == "s.csv line 2: serial: S-1 of S is in stock already, as unit 1"
        assert said[1] == "s.csv line 3: quantity: a piece with a serial number is 1, not 0.5"
        assert said[2] == "s.csv line 5: serial: s-3 of S is on line 4 as well"

    def test_it_moves_whole_and_stays_one(self, shop: Shop) -> None:
        piece(shop)
        with pytest.raises(Refused, match=r"one piece with the serial number S-1: move 1, not 0\.5"):
            move(shop.desk, 1, ONE // 2, "BACK")
        moved = move(shop.desk, 1, ONE, "BACK")
        assert (moved.target.serial, moved.source.quantity) == ("S-1", 0)
        assert move(shop.desk, moved.target.id, ONE, "MAIN").target.id == 1

    def test_it_is_amended_to_no_number_that_is_there(self, shop: Shop) -> None:
        piece(shop)
        piece(shop, "S-2")
        with pytest.raises(Refused, match="S-1 is in stock already"):
            amend(shop.desk, 2, {"serial": "s-1"}, "misread")
        with pytest.raises(Refused, match="another one rather than none"):
            amend(shop.desk, 2, {"serial": None}, "misread")
        amend(shop.desk, 2, {"serial": "S-3"}, "misread")
        assert {unit.serial for unit in shop.find(Unit)} == {"S-1", "S-3"}

    @pytest.mark.parametrize(
        "comes_back",
        [
            lambda shop: adjust(shop.desk, 1, ONE, "found"),
            lambda shop: count(shop.desk, [Tally(ONE, unit_id=1)]),
            lambda shop: undo(shop.desk, 2, "not lost"),
        ],
    )
    def test_it_comes_back_neither_by_adjusting_counting_nor_undoing_once_it_is_there_again(
        self, shop: Shop, comes_back: Callable[[Shop], object]
    ) -> None:
        piece(shop)
        adjust(shop.desk, 1, -ONE, "lost")
        piece(shop, location="BACK")
        with pytest.raises(Refused, match="S-1 is in stock already, as unit 2 at BACK"):
            comes_back(shop)
        assert shop.on_hand("S") == ONE

    @pytest.mark.parametrize("quantity", [ONE, ONE // 2, -ONE // 2])
    def test_it_is_adjusted_as_a_whole(self, shop: Shop, quantity: int) -> None:
        piece(shop)
        with pytest.raises(Refused, match="is one piece: it is there or it is not"):
            adjust(shop.desk, 1, quantity, "found")

    def test_it_is_counted_by_itself(self, shop: Shop) -> None:
        piece(shop)
        piece(shop, "S-2")
        with pytest.raises(Refused, match=r"count each piece by itself, 1 or 0 of unit 1 \(S-1\), 2 \(S-2\)"):
            count(shop.desk, [Tally(ONE, sku="S", location="MAIN")])
        with pytest.raises(Refused, match="count 1 or 0, not 2"):
            count(shop.desk, [Tally(2 * ONE, unit_id=1)])
        count(shop.desk, [Tally(2 * ONE, sku="S", location="MAIN")])
        count(shop.desk, [Tally(0, unit_id=1)])
        assert shop.on_hand("S") == ONE

    def test_a_piece_that_an_order_took_may_be_received_again(self, shop: Shop) -> None:
        piece(shop)
        ship(shop, "D-1", "S", 1)
        assert piece(shop).quantity == ONE
