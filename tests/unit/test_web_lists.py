"""Lists: filters, and pages by key."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from stockhook.model import DeliveryState, Event, EventState, ProblemState
from stockhook.testing import factories as make
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.web import events, paging
from stockhook.web.paging import id_of


@pytest.fixture
def many(pages: Pages) -> Pages:
    """120 events of two channels, 60 of them of order D-1, and 60 deliveries."""
    rows = [
        make.event(
            id=0,
            delivery_id=1,
            order_id=f"D-{n % 2}",
            channel="shop" if n % 3 else "other",
            state=EventState.PARKED if n % 2 else EventState.APPLIED,
            reason="unknown-item" if n % 2 else None,
        )
        for n in range(120)
    ]
    with pages.shop.store.write() as work:
        work.save(rows)
    pages.shop.store.append([make.arrival(channel="shop") for _ in range(60)])
    return pages


async def ids(ask: Any, address: str, kind: str = "events") -> list[int]:
    answer = await ask(address)
    assert answer.code == 200
    return [int(found) for found in re.findall(rf'<a href="/{kind}/(\d+)">', answer.body.decode())]


async def older(ask: Any, path: str, query: str = "") -> str | None:
    answer = await ask(path + query)
    found = re.search(r'href="([^"]*)" rel="next"', answer.body.decode())
    return found[1].replace("&amp;", "&") if found else None


async def test_pages_follow_each_other_without_gap_or_repeat(ask: Any, many: Pages) -> None:
    query, seen = "", []
    while query is not None:
        seen += await ids(ask, f"/events{query}")
        query = await older(ask, "/events", query)
    assert seen == list(range(120, 0, -1))


async def test_what_is_new_meanwhile_does_not_shift_the_older_page(ask: Any, many: Pages) -> None:
    query = await older(ask, "/events")
    with many.shop.store.write() as work:
        work.save([make.event(id=0)])
    assert (await ids(ask, f"/events{query}"))[0] == 70


async def test_filters_stay_on_older_pages(ask: Any, many: Pages) -> None:
    query = await older(ask, "/events", "?state=parked&order=D-1&channel=")
    assert query == "?state=parked&order=D-1&before=22"
    found = await ids(ask, f"/events{query}")
    assert found == list(range(20, 0, -2))
    assert await older(ask, "/events", query) is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=parked", 50),
        ("channel=other", 40),
        ("order=D-1&channel=other", 20),
        ("reason=unknown-item&channel=other", 20),
        ("name=order_create", 0),
        ("state=nonsense", 0),
        ("order=d-1", 50),
        ("before=11", 10),
        ("before=nonsense", 50),
        ("before=99999999999999999999999999", 50),
    ],
)
async def test_events_are_filtered(ask: Any, many: Pages, query: str, expected: int) -> None:
    assert len(await ids(ask, f"/events?{query}")) == expected


async def test_the_chosen_filter_is_shown(ask: Any, many: Pages) -> None:
    page = (await ask("/events?state=parked&order=D-1")).body.decode()
    assert "<option selected>parked</option>" in page
    assert 'name="order" value="D-1"' in page


async def test_deliveries_are_filtered_and_paged(ask: Any, many: Pages) -> None:
    assert len(await ids(ask, "/deliveries", "deliveries")) == 50
    assert await older(ask, "/deliveries", "?state=pending") == "?state=pending&before=11"
    assert await ids(ask, f"/deliveries?state={DeliveryState.WORKED}", "deliveries") == []
    assert await ids(ask, "/deliveries?channel=other", "deliveries") == []


async def test_items_are_searched_by_parts_of_sku_and_name_and_paged_by_sku(ask: Any, pages: Pages) -> None:
    with pages.shop.store.write() as work:
        work.save([make.item(f"SOAP-{n:03}", name="Rose & Thyme" if n == 7 else "") for n in range(70)])

    async def skus(address: str) -> list[str]:
        return re.findall(r'href="/items/([^"?]+)"', (await ask(address)).body.decode())

    assert await skus("/items?q=rose") == ["SOAP-007"]
    assert await skus("/items?q=p-00") == [f"SOAP-{n:03}" for n in range(10)]
    first = await skus("/items")
    more = await older(ask, "/items")
    assert more == "/items?q=&after=SOAP-049"
    assert first + await skus(more) == [f"SOAP-{n:03}" for n in range(70)]
    assert await older(ask, more) is None


async def test_problems_are_filtered_by_state_and_kind_and_paged(ask: Any, pages: Pages) -> None:
    with pages.shop.store.write() as work:
        work.save([make.problem("no-items", f"shop{n}") for n in range(25)])
        work.save([make.problem("linked-order", "D-1", state=ProblemState.ACKNOWLEDGED)])
    assert len(await ids(ask, "/problems", "problems")) == 20
    assert await older(ask, "/problems", "?kind=no-items") == "?kind=no-items&before=6"
    assert await ids(ask, "/problems?state=acknowledged", "problems") == [26]
    assert (await ids(ask, "/problems?state=all", "problems"))[0] == 26
    assert await ids(ask, "/problems?kind=linked-order", "problems") == []


async def test_movements_of_an_item_are_paged_with_the_units_that_are_used_up_still_shown(
    ask: Any, pages: Pages
) -> None:
    pages.shop.items("SOAP")
    for _ in range(51):
        pages.shop.receive(("SOAP", 1))
    assert await older(ask, "/items/SOAP") == "?before=2"
    assert await older(ask, "/items/SOAP", "?empty=yes") == "?empty=yes&before=2"
    assert await older(ask, "/items/SOAP", "?empty=yes&before=2") is None
    assert await ids(ask, "/items/SOAP?before=2", "movements") == [1]


@pytest.mark.parametrize(
    ("written", "number"), [("7", 7), ("", None), ("0", None), ("-1", None), ("x", None), ("²", None)]
)
def test_only_ids_are_gone_on_from(written: str, number: int | None) -> None:
    assert id_of(written) == number


async def test_days_are_those_of_the_receipt(ask: Any, pages: Pages) -> None:
    start = datetime(2026, 12, 1, 12, tzinfo=UTC)
    rows = [make.event(id=0, delivery_id=n + 1, received_at=start + timedelta(hours=8 * n)) for n in range(9)]
    arrivals = [make.arrival(received_at=start + timedelta(hours=8 * n)) for n in range(9)]
    with pages.shop.store.write() as work:
        work.save(rows)
    pages.shop.store.append(arrivals)
    for kind in ("events", "deliveries"):
        assert await ids(ask, f"/{kind}?since=2026-12-02&until=2026-12-02", kind) == [5, 4, 3]
        assert await ids(ask, f"/{kind}?since=2026-12-03", kind) == [9, 8, 7, 6]
        assert await ids(ask, f"/{kind}?until=2026-12-01", kind) == [2, 1]
        assert len(await ids(ask, f"/{kind}?since=&until=9999-12-31", kind)) == 9


async def test_events_of_some_days_are_found_without_looking_through_the_others(
    ask: Any, many: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "WINDOW", 40)
    assert await older(ask, "/events", "?reason=nonsense") is not None
    late = make.START + timedelta(days=2)
    [delivery] = many.shop.store.append([make.arrival(received_at=late)])
    with many.shop.store.write() as work:
        work.save([make.event(id=0, delivery_id=delivery, received_at=late)])
    assert await ids(ask, f"/events?since={late.date()}&channel=shop") == [121]
    assert await older(ask, "/events", f"?since={late.date()}&channel=shop") is None


@pytest.mark.parametrize("address", ["/events?since=", "/events?until=", "/deliveries?until=", "/audit?since="])
async def test_a_day_that_is_none_is_said_and_nothing_listed(ask: Any, many: Pages, address: str) -> None:
    answer = await ask(f"{address}2026-13-01")
    assert answer.code == 400
    assert b"&#39;2026-13-01&#39; is not a day; write it like 2027-03-31. Nothing is listed." in answer.body


async def test_nothing_runs_again_of_a_day_that_is_none(ask: Any, many: Pages) -> None:
    for form in ({}, {"confirmed": "yes"}):
        assert (await ask("/events/replay", {"since": "garbage", **form})).code == 400
    assert many.shop.find(Event, state=EventState.PENDING) == []


async def test_a_filter_without_an_index_looks_through_so_many_and_then_asks(ask: Any, many: Pages) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "WINDOW", 40)
        answer = (await ask("/events?reason=unknown-item&channel=other")).body.decode()
        query, seen = "?reason=unknown-item&channel=other", []
        while query is not None:
            seen += await ids(ask, f"/events{query}")
            query = await older(ask, "/events", query)
        nothing = (await ask("/events?reason=nonsense")).body.decode()
    assert "Look further back" in answer
    assert "No event matches among the newest" in nothing
    assert "Look further back" in nothing
    assert seen == [n for n in range(120, 0, -1) if (n - 1) % 2 and not (n - 1) % 3]


async def test_all_of_a_filter_run_again_once_that_is_confirmed(ask: Any, many: Pages) -> None:
    assert b"Run all of these again" not in (await ask("/events")).body
    assert b"Run all of these again" in (await ask("/events?state=parked&channel=other")).body
    asked = {"state": "parked", "channel": "other"}
    page = (await ask("/events/replay", asked)).body.decode()
    assert "<strong>20 events</strong> would run again" in page
    assert len(many.shop.find(Event, state=EventState.PARKED)) == 60
    answer = await ask("/events/replay", {**asked, "confirmed": "yes"})
    assert b"20 events run again" in answer.body
    assert answer.effective_url.partition("?")[2].startswith("state=parked&channel=other&said=")
    assert len(many.shop.find(Event, state=EventState.PENDING)) == 20
    assert len(many.shop.find(Event, state=EventState.PARKED)) == 40


async def test_nothing_runs_again_without_a_filter(ask: Any, many: Pages) -> None:
    answer = await ask("/events/replay", {"confirmed": "yes"})
    assert answer.code == 400
    assert many.shop.find(Event, state=EventState.PENDING) == []


async def test_only_so_many_run_again_at_a_time(ask: Any, many: Pages) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "AT_ONCE", 10)
        page = (await ask("/events/replay", {"state": "parked"})).body.decode()
        await ask("/events/replay", {"state": "parked", "confirmed": "yes"})
    assert "10 events</strong> would run again, the newest that match" in page
    found = many.shop.find(Event, state=EventState.PENDING)
    assert [event.id for event in found] == list(range(120, 100, -2))


async def test_a_dry_run_says_what_an_event_would_book_now_and_books_nothing(ask: Any, read: Any, pages: Pages) -> None:
    pages.shop.items("SOAP")
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped="2026-12-01T12:00:00+00:00")])))
    shop = pages.shop
    shop.receive(("SOAP", 9))
    shop.send(envelope(order_ship("D-2", [line("soup", 2, shipped="2026-12-01T12:00:00+00:00")])))
    with shop.store.write() as work:
        work.save([make.alias("soup", "SOAP")])
    page = await read("/events/2/dry-run")
    assert "It would end as applied : booked 2 of SOAP" in page
    assert "Movements for order D-2" in page
    assert "May close: unknown-item" in page
    assert shop.booked("D-2") == {}
    assert (await ask("/events/99/dry-run")).code == 404


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    "asked",
    ["", "?state=parked", "?order=D-1&channel=shop", "?reason=unknown-item&since=0001-01-01&until=2099-12-31"],
)
async def test_the_events_of_a_filter_are_downloaded_all_of_them(ask: Any, asked: str) -> None:
    page = (await ask(f"/events{asked}")).body.decode()
    (address,) = re.findall(r'href="(/api/v1/events.csv[^"]*)"', page)
    rows = list(csv.DictReader(io.StringIO((await ask(unescape(address))).body.decode())))
    wanted = {"state=parked": 60, "order=D-1": 40, "reason=unknown-item": 60}
    assert len(rows) == next((count for part, count in wanted.items() if part in asked), 120)


async def test_stock_and_movements_are_downloaded_from_the_list_of_items(ask: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=3)
    page = (await ask("/items")).body.decode()
    for address in re.findall(r'href="(/api/v1/[a-z]+.csv)"', page):
        assert "SOAP" in (await ask(address)).body.decode()
    assert page.count(".csv") == 2
