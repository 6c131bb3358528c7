"""The list of items and the page of one say the same of goods that have shipped and were not there."""

from pathlib import Path
from typing import Any

import pytest

from stockhook.model import Location
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.web import items
from stockhook.web.templates import amount

DAY = "2026-12-01T12:00:00+00:00"


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    return open_pages(tmp_path, '[allocation]\non_shortage = "negative"\n')


async def test_what_is_owed_below_zero_does_not_lessen_what_is_on_hand(read: Any, pages: Pages) -> None:
    shop = pages.shop
    shop.stock(SOAP=3)
    with shop.store.write() as work:
        work.save([Location("BACK", pickable=False)])
    shop.receive(("SOAP", 4), location="BACK")
    shop.send(envelope(order_ship("D-1", [line("SOAP", 5, shipped=DAY)])))
    listed = await read("/items")
    assert "SOAP 4 1 2" in listed
    page = await read("/items/SOAP")
    assert "4 on hand, 2 owed (booked below zero)" in page
    assert "no goods: what is owed, below zero" in page
    assert "On hand by location" not in page, "goods lie in one place alone"
    assert "On hand less what is owed in the last 30 days" in page
    assert "Between 0 and 2; 2 now." in page, "the balance of the ledger"
    shop.receive(("SOAP", 2))
    page = await read("/items/SOAP")
    assert "4 on hand" in page
    assert "below zero" not in page


async def test_a_chart_of_what_is_below_zero_reaches_below_its_axis(ask: Any, pages: Pages) -> None:
    pages.shop.items("SOAP")
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 5, shipped=DAY)])))
    page = (await ask("/items/SOAP")).body.decode()
    below = amount(-5 * ONE)
    assert f"Between {below} and 0; {below} now." in page
    assert f'<text class="tick" x="4" y="130">{below}</text>' in page


async def test_a_list_that_is_cut_says_so(read: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=1)
    pages.shop.receive(("SOAP", 1), lot="L-2")
    whole = await read("/items/SOAP")
    assert "are listed here" not in whole
    for number in (1, 2):
        pages.shop.send(envelope(order_ship(f"D-{number}", [line("SOAP", 5, shipped=DAY)])))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items, "MOST_UNITS", 1)
        cut = await read("/items/SOAP?empty=yes")
    assert "Only 1 of its units are listed here." in cut
    assert "Only the 1 newest are listed here." in cut
