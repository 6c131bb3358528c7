"""Lists: filters, and pages by key."""

import re
from typing import Any

import pytest
from tornado.web import Application

from stockhook.model import DeliveryState, EventState, ProblemState
from stockhook.testing import factories as make
from stockhook.testing.pages import Pages
from stockhook.web.paging import before_id


@pytest.fixture
def app(pages: Pages) -> Application:
    return pages.application()


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
        ("order=d-1", 0),
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


@pytest.mark.parametrize(
    ("written", "number"), [("7", 7), ("", None), ("0", None), ("-1", None), ("x", None), ("²", None)]
)
def test_only_ids_are_gone_on_from(written: str, number: int | None) -> None:
    assert before_id(written) == number
