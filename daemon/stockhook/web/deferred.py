"""The pages and the JSON API, imported once the daemon listens: webhooks need none of it, and must not wait for it."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from stockhook.web.relay import Relay

if TYPE_CHECKING:
    from tornado.web import Application


class DeferredPages(HTTPServerConnectionDelegate):
    """Serves what ``make`` returns, which is called once, in a thread: for ``load``, or a request that comes sooner."""

    def __init__(self, make: "Callable[[], Application]") -> None:
        self._make = make
        self._making: asyncio.Task[Application] | None = None
        self._made: Application | None = None
        self.busy: set[object] = set()
        """Connections whose request has come whole and whose answer is not complete."""
        self._ended = asyncio.Event()

    async def load(self) -> "Application":
        """Return the application, made if need be. Raises what ``make`` raises."""
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._make), name="pages are made")
        self._made = await asyncio.shield(self._making)
        return self._made

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Return what reads one request; the answer to the one before it has been written."""
        self._end(server_conn)
        if self._made is None:
            return _Early(self, server_conn, request_conn)
        return _Request(self, server_conn, self._made.start_request(server_conn, request_conn))

    async def drain(self) -> None:
        """Return once every request that was under way has been answered."""
        while self.busy:
            self._ended.clear()
            await self._ended.wait()

    def _end(self, server_conn: object) -> None:
        self.busy.discard(server_conn)
        self._ended.set()

    def on_close(self, server_conn: object) -> None:
        """Forget a connection."""
        self._end(server_conn)
        if self._made is not None:
            self._made.on_close(server_conn)


class _Request(Relay):
    """One request, under way once it has come whole: of what came in part, nothing will be done."""

    def __init__(self, pages: DeferredPages, server_conn: object, reader: HTTPMessageDelegate) -> None:
        super().__init__(reader)
        self._pages = pages
        self._server_conn = server_conn

    def finish(self) -> None:
        """Hand on that the request is whole."""
        self._pages.busy.add(self._server_conn)
        super().finish()


class _Early(_Request):
    """A request that came before the pages were made: it waits for them, and holds up no other."""

    def __init__(self, pages: DeferredPages, server_conn: object, request_conn: HTTPConnection) -> None:
        super().__init__(pages, server_conn, HTTPMessageDelegate())
        self._request_conn = request_conn

    async def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        """Hand on, once there is somebody; nothing more is read of the connection until then."""
        made = await self._pages.load()
        self.reader = made.start_request(self._server_conn, self._request_conn)
        ready = self.reader.headers_received(start_line, headers)
        if ready is not None:
            await ready
