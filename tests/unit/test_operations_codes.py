from collections.abc import Iterator

import pytest

from stockhook.errors import NotFound, Refused
from stockhook.model import NEW, Alias, Notice, NoticeState, Order, OrderKey, Problem, ProblemState
from stockhook.operations import codes, items
from stockhook.operations.codes import BookedLine
from stockhook.operations.corrections.amounts import set_quantity
from stockhook.operations.verify import verify
from stockhook.outbox import Subscription
from stockhook.quantity import ONE
from stockhook.testing import factories
from stockhook.testing.payloads import envelope, kit, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-02T12:00:00-05:00"
ACCOUNT = "ultracart:DEMO"


@pytest.fixture
def shop() -> Iterator[Shop]:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    yield Shop(store, channel, Fifo(Fifo.Options()), subscriptions={"office": Subscription()})
    store.close()


def ship(shop: Shop, order_id: str, code: str, quantity: int = 1) -> None:
    shop.send(envelope(order_ship(order_id, [line(code, quantity, shipped=SHIPPED)])))


def test_an_alias_settles_every_order_that_waits_for_the_code(shop: Shop) -> None:
    shop.stock(SOAP=100)
    for n in range(3):
        ship(shop, f"D-{n}", "SOAP-12PK", 2)
    mapped = codes.alias(shop.desk, " soap-12pk", "soap", 12 * ONE)
    assert mapped.alias == Alias("", "soap-12pk", "soap-12pk", "SOAP", 12 * ONE)
    assert (mapped.due, mapped.booked) == (3, ())
    shop.work()
    assert [shop.booked(f"D-{n}") for n in range(3)] == [{"SOAP": 24 * ONE}] * 3
    assert shop.problems() == set()


def test_an_alias_to_an_item_that_does_not_exist_is_refused_with_near_misses(shop: Shop) -> None:
    shop.items("SOAP-LAV")
    with pytest.raises(NotFound, match=r"there is no item 'soaplav2'; did you mean SOAP-LAV\?"):
        codes.alias(shop.desk, "X", "soaplav2")
    assert shop.find(Alias) == []


@pytest.mark.parametrize("factor", [0, -ONE])
def test_a_factor_that_is_not_above_zero_is_refused(shop: Shop, factor: int) -> None:
    shop.items("SOAP")
    with pytest.raises(Refused, match="the factor"):
        codes.alias(shop.desk, "X", "SOAP", factor)


def test_a_new_meaning_leaves_what_is_booked_and_lists_it(shop: Shop) -> None:
    shop.stock(SOAP=100)
    codes.alias(shop.desk, "PACK", "SOAP", 12 * ONE)
    ship(shop, "D-1", "Pack", 2)
    mapped = codes.alias(shop.desk, "pack", "SOAP", 10 * ONE)
    assert mapped.booked == (BookedLine(OrderKey(ACCOUNT, "D-1"), 1, "Pack", "12 x SOAP"),)
    assert (mapped.due, mapped.rebooked) == (0, ())
    shop.work()
    assert shop.booked("D-1") == {"SOAP": 24 * ONE}
    assert codes.alias(shop.desk, "pack", "SOAP", 12 * ONE).booked == ()


def test_rebooking_gives_back_and_books_anew(shop: Shop) -> None:
    shop.stock(SOAP=100)
    codes.alias(shop.desk, "PACK", "SOAP", 12 * ONE)
    ship(shop, "D-1", "PACK", 2)
    mapped = codes.alias(shop.desk, "PACK", "SOAP", 10 * ONE, rebook=True)
    assert mapped.rebooked == (OrderKey(ACCOUNT, "D-1"),)
    assert shop.booked("D-1") == {"SOAP": 20 * ONE}
    assert shop.on_hand("SOAP") == 80 * ONE


@pytest.mark.parametrize(("sku", "factor"), [("BOX", 3), ("SOAP", 10)])
def test_rebooking_ends_what_was_corrected_of_a_line_and_says_so(shop: Shop, sku: str, factor: int) -> None:
    shop.stock(SOAP=100, BOX=100)
    codes.alias(shop.desk, "PACK", "SOAP", 12 * ONE)
    ship(shop, "D-1", "PACK", 1)
    set_quantity(shop.desk, "D-1", 1, 5 * ONE, "the pack was opened")
    mapped = codes.alias(shop.desk, "PACK", sku, factor * ONE, rebook=True)
    assert [line.meant for line in mapped.booked] == ["12 x SOAP, corrected by -7"]
    assert {item: much for item, much in shop.booked("D-1").items() if much} == {sku: factor * ONE}
    assert "line 1: the correction by -7 of what it was ended with it" in shop.find(Order)[0].history
    assert [found for found in verify(shop.desk) if not found.ok] == []


def test_ignoring_a_code_ends_its_problem_and_books_nothing(shop: Shop) -> None:
    ship(shop, "D-1", "GIFT-WRAP")
    assert codes.ignore(shop.desk, "gift-wrap").due == 1
    shop.work()
    assert (shop.booked("D-1"), shop.problems()) == ({}, set())


