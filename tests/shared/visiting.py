"""A real browser on a shop that is served from a thread of its own."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Page
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from stockhook.testing.pages import Pages

DAY = "2026-12-01T12:00:00+00:00"

PATIENCE = 60_000
"""How long the browser may take for anything, in milliseconds; a machine under load is slow."""


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


@contextmanager
def served(pages: Pages) -> Iterator[str]:
    """Serve the pages, and yield their address; the worker runs after each action."""
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
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def until(reached: Callable[[], bool]) -> None:
    """Wait until something is so; raises AssertionError if that takes a minute."""
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end, "did not come about in 60 s"
        time.sleep(0.02)
