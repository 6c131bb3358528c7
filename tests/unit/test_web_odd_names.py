"""Order ids, skus and lots are what a store and a person write: each has its page, and forms that work."""

import re
from html import unescape
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from page_text import words
from tornado.web import Application

from stockhook.model import Alias, Booking, Item, OrderKey
from stockhook.operations.orders import find_key
from stockhook.quantity import ONE
from stockhook.testing import factories as make
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship

DAY = "2026-12-01T12:00:00+00:00"

NAMES = [
    "A/B",
    "/A",
    "A//B/",
    "100%",
    "50%2F",
    "why?",
    "#1",
    "two words",
    "a+b",
    "Ümläut",
    "a&b=c;d",
    "back\\slash",
    "..",
    ".",
    "../..",
    "%2E%2E",
    "%252E",
    "%25",
    "receive",
    "lines/1",
]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(pages: Pages, name: str) -> Application:
    pages.shop.items(name, "SALT")
    pages.shop.receive((name, 10), lot=name)
    pages.shop.send(envelope(order_ship(name, [line(name, 3, shipped=DAY)])))
    return pages.application()


@pytest.fixture
def follow(ask: Any) -> Any:
    """Open a page as a browser does, or send a form of it; return the page."""

    async def opened(address: str, form: dict[str, str] | None = None) -> str:
        answer = await ask(as_browsers_ask(address), form)
        assert answer.code == 200, (address, answer.code)
        return str(answer.body.decode())

    return opened


def as_browsers_ask(address: str) -> str:
    """Return an address as a browser asks for it: without what leads up, and with slashes that lean the right way."""
    parts = urlsplit(address)
    kept: list[str] = []
    for part in parts.path.replace("\\", "/").split("/")[1:]:
        plain = part.lower().replace("%2e", ".")
        if plain == "..":
            kept = kept[:-1]
        elif plain != ".":
            kept.append(part)
    return "/" + "/".join(kept) + (f"?{parts.query}" if parts.query else "")


def links(page: str, begins: str) -> list[str]:
    """Return the addresses on a page, of links and forms, that begin so."""
    found = re.findall(r'(?:href|action)="([^"]*)"', page)
    return [unescape(each) for each in found if each.startswith(begins)]


def heading(page: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert found
    return words(found[1])


async def test_an_order_of_any_name_has_a_page_and_its_line_is_corrected(follow: Any, pages: Pages, name: str) -> None:
    (address,) = set(links(await follow("/events"), "/orders/"))
    page = await follow(address)
    assert heading(page) == f"Order {name}"
    (to_line,) = set(links(page, f"{address}/lines/"))
    page = await follow(to_line)
    assert heading(page) == f"Line 1 of order {name}"
    (action,) = links(page, f"{to_line}/quantity")
    form = {"quantity": "2", "reason": "one was left"}
    assert "Nothing is booked yet" in await follow(action, form)
    assert heading(await follow(action, {**form, "confirmed": "yes"})) == f"Line 1 of order {name}"
    with pages.shop.store.read() as view:
        (state,) = view.orders([OrderKey("ultracart:DEMO", name)]).values()
    assert state.lines[0].ruling == -ONE


async def test_an_item_of_any_sku_has_a_page_and_forms_that_lead_back_to_it(
    follow: Any, pages: Pages, name: str
) -> None:
    addresses = links(await follow("/items"), "/items/")
    pages_by_name = {heading(await follow(each)): each for each in addresses if "?" not in each}
    address = pages_by_name[name]
    forms = links(await follow(address), f"{address}/")
    assert {each.rpartition("/")[2] for each in forms} == {"receive", "count", "set", "rename", "retire"}
    goods = {"quantity": "5", "location": "MAIN", "lot": name}
    assert "Nothing is booked yet" in await follow(f"{address}/receive", goods)
    assert heading(await follow(f"{address}/receive", {**goods, "confirmed": "yes"})) == name
    assert pages.shop.on_hand(name) == 12 * ONE
    await follow(f"{address}/set", {"name": "odd", "confirmed": "yes"})
    assert pages.shop.find(Item, sku=name)[0].name == "odd"


async def test_a_lot_of_any_name_is_found_and_held(follow: Any, name: str) -> None:
    (address,) = links(await follow("/units/1"), "/recall")
    assert name in heading(await follow(address))
    form = {"lot": name, "reason": "look at it", "confirmed": "yes"}
    assert "is held" in await follow("/recall/hold", form)
    assert "held" in await follow("/units/1")


async def test_a_code_of_any_name_is_mapped(follow: Any, pages: Pages, name: str) -> None:
    pages.shop.send(envelope(order_ship("D-2", [line(f"{name}!", 3, shipped=DAY)])))
    form = {"sku": "SALT", "factor": "1"}
    assert "1 order waits for it" in await follow("/problems/1/map", form)
    await follow("/problems/1/map", {**form, "confirmed": "yes"})
    assert pages.shop.find(Alias)[0].sku == "SALT"


async def test_the_search_leads_to_it(follow: Any, name: str) -> None:
    page = await follow(f"/search?q={quote(name, safe='')}")
    for begins in ("/orders/", "/items/"):
        assert links(page, begins)
        for address in links(page, begins):
            assert name in heading(await follow(address))


@pytest.mark.parametrize("name", ["D-1"], indirect=True)
@pytest.mark.usefixtures("app")
def test_an_order_is_known_by_account_and_id_wherever_a_slash_stands(pages: Pages) -> None:
    with pages.shop.store.write() as work:
        work.book([Booking(order=make.order("A/B", account="ultracart:ONE/TWO"))])
        assert find_key(work, "ultracart:ONE/TWO/A/B") == OrderKey("ultracart:ONE/TWO", "A/B")
        assert find_key(work, "A/B") == OrderKey("ultracart:ONE/TWO", "A/B")
        assert find_key(work, "ultracart:DEMO/D-1") == OrderKey("ultracart:DEMO", "D-1")
