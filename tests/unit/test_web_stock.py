"""What a stock keeper does on the pages: shown first, then done, then said."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from stockhook.model import Audit, Item, Movement, MovementKind, Unit
from stockhook.operations import locations
from stockhook.operations.stock.adjustments import adjust
from stockhook.operations.stock.holds import hold
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship

DAY = "2026-12-01T12:00:00+00:00"


@pytest.fixture
def short(pages: Pages) -> Pages:
    """A shop in which two of SOAP are owed, and 7 of SALT lie in unit 2."""
    pages.shop.stock(SOAP=1)
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped=DAY)])))
    pages.shop.stock(SALT=7)
    locations.add(pages.shop.desk, "WEST")
    return pages


async def test_a_receipt_is_shown_first_and_books_nothing_yet(read: Any, short: Pages) -> None:
    page = await read("/items/SOAP/receive", {"quantity": "5", "location": "MAIN"})
    assert "Nothing is booked yet" in page
    assert "receipt SOAP a new one MAIN ~ +5 3" in page
    assert "consumption SOAP a new one MAIN ~ -2 3 D-1" in page
    assert "Order D-1 : nothing of SOAP is owed any more" in page
    assert "Problem 1 closes" in page
    assert short.shop.owed("SOAP") == 2 * ONE
    assert short.woken == []


async def test_a_confirmed_receipt_is_booked_settles_and_says_so(read: Any, short: Pages) -> None:
    given = {"quantity": "5", "location": "MAIN", "lot": "L-7", "expires_on": "2027-03-31", "unit_cost": "1.25"}
    page = await read("/items/SOAP/receive", {**given, "reference": "note 4", "confirmed": "yes"})
    assert "Received 5 of SOAP at MAIN as unit 3; 2 of it went at once to orders that were owed goods." in page
    unit = short.shop.find(Unit, id=3)[0]
    assert (unit.lot, str(unit.expires_on), unit.unit_cost, unit.reference) == (
        "L-7",
        "2027-03-31",
        1_250_000,
        "note 4",
    )
    assert short.shop.owed("SOAP") == 0
    assert short.shop.problems() == set()
    assert short.woken == [True]
    assert short.shop.find(Audit, action="stock receive")[0].actor == "web:local"


async def test_what_was_written_is_sent_on_by_the_button_that_confirms(ask: Any, short: Pages) -> None:
    page = (await ask("/items/SOAP/receive", {"quantity": "5", "location": "MAIN", "lot": '"L"'})).body.decode()
    confirm = page[page.index('<form class="buttons"') : page.index('<details class="act"')]
    sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', confirm))
    given = {"quantity": "5", "location": "MAIN", "lot": "&#34;L&#34;", "confirmed": "yes"}
    assert sent == {**given, **{name: sent[name] for name in ("once", "seen", "shown")}}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"quantity": "", "location": "MAIN"}, "give a quantity"),
        ({"quantity": "-1", "location": "MAIN"}, "cannot be received"),
        ({"quantity": "x", "location": "MAIN"}, "is not a number"),
        ({"quantity": "1", "location": "NOWHERE"}, "there is no location 'NOWHERE'; add it on the page of locations"),
        ({"quantity": "1", "location": "MAIN", "expires_on": "soon"}, "is not a day"),
        ({"quantity": "1", "location": "MAIN", "received_at": "soon"}, "is not a moment"),
        ({"quantity": "1", "location": "MAIN", "unit_cost": "-5"}, "the unit cost -5 is below 0"),
        ({"quantity": "1", "location": "MAIN", "lot": "L" * 201}, "is too long"),
    ],
)
async def test_what_cannot_be_received_is_refused_with_the_form_filled(
    ask: Any, short: Pages, given: dict[str, str], why: str
) -> None:
    page = (await ask("/items/SOAP/receive", given)).body.decode()
    assert why in unescape(page)
    for value in filter(None, given.values()):
        assert f'value="{value}"' in page
    assert "Nothing is booked yet" not in page
    assert len(short.shop.find(Unit)) == 2


async def test_a_piece_is_received_with_its_serial_number(ask: Any, read: Any, short: Pages) -> None:
    with short.shop.store.write() as work:
        work.save([Item("LAMP", serial=True)])
    assert 'name="serial"' in (await ask("/items/LAMP")).body.decode()
    assert 'name="serial"' not in (await ask("/items/SOAP")).body.decode()
    given = {"quantity": "1", "location": "MAIN", "serial": "S-1", "confirmed": "yes"}
    assert "Received 1 of LAMP" in await read("/items/LAMP/receive", given)
    assert short.shop.find(Unit, sku="LAMP")[0].serial == "S-1"


async def test_a_count_of_an_item_ends_what_was_owed(read: Any, short: Pages) -> None:
    page = await read("/items/SALT/count", {"quantity": "5", "location": "MAIN"})
    assert "count SALT 2 MAIN ~ -2 5" in page
    page = await read("/items/SALT/count", {"quantity": "5", "location": "MAIN", "confirmed": "yes"})
    assert "Counted 5 of SALT at MAIN, where the book had 7." in page
    assert short.shop.on_hand("SALT") == 5 * ONE


async def test_a_unit_is_adjusted_with_a_reason(read: Any, short: Pages) -> None:
    assert "an adjustment needs a reason" in await read("/units/2/adjust", {"quantity": "-2", "reason": " "})
    assert "adjustment SALT 2 MAIN ~ -2 5" in await read(
        "/units/2/adjust", {"quantity": "\N{MINUS SIGN}2", "reason": "damaged"}
    )
    page = await read("/units/2/adjust", {"quantity": "-2", "reason": "damaged", "confirmed": "yes"})
    assert "-2 SALT: unit 2 holds 5 now." in page
    assert short.shop.find(Movement)[0].reason == "damaged"


async def test_what_is_added_settles_only_if_asked_to(read: Any, short: Pages) -> None:
    given = {"quantity": "+5", "reason": "found", "confirmed": "yes"}
    assert "+5 SOAP: unit 1 holds 5 now. 2 of it is owed to orders." in await read("/units/1/adjust", given)
    assert short.shop.owed("SOAP") == 2 * ONE
    assert "unit 1 holds 8 now." in await read("/units/1/adjust", {**given, "settle": "yes"})
    assert short.shop.owed("SOAP") == 0


async def test_a_unit_is_moved(read: Any, short: Pages) -> None:
    page = await read("/units/2/move", {"quantity": "3", "location": "WEST"})
    assert "transfer-out SALT 2 MAIN ~ -3 4" in page
    assert "transfer-in SALT a new one WEST ~ +3 3" in page
    page = await read("/units/2/move", {"quantity": "3", "location": "WEST", "confirmed": "yes"})
    assert "Moved 3 of SALT to WEST, as unit " in page
    assert "there is no location" in await read("/units/2/move", {"quantity": "3", "location": "EAST"})


async def test_a_unit_is_counted(read: Any, short: Pages) -> None:
    page = await read("/units/2/count", {"quantity": "8", "confirmed": "yes"})
    assert "Counted 8 of unit 2, where the book had 7." in page
    assert short.shop.find(Movement)[0].kind is MovementKind.COUNT


async def test_goods_come_in_with_the_moment_and_the_priority_that_are_said(read: Any, short: Pages) -> None:
    given = {"quantity": "1", "location": "MAIN", "received_at": "2026-11-01 09:30", "priority": "-2"}
    await read("/items/SALT/receive", {**given, "confirmed": "yes"})
    unit = short.shop.find(Unit, sku="SALT")[0]
    assert (unit.received_at, unit.priority) == (datetime(2026, 11, 1, 9, 30, tzinfo=UTC), -2)
    refused = await read("/items/SALT/receive", {**given, "received_at": "2027-06-01 09:30"})
    assert "has not come yet, so nothing has come in then" in refused


@pytest.mark.parametrize("address", ["/items/SALT/count", "/units/2/count"])
async def test_what_was_counted_before_something_was_booked_is_counted_for_then(
    read: Any, short: Pages, address: str
) -> None:
    shop = short.shop
    counted = f"{shop.clock.now():%Y-%m-%d %H:%M}"
    shop.clock.advance(timedelta(hours=2))
    adjust(shop.desk, 2, -3 * ONE, "damaged")
    given = {"quantity": "7", "location": "MAIN", "at": counted}
    assert f"{counted} UTC, where the book had 7." in await read(address, given)
    await read(address, {**given, "confirmed": "yes"})
    assert shop.on_hand("SALT") == 4 * ONE
    assert "give a moment up to now" in await read(address, {**given, "at": "2027-06-01"})


async def test_a_count_is_of_the_moment_when_it_was_shown_not_confirmed(ask: Any, short: Pages) -> None:
    shop = short.shop
    page = (await ask("/items/SALT/count", {"quantity": "6", "location": "MAIN"})).body.decode()
    shop.clock.advance(timedelta(minutes=5))
    adjust(shop.desk, 2, -3 * ONE, "damaged")
    shop.clock.advance(timedelta(minutes=5))
    for _ in range(2):  # it is shown anew, with 3 to be left, before it is done
        confirm = page[page.index('<form class="buttons"') : page.index('<details class="act"')]
        sent = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', confirm)}
        page = (await ask("/items/SALT/count", sent)).body.decode()
    assert "Counted 6 of SALT at MAIN, where the book had 7." in page
    assert shop.on_hand("SALT") == 3 * ONE


async def test_a_unit_is_held_and_released(ask: Any, read: Any, short: Pages) -> None:
    assert "is kept from all orders" in await read("/units/2/hold", {"reason": "laboratory"})
    assert "Unit 2 is held." in await read("/units/2/hold", {"reason": "laboratory", "confirmed": "yes"})
    assert short.shop.find(Unit, id=2)[0].held
    assert 'action="/units/2/release"' in (await ask("/units/2")).body.decode()
    assert "a release needs a reason" in await read("/units/2/release", {"reason": ""})
    assert "Unit 2 is released." in await read("/units/2/release", {"reason": "good", "confirmed": "yes"})
    assert not short.shop.find(Unit, id=2)[0].held


@pytest.mark.parametrize(("verb", "other"), [("hold", "release"), ("release", "hold")])
async def test_what_another_person_has_done_meanwhile_is_not_asked_for_as_its_opposite(
    ask: Any, short: Pages, verb: str, other: str
) -> None:
    if verb == "hold":
        hold(short.shop.desk, "somebody else was quicker", unit_id=2)
    page = (await ask(f"/units/2/{verb}", {"reason": "laboratory"})).body.decode()
    assert "No stock is moved" in page
    assert f'action="/units/2/{verb}"' in page
    assert f"/units/2/{other}" not in page


async def test_a_retired_item_is_not_received(ask: Any, short: Pages) -> None:
    with short.shop.store.write() as work:
        work.save([Item("OLD", retired=True)])
    page = (await ask("/items/OLD")).body.decode()
    assert "/items/OLD/receive" not in page
    assert "/items/OLD/count" in page


async def test_a_problem_of_what_is_owed_is_mended_on_its_row(ask: Any, read: Any, short: Pages) -> None:
    page = (await ask("/problems")).body.decode()
    assert 'action="/items/SOAP/receive"' in page
    given = {"quantity": "2", "location": "MAIN", "back": "problems", "confirmed": "yes"}
    page = await read("/items/SOAP/receive", given)
    assert "Received 2 of SOAP" in page
    assert "No problem is open" in page


@pytest.mark.parametrize("address", ["/units/99/adjust", "/units/99/move", "/units/99/hold", "/items/NONE/receive"])
async def test_what_does_not_exist_is_said(ask: Any, short: Pages, address: str) -> None:
    answer = await ask(address, {"quantity": "1", "location": "MAIN", "reason": "because"})
    assert answer.code in {200, 404}
    assert b"here is no" in answer.body


async def test_an_item_in_several_places_says_how_much_lies_where(ask: Any, read: Any, short: Pages) -> None:
    assert b"On hand by location" not in (await ask("/items/SALT")).body
    await read("/units/2/move", {"quantity": "3", "location": "WEST", "confirmed": "yes"})
    page = await read("/items/SALT")
    assert "On hand by location MAIN 4 WEST 3" in page
