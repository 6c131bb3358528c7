from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from stockhook.batch import Policies
from stockhook.errors import Refused
from stockhook.model import (
    Alias,
    Allocation,
    Event,
    EventState,
    Line,
    Location,
    Movement,
    MovementKind,
    Problem,
    Shortage,
    Unit,
    Wait,
)
from stockhook.operations import events
from stockhook.operations.codes import alias
from stockhook.operations.corrections.amounts import set_quantity
from stockhook.operations.corrections.returns import take_back
from stockhook.operations.dry_run import dry_run_event
from stockhook.operations.items import add as add_item
from stockhook.operations.problems import reopen, waive
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.counts import Counted, count
from stockhook.operations.stock.reversals import undo
from stockhook.operations.stock.tallies import Tally
from stockhook.operations.stock.transfers import move
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook.worker import Worker
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-02T12:00:00-05:00"
Make = Callable[..., Shop]


@pytest.fixture
def make() -> Iterator[Make]:
    store = MemoryStore()
    store.open()

    def shop(policy: ShortagePolicy = ShortagePolicy.PARTIAL) -> Shop:
        channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
        rules = ChannelRules("shop", on_shortage=policy)
        return Shop(store, channel, Fifo(Fifo.Options()), rules=rules, shadow=True)

    yield shop
    store.close()


def switch(shop: Shop, *, on: bool) -> None:
    """Go on with the same store in another mode, as a daemon does after a restart."""
    policies = Policies(shop.desk.policies.rules, shop.desk.policies.choices, on)
    shop.desk = replace(shop.desk, policies=policies)
    shop.worker = Worker(shop.desk, {shop.name: shop.channel})


def ship(shop: Shop, order_id: str, *lines: tuple[str, int]) -> Event:
    body = envelope(order_ship(order_id, [line(code, quantity, shipped=SHIPPED) for code, quantity in lines]))
    return shop.send(body)[0]


def later_count(shop: Shop, quantity: int) -> Counted:
    shop.clock.advance(timedelta(minutes=1))
    return count(shop.desk, [Tally(quantity * ONE, sku="SOAP", location="MAIN")]).counted[0]


def book(shop: Shop) -> list[object]:
    return [*shop.find(Movement), *shop.find(Allocation), *shop.find(Shortage), *shop.find(Unit)]


def test_in_shadow_mode_nothing_is_booked_and_the_event_tells_what_would_be(make: Make) -> None:
    shop = make()
    shop.stock(SOAP=2)
    shop.stock(SOAP=10)
    before = book(shop)
    event = ship(shop, "D-1", ("SOAP", 3))
    assert (event.state, event.reason) == (EventState.IGNORED, "shadow")
    assert event.text == (
        "shadow mode, nothing was booked: would take 2 of SOAP from unit 1 (received 1 Dec 2026), "
        "1 of SOAP from unit 2 (received 1 Dec 2026)"
    )
    assert book(shop) == before
    assert [kept.binding for kept in shop.find(Line)] == [None]


def test_each_order_is_judged_by_the_stock_as_it_is_booked(make: Make) -> None:
    shop = make()
    shop.stock(SOAP=2)
    body = envelope(*(order_ship(f"D-{n}", [line("SOAP", 2, shipped=SHIPPED)]) for n in range(2)))
    assert ["would take 2 of SOAP from unit 1" in str(event.text) for event in shop.send(body)] == [True, True]


def test_goods_that_are_not_in_this_book_are_no_problem_but_unknown_codes_are(make: Make) -> None:
    shop = make()
    shop.items("SOAP")
    short = ship(shop, "D-1", ("SOAP", 3))
    assert (short.state, short.reason) == (EventState.IGNORED, "shadow")
    assert "3 of SOAP could not be found in stock" in str(short.text)
    assert shop.problems() == set()
    unknown = ship(shop, "D-2", ("GIFT", 1))
    assert (unknown.state, unknown.reason) == (EventState.PARKED, "unknown-item")
    assert shop.problems() == {"unknown-item"}
    add_item(shop.desk, "GIFT")
    shop.work()
    assert shop.find(Event)[0].reason == "shadow"
    assert shop.problems() == set()
    assert book(shop) == []


