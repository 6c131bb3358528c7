"""What the daemon imports before it listens, and the pages that come behind it."""

import asyncio
import subprocess
import sys
import threading

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from stockhook.web.deferred import DeferredPages

UNNEEDED = ("argon2", "jinja2", "prometheus_client", "tornado.web", "stockhook.web.api", "stockhook.web.app")


def test_the_daemon_is_imported_without_pages_api_metrics_and_password_hashing() -> None:
    code = f"import sys, stockhook.daemon; print([name for name in {UNNEEDED!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Hello(RequestHandler):
    """Says back what was sent."""

    def post(self) -> None:
        self.finish(self.request.body)


async def test_pages_asked_for_before_they_are_made_wait_for_it_and_hold_up_nobody() -> None:
    begun, go = threading.Event(), threading.Event()
    made: list[Application] = []

    def make() -> Application:
        begun.set()
        assert go.wait(60)
        made.append(Application([("/", Hello)]))
        return made[-1]

    server = HTTPServer(DeferredPages(make))
    (listening, *_) = sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    fetch = AsyncHTTPClient(force_instance=True).fetch
    try:
        early = [asyncio.ensure_future(fetch(address, method="POST", body=f"early {n}")) for n in range(9)]
        while not begun.is_set():  # the loop goes on while they are made, or this would not end
            await asyncio.sleep(0.001)
        go.set()
        assert {(await one).body for one in early} == {f"early {n}".encode() for n in range(9)}
        assert (await fetch(address, method="POST", body="late")).body == b"late"
        assert len(made) == 1
    finally:
        server.stop()
        await server.close_all_connections()


async def test_draining_waits_for_answers_under_way_and_for_no_idle_connection_nor_half_a_request() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    class Slow(RequestHandler):
        async def post(self) -> None:
            asked.set()
            await answer.wait()
            self.finish("done")

    pages = DeferredPages(lambda: Application([("/", Slow)]))
    await pages.load()
    server = HTTPServer(pages)
    (listening, *_) = sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        whole, half, idle = [await asyncio.open_connection(*listening.getsockname()) for _ in range(3)]
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"
        half[1].write(head)
        whole[1].write(head + b"x")
        await asked.wait()
        draining = asyncio.create_task(pages.drain())
        await asyncio.sleep(0)
        assert (len(pages.busy), draining.done()) == (1, False)
        answer.set()
        assert (await whole[0].readuntil(b"done")).startswith(b"HTTP/1.1 200 OK\r\n")
        await draining
        asked.clear(), answer.clear()
        whole[1].write(head + b"x")
        await asked.wait()
        draining = asyncio.create_task(pages.drain())
        whole[1].close()  # who has gone away is waited for no longer
        await draining
        answer.set()
    finally:
        server.stop()
        await server.close_all_connections()
        for _, writer in (whole, half, idle):
            writer.close()


async def test_pages_that_cannot_be_made_are_told_to_whoever_loads_them() -> None:
    def make() -> Application:
        raise ImportError("no module named jinja2")

    pages = DeferredPages(make)
    pages.on_close(object())
    for _ in range(2):
        with pytest.raises(ImportError, match="jinja2"):
            await pages.load()
