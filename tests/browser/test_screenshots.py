"""The pictures of the pages in README: made from a shop at work; ``make screenshots`` puts new ones there."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import visiting
from playwright.sync_api import Browser, expect

from stockhook.model import Item, Location
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.payloads import envelope, line, order_ship

pytestmark = pytest.mark.needs("chromium")

KEPT = Path(__file__).parents[2] / "daemon" / "screenshots"

SHOTS = {"overview": "/", "event": "/events/1", "item": "/items/SOAP-A", "problems": "/problems"}

NAMES = {"LAMP-01": "Table lamp, oak", "SOAP-A": "Soap, lavender", "SOAP-B": "Soap, cedar", "CANDLE": "Beeswax candle"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shop that has been at work for ten days, with what a person should look at."""
    pages = open_pages(tmp_path_factory.mktemp("shop"))
    work(pages)
    with visiting.served(pages) as base:
        yield base


def work(pages: Pages) -> None:
    shop = pages.shop
    places = [Location("MAIN"), Location("MAIN/FG"), Location("WEST")]
    goods = [
        ("LAMP-01", 5, "L-0901", None),
        ("LAMP-01", 90, "L-1015", None),
        ("SOAP-A", 120, "SA-31", date(2027, 3, 31)),
        ("SOAP-A", 160, "SA-32", date(2027, 8, 31)),
        ("SOAP-B", 140, "SB-11", date(2027, 6, 30)),
        ("CANDLE", 130, "C-7", None),
    ]
    came = datetime(2026, 11, 2, tzinfo=UTC)
    receive(
        shop.desk,
        [
            Receipt(sku, quantity * ONE, "MAIN/FG", came + timedelta(days=number), lot, expires_on=good_until)
            for number, (sku, quantity, lot, good_until) in enumerate(goods)
        ],
        made=[*places, *(Item(sku, name) for sku, name in NAMES.items())],
    )
    send(pages, 1, [("LAMP-01", 7), ("SOAP-A", 2)])
    skus = list(NAMES)
    for number in range(2, 62):
        shop.clock.advance(timedelta(minutes=37 + number * 53 % 400))
        send(pages, number, [(skus[number % 4], 1 + number % 3), (skus[(number + 1) % 4], 1 + number * 7 % 5)])
    for number in range(62, 70):
        shop.clock.advance(timedelta(minutes=7 + number * 13 % 60))
        send(pages, number, [("SOAP-A", 1 + number % 2)])
    send(pages, 70, [("SOAP-A-12PK", 1)])
    send(pages, 71, [("CANDLE", 60)])


def send(pages: Pages, number: int, lines: list[tuple[str, int]]) -> None:
    shipped = (pages.shop.clock.now() - timedelta(minutes=20)).isoformat()
    written = [line(code, quantity, index=at, shipped=shipped) for at, (code, quantity) in enumerate(lines, start=1)]
    pages.shop.send(envelope(order_ship(f"DEMO-{number:010}", written)))


@pytest.mark.parametrize("name", SHOTS)
def test_the_pages_in_the_readme_look_as_they_do(browser: Browser, served: str, tmp_path: Path, name: str) -> None:
    context = browser.new_context(
        base_url=served, viewport={"width": 1200, "height": 960 if name == "overview" else 820}, color_scheme="light"
    )
    context.set_default_timeout(visiting.PATIENCE)
    page = context.new_page()
    answer = page.goto(SHOTS[name])
    assert answer is not None
    assert answer.ok, "no picture of an error"
    folder = KEPT if os.environ.get("STOCKHOOK_SCREENSHOTS") else tmp_path
    shot = page.screenshot(path=folder / f"{name}.png")
    assert shot.startswith(b"\x89PNG")
    expect(page.locator("h1")).to_be_visible()
    context.close()
    readme = (KEPT.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"daemon/screenshots/{name}.png" in readme
    kept = (KEPT / f"{name}.png").read_bytes()
    assert kept[16:24] == shot[16:24], "another size: make screenshots"
