"""What a person confirms is what was shown, and it is done once, however often it is sent."""

import asyncio
import re
import threading
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from stockhook.model import Movement, Shortage, Unit
from stockhook.operations import locations
from stockhook.operations.rehearsal import rehearse
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.counts import count
from stockhook.operations.stock.tallies import Tally
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.web import action

DAY = "2026-12-01T12:00:00+00:00"
CHANGED = "Something has changed since you looked, so nothing was done."
TWICE = "(It was sent twice, and done once.)"


@pytest.fixture
def shop(pages: Pages) -> Any:
    """A shop in which 7 of SALT lie in unit 1, and two of SOAP are owed to D-1, which got one from unit 2."""
    pages.shop.stock(SALT=7)
    pages.shop.stock(SOAP=1)
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped=DAY)])))
    locations.add(pages.shop.desk, "WEST")
    return pages.shop


@pytest.fixture
def shown(ask: Any) -> Any:
    """Send a form and return what the button that confirms sends on."""

    async def fields(address: str, form: dict[str, str]) -> dict[str, str]:
        return sent(await ask(address, form))

    return fields


def sent(answer: Any) -> dict[str, str]:
    page = answer.body.decode()
    confirm = page[page.index('<form class="buttons"') : page.index('<details class="act"')]
    return {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', confirm)}


def said(answer: Any) -> str:
    found = re.search(r'role="(?:status|alert)">(.*?)</p>', answer.body.decode())
    return unescape(found[1]) if found else ""


def booked(shop: Any) -> list[Any]:
    return [shop.find(record) for record in (Movement, Unit, Shortage)]


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/items/SOAP/receive", {"quantity": "1", "location": "MAIN"}),
        ("/items/SALT/count", {"quantity": "5", "location": "MAIN"}),
        ("/units/1/adjust", {"quantity": "-2", "reason": "damaged"}),
        ("/units/1/move", {"quantity": "2", "location": "WEST"}),
        ("/orders/ultracart:DEMO/D-1/lines/1/returned", {"quantity": "0.5", "reason": "broken"}),
        ("/problems/1/waive", {"quantity": "0.5", "reason": "gone"}),
    ],
)
async def test_what_is_confirmed_twice_is_done_once(
    ask: Any, shown: Any, shop: Any, address: str, form: dict[str, str]
) -> None:
    confirmation = await shown(address, form)
    before = booked(shop)
    first = said(await ask(address, confirmation))
    after = booked(shop)
    assert after != before
    assert said(await ask(address, confirmation)) == f"{first} {TWICE}"
    assert booked(shop) == after


async def test_two_clicks_at_once_book_once_and_both_are_told(ask: Any, shown: Any, shop: Any) -> None:
    confirmation = await shown("/units/1/adjust", {"quantity": "-2", "reason": "damaged"})
    answers = await asyncio.gather(*(ask("/units/1/adjust", confirmation) for _ in range(3)))
    words = {said(answer).removesuffix(TWICE).strip() for answer in answers}
    assert words == {"-2 SALT: unit 1 holds 5 now."}
    assert shop.find(Unit, id=1)[0].quantity == 5 * ONE


