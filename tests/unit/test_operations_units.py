from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlite_file

from stockhook.errors import NotFound, Refused
from stockhook.model import Location
from stockhook.operations import due
from stockhook.operations.recall import recall_lot
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.amendments import amend
from stockhook.operations.stock.holds import hold, release
from stockhook.operations.stock.transfers import move
from stockhook.operations.units import Selection, list_units, units_then
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.store import Store
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-02T12:00:00-05:00"


def open_shop(store: Store, policy: ShortagePolicy = ShortagePolicy.PARTIAL) -> Shop:
    store.open()
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    return Shop(store, channel, Fifo(Fifo.Options()), rules=ChannelRules("shop", on_shortage=policy))


@pytest.fixture(params=["memory", "sqlite"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    made = open_shop(MemoryStore() if request.param == "memory" else sqlite_file.at(tmp_path / "book.db"))
    yield made
    made.store.close()


def ship(shop: Shop, order_id: str, quantity: int) -> None:
    shop.send(envelope(order_ship(order_id, [line("SOAP", quantity, shipped=SHIPPED)])))


def then(shop: Shop, moment: datetime) -> dict[int, int]:
    return {unit.id: unit.quantity // ONE for unit in list_units(shop.desk, as_of=moment)}


def test_the_stock_of_a_moment_is_what_the_book_said_then(shop: Shop) -> None:
    shop.stock(SOAP=10)
    empty = shop.clock.now() - timedelta(seconds=1)
    full = shop.clock.now()
    ship(shop, "D-1", 3)
    shipped = shop.clock.now()
    shop.clock.advance(timedelta(minutes=1))
    shop.receive(("SOAP", 5), received_at=datetime(2020, 1, 1, tzinfo=UTC))
    adjust(shop.desk, 1, -ONE, "broken")
    assert [then(shop, moment) for moment in (empty, full, shipped, shop.clock.now())] == [
        {},
        {1: 10},
        {1: 7},
        {1: 6, 2: 5},
    ]


def test_moved_goods_were_where_they_were(shop: Shop) -> None:
    shop.stock(SOAP=10)
    before = shop.clock.now()
    shop.clock.advance(timedelta(minutes=1))
    with shop.store.write() as work:
        work.save([Location("MAIN/B")])
    move(shop.desk, 1, 4 * ONE, "MAIN/B")
    assert then(shop, before) == {1: 10}
    assert then(shop, shop.clock.now()) == {1: 6, 2: 4}
    assert list_units(shop.desk, Selection(location="MAIN/B"), as_of=before) == []


def test_a_unit_was_held_and_called_as_the_book_had_it(shop: Shop) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 10), lot="L7", expires_on=date(2027, 3, 31), unit_cost=ONE)
    asked = [shop.clock.now()]
    for change in (
        lambda: hold(shop.desk, "smells", unit_id=1),
        lambda: amend(shop.desk, 1, {"lot": "L > 8", "expires_on": None, "unit_cost": 2 * ONE, "priority": 3}, "typo"),
        lambda: release(shop.desk, "fine", lot="L > 8"),
        lambda: amend(shop.desk, 1, {"lot": "L9", "received_at": datetime(2026, 1, 1, tzinfo=UTC)}, "typo"),
    ):
        shop.clock.advance(timedelta(minutes=1))
        change()
        asked.append(shop.clock.now())
    was = [list_units(shop.desk, as_of=moment)[0] for moment in asked]
    assert [(unit.lot, unit.held, unit.expires_on, unit.unit_cost, unit.priority) for unit in was] == [
        ("L7", False, date(2027, 3, 31), ONE, None),
        ("L7", True, date(2027, 3, 31), ONE, None),
        ("L > 8", True, None, 2 * ONE, 3),
        ("L > 8", False, None, 2 * ONE, 3),
        ("L9", False, None, 2 * ONE, 3),
    ]
    assert was[0].received_at == was[3].received_at != was[4].received_at
    assert was[-1] == list_units(shop.desk)[0]


@pytest.mark.parametrize("name", ["none", "None", " > ", "L1 > L2"])
def test_whatever_a_lot_was_called_it_was_called_so(shop: Shop, name: str) -> None:
    shop.items("SOAP")
    shop.receive(("SOAP", 10), lot=name)
    then = shop.clock.now()
    shop.clock.advance(timedelta(minutes=1))
    amend(shop.desk, 1, {"lot": "L2"}, "typo")
    assert list_units(shop.desk, as_of=then)[0].lot == name
    assert recall_lot(shop.desk, name).renamed == (1,)
    emptied = shop.clock.advance(timedelta(minutes=1))
    amend(shop.desk, 1, {"lot": None}, "it has none")
    assert [list_units(shop.desk, as_of=moment)[0].lot for moment in (then, emptied)] == [name, None]


def test_what_is_below_zero_has_a_quantity_now_and_then() -> None:
    shop = open_shop(MemoryStore(), ShortagePolicy.NEGATIVE)
    shop.stock(SOAP=2)
    ship(shop, "D-1", 5)
    owed = shop.clock.now()
    assert [unit.quantity for unit in list_units(shop.desk)] == [-3 * ONE]
    shop.clock.advance(timedelta(minutes=1))
    shop.stock(SOAP=10)
    assert [(unit.suspense, unit.quantity) for unit in list_units(shop.desk)] == [(False, 7 * ONE)]
    assert list(then(shop, owed).values()) == [-3]


def test_lists_are_limited_newest_first_and_may_hold_the_empty_ones(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due.pages, "__defaults__", (None, 2, None))
    for _ in range(5):
        shop.stock(SOAP=1)
    ship(shop, "D-1", 2)
    now = shop.clock.now()
    for moment in (None, now):
        assert [unit.id for unit in list_units(shop.desk, as_of=moment)] == [5, 4, 3]
        assert [unit.id for unit in list_units(shop.desk, as_of=moment, most=2)] == [5, 4]
        assert [unit.id for unit in list_units(shop.desk, Selection(everything=True), as_of=moment)] == [5, 4, 3, 2, 1]
        assert [unit.id for unit in list_units(shop.desk, Selection("soap", "MAIN"), as_of=moment)] == [5, 4, 3]


def test_what_is_not_there_or_yet_to_come_is_refused(shop: Shop) -> None:
    shop.stock(SOAP=1)
    with pytest.raises(Refused, match=r"2026-12-01 09:00:01Z is in the future, and it is 2026-12-01 09:00:00Z now"):
        list_units(shop.desk, as_of=shop.clock.now() + timedelta(seconds=1))
    with pytest.raises(NotFound, match="did you mean SOAP"):
        list_units(shop.desk, Selection("SOPA"))


def test_a_page_of_a_moment_looks_at_no_more_than_it_may_and_the_pages_together_have_all(shop: Shop) -> None:
    shop.stock(SOAP=1)
    for _ in range(3):
        shop.receive(*[("SOAP", 1)] * 700)
        shop.clock.advance(timedelta(minutes=1))
    moment = shop.clock.now() - timedelta(minutes=3)  # of all the units two in three came later
    seen: list[int] = []
    sizes: list[int] = []
    after: tuple[int] | None = None
    while after is None or after[0]:
        found = units_then(shop.desk, moment, after=after, most=400, looked_at=1000)
        seen += [unit.id for unit in found.units]
        sizes.append(len(found.units))
        after = (found.last or 0,)
    assert seen == [*range(701, 0, -1)]
    assert sizes == [0, 400, 301]


@pytest.mark.parametrize("asked", [{}, {"sku": "soap"}, {"location": "MAIN"}, {"lot": "L1"}])
def test_the_stock_of_a_moment_is_found_by_item_place_and_the_lot_of_then(shop: Shop, asked: dict[str, Any]) -> None:
    shop.stock(SOAP=1)
    adjust(shop.desk, 1, -ONE, "broken")
    shop.receive(("SOAP", 2), lot="L1")
    moment = shop.clock.now()
    shop.clock.advance(timedelta(minutes=1))
    amend(shop.desk, 2, {"lot": "L2"}, "misread")
    shop.receive(("SOAP", 3), lot="L1")
    [unit] = list_units(shop.desk, Selection(**asked), as_of=moment)
    assert (unit.id, unit.lot, unit.quantity) == (2, "L1", 2 * ONE)
    assert list_units(shop.desk, Selection(lot="L2"), as_of=moment) == []


@pytest.mark.parametrize("asked", [{"sku": "SOAP"}, {"location": "MAIN"}, {"location": "MAIN/FG"}])
def test_what_is_owed_is_listed_where_it_is_asked_for_alone(asked: dict[str, Any]) -> None:
    shop = open_shop(MemoryStore(), ShortagePolicy.NEGATIVE)
    shop.stock(SOAP=1, SALT=1)
    with shop.store.write() as work:
        work.save([Location("MAIN/FG")])
    for code in ("SOAP", "SALT"):
        shop.send(envelope(order_ship(f"D-{code}", [line(code, 4, shipped=SHIPPED)])))
    everything = list_units(shop.desk)
    assert sorted(unit.quantity // ONE for unit in everything) == [-3, -3]
    places = {"MAIN", "MAIN/FG"} if asked.get("location") == "MAIN" else {asked.get("location")}
    expected = [unit for unit in everything if asked.get("sku") == unit.sku or unit.location in places]
    assert list_units(shop.desk, Selection(**asked)) == expected
    shop.store.close()
