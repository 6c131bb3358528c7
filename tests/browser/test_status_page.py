"""The status page as a person uses it: a real browser, clicks and keys."""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from stockhook.model import Event, EventState
from stockhook.quantity import ONE
from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.payloads import envelope, line, order_ship

pytestmark = pytest.mark.needs("chromium")

PATHS = [
    "/",
    "/problems",
    "/events",
    "/events/2",
    "/deliveries",
    "/deliveries/1",
    "/orders/ultracart:DEMO/D-1",
    "/items",
    "/items/SALT",
    "/units/1",
    "/plugins",
    "/search?q=D-1",
]

RULES = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
"""What is looked at: only colours differ in the dark."""

DAY = "2026-12-01T12:00:00+00:00"


class Visit:
    """A browser's page on the served shop; it collects errors, and requests that leave the host."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.complaints: list[str] = []
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def _asked(self, url: str) -> None:
        if not url.startswith("data:") and urlsplit(url).netloc != urlsplit(self.base).netloc:
            self.complaints.append(f"left the host for {url}")


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    """A shop in which one order waits for the code ``soap.``, and another is short of salt."""
    pages = open_pages(tmp_path)
    pages.shop.stock(SOAP=10, SALT=1)
    pages.shop.send(envelope(order_ship("D-1", [line("soap.", 2, shipped=DAY)])))
    pages.shop.send(envelope(order_ship("D-2", [line("SALT", 3, shipped=DAY)])))
    return pages


@pytest.fixture
def served(pages: Pages) -> Iterator[str]:
    """Serve the pages from a thread of their own; the worker runs after each action."""
    loop = asyncio.new_event_loop()
    server = HTTPServer(pages.application())
    sockets = bind_sockets(0, "127.0.0.1")
    stop = asyncio.Event()

    async def run() -> None:
        server.add_sockets(sockets)
        done = 0
        while not stop.is_set():
            if len(pages.woken) > done:
                done = len(pages.woken)
                await asyncio.to_thread(pages.shop.work)
            await asyncio.sleep(0.02)
        server.stop()
        await server.close_all_connections()
        await loop.shutdown_default_executor()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found is not None
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def visit(request: pytest.FixtureRequest, browser: Browser, served: str) -> Iterator[Visit]:
    context = browser.new_context(java_script_enabled=request.param, base_url=served)
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield Visit(page, served)
    context.close()


def test_an_unknown_code_is_mapped_and_what_waited_runs(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.goto("/")
    page.get_by_role("link", name="Problems", exact=True).click()
    task = page.locator("article", has_text="Unknown item")
    task.get_by_label("It means the item").fill("SALT")
    task.get_by_label("It means the item").fill("")
    task.get_by_role("button", name="SOAP", exact=True).click()
    assert "now means SOAP" in page.get_by_role("status").inner_text()
    _until(lambda: pages.shop.booked("D-1") == {"SOAP": 2 * ONE})
    page.get_by_role("link", name="Problems", exact=True).click()
    assert page.locator("article", has_text="Unknown item").count() == 0
    assert visit.complaints == []


def test_an_event_is_run_again_and_its_page_tells_how_it_ended(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.goto("/events")
    page.get_by_role("link", name="2", exact=True).click()
    page.get_by_role("button", name="Run it again").click()
    assert "runs again" in page.get_by_role("status").inner_text()
    _until(lambda: pages.shop.find(Event, id=2)[0].state is EventState.SHORT)
    if page.evaluate("typeof htmx") == "undefined":
        page.reload()
    page.locator("#outcome:not([hx-get])").wait_for()
    assert "short" in page.locator("#outcome .sub").inner_text()
    page.get_by_text("The element of the delivery").click()
    assert '"merchant_item_id": "SALT"' in page.locator("pre").inner_text()
    assert visit.complaints == []


@pytest.mark.parametrize("visit", [True], indirect=True)
def test_the_overview_tells_by_itself_what_is_new(visit: Visit, pages: Pages) -> None:
    page = visit.page
    page.clock.install()
    page.goto("/")
    page.get_by_role("heading", name="2 problems to look at").wait_for()
    page.locator("#live-parked").focus()
    pages.shop.send(b"unreadable")
    page.clock.run_for(6_000)
    page.get_by_role("heading", name="3 problems to look at").wait_for()
    assert page.evaluate("document.activeElement.id") == "live-parked"
    assert visit.complaints == []


def test_no_page_is_wider_than_a_phone(visit: Visit, pages: Pages) -> None:
    visit.page.set_viewport_size({"width": 360, "height": 700})
    for path in PATHS:
        visit.page.goto(path)
        wide = visit.page.locator("html").evaluate("element => element.scrollWidth")
        assert wide <= 360, path
    assert visit.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_read_by_everyone(browser: Browser, served: str, scheme: Literal["light", "dark"]) -> None:
    # the checker is a script of its own, which the pages' policy would refuse
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, base_url=served)
    page = context.new_page()
    for path in PATHS:
        page.goto(path)
        found = Axe().run(page, options=RULES[scheme]).response["violations"]
        assert [(path, one["id"], one["nodes"][0]["html"]) for one in found] == []
    context.close()


def _until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end, "did not come about in 60 s"
        time.sleep(0.02)