async def test_of_two_clicks_that_look_before_either_acts_both_say_what_was_done(
    ask: Any, shown: Any, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmation = await shown("/units/1/adjust", {"quantity": "-7", "reason": "lost"})
    both = threading.Barrier(2, timeout=30)

    def look(*args: Any) -> Any:
        found = rehearse(*args)
        both.wait()
        return found

    monkeypatch.setattr(action, "rehearse", look)
    answers = await asyncio.gather(*(ask("/units/1/adjust", confirmation) for _ in range(2)))
    words = "-7 SALT: unit 1 holds 0 now."
    assert sorted(said(answer) for answer in answers) == [words, f"{words} {TWICE}"]


async def test_the_same_goods_may_come_in_twice(ask: Any, shown: Any, shop: Any) -> None:
    form = {"quantity": "5", "location": "MAIN"}
    for _ in range(2):
        words = said(await ask("/items/SALT/receive", await shown("/items/SALT/receive", form)))
        assert re.fullmatch(r"Received 5 of SALT at MAIN as unit \d+\.", words)
    assert [unit.quantity for unit in shop.find(Unit, sku="SALT")] == [5 * ONE, 5 * ONE, 7 * ONE]


async def test_what_has_changed_since_it_was_shown_is_shown_again(ask: Any, shown: Any, shop: Any) -> None:
    confirmation = await shown("/units/1/adjust", {"quantity": "-3", "reason": "lost"})
    count(shop.desk, [Tally(5 * ONE, unit_id=1)])
    before = booked(shop)
    answer = await ask("/units/1/adjust", confirmation)
    assert CHANGED in answer.body.decode()
    assert booked(shop) == before
    assert 'class="number">2</td>' in answer.body.decode()
    assert said(await ask("/units/1/adjust", sent(answer))) == "-3 SALT: unit 1 holds 2 now."


async def test_what_changes_between_the_look_and_the_deed_is_shown_again(
    ask: Any, shown: Any, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmation = await shown("/units/1/adjust", {"quantity": "-3", "reason": "lost"})

    def look(*args: Any) -> Any:
        monkeypatch.undo()
        found = rehearse(*args)
        count(shop.desk, [Tally(5 * ONE, unit_id=1)])
        return found

    monkeypatch.setattr(action, "rehearse", look)
    answer = await ask("/units/1/adjust", confirmation)
    assert CHANGED in answer.body.decode()
    assert shop.find(Unit, id=1)[0].quantity == 5 * ONE
    assert said(await ask("/units/1/adjust", sent(answer))) == "-3 SALT: unit 1 holds 2 now."


async def test_who_leaves_an_item_unadded_is_led_to_no_page_of_it(ask: Any, shown: Any, shop: Any) -> None:
    confirmation = await shown("/items", {"sku": "LAMP"})
    shop.send(envelope(order_ship("D-2", [line("LAMP", 1, shipped=DAY)])))
    answer = await ask("/items", confirmation)
    assert CHANGED in answer.body.decode()
    assert '<a href="/items">Leave everything as it is</a>' in answer.body.decode()
    assert (await ask("/items", sent(answer))).effective_url.partition("?")[0].endswith("/items/LAMP")


async def test_a_receipt_that_would_settle_something_else_is_shown_again(ask: Any, shown: Any, shop: Any) -> None:
    confirmation = await shown("/items/SOAP/receive", {"quantity": "5", "location": "MAIN"})
    shop.send(envelope(order_ship("D-2", [line("SOAP", 1, shipped=DAY)])))
    answer = await ask("/items/SOAP/receive", confirmation)
    assert CHANGED in answer.body.decode()
    assert shop.owed("SOAP") == 3 * ONE


async def test_what_cannot_be_done_any_more_is_refused_with_the_form_filled(ask: Any, shown: Any, shop: Any) -> None:
    confirmation = await shown("/units/1/move", {"quantity": "6", "location": "WEST"})
    adjust(shop.desk, 1, -3 * ONE, "lost")
    page = (await ask("/units/1/move", confirmation)).body.decode()
    assert CHANGED in page
    assert "unit 1 holds 4 of SALT: 6 cannot be moved" in page
    assert 'name="quantity" value="6"' in page


async def test_the_word_of_one_confirmation_does_nothing_else(ask: Any, shown: Any, shop: Any) -> None:
    confirmation = await shown("/units/1/adjust", {"quantity": "-3", "reason": "lost"})
    await ask("/units/1/adjust", confirmation)
    before = booked(shop)
    other = await shown("/units/1/adjust", {"quantity": "-1", "reason": "lost"})
    assert "confirm something else" in said(await ask("/units/1/adjust", {**other, "once": confirmation["once"]}))
    assert booked(shop) == before
    assert (await ask("/units/1/adjust", {**other, "once": "no word of ours"})).code == 400


async def test_the_heading_has_the_focus_and_no_button_that_books(ask: Any, shop: Any) -> None:
    for address, form in (
        ("/units/1/adjust", {"quantity": "-3", "reason": "lost"}),
        ("/events/1/replay", {}),
        ("/events/replay", {"state": "short"}),
    ):
        page = (await ask(address, form)).body.decode()
        assert 'name="confirmed"' in page
        assert re.findall(r"<(\w+)[^>]* autofocus", page) == ["h1"]


DETAILS = {
    "lot": "L-7",
    "expires_on": "2020-01-01",
    "received_at": "2019-01-01",
    "unit_cost": "9999",
    "priority": "3",
    "reference": "note 4",
}


async def test_all_that_is_written_down_of_new_goods_is_shown(ask: Any, read: Any, shop: Any) -> None:
    page = await read("/items/SALT/receive", {"quantity": "5", "location": "MAIN", **DETAILS})
    assert (
        "A new unit of SALT , received 2019-01-01 00:00 , "
        "last good day 2020-01-01 (past: no order that ships now takes of it) , "
        "unit cost 9999, priority 3, reference note 4"
    ) in page
    today = shop.clock.now().date().isoformat()
    page = await read("/items/SALT/receive", {"quantity": "5", "location": "MAIN", "expires_on": today})
    assert f"A new unit of SALT , last good day {today}" in page
    assert "(past" not in page
    assert "A new unit of" not in await read("/items/SALT/receive", {"quantity": "5", "location": "MAIN"})
    assert "Reason: fell down" in await read("/units/1/adjust", {"quantity": "-1", "reason": "fell down"})
    assert "Reason: smells" in await read("/units/1/hold", {"reason": "smells"})


@pytest.mark.parametrize("name", DETAILS)
async def test_new_goods_are_booked_only_as_they_were_shown(ask: Any, shown: Any, shop: Any, name: str) -> None:
    other = {"expires_on": "2020-01-02", "received_at": "2019-01-02"}.get(name, "8")
    confirmation = await shown("/items/SALT/receive", {"quantity": "5", "location": "MAIN", **DETAILS})
    before = booked(shop)
    answer = await ask("/items/SALT/receive", {**confirmation, name: other})
    assert CHANGED in answer.body.decode()
    assert booked(shop) == before
    assert said(await ask("/items/SALT/receive", sent(answer))).startswith("Received 5 of SALT")


async def test_goods_found_by_a_count_are_booked_as_shown_however_late_that_is_confirmed(
    ask: Any, shown: Any, shop: Any
) -> None:
    confirmation = await shown("/items/SOAP/count", {"quantity": "4", "location": "WEST"})
    shop.clock.advance(timedelta(minutes=5))
    assert said(await ask("/items/SOAP/count", confirmation)).startswith("Counted 4 of SOAP at WEST")
    confirmation = await shown("/items/SALT/receive", {"quantity": "5", "location": "MAIN"})
    shop.clock.advance(timedelta(minutes=5))
    assert said(await ask("/items/SALT/receive", confirmation)).startswith("Received 5 of SALT")
