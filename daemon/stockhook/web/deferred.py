"""The pages and the JSON API, imported once the daemon listens: webhooks need none of it, and must not wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

if TYPE_CHECKING:
    from tornado.web import Application


class DeferredPages(HTTPServerConnectionDelegate):
    """Serves what ``make`` returns, which is called once, in a thread: for ``load``, or a request that comes sooner."""

    def __init__(self, make: "Callable[[], Application]") -> None:
        self._make = make
        self._making: asyncio.Task[Application] | None = None
        self._made: Application | None = None

    async def load(self) -> "Application":
        """Return the application, made if need be. Raises what ``make`` raises."""
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._make), name="pages are made")
        self._made = await asyncio.shield(self._making)
        return self._made

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Return what reads one request."""
        if self._made is None:
            return _Early(self, server_conn, request_conn)
        return self._made.start_request(server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        """Forget a connection."""
        if self._made is not None:
            self._made.on_close(server_conn)


class _Early(HTTPMessageDelegate):
    """A request that came before the pages were made: it waits for them, and holds up no other."""

    def __init__(self, pages: DeferredPages, server_conn: object, request_conn: HTTPConnection) -> None:
        self._pages = pages
        self._server_conn = server_conn
        self._request_conn = request_conn
        self._reader = HTTPMessageDelegate()

    async def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        """Hand on, once there is somebody; nothing more is read of the connection until then."""
        made = await self._pages.load()
        self._reader = made.start_request(self._server_conn, self._request_conn)
        ready = self._reader.headers_received(start_line, headers)
        if ready is not None:
            await ready

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Hand on a piece of the body."""
        return self._reader.data_received(chunk)

    def finish(self) -> None:
        """Hand on that the request is whole."""
        self._reader.finish()

    def on_connection_close(self) -> None:
        """Hand on that nothing more will come."""
        self._reader.on_connection_close()
