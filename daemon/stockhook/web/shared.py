"""One address for webhooks and pages: each request goes to the listener that its path belongs to."""

from collections.abc import Awaitable
from typing import Final

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from stockhook.web.intake import IntakeServer
from stockhook.web.relay import Relay

_INTAKE: Final = frozenset({"webhooks", "healthz", "readyz"})
"""First parts of the paths that are the webhook listener's own."""


class SharedServer(HTTPServerConnectionDelegate):
    """Serves the webhook listener's addresses by ``intake``, and all others by ``pages``.

    For bodies sent to the pages ``limit`` is the most bytes and ``seconds`` the time they may take.
    """

    def __init__(self, intake: IntakeServer, pages: HTTPServerConnectionDelegate, limit: int, seconds: float) -> None:
        self.intake = intake
        self.pages = pages
        self.limit = limit
        self.seconds = seconds

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Return what reads one request; until its headers have come, the webhook listener watches over it."""
        assert isinstance(request_conn, HTTP1Connection)
        self.pages.on_close(server_conn)  # whatever came before on this connection has been answered
        return _Either(self, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        """Forget a connection."""
        self.intake.on_close(server_conn)
        self.pages.on_close(server_conn)


class _Either(Relay):
    """One request, handed on as soon as its path is known."""

    def __init__(self, shared: SharedServer, server_conn: object, request_conn: HTTP1Connection) -> None:
        super().__init__(shared.intake.start_request(server_conn, request_conn))
        self._shared = shared
        self._server_conn = server_conn
        self._request_conn = request_conn

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Choose, and hand on."""
        assert isinstance(start_line, RequestStartLine)
        path = self._shared.intake.proxies.path(start_line.path.partition("?")[0])
        if path.removeprefix("/").partition("/")[0] not in _INTAKE:
            self._shared.intake.on_close(self._server_conn)
            self._request_conn.set_max_body_size(self._shared.limit)
            self._request_conn.set_body_timeout(self._shared.seconds)
            self.reader = self._shared.pages.start_request(self._server_conn, self._request_conn)
        return self.reader.headers_received(start_line, headers)