def test_an_order_that_would_wait_as_a_whole_waits_for_nothing(make: Make) -> None:
    shop = make(ShortagePolicy.ORDER)
    shop.stock(SOAP=1)
    event = ship(shop, "D-1", ("SOAP", 3))
    assert (event.state, event.reason) == (EventState.IGNORED, "shadow")
    assert "SOAP is short" in str(event.text)
    assert shop.find(Wait) == []
    assert shop.problems() == set()


def test_switching_it_off_and_replaying_what_was_ignored_books_all_of_it(make: Make) -> None:
    shop = make()
    shop.stock(SOAP=5)
    ship(shop, "D-1", ("SOAP", 3))
    ship(shop, "D-1", ("SOAP", 3))
    ship(shop, "D-2", ("SOAP", 4))
    events.replay_matching(shop.desk, EventState.IGNORED)
    shop.work()
    assert [event.reason or event.state for event in shop.find(Event)] == ["shadow", "shadow", EventState.SUPERSEDED]
    switch(shop, on=False)
    events.replay_matching(shop.desk, EventState.IGNORED)
    shop.work()
    assert (shop.booked("D-1"), shop.booked("D-2"), shop.owed("SOAP")) == (
        {"SOAP": 3 * ONE},
        {"SOAP": 2 * ONE},
        2 * ONE,
    )


def test_what_persons_do_to_the_shelf_is_booked(make: Make) -> None:
    shop = make()
    shop.stock(SOAP=5)
    with shop.store.write() as work:
        work.save([Location("BACK")])
    (unit,) = shop.find(Unit)
    adjusted = adjust(shop.desk, unit.id, -ONE, "broken")
    moved = move(shop.desk, unit.id, 2 * ONE, "BACK")
    assert shop.on_hand("SOAP") == 4 * ONE
    undo(shop.desk, adjusted.movement.id, "it was whole")
    undo(shop.desk, moved.out.id, "carried back")
    assert [(one.location, one.quantity) for one in shop.find(Unit) if one.quantity] == [("MAIN", 5 * ONE)]
    counted = later_count(shop, 3)
    undo(shop.desk, counted.units[0].movement.id, "counted badly")
    assert shop.on_hand("SOAP") == 5 * ONE
    assert [found for found in verify(shop.desk) if not found.ok] == []


def test_what_is_owed_is_waived_and_owed_again(make: Make) -> None:
    shop = make()
    switch(shop, on=False)
    shop.stock(SOAP=1)
    ship(shop, "D-1", ("SOAP", 3))
    switch(shop, on=True)
    (problem,) = shop.find(Problem)
    assert waive(shop.desk, problem.id, None, "given away").owed == 0
    assert reopen(shop.desk, problem.id).owed == shop.owed("SOAP") == 2 * ONE
    assert [found for found in verify(shop.desk) if not found.ok] == []


def test_a_count_that_ended_what_was_owed_is_not_taken_back(make: Make) -> None:
    shop = make()
    switch(shop, on=False)
    shop.stock(SOAP=2)
    ship(shop, "D-1", ("SOAP", 5))
    counted = later_count(shop, 1)
    assert shop.owed("SOAP") == 0
    switch(shop, on=True)
    before = book(shop)
    with pytest.raises(Refused, match="would book anew for an order, and in shadow mode nothing is booked"):
        undo(shop.desk, counted.units[0].movement.id, "counted badly")
    assert book(shop) == before
    switch(shop, on=False)
    undo(shop.desk, counted.units[0].movement.id, "counted badly")
    assert shop.owed("SOAP") == 3 * ONE


def test_what_came_back_from_an_order_is_not_taken_back(make: Make) -> None:
    shop = make()
    switch(shop, on=False)
    shop.stock(SOAP=5)
    ship(shop, "D-1", ("SOAP", 3))
    take_back(shop.desk, "D-1", 1, ONE, "came back")
    (back,) = shop.find(Movement, kind=MovementKind.RETURN)
    switch(shop, on=True)
    with pytest.raises(Refused, match=f"undoing movement {back.id} would book anew for an order"):
        undo(shop.desk, back.id, "it never came")
    assert shop.returned("D-1") == {"SOAP": ONE}


def test_what_was_booked_and_owed_before_stays_so_and_settles_afterwards(make: Make) -> None:
    shop = make()
    switch(shop, on=False)
    shop.stock(SOAP=1)
    ship(shop, "D-1", ("SOAP", 3))
    switch(shop, on=True)
    shop.stock(SOAP=5)
    assert (shop.booked("D-1"), shop.owed("SOAP"), shop.on_hand("SOAP")) == ({"SOAP": ONE}, 2 * ONE, 5 * ONE)
    assert shop.problems() == {"insufficient-inventory"}
    switch(shop, on=False)
    shop.stock(SOAP=1)
    assert (shop.booked("D-1"), shop.owed("SOAP"), shop.on_hand("SOAP")) == ({"SOAP": 3 * ONE}, 0, 4 * ONE)


