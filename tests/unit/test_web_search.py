"""The one box, and the filters of lists that name orders: what is there is found, and what is left out is said."""

import re
from typing import Any

import pytest
from tornado.web import Application

from stockhook.operations import search as operation
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.web import search

DAY = "2026-12-01T12:00:00+00:00"


@pytest.fixture
def app(pages: Pages) -> Application:
    shop = pages.shop
    shop.items("SOAP")
    shop.receive(("SOAP", 1), lot="Lot-7")
    shop.receive(("SOAP", 9), lot="LOT-8")
    for number in (1, 2, 3):
        shop.send(envelope(order_ship(f"D-{number}", [line("SOAP", 1, shipped=DAY)])))
    shop.send(envelope(order_ship("D-4", [line("Bell", 1, shipped=DAY)])))
    return pages.application()


async def ids(ask: Any, kind: str, query: str) -> list[int]:
    page = (await ask(f"/{kind}?{query}")).body.decode()
    return [int(found) for found in re.findall(rf'<a href="/{kind}/(\d+)">', page)]


async def test_case_does_not_count(read: Any) -> None:
    assert "D-1 of ultracart:DEMO" in await read("/search?q=d-1")
    assert "1 in order D-4 , line 1" in await read("/search?q=Bell")
    assert "1 in order D-3 , line 1" in await read("/search?q=soap")
    page = await read("/search?q=lot-7")
    assert "0 of SOAP at MAIN, lot Lot-7" in page
    assert "Where lot Lot-7 went" in page


async def test_who_has_an_unknown_code_in_hand_finds_its_problem(ask: Any) -> None:
    for code in ("BELL", "bell", "Bell"):
        page = (await ask(f"/search?q={code}")).body.decode()
        assert '<a href="/problems/1">Problem 1</a>: ' in page
        assert "Nothing is known" not in page
    assert "/problems/1" not in (await ask("/search?q=SOAP")).body.decode()


async def test_a_list_that_is_cut_says_so_and_leads_to_all(
    ask: Any, read: Any, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Only" not in await read("/search?q=SOAP")
    monkeypatch.setattr(search, "PAGE", 2)
    page = await read("/search?q=SOAP")
    assert page.count("in order D-") == 2
    assert "Only 2 are listed here; there are more." in page
    assert 'href="/events?code=SOAP"' in (await ask("/search?q=SOAP")).body.decode()
    assert 'href="/events?order=D-1"' not in (await ask("/search?q=D-1")).body.decode()
    for number in (2, 3):
        pages.shop.send(envelope(order_ship("D-1", [line("SOAP", number, shipped=DAY)])))
    assert 'href="/events?order=D-1"' in (await ask("/search?q=D-1")).body.decode()


@pytest.mark.parametrize("kind", ["events", "deliveries"])
async def test_events_and_deliveries_are_found_by_order_code_and_lot(ask: Any, kind: str) -> None:
    assert await ids(ask, kind, "order=d-2") == [2]
    assert await ids(ask, kind, "code=soap") == [3, 2, 1]
    assert await ids(ask, kind, "lot=lot-7") == [1]
    assert await ids(ask, kind, "lot=LOT-8&code=SOAP&channel=shop") == [3, 2]
    assert await ids(ask, kind, "code=SOAP&since=2026-12-01&until=2026-12-01") == [3, 2, 1]
    assert await ids(ask, kind, "code=SOAP&until=2026-11-30") == []
    assert await ids(ask, kind, "code=SOAP&before=3") == [2, 1]
    assert await ids(ask, kind, "lot=L-9") == []


async def test_a_list_says_of_how_many_orders_it_is(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "More than" not in await read("/events?code=SOAP")
    monkeypatch.setattr(operation, "MOST", 2)
    said = "orders have code SOAP and lot LOT-8: only the newest"
    assert said in await read("/events?code=SOAP&lot=LOT-8")
    assert said in await read("/deliveries?code=SOAP&lot=LOT-8")


async def test_what_a_filter_of_a_code_found_runs_again_and_no_more(ask: Any, read: Any) -> None:
    page = (await ask("/events/replay", {"code": "SOAP"})).body.decode()
    assert "<strong>3 events</strong> would run again" in page
    assert 'name="code" value="SOAP"' in page


@pytest.mark.parametrize("kind", ["events", "deliveries"])
async def test_programs_find_the_same(ask: Any, kind: str) -> None:
    for query, found in (("code=soap", 3), ("lot=lot-7", 1), ("order_id=d-2", 1), ("code=none", 0)):
        assert (await ask(f"/api/v1/{kind}?{query}")).body.decode().count('"received_at"') == found
