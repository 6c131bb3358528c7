"""Lists and single records of the JSON API, and what it says of requests that are wrong."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from described import check
from tornado.web import Application

from stockhook.errors import StoreUnavailable
from stockhook.model import Event, Movement, MovementKind, Order, Unit
from stockhook.store import FOREVER, Store
from stockhook.testing import factories as make
from stockhook.testing import payloads
from stockhook.testing.pages import GUARDED, READ_TOKEN, Pages, open_pages
from stockhook.testing.store_finding import fill
from stockhook.web import paging
from stockhook.web.api.route import PREFIX

DAY = "2026-11-30T10:00:00-05:00"
LINES = [payloads.line("SOAP", 4, shipped=DAY), payloads.line("UNKNOWN", 1, shipped=DAY)]

LISTS = ("deliveries", "events", "orders", "items", "aliases", "kits", "locations", "stock", "units", "movements",
         "problems", "audit")  # fmt: skip
KEYS = {"stock": "unit_id", "units": "unit_id", "items": "sku", "kits": "sku", "locations": "path", "aliases": "code"}


@pytest.fixture
def app(pages: Pages) -> Application:
    fill(pages.settings.store)
    return pages.application()


@pytest.mark.parametrize("noun", LISTS)
async def test_a_list_and_each_of_its_records_are_as_described(get: Any, noun: str) -> None:
    held = await get(f"/{noun}")
    assert held["rows"], noun
    assert (held["more"], held["next"]) == (False, None)
    if noun == "stock":
        return
    for row in held["rows"]:
        name = quote(str(row[KEYS.get(noun, "id")]), safe="") if noun != "orders" else ""
        path = f"{quote(row['account'], safe='')}/{quote(row['order_id'], safe='')}" if noun == "orders" else name
        one = await get(f"/{noun}/{path}")
        assert {name: one[name] for name in row} == row


@pytest.mark.parametrize("noun", LISTS)
async def test_pages_of_one_row_show_everything_once(get: Any, noun: str) -> None:
    whole = await get(f"/{noun}?limit=1000")
    seen, cursor = [], None
    while True:
        held = await get(f"/{noun}?{urlencode({'limit': 1, **({'cursor': cursor} if cursor else {})})}")
        seen += held["rows"]
        assert held["more"] is (held["next"] is not None)
        if not held["more"]:
            break
        cursor = held["next"]
    assert seen == whole["rows"]


async def test_paging_shows_what_was_there_once_while_new_rows_come_in(get: Any, pages: Pages) -> None:
    before = [row["id"] for row in (await get("/events?limit=1000"))["rows"]]
    seen: list[int] = []
    cursor = None
    while cursor or not seen:
        with pages.settings.store.write() as work:
            work.save([make.event(order_id=None, account=None)])
        held = await get(f"/events?{urlencode({'limit': 2, **({'cursor': cursor} if cursor else {})})}")
        seen += [row["id"] for row in held["rows"]]
        cursor = held["next"]
    assert len(seen) == len(set(seen))
    assert [number for number in seen if number in before] == before


async def test_the_movements_of_an_event_are_those_it_booked(get: Any) -> None:
    booked = [row for row in (await get("/movements?limit=1000"))["rows"] if row["event_id"] is not None]
    one = booked[0]
    own = [row for row in booked if row["event_id"] == one["event_id"]]
    assert (await get(f"/movements?event_id={one['event_id']}"))["rows"] == own
    assert (await get(f"/movements?event_id={one['event_id']}&order_id=another"))["rows"] == []
    assert (await get("/movements?event_id=99"))["rows"] == []


async def test_a_rare_filter_is_looked_through_a_part_at_a_time(get: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "WINDOW", 3)
    whole = (await get("/events?limit=1000"))["rows"]
    asked = "/events?reason=none&name=order_ship"
    for address in (asked, "/events?name=order_ship&until=2030-01-01T00:00:00Z"):
        seen: list[Any] = []
        cursor: str | None = ""
        requests = 0
        while cursor is not None:
            held = await get(f"{address}&limit=2" + (f"&cursor={cursor}" if cursor else ""))
            seen += held["rows"]
            cursor, requests = held["next"], requests + 1
        assert seen == ([] if address == asked else whole)
        assert requests > 2


@pytest.mark.parametrize(
    ("address", "count"),
    [
        ("/events?state=applied", 2),
        ("/events?order_id=C&account=ultracart:DEMO", 1),
        ("/events?order_id=nobody", 0),
        ("/events?since=2026-12-01T09:00:00Z", 9),
        ("/events?until=2026-12-01T09:00:00%2B00:00", 0),
        ("/events?delivery_id=1", 9),
        ("/events?state=", 9),
        ("/deliveries?channel=shop", 2),
        ("/deliveries?state=pending", 3),
        ("/deliveries?state=worked", 0),
        ("/orders?order_id=A", 1),
        ("/movements?kind=consumption&sku=SOAP", 2),
        ("/movements?unit_id=3", 1),
        ("/movements?since=2027-01-01T00:00:00Z", 0),
        ("/units?sku=SALT", 1),
        ("/units?serial=S", 1),
        ("/units?location=MAIN/FG&lot=L1", 2),
        ("/stock?all=true", 3),
        ("/stock?lot=L1", 2),
        ("/stock?lot=none", 0),
        ("/stock?location=MAIN/FG", 2),
        ("/problems?kind=unknown-item&subject=3", 1),
        ("/problems?state=closed", 0),
        ("/problems?all=true", 5),
        ("/aliases?code=X", 1),
        ("/audit?actor=A&action=b&subject=C", 1),
        ("/audit?actor=somebody", 0),
        ("/items?retired=true", 0),
    ],
)
async def test_lists_are_filtered(get: Any, address: str, count: int) -> None:
    assert len((await get(address))["rows"]) == count


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("/events?limit=0", "limit"),
        ("/events?limit=1001", "limit"),
        ("/events?limit=x", "limit"),
        ("/events?limit=1&limit=2", "limit"),
        ("/events?state=new", "state"),
        ("/events?colour=red", "colour"),
        ("/events?order_id=%00", "order_id"),
        ("/events?order_id=%FF", "order_id"),
        ("/events?since=yesterday", "since"),
        ("/events?since=2026-12-01T00:00:00", "since"),
        ("/events?since=0001-01-01T00:00:00%2B14:00", "since"),
        ("/events?cursor=x", "cursor"),
        ("/events?cursor=WyJQcm9ibGVtIiw1XQ", "cursor"),  # ["Problem",5]
        ("/events?cursor=WyJFdmVudCIsIjUiXQ", "cursor"),  # ["Event","5"]
        ("/events?cursor=WyJFdmVudCIsNSw1XQ", "cursor"),  # ["Event",5,5]
        ("/kits?retired=true", "retired"),
        ("/units/0", "unit_id"),
        ("/units/one", "unit_id"),
        ("/units/99999999999999999999", "unit_id"),
        ("/items/%00", "sku"),
    ],
)
async def test_a_parameter_that_is_wrong_is_named(get: Any, address: str, parameter: str) -> None:
    told = await get(address, 400)
    assert told["type"] == "urn:stockhook:error:bad-request"
    assert told["parameter"] == parameter
    assert parameter in told["detail"]


@pytest.mark.parametrize(
    "address",
    ["/units/99", "/items/nothing", "/orders/a/b", "/locations/NO", "/kits/SOAP", "/aliases/y", "/audit/9", "/nothing",
     "/problems/9", "/movements/99", "/events/99", "/deliveries/99", "/stock?sku=nothing", "/stock?location=NO",
     "/aliases/x?account=ultracart:DEMO", "", "/"],
)  # fmt: skip
async def test_what_does_not_exist_is_told_as_problem_details(get: Any, address: str) -> None:
    told = await get(address, 404)
    assert (told["type"], told["status"]) == ("urn:stockhook:error:not-found", 404)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "POST"])
async def test_another_method_is_told_which_there_are(ask: Any, method: str) -> None:
    answer = await ask(f"{PREFIX}/events/1", method=method, allow_nonstandard_methods=True)
    assert (answer.code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert json.loads(answer.body)["type"] == "urn:stockhook:error:method-not-allowed"


async def test_head_answers_without_the_body(ask: Any) -> None:
    answer = await ask(f"{PREFIX}/events", method="HEAD")
    assert (answer.code, answer.headers["Content-Type"], answer.body) == (200, "application/json", b"")


async def test_a_future_moment_is_refused(get: Any) -> None:
    told = await get("/stock?as_of=2090-01-01T00:00:00Z", 422)
    assert told["type"] == "urn:stockhook:error:refused"


async def test_a_day_is_no_moment(get: Any) -> None:
    told = await get("/stock?as_of=2026-01-31", 400)
    assert told["parameter"] == "as_of"


async def test_a_store_that_is_away_is_told_with_when_to_try_again(
    ask: Any, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def away(_store: Store) -> Iterator[None]:
        raise StoreUnavailable("the disk is full")
        yield

    monkeypatch.setattr(type(pages.settings.store), "read", away)
    answer = await ask(f"{PREFIX}/events")
    assert answer.code == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(answer.headers["Retry-After"]) > 0
    told = check("GET", f"{PREFIX}/events", answer)
    assert "the disk is full" in told["detail"]


async def test_an_error_of_ours_is_told_without_its_words(
    ask: Any, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_store: Store) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(type(pages.settings.store), "read", broken)
    answer = await ask(f"{PREFIX}/events")
    assert answer.code == 500
    assert b"secret" not in answer.body
    assert check("GET", f"{PREFIX}/events", answer)["type"] == "urn:stockhook:error:internal"


class TestAWorkedOrder:
    """What a shop has booked, as the API shows it."""

    @pytest.fixture
    def app(self, pages: Pages) -> Application:
        pages.shop.stock(SOAP=10)
        pages.shop.send(payloads.envelope(payloads.order_ship("DEMO-1", LINES)))
        return pages.application()

    async def test_it_comes_with_lines_takes_and_why(self, get: Any) -> None:
        order = await get("/orders/ultracart:DEMO/DEMO-1")
        line = next(line for line in order["lines"] if line["code"] == "SOAP")
        assert (line["consumed"], line["takes"][0]["quantity"], line["owed"]) == ("4", "4", "0")
        assert order["allocations"][0]["trace"]["taken"][0]["why"]
        assert [problem["kind"] for problem in order["problems"]] == ["unknown-item"]
        (event,) = (await get("/events?order_id=DEMO-1"))["rows"]
        shown = await get(f"/events/{event['id']}")
        assert shown["movements"][0]["quantity"] == "-4"

    async def test_stock_is_shown_as_it_was(self, get: Any, pages: Pages) -> None:
        (received,) = pages.shop.find(Movement, kind=MovementKind.RECEIPT)
        moment = received.at.isoformat().replace("+00:00", "Z")
        (then,) = (await get(f"/stock?as_of={moment}"))["rows"]
        (now,) = (await get("/stock"))["rows"]
        assert (then["quantity"], now["quantity"]) == ("10", "6")


class TestWithoutAPassword:
    """Nobody is asked for a token; whoever sends one means it."""

    @pytest.mark.parametrize("sent", ["Bearer", "Bearer gone"])
    async def test_a_token_that_is_not_known_is_told_to_be_left_out(self, get: Any, sent: str) -> None:
        told = await get("/events", 401, headers={"Authorization": sent})
        assert "No password is set, so none is asked for: leave the Authorization header out" in told["detail"]
        assert (await get("/events"))["rows"]


class TestWhoMayAsk:
    """With a password, a token is wanted."""

    @pytest.fixture
    def pages(self, tmp_path: Path) -> Pages:
        return open_pages(tmp_path, GUARDED)

    async def test_nobody_without_a_token(self, get: Any) -> None:
        told = await get("/events", 401)
        assert told["type"] == "urn:stockhook:error:no-token"
        told = await get("/events", 401, headers={"Authorization": "Bearer gone"})
        assert told["detail"].endswith("it may have been replaced")

    async def test_a_token_that_may_read(self, get: Any) -> None:
        held = await get("/events", headers={"Authorization": f"Bearer {READ_TOKEN}"})
        assert held["rows"]


def test_the_filled_store_has_every_kind_of_record(pages: Pages) -> None:
    fill(pages.settings.store)
    with pages.settings.store.read() as view:
        for record in (Event, Order, Movement, Unit):
            assert view.find(record, most=FOREVER)