def test_what_would_come_back_is_told(make: Make) -> None:
    shop = make()
    switch(shop, on=False)
    shop.stock(SOAP=5)
    shop.send(envelope(order_ship("D-1", [line("SOAP", 1), line("SOAP", 2)])))
    switch(shop, on=True)
    dated = envelope(order_ship("D-1", [line("SOAP", 1, shipped=SHIPPED), line("SOAP", 2)]))
    assert "would give back 2 of SOAP to unit 1" in str(shop.send(dated)[0].text)
    assert shop.booked("D-1") == {"SOAP": 3 * ONE}


def test_a_text_names_some_units_and_leaves_the_rest_to_a_dry_run(make: Make) -> None:
    shop = make()
    shop.items("SOAP")
    for _ in range(25):
        shop.receive(("SOAP", 1))
    event = ship(shop, "D-1", ("SOAP", 25))
    assert "from unit 20 (" in str(event.text)
    assert "from unit 21 (" not in str(event.text)
    assert str(event.text).endswith("and from 5 more units: `stockhook events dry-run` tells all")


def test_a_dry_run_tells_what_would_be_booked_without_shadow_mode(make: Make) -> None:
    shop = make()
    shop.stock(SOAP=5)
    event = ship(shop, "D-1", ("SOAP", 3))
    found = dry_run_event(shop.desk, {"shop": shop.channel}, event.id)
    assert found.shadow
    assert [movement.quantity for movement in found.orders[0].movements] == [-3 * ONE]


def test_the_book_is_sound_in_shadow_mode_and_what_is_yet_to_be_replayed_is_named_behind_it(make: Make) -> None:
    shop = make()
    switch(shop, on=False)
    shop.stock(SOAP=5)
    ship(shop, "D-0", ("SOAP", 9))
    switch(shop, on=True)
    ship(shop, "D-1", ("SOAP", 3), ("GIFT", 1))
    shop.send(envelope(order_ship("D-2", [line("SOAP", 1), line("SOAP", 2)])))
    assert [found for found in verify(shop.desk) if not found.ok] == []
    switch(shop, on=False)
    assert [found.name for found in verify(shop.desk) if not found.ok] == ["difference"]
    events.replay_matching(shop.desk, EventState.IGNORED)
    shop.work()
    assert [found for found in verify(shop.desk) if not found.ok] == []


def test_what_would_stand_below_zero_is_told_as_what_could_not_be_found(make: Make) -> None:
    shop = make(ShortagePolicy.NEGATIVE)
    shop.stock(SOAP=1)
    before = book(shop)
    event = ship(shop, "D-1", ("SOAP", 3))
    assert event.text == (
        "shadow mode, nothing was booked: would take 1 of SOAP from unit 1 (received 1 Dec 2026); "
        "2 of SOAP could not be found in stock"
    )
    assert book(shop) == before
    switch(shop, on=False)
    ship(shop, "D-2", ("SOAP", 3))
    switch(shop, on=True)
    shop.stock(SOAP=5)
    assert (shop.owed("SOAP"), shop.on_hand("SOAP")) == (2 * ONE, 5 * ONE)
    assert [found for found in verify(shop.desk) if not found.ok] == []


def test_corrections_are_refused(make: Make) -> None:
    shop = make()
    switch(shop, on=False)
    shop.stock(SOAP=5)
    ship(shop, "D-1", ("SOAP", 3))
    switch(shop, on=True)
    before = book(shop)
    with pytest.raises(Refused, match="a correction would book anew for an order, and in shadow mode nothing is"):
        set_quantity(shop.desk, "D-1", 1, 2 * ONE, "one came too little")
    assert book(shop) == before


def test_rebooking_is_refused_before_anything_is_changed(make: Make) -> None:
    shop = make()
    shop.items("SOAP")
    with pytest.raises(Refused, match="--rebook would book anew for an order, and in shadow mode nothing is booked"):
        alias(shop.desk, "PACK", "SOAP", 2 * ONE, rebook=True)
    assert shop.find(Alias) == []
