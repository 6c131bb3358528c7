"""Tables of many columns, which fold on a phone: each cell then stands below the name of its column."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tornado.web import Application

from stockhook.operations import items
from stockhook.operations.stock.holds import hold
from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.payloads import envelope, line, order_ship

DAY = "2026-12-01T12:00:00+00:00"

PAGES = [
    "/",
    "/events",
    "/events/1",
    "/events/1/dry-run",
    "/deliveries",
    "/orders/ultracart:DEMO/D-1",
    "/items",
    "/items/SALT",
    "/items/CLOCK",
    "/locations",
    "/units/1",
    "/audit",
    "/recall?lot=L1",
    "/plugins",
    "/api",
]

MANY = 5
"""As many columns as no phone shows side by side."""


class Tables(HTMLParser):
    """The tables of a page: whether each folds, the names of its columns, and the names that its cells bear."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[bool, list[str], list[list[str | None]]]] = []
        self._in_head = self._unseen = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table":
            self.found.append(("folds" in (given.get("class") or "").split(), [], []))
        elif tag == "tr":
            self.found[-1][2].append([])
        elif tag == "th" and given.get("scope") != "row":
            self.found[-1][1].append("")
            self._in_head = True
        elif tag == "td":
            self.found[-1][2][-1].append(given.get("data-label"))
        self._unseen = given.get("class") == "unseen"

    def handle_endtag(self, tag: str) -> None:
        self._in_head = self._in_head and tag != "th"

    def handle_data(self, data: str) -> None:
        if self._in_head and not self._unseen:
            self.found[-1][1][-1] += data


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    pages = open_pages(tmp_path)
    shop = pages.shop
    shop.stock(SALT=4)
    shop.items("SOAP")
    items.add(shop.desk, "CLOCK", serial=True)
    shop.receive(("SOAP", 9), lot="L1")
    shop.receive(("CLOCK", 1), serial="S1")
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2, shipped=DAY), line("SALT", 7, shipped=DAY, index=2)])))
    hold(shop.desk, "laboratory", unit_id=1)
    return pages


@pytest.fixture
def app(pages: Pages) -> Application:
    return pages.application()


async def test_every_cell_of_a_table_of_many_columns_bears_the_name_of_its_column(ask: Any) -> None:
    folded = set()
    for address in PAGES:
        answer = await ask(address)
        assert answer.code == 200, address
        for folds, names, rows in Tables(answer.body.decode()).found:
            assert folds == (len(names) >= MANY), (address, names)
            cells = [row for row in rows if row]
            assert not folds or cells == [names] * len(cells), (address, names, cells)
            folded |= {(address, *names)} if folds and cells else set()
    assert len(folded) >= 13, "some pages show none of their rows"


async def test_the_page_that_confirms_names_its_cells_too(ask: Any) -> None:
    form = {"quantity": "3", "location": "MAIN"}
    answer = await ask("/items/SALT/receive", form)
    [(folds, names, rows)] = Tables(answer.body.decode()).found
    assert folds
    assert {"Quantity", "Left in the end"} <= set(names)
    assert next(row for row in rows if row) == names


def test_the_sheet_of_styles_shows_those_names_where_there_is_little_room() -> None:
    sheet = (Path(__file__).parents[2] / "daemon/stockhook/web/static/stockhook.css").read_text()
    assert re.search(r"@media \(max-width: \w+\) \{[^@]*\.folds td::before \{ content: attr\(data-label\)", sheet)
