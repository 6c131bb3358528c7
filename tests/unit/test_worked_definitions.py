"""Worked cases of what a person defines after an order came: codes and kits that then mean what was waited for."""

import pytest
from cases import DAY1, DAY2, channel

from stockhook.model import EventState, KitPolicy, Problem, ProblemState
from stockhook.operations.codes import alias, ignore
from stockhook.operations.due import sweep
from stockhook.operations.items import define_kit
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.store import Store
from stockhook.testing import factories as make
from stockhook.testing.payloads import envelope, kit, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.strategies.received import Fifo

WHOLE = ChannelRules("shop", on_shortage=ShortagePolicy.ORDER)


@pytest.fixture
def shop(request: pytest.FixtureRequest, each_store: Store) -> Shop:
    rules = getattr(request, "param", ChannelRules("shop"))
    return Shop(each_store, channel(), Fifo(Fifo.Options()), rules=rules)


def problems(shop: Shop) -> list[str]:
    return sorted(one.kind for one in shop.find(Problem, state=ProblemState.OPEN))


def sound(shop: Shop) -> bool:
    return [check for check in verify(shop.desk) if not check.ok] == []


def conflict(shop: Shop) -> None:
    shop.stock(A=10)
    shop.send(envelope(order_ship("D-1", [line("A", 2, shipped=DAY1)], created=DAY1)))
    shop.send(envelope(order_ship("D-1", [line("NEW-A", 3, shipped=DAY1)], created=DAY2)))
    assert problems(shop) == ["line-conflict"]


def test_a_line_in_conflict_is_worked_again_once_its_new_code_means_the_item_it_is_booked_as(shop: Shop) -> None:
    conflict(shop)
    assert alias(shop.desk, "NEW-A", "A").due == 1
    shop.work()
    assert problems(shop) == []
    assert shop.booked("D-1") == {"A": 3 * ONE}
    assert sound(shop)


def test_the_sweep_finds_a_conflict_that_is_none_any_more_and_no_other(shop: Shop) -> None:
    conflict(shop)
    assert sweep(shop.desk) == 0
    with shop.desk.store.write() as work:
        work.save([make.alias("NEW-A", "A")])
    assert sweep(shop.desk) == 1
    shop.work()
    assert problems(shop) == []


@pytest.mark.parametrize("shop", [WHOLE], indirect=True)
@pytest.mark.parametrize("code", ["SET", "set-2", "BOX"])
def test_an_order_parked_for_a_kit_is_worked_again_once_the_kit_is_defined(shop: Shop, code: str) -> None:
    shop.stock(A=10)
    shop.items("SET", "BOX")
    alias(shop.desk, "SET-2", "SET")
    define_kit(shop.desk, "BOX", [("SET", ONE)], None)
    (parked,) = shop.send(envelope(order_ship("D-1", [line(code, 2, shipped=DAY1)])))
    assert parked.state is EventState.PARKED
    define_kit(shop.desk, "SET", [("A", ONE)], None)
    shop.work()
    assert shop.booked("D-1") == {"A": 2 * ONE}
    assert problems(shop) == []
    assert sound(shop)


def test_a_kit_whose_policy_changes_leaves_no_difference_behind(shop: Shop) -> None:
    shop.stock(SET=5)
    shop.items("A")
    ignore(shop.desk, "CARD")
    shop.send(envelope(order_ship("D-1", kit("SET", 2, [("CARD", 2)], index=1, shipped=DAY1))))
    assert shop.booked("D-1") == {}
    define_kit(shop.desk, "SET", [("A", ONE)], KitPolicy.PARENT)
    shop.work()
    assert shop.booked("D-1") == {"SET": 2 * ONE}
    assert sound(shop)
