"""Logging in and out as a person does it: a real browser, by keyboard alone, with and without script."""

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from visiting import PATIENCE

from stockhook.testing.pages import GUARDED, PASSWORD, Pages, open_pages

pytestmark = pytest.mark.needs("chromium")


class Mail(RequestHandler):
    """Stands for a mail in a browser: another site, with a link to one of our pages."""

    def get(self) -> None:
        self.finish(f'<!doctype html><title>Mail</title><a href="{self.get_query_argument("to")}">Look</a>')


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    return open_pages(tmp_path, GUARDED)


@pytest.fixture
def served(pages: Pages) -> Iterator[str]:
    """Serve the pages, and the mail on another port, from a thread of their own."""
    loop = asyncio.new_event_loop()
    listening = [bind_sockets(0, "127.0.0.1"), bind_sockets(0, "127.0.0.1")]
    stop = asyncio.Event()

    async def run() -> None:
        servers = [
            HTTPServer(pages.application()),
            HTTPServer(Application([("/mail", Mail)], log_function=print_nothing)),
        ]
        for server, sockets in zip(servers, listening, strict=True):
            server.add_sockets(sockets)
        await stop.wait()
        for server in servers:
            server.stop()
            await server.close_all_connections()
        await loop.shutdown_default_executor()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    ports = [sockets[0].getsockname()[1] for sockets in listening]
    yield f"http://127.0.0.1:{ports[0]} http://localhost:{ports[1]}"
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def print_nothing(_handler: Any) -> None:
    """Log no request."""


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def page(request: pytest.FixtureRequest, browser: Browser, served: str) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param, base_url=served.split(maxsplit=1)[0])
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()


def log_in(page: Page) -> None:
    expect(page.get_by_label("Your name")).to_be_focused()
    page.keyboard.type("Ann")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_a_person_logs_in_and_out_by_keyboard_and_finds_the_page_asked_for(page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/events?state=short")
    assert urlsplit(page.url).path == "/login"
    log_in(page)
    expect(page).to_have_url(re.compile(r"/events\?state=short$"))
    expect(page.locator("header")).to_contain_text("Ann")
    button = page.get_by_role("button", name="Log out")
    button.focus()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto("/events")
    assert urlsplit(page.url).path == "/login"
    assert complaints == []


def test_a_wrong_password_is_said_and_the_name_is_kept(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("The password is wrong.")
    expect(page.get_by_label("Your name")).to_have_value("Ann")
    expect(page.get_by_label("Password")).to_be_focused()


def test_a_link_in_a_mail_leads_on_for_who_is_logged_in(page: Page, served: str) -> None:
    ours, mail = served.split()
    page.goto("/")
    log_in(page)
    page.goto(f"{mail}/mail?to={ours}/plugins")
    page.get_by_role("link", name="Look").click()
    expect(page.get_by_role("heading", name="Plugins")).to_be_visible()
    expect(page).to_have_url(f"{ours}/plugins")


@pytest.mark.parametrize("page", [True], indirect=True)
def test_a_page_that_is_open_when_the_session_ends_asks_for_the_log_in(page: Page, pages: Pages) -> None:
    page.goto("/")
    log_in(page)
    page.clock.install()
    page.goto("/")
    page.context.clear_cookies()
    page.clock.run_for(6_000)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 1200), ("light", 360)])
def test_the_log_in_can_be_read_by_everyone(browser: Browser, served: str, scheme: Any, width: int) -> None:
    ours = served.split(maxsplit=1)[0]
    size: ViewportSize = {"width": width, "height": 700}
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, base_url=ours, viewport=size)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    for path in ("/login", "/login?lost=yes"):
        page.goto(path)
        found = Axe().run(page).response["violations"]
        assert [(path, one["id"], one["nodes"][0]["html"]) for one in found] == []
        assert page.locator("html").evaluate("element => element.scrollWidth") <= width
    log_in(page)
    assert page.locator("html").evaluate("element => element.scrollWidth") <= width
    context.close()
