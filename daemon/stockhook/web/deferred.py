"""The pages and the JSON API, imported once the daemon listens: webhooks need none of it, and must not wait for it."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate

if TYPE_CHECKING:
    from tornado.web import Application


class DeferredPages(HTTPServerConnectionDelegate):
    """Serves what ``make`` returns, which is called once: by ``load``, or by the first request if that comes sooner."""

    def __init__(self, make: "Callable[[], Application]") -> None:
        self._make = make
        self._making = threading.Lock()
        self._made: Application | None = None

    def load(self) -> "Application":
        """Return the application, made if need be; whoever asks meanwhile waits. Raises what ``make`` raises."""
        with self._making:
            if self._made is None:
                self._made = self._make()
            return self._made

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Return what reads one request."""
        return self.load().start_request(server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        """Forget a connection."""
        if self._made is not None:
            self._made.on_close(server_conn)
