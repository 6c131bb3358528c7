"""The worked cases of the stock rules that a person's correction is part of, by number, on both stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stockhook.model import Event, Movement, Problem, ProblemState
from stockhook.operations.corrections import amounts, conflicts, returns
from stockhook.operations.events import replay
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.store import Store
from stockhook.testing.payloads import array, envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.stores.sqlalchemy.store import SqlStore, SqlStoreOptions
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"
DAY2 = "2026-11-02T12:00:00-05:00"
DAY3 = "2026-11-03T12:00:00-05:00"


@pytest.fixture(params=["memory", "sqlite"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """A shop that is sound, and gives nothing back and takes nothing when all its history comes again."""
    store: Store = MemoryStore()
    if request.param == "sqlite":
        store = SqlStore(SqlStoreOptions(url=f"sqlite:///{tmp_path / 'stockhook.db'}"))
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    shop = Shop(store, channel, Fifo(Fifo.Options()))
    shop.stock(A=10, B=10, C=10)
    yield shop
    moved, told = shop.find(Movement), shop.problems()
    replay(shop.desk, [event.id for event in shop.find(Event)])
    shop.work()
    assert (shop.find(Movement), shop.problems()) == (moved, told)
    assert [check for check in verify(shop.desk, 30) if not check.ok] == []
    store.close()


def shipped(quantity: int, code: str = "A", created: str = DAY1) -> dict[str, object]:
    return order_ship("D-1", [line(code, quantity, shipped=DAY1)], created=created)


def rule(shop: Shop, quantity: int, index: int = 1) -> None:
    amounts.set_quantity(shop.desk, "D-1", index, quantity * ONE, "as packed")


def test_case_1_two_booked_corrected_to_one_again(shop: Shop) -> None:
    shop.send(envelope(shipped(2)))
    rule(shop, 1)
    shop.send(envelope(shipped(2)))
    shop.send(array(shipped(2), shipped(2)))
    assert (shop.booked("D-1"), shop.problems()) == ({"A": ONE}, set())


def test_case_2_two_booked_corrected_to_three_again(shop: Shop) -> None:
    shop.send(envelope(shipped(2)))
    rule(shop, 3)
    shop.send(envelope(shipped(2)))
    assert (shop.booked("D-1"), shop.problems()) == ({"A": 3 * ONE}, set())


@pytest.mark.parametrize("left", [2, 3])
def test_case_12_quantities_two_three_two_and_a_ruling_on_the_regression(left: int, shop: Shop) -> None:
    shop.send(array(shipped(2), shipped(3, created=DAY2), shipped(2, created=DAY3)))
    assert (shop.booked("D-1"), shop.problems()) == ({"A": 3 * ONE}, {"regression"})
    rule(shop, left)
    assert (shop.booked("D-1"), shop.problems()) == ({"A": left * ONE}, set())


def test_case_31_the_regression_on_a_removed_line_is_ruled_under_its_new_index(shop: Shop) -> None:
    lines = [line("A", 1, shipped=DAY1), line("B", 2, shipped=DAY1), line("C", 3, shipped=DAY1)]
    shop.send(envelope(order_ship("D-1", lines, created=DAY1)))
    shop.send(envelope(order_ship("D-1", lines[1:], created=DAY2)))
    (regression,) = shop.find(Problem, state=ProblemState.OPEN)
    assert regression.kind == "regression"
    amounts.follow_store(shop.desk, "D-1", int(regression.subject.rpartition("/")[2]), "it stayed here")
    assert (shop.booked("D-1"), shop.problems()) == ({"B": 2 * ONE, "C": 3 * ONE}, set())


@pytest.mark.parametrize("said", ["accept", "refuse"])
def test_a_line_that_becomes_another_item_is_ruled_while_the_others_go_on(said: str, shop: Shop) -> None:
    beside = line("C", 1, shipped=DAY1)
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1), beside], created=DAY1)))
    more = line("C", 2, shipped=DAY1)
    shop.send(envelope(order_ship("D-1", [line("B", 3, shipped=DAY1), more], created=DAY2)))
    assert (shop.booked("D-1"), shop.problems()) == ({"A": 2 * ONE, "C": 2 * ONE}, {"line-conflict"})
    act = conflicts.accept if said == "accept" else conflicts.refuse
    act(shop.desk, "D-1", 1, "as packed")
    left = {"B": 3 * ONE} if said == "accept" else {"A": 2 * ONE}
    assert (shop.booked("D-1"), shop.problems()) == ({**left, "C": 2 * ONE}, set())
    assert set(shop.states("D-1")) == {"applied"}


def test_a_return_by_a_person_is_not_taken_again_by_a_repeat(shop: Shop) -> None:
    shop.send(envelope(shipped(3)))
    returns.take_back(shop.desk, "D-1", 1, 2 * ONE, "did not fit")
    shop.send(envelope(shipped(3)))
    assert shop.on_hand("A") == 9 * ONE
