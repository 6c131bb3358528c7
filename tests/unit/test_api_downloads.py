"""Lists as CSV: the same rows as the JSON lists, safe in a spreadsheet, sent as they are read."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from described import check
from tornado.simple_httpclient import HTTPStreamClosedError
from tornado.web import Application

from stockhook.errors import StoreUnavailable
from stockhook.model import Item
from stockhook.operations.spreadsheet import FORMULA
from stockhook.testing import factories as make
from stockhook.testing.pages import Pages
from stockhook.testing.store_finding import fill
from stockhook.web.api import downloads, events
from stockhook.web.api.route import PREFIX


@pytest.fixture
def app(pages: Pages) -> Application:
    fill(pages.settings.store)
    return pages.application()


@pytest.fixture
def download(ask: Any) -> Any:
    async def asked(address: str) -> list[dict[str, str]]:
        answer = await ask(PREFIX + address)
        assert answer.code == 200
        assert answer.headers["Content-Type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(check("GET", PREFIX + address, answer))))

    return asked


@pytest.mark.parametrize("noun", ["stock", "movements", "events"])
async def test_a_download_holds_all_rows_of_the_list_over_many_pages(
    ask: Any, download: Any, monkeypatch: pytest.MonkeyPatch, noun: str
) -> None:
    monkeypatch.setattr(downloads, "PAGE", 2)
    listed = json.loads((await ask(f"{PREFIX}/{noun}?limit=1000")).body)["rows"]
    written = [
        {
            name: {None: "", True: "yes", False: "no"}.get(value, str(value))
            if not isinstance(value, int) or isinstance(value, bool)
            else str(value)
            for name, value in row.items()
        }
        for row in listed
    ]
    assert await download(f"/{noun}.csv") == written
    assert written


@pytest.mark.parametrize("noun", ["stock", "movements", "events"])
async def test_a_list_comes_as_csv_to_who_accepts_that(ask: Any, noun: str) -> None:
    named = await ask(f"{PREFIX}/{noun}.csv")
    answer = await ask(f"{PREFIX}/{noun}", headers={"Accept": "text/csv"})
    assert answer.body == named.body
    for header in ("Content-Type", "Content-Disposition"):
        assert answer.headers[header] == named.headers[header]
    assert answer.headers["Vary"] == "Accept"
    check("GET", f"{PREFIX}/{noun}", answer)
    filtered = await ask(f"{PREFIX}/{noun}?since=2099-01-01T00:00:00Z", headers={"Accept": "text/csv"})
    assert filtered.code == (400 if noun == "stock" else 200)
    assert (await ask(f"{PREFIX}/{noun}?limit=5", headers={"Accept": "text/csv"})).code == 400


@pytest.mark.parametrize(
    ("accepted", "csv_wanted"),
    [
        ("text/csv", True),
        ("text/csv, */*;q=0.1", True),
        ("application/json;q=0.5, TEXT/CSV;header=present", True),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv, application/json", False),
        ("text/csv;q=0", False),
        ("text/csv;q=much", False),
        ("text/html, */*", False),
        ("", False),
        (";;,,q=1", False),
    ],
)
async def test_csv_is_for_who_asks_for_it_before_json(ask: Any, accepted: str, csv_wanted: bool) -> None:
    answer = await ask(f"{PREFIX}/events?state=failed", headers={"Accept": accepted})
    assert (answer.code, answer.headers["Content-Type"].startswith("text/csv")) == (200, csv_wanted)


async def test_a_download_is_filtered_as_the_list_is(download: Any) -> None:
    assert [row["state"] for row in await download("/events.csv?state=failed")] == ["failed"]
    assert await download("/events.csv?delivery_id=2&since=2026-01-01T00:00:00Z") == []
    assert await download("/stock.csv?as_of=2026-01-01T00:00:00Z") == []
    assert len(await download("/movements.csv?sku=SALT")) == 1


async def test_a_wrong_parameter_is_told_as_problem_details(ask: Any) -> None:
    for address in ("/events.csv?limit=5", "/stock.csv?sku=nothing"):
        answer = await ask(PREFIX + address)
        assert answer.code in (400, 404)
        assert check("GET", PREFIX + address, answer)["detail"]


async def test_no_cell_is_a_formula(download: Any, pages: Pages) -> None:
    hostile = ["=1+1", "+1", "-1", "@SUM(1)", "\tx", "\rx", '=HYPERLINK("https://evil.example")']
    with pages.settings.store.write() as work:
        work.save([make.event(name=text, reason=text, order_id=None, account=text) for text in hostile])
        work.save([Item("=cmd")])
        work.book([make.receipt("=cmd", 1_000_000, lot="-lot", serial="@s")])
    for noun in ("events", "stock", "movements"):
        for row in await download(f"/{noun}.csv"):
            for name, cell in row.items():
                assert not cell.startswith(FORMULA) or name == "quantity", (noun, name, cell)
    assert {row["name"] for row in await download("/events.csv")} >= {f"'{text}" for text in hostile}


async def test_head_does_not_read_the_list(ask: Any) -> None:
    answer = await ask(f"{PREFIX}/events.csv", method="HEAD")
    assert (answer.code, answer.body) == (200, b"")


@pytest.mark.parametrize("error", [StoreUnavailable("the disk is gone"), KeyError("a fault of ours")])
async def test_a_download_that_breaks_off_is_not_taken_for_whole(
    ask: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*_: object) -> Iterator[str]:
        yield "id\r\n"
        raise error

    for route in downloads.routes.all:
        monkeypatch.setattr(downloads, "_pieces", broken)
        with pytest.raises(HTTPStreamClosedError):
            await ask(f"{PREFIX}{route.path}")


def test_what_comes_in_during_a_download_does_not_disturb_it(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAGE", 4)
    fill(pages.settings.store)
    pieces = downloads.download_events(pages.shop.desk, events.EventFilter())
    written = next(pieces)
    with pages.settings.store.write() as work:
        work.save([make.event(order_id=None, account=None)])
    written += "".join(pieces)
    assert [int(row["id"]) for row in csv.DictReader(io.StringIO(written))] == [*range(9, 0, -1)]
