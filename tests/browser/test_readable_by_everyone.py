"""Every page can be read by everyone: axe finds nothing, in the light, in the dark and on a phone."""

from collections.abc import Iterator
from typing import Any

import pytest
import visiting
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from visiting import DAY, Visit

from stockhook.operations.stock.holds import hold
from stockhook.testing.pages import open_pages
from stockhook.testing.payloads import envelope, kit, line, order_ship

pytestmark = pytest.mark.needs("chromium")

ORDER = "/orders/ultracart:DEMO/D-1"

TEMPLATES = [
    "/",
    "/problems",
    "/problems/1",
    "/events?state=parked",
    "/events/2",
    "/events/2/dry-run",
    "/deliveries",
    "/deliveries/1",
    "/orders/ultracart:DEMO/D-2",
    "/orders/ultracart:DEMO/D-3/lines/1",
    "/items",
    "/items/SALT",
    "/items/SALT/receive",
    "/locations",
    "/units/3",
    "/movements/1",
    "/channels",
    "/audit",
    "/recall?lot=L1",
    "/plugins",
    "/search?q=L1",
    "/nothing",
]
"""A page of each template."""

PATHS = [
    *TEMPLATES,
    "/problems?state=all",
    "/events?state=failed",
    "/events?order=nothing",
    "/events/4",
    "/orders/ultracart:DEMO/D-1",
    "/items/SET",
    "/items/LAMP?empty=yes",
    "/units/1",
    "/movements/4",
    "/search?q=",
]

EVERYTHING = {"resultTypes": ["violations"]}
ONLY_COLOURS = {**EVERYTHING, "runOnly": ["color-contrast"]}
"""What is looked at in the dark, where nothing else differs."""

SIDEWAYS = """[...document.querySelectorAll('.overflow-auto')]
    .filter(each => each.scrollWidth > each.clientWidth).map(each => each.innerText)"""
"""Tables of which something is seen only by moving them sideways."""

TINY = """[...document.querySelectorAll('.tick')].filter(each => each.checkVisibility())
    .filter(each => each.getBoundingClientRect().height < 10).map(each => each.textContent)"""
"""Words of charts that are too small to be read."""

CONFIRM = ("/items/SALT", "Receive SALT")
"""Where the page that shows what would be done is come to: by a form."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shop with something on each page; nothing here changes it."""
    pages = open_pages(tmp_path_factory.mktemp("shop"))
    shop = pages.shop
    shop.stock(SOAP=10, SALT=1)
    shop.items("LAMP")
    shop.receive(("LAMP", 10), lot="L1")
    shop.receive(("LAMP", 10), lot="L2")
    shop.kit("SET", SOAP=2, LAMP=1)
    shop.send(envelope(order_ship("D-1", [line("soap.", 2, shipped=DAY)])))
    shop.send(envelope(order_ship("D-2", [line("SALT", 3, shipped=DAY), *kit("SET", 1, [("SOAP", 2)], index=2)])))
    shop.send(envelope(order_ship("D-3", [line("LAMP", 3, shipped=DAY)])))
    shop.send(b"unreadable")
    hold(shop.desk, "laboratory", unit_id=4)
    with visiting.served(pages) as base:
        yield base


def look(browser: Browser, base: str, paths: list[str], rules: dict[str, Any], **how: Any) -> None:
    """Visit pages; require that axe finds nothing, nothing is wider than the window, and no page complains."""
    # the checker is a script of its own, which the pages' policy would refuse
    context = browser.new_context(bypass_csp=True, base_url=base, **how)
    context.set_default_timeout(visiting.PATIENCE)
    visit = Visit(context.new_page(), base)
    axe, wrong = Axe(), []

    def check(path: str) -> None:
        found = axe.run(visit.page, options=rules).response["violations"]
        wrong.extend((path, one["id"], one["nodes"][0]["html"]) for one in found)
        wide, window = visit.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        if wide > window:
            wrong.append((path, "wider than the window", str(wide)))
        wrong.extend((path, "lies outside", each) for each in visit.page.evaluate(SIDEWAYS))
        wrong.extend((path, "too small", each) for each in visit.page.evaluate(TINY))

    for path in paths:
        visit.page.goto(path)
        visit.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        check(path)
    visit.page.goto(CONFIRM[0])
    visit.page.get_by_text(CONFIRM[1]).click()
    visit.page.get_by_role("form", name=CONFIRM[1]).get_by_label("Quantity").fill("1")
    visit.page.get_by_role("form", name=CONFIRM[1]).get_by_role("button").click()
    expect(visit.page.get_by_text("Nothing is booked yet")).to_be_visible()
    check("the page that confirms")
    assert not wrong, "\n".join(map(str, wrong))
    assert [each for each in visit.complaints if "404" not in each] == []
    context.close()


def test_every_page_in_the_light(browser: Browser, served: str) -> None:
    look(browser, served, PATHS, EVERYTHING, color_scheme="light", viewport={"width": 1280, "height": 800})


def test_a_page_of_each_template_in_the_dark(browser: Browser, served: str) -> None:
    look(browser, served, TEMPLATES, ONLY_COLOURS, color_scheme="dark", viewport={"width": 1280, "height": 800})


def test_a_page_of_each_template_on_a_phone(browser: Browser, served: str) -> None:
    look(browser, served, TEMPLATES, EVERYTHING, color_scheme="light", viewport={"width": 360, "height": 700})