def test_a_code_ignored_by_mistake_books_what_has_shipped_once_it_is_mapped(shop: Shop) -> None:
    shop.stock(SOAP=5)
    codes.ignore(shop.desk, "BAR")
    ship(shop, "D-1", "BAR", 2)
    assert shop.booked("D-1") == {}
    mapped = codes.alias(shop.desk, "BAR", "SOAP")
    assert mapped.due == 1
    shop.work()
    assert shop.booked("D-1") == {"SOAP": 2 * ONE}


def test_a_code_ignored_after_bookings_leaves_them_and_lists_them(shop: Shop) -> None:
    shop.stock(SOAP=5)
    ship(shop, "D-1", "SOAP", 2)
    mapped = codes.ignore(shop.desk, "soap")
    assert [(ln.code, ln.meant) for ln in mapped.booked] == [("SOAP", "1 x SOAP")]
    shop.work()
    assert shop.booked("D-1") == {"SOAP": 2 * ONE}


def test_an_alias_of_a_channel_holds_for_the_account_of_its_orders_alone(shop: Shop) -> None:
    shop.stock(SOAP=50)
    with shop.store.write() as work:
        other = factories.order("X-1", account="ultracart:OTHER", channel="second")
        work.book([factories.shipment("X-1", [], order=other, lines=(), events=(), allocations=())])
    ship(shop, "D-1", "BAR")
    mapped = codes.alias(shop.desk, "BAR", "SOAP", 3 * ONE, "shop")
    assert mapped.alias.account == ACCOUNT
    codes.alias(shop.desk, "BAR", "SOAP", 5 * ONE)
    shop.work()
    assert shop.booked("D-1") == {"SOAP": 3 * ONE}, "the account's own goes first"
    assert codes.account_of(shop.desk, "ultracart:OTHER") == "ultracart:OTHER"


def test_a_global_alias_lists_no_line_of_an_account_that_has_its_own(shop: Shop) -> None:
    shop.stock(SOAP=50)
    ship(shop, "D-1", "BAR")
    codes.alias(shop.desk, "BAR", "SOAP", 3 * ONE, "shop")
    shop.work()
    assert codes.alias(shop.desk, "BAR", "SOAP", 5 * ONE).booked == ()


def test_a_channel_whose_account_is_not_known_is_refused(shop: Shop) -> None:
    shop.items("SOAP")
    with pytest.raises(NotFound, match=r"no channel 'shpo' in the configuration; did you mean shop\?"):
        codes.alias(shop.desk, "BAR", "SOAP", channel="shpo")
    with pytest.raises(Refused, match="no order of channel shop has come yet"):
        codes.alias(shop.desk, "BAR", "SOAP", channel="shop")
    assert shop.find(Alias) == []


def test_a_problem_nobody_waits_on_closes_with_the_alias_and_is_told_to_who_knew_of_it(shop: Shop) -> None:
    shop.items("SOAP")
    with shop.store.write() as work:
        work.save(
            [
                factories.problem(id=NEW, subject=f"{ACCOUNT}/BAR"),
                factories.notice(problem_id=NEW, subject=f"{ACCOUNT}/BAR", state=NoticeState.SENT),
                factories.problem(subject=f"{ACCOUNT}/OTHER"),
                factories.problem(subject="ultracart:ELSE/BAR"),
            ]
        )
        other = factories.order("X-1")
        work.book([factories.shipment("X-1", [], order=other, lines=(), events=(), allocations=())])
    codes.alias(shop.desk, "bar", "SOAP", channel="shop")
    closed = shop.find(Problem, state=ProblemState.CLOSED)
    assert [problem.subject for problem in closed] == [f"{ACCOUNT}/BAR"]
    assert [notice.about for notice in shop.find(Notice)] == ["closed", "opened"]


def test_component_lines_are_listed_and_kit_lines_that_consume_nothing_are_not(shop: Shop) -> None:
    shop.stock(SOAP=50, BOX=50)
    items.add(shop.desk, "GIFT")
    shop.send(envelope(order_ship("D-1", kit("GIFT", 1, [("SOAP", 2), ("BOX", 1)], index=1, shipped=SHIPPED))))
    assert shop.booked("D-1") == {"SOAP": 2 * ONE, "BOX": ONE}
    assert [ln.item_index for ln in codes.alias(shop.desk, "SOAP", "BOX").booked] == [2]
    assert codes.alias(shop.desk, "GIFT", "BOX").booked == ()


def test_orders_that_have_not_shipped_are_left_alone(shop: Shop) -> None:
    shop.items("SOAP")
    shop.send(envelope({"order_create": order_ship("D-1", [line("BAR", 1)])["order_ship"]}))
    assert codes.alias(shop.desk, "BAR", "SOAP").due == 0
    assert [order.due_at for order in shop.find(Order)] == [None]
