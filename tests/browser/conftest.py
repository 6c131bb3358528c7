"""What the tests of the pages in a browser share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import visiting
from playwright.sync_api import Browser, expect, sync_playwright
from visiting import DAY, Visit

from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.payloads import envelope, line, order_ship

expect.set_options(timeout=visiting.PATIENCE)


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
    """Serve the shop, and give its address."""
    with visiting.served(pages) as base:
        yield base


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's chromium; not for all modules at once, because a loop runs in this thread while it is there."""
    found = shutil.which("chromium")
    assert found is not None
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def visit(request: pytest.FixtureRequest, browser: Browser, served: str) -> Iterator[Visit]:
    """Open a page of the browser on the shop, with and without script."""
    context = browser.new_context(java_script_enabled=request.param, base_url=served)
    page = context.new_page()
    page.set_default_timeout(visiting.PATIENCE)
    yield Visit(page, served)
    context.close()
