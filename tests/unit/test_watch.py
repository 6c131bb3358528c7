"""What a person hears of that no single event tells, on the store in memory and a clock that stands still."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from failing_store import FailingStore

from stockhook.errors import StoreUnavailable
from stockhook.model import Item, Location, Notice, Order, Problem, ProblemState
from stockhook.operations.due import make_due
from stockhook.operations.stock.holds import hold
from stockhook.outbox import Subscription
from stockhook.quantity import ONE
from stockhook.refusals import FEW, MANY, Refusals
from stockhook.store import Footprint
from stockhook.testing.clock import START
from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.watch import OLD, Watch

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BODY = envelope(order_ship("D-1", [line("SOAP", 1)]))


@dataclass
class Scene:
    pages: Pages
    watch: Watch
    refusals: Refusals

    def open(self) -> dict[tuple[str, str], Problem]:
        return {(p.kind, p.subject): p for p in self.pages.shop.find(Problem, state=ProblemState.OPEN)}

    def look(self, after: timedelta = timedelta(0)) -> set[tuple[str, str]]:
        self.pages.shop.clock.advance(after)
        self.watch.look()
        return set(self.open())

    def told(self, kind: str) -> list[tuple[str, str]]:
        """Return what was told of a kind, oldest first, and to whom."""
        return [(notice.about, notice.notifier) for notice in reversed(self.pages.shop.find(Notice, kind=kind))]


@pytest.fixture
def scene(tmp_path: Path) -> Callable[..., Scene]:
    def make(more: str = "", *, told: tuple[str, ...] = ("office",), **changed: Any) -> Scene:
        pages = open_pages(tmp_path, more)
        desk = replace(pages.shop.desk, subscriptions={name: Subscription() for name in told})
        refusals = Refusals()
        return Scene(pages, Watch(desk, replace(pages.settings, **changed), refusals), refusals)

    return make


SILENCE = '[channels.shop.silence]\nafter = "6h"\n'
SILENT = {("channel-silent", "shop")}


def test_a_channel_that_sends_nothing_for_too_long_is_told_once_and_until_it_sends(scene: Callable[..., Scene]) -> None:
    house = scene(SILENCE)
    house.pages.shop.deliver(BODY)
    house.pages.shop.work()
    begun = house.open().keys()
    assert house.look(5 * HOUR) == begun
    assert house.look(HOUR) == begun | SILENT
    assert house.look(9 * HOUR) == begun | SILENT
    assert house.open()["channel-silent", "shop"].count == 1
    assert f"since {START + timedelta(minutes=1):%Y-%m-%d %H:%M} UTC" in house.open()["channel-silent", "shop"].text
    house.pages.shop.deliver(BODY)
    assert house.look() == begun
    assert house.told("channel-silent") == [("opened", "office"), ("closed", "office")]


def test_a_channel_that_never_sent_is_silent_from_the_start_of_the_daemon(scene: Callable[..., Scene]) -> None:
    house = scene(SILENCE)
    assert house.look(5 * HOUR) == set()
    assert house.look(HOUR) == SILENT
    again = Watch(house.watch._desk, house.watch._settings, Refusals())
    again.look()  # a restart makes nobody less silent
    assert set(house.open()) == SILENT


def test_silence_counts_the_hours_of_the_channels_own_zone_and_is_not_told_at_night(
    scene: Callable[..., Scene],
) -> None:
    house = scene(SILENCE + 'hours = "Mon-Fri 08:00-18:00"\n')
    shop = house.pages.shop
    local = (START + timedelta(minutes=1)).astimezone(shop.rules.time_zone)
    friday = local.replace(hour=16, minute=0) + timedelta(days=(4 - local.weekday()) % 7 + 7)
    shop.clock.advance(friday - local)
    shop.deliver(BODY, after=timedelta(minutes=1))
    shop.work()
    begun = house.open().keys()
    assert house.look(24 * HOUR) == begun  # Saturday
    assert house.look(43 * HOUR) == begun  # Monday, 11:01: five hours
    assert house.look(HOUR) == begun | SILENT
    assert house.look(12 * HOUR) == begun | SILENT  # what has been told stays told at night


def test_without_the_option_nobody_hears_of_silence(scene: Callable[..., Scene]) -> None:
    assert scene().look(timedelta(days=400)) == set()


def test_an_acknowledged_problem_stays_quiet_until_its_cause_has_gone_and_come_again(
    scene: Callable[..., Scene],
) -> None:
    house = scene(SILENCE)
    house.look(7 * HOUR)
    with house.pages.shop.store.write() as work:
        work.save([replace(house.open()["channel-silent", "shop"], state=ProblemState.ACKNOWLEDGED)])
    assert house.look(HOUR) == set()
    house.pages.shop.deliver(BODY)
    house.pages.shop.work()
    begun = house.open().keys()
    assert house.look() == begun
    assert house.look(7 * HOUR) == begun | SILENT
    assert house.told("channel-silent") == [("opened", "office")] * 2


def test_refusals_are_told_counted_and_over_with_the_next_accepted_delivery(scene: Callable[..., Scene]) -> None:
    house = scene()
    for _ in range(FEW):
        house.refusals.refused("shop", 0, right_path=True)
    assert house.look() == {("refused-deliveries", "shop")}
    assert "5 requests to shop were refused with its own path" in house.open()["refused-deliveries", "shop"].text
    for _ in range(MANY):
        house.refusals.refused("shop", 0, right_path=False)
    house.look(HOUR)
    assert house.open()["refused-deliveries", "shop"].count == 2
    assert house.look(HOUR) == {("refused-deliveries", "shop")}
    house.pages.shop.deliver(BODY)
    assert house.look() == set()
    assert house.told("refused-deliveries")[0] == ("opened", "office")
    assert house.told("refused-deliveries")[-1] == ("closed", "office")


def test_a_delivery_whose_turn_was_long_ago_is_told_and_one_that_waits_for_its_next_try_is_not(
    scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = scene()
    house.pages.shop.deliver(BODY)
    assert house.look(OLD - timedelta(seconds=1)) == set()
    assert house.look(timedelta(seconds=1)) == {("backlog-old", "daemon")}
    house.pages.shop.work()
    assert ("backlog-old", "daemon") not in house.look()

    def broken(*_: object) -> Any:
        raise ValueError("of another kind")

    monkeypatch.setattr(house.pages.shop.channel, "read", broken)
    for _ in range(4):
        house.pages.shop.deliver(envelope(order_ship("D-2", [line("SOAP", 1)])))
        house.pages.shop.work()
        assert ("backlog-old", "daemon") not in house.look()


def test_an_order_whose_turn_was_long_ago_is_told_until_it_is_worked(scene: Callable[..., Scene]) -> None:
    house = scene()
    shop = house.pages.shop
    shop.stock(SOAP=1)
    shop.send(BODY)
    with shop.store.write() as work:
        make_due(shop.desk, work, {order.key for order in shop.find(Order)})
    assert house.look(OLD - timedelta(seconds=1)) == set()
    assert house.look(timedelta(seconds=1)) == {("backlog-old", "daemon")}
    assert "order ultracart:DEMO/D-1 " in house.open()["backlog-old", "daemon"].text
    shop.work()
    assert house.look() == set()


def test_low_stock_is_told_at_its_mark_and_over_above_it(scene: Callable[..., Scene]) -> None:
    house = scene()
    shop = house.pages.shop
    shop.stock(SOAP=10, CLOCK=1)
    with shop.store.write() as work:
        work.save(
            [Item("SOAP", reorder_at=4 * ONE), Item("NONE", reorder_at=0), Location("MAIN/RETURNS", pickable=False)]
        )
    none = ("low-stock", "NONE")
    assert house.look() == {none}  # there is nothing of it
    shop.send(envelope(order_ship("D-1", [line("SOAP", 6)])))
    assert house.look() == {none, ("low-stock", "SOAP")}
    assert house.open()["low-stock", "SOAP"].text == "4 of SOAP left that orders may take; it is to be reordered at 4"
    shop.receive(("SOAP", 5), location="MAIN/RETURNS")
    assert house.look() == {none, ("low-stock", "SOAP")}  # nothing is picked from there
    shop.send(envelope(order_ship("D-2", [line("SOAP", 1)])))
    house.look()
    assert house.open()["low-stock", "SOAP"].text.startswith("3 of SOAP left")
    shop.receive(("SOAP", 2))
    assert house.look() == {none}
    with shop.store.write() as work:
        work.save([Item("NONE")])
    assert house.look() == set()
    assert (
        house.told("low-stock").count(("opened", "office")) == house.told("low-stock").count(("closed", "office")) == 2
    )


def test_held_goods_are_none_that_orders_may_take(scene: Callable[..., Scene]) -> None:
    house = scene()
    shop = house.pages.shop
    shop.stock(SOAP=10)
    with shop.store.write() as work:
        work.save([Item("SOAP", reorder_at=4 * ONE)])
    assert house.look() == set()
    hold(shop.desk, "to be looked at", unit_id=1)
    assert house.look() == {("low-stock", "SOAP")}


IN_FG = '[allocation]\nlocations = ["MAIN/FG"]\n'
RULE = '[[allocation.rules]]\nitem = "SO*"\nlocations = ["BULK"]\n'
CENTERS = "[channels.shop.distribution_centers]\n"


@pytest.mark.parametrize(
    ("config", "left"),
    [
        ("", 8),
        (IN_FG, 5),
        (IN_FG + RULE, 3),
        (IN_FG + RULE.replace("SO*", "SALT*"), 5),
        (IN_FG + RULE + 'channel = "shop"\n', 3),
        (IN_FG + RULE + 'distribution_center = "WEST"\n', 8),
        (IN_FG + RULE + 'distribution_center = "WEST"\n' + CENTERS + 'West = "ignore"\n', 5),
        (IN_FG + CENTERS + 'WEST = ["BULK/WH"]\n', 8),
    ],
)
def test_only_goods_where_an_order_may_take_them_are_left(scene: Callable[..., Scene], config: str, left: int) -> None:
    house = scene(config)
    shop = house.pages.shop
    with shop.store.write() as work:
        work.save([Item("SOAP", reorder_at=9 * ONE), *map(Location, ("MAIN/FG/A1", "MAIN/FG2", "BULK/WH", "SHOW"))])
    shop.receive(("SOAP", 5), location="MAIN/FG/A1")
    shop.receive(("SOAP", 3), location="BULK/WH")
    assert house.look() == {("low-stock", "SOAP")}
    assert house.open()["low-stock", "SOAP"].text.startswith(f"{left} of SOAP left that orders may take")


def test_what_lies_where_no_order_takes_it_does_not_keep_low_stock_from_being_told(scene: Callable[..., Scene]) -> None:
    house = scene(IN_FG)
    shop = house.pages.shop
    with shop.store.write() as work:
        work.save([Item("SOAP", reorder_at=4 * ONE), Location("MAIN/FG"), Location("MAIN/FG2")])
    shop.receive(("SOAP", 100), location="MAIN/FG2")
    shop.receive(("SOAP", 7), location="MAIN/FG")
    assert house.look() == set()
    shop.send(envelope(order_ship("D-1", [line("SOAP", 3)])))
    assert house.look() == {("low-stock", "SOAP")}


def test_goods_that_could_not_ship_today_for_their_age_are_none_that_orders_may_take(
    scene: Callable[..., Scene],
) -> None:
    house = scene()
    shop = house.pages.shop
    today = shop.clock.now().astimezone(shop.rules.time_zone).date()
    shop.stock(SOAP=3)
    shop.receive(("SOAP", 10), expires_on=today - DAY)
    shop.receive(("SOAP", 2), expires_on=today)
    with shop.store.write() as work:
        work.save([Item("SOAP", reorder_at=4 * ONE)])
    assert house.look() == set()
    with shop.store.write() as work:
        work.save([Item("SOAP", reorder_at=4 * ONE, min_shelf_life_days=1)])
    assert house.look() == {("low-stock", "SOAP")}
    assert house.open()["low-stock", "SOAP"].text.startswith("3 of SOAP left")


def test_a_low_disk_is_told_while_it_lasts(scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch) -> None:
    house = scene('[limits]\ndisk_free = "100 MiB"\n')
    room = [100 * 2**20 - 1]
    store = type(house.pages.shop.store)
    monkeypatch.setattr(store, "footprint", lambda _: Footprint(1, 1, room[0]), raising=False)
    assert house.look() == {("disk-low", "daemon")}
    assert "100 MiB" in house.open()["disk-low", "daemon"].text
    room[0] += 1
    assert house.look() == set()
    assert house.told("disk-low") == [("opened", "office"), ("closed", "office")]


def test_a_failing_notifier_is_told_by_the_others_and_over_when_it_works(scene: Callable[..., Scene]) -> None:
    house = scene(told=("office", "phone"))
    house.watch.notifier("office", None)
    assert house.open() == {}
    house.watch.notifier("office", "ConnectionRefusedError: no")
    assert set(house.open()) == {("notifier-failing", "office")}
    house.watch.notifier("phone", None)
    house.look()
    assert set(house.open()) == {("notifier-failing", "office")}
    house.watch.notifier("office", None)
    assert house.open() == {}
    assert house.told("notifier-failing") == [("opened", "phone"), ("closed", "phone")]


def test_refusals_that_a_person_has_acknowledged_are_not_told_again_before_a_delivery_is_accepted(
    scene: Callable[..., Scene],
) -> None:
    house = scene()

    def refuse() -> bool:
        for _ in range(FEW):
            house.refusals.refused("shop", 0, right_path=True)
        return ("refused-deliveries", "shop") in house.look(HOUR)

    assert refuse()
    with house.pages.shop.store.write() as work:
        work.save([replace(house.open()["refused-deliveries", "shop"], state=ProblemState.ACKNOWLEDGED)])
    assert not refuse()
    assert not refuse()
    assert len(house.told("refused-deliveries")) == 1
    house.pages.shop.deliver(BODY)
    house.look()
    assert refuse()


def test_refusals_that_could_not_be_told_because_the_store_was_away_are_told_once_it_is_back(
    scene: Callable[..., Scene],
) -> None:
    house = scene()
    store = FailingStore(house.pages.shop.store)
    watch = Watch(replace(house.watch._desk, store=store), house.pages.settings, house.refusals)  # type: ignore[arg-type]
    for _ in range(FEW):
        house.refusals.refused("shop", 0, right_path=True)
    store.fails = "before"
    with pytest.raises(StoreUnavailable):
        watch.look()
    assert house.open() == {}
    assert watch.look() is True
    assert house.open()["refused-deliveries", "shop"].count == 1
    assert watch.look() is False


def test_one_that_is_alone_is_told_by_nobody_but_stands_among_the_problems(scene: Callable[..., Scene]) -> None:
    house = scene()
    house.watch.notifier("office", "ConnectionRefusedError: no")
    assert (set(house.open()), house.told("notifier-failing")) == ({("notifier-failing", "office")}, [])


def test_what_config_no_longer_names_is_over(scene: Callable[..., Scene]) -> None:
    house = scene(SILENCE, told=("office", "phone"), notifiers={}, channels={})
    house.watch.notifier("office", "ConnectionRefusedError: no")
    for _ in range(FEW):
        house.refusals.refused("shop", 0, right_path=True)
    assert house.look() == set()


def test_only_the_daemon_that_leads_looks_and_each_tells_what_it_refused_itself(
    scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = scene(SILENCE)
    monkeypatch.setattr(type(house.pages.shop.store), "leads", lambda _, job: job != "watch")
    for _ in range(FEW):
        house.refusals.refused("shop", 0, right_path=True)
    assert house.look(7 * HOUR) == {("refused-deliveries", "shop")}


def test_nothing_is_written_while_nothing_changes(scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch) -> None:
    house = scene(SILENCE)
    assert house.watch.look() is False
    house.pages.shop.clock.advance(7 * HOUR)
    assert house.watch.look() is True
    monkeypatch.delattr(type(house.pages.shop.store), "write")
    house.pages.shop.clock.advance(HOUR)
    assert house.watch.look() is False
