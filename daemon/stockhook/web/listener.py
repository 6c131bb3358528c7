"""A listener that waits when the process can take no more connections, and tells when a connection has ended.

Tornado would try again at once and without end: a process at its limit of descriptors then burns a core and writes
thousands of tracebacks a second.
"""

import errno
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.ioloop import IOLoop
from tornado.netutil import add_accept_handler

from stockhook import log

logger = log.get(__name__)

PAUSE: Final = 1.0
"""Seconds to wait for connections to end; those that come meanwhile are kept by the kernel."""

_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Listener(HTTPServer):
    """Tornado's server; its sockets rest for a while when a connection cannot be taken for want of resources."""

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on these sockets, which are detached: the server closes what it makes of them."""
        super().add_sockets([_Patient(one, self._rest) for one in sockets])

    def on_close(self, server_conn: object) -> None:
        """Forget a connection, and tell whoever reads its requests, which Tornado keeps to itself."""
        super().on_close(server_conn)
        if isinstance(self.request_callback, HTTPServerConnectionDelegate):
            self.request_callback.on_close(server_conn)

    def _rest(self, tired: socket.socket, error: OSError) -> None:
        logger.warning("no connection can be taken, trying again soon", error=error.strerror, seconds=PAUSE)
        number = tired.fileno()
        self._handlers[number]()
        loop = IOLoop.current()
        again = loop.call_later(PAUSE, self._resume, tired)
        self._handlers[number] = lambda: loop.remove_timeout(again)

    def _resume(self, rested: socket.socket) -> None:
        self._handlers[rested.fileno()] = add_accept_handler(rested, self._handle_connection)


class _Patient(socket.socket):
    """A listening socket that says why nothing can be accepted, and to its caller that nothing has come."""

    def __init__(self, listening: socket.socket, exhausted: Callable[[socket.socket, OSError], None]) -> None:
        super().__init__(listening.family, listening.type, listening.proto, fileno=listening.detach())
        self.setblocking(False)
        self._exhausted = exhausted

    def accept(self) -> tuple[socket.socket, Any]:
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._exhausted(self, error)
            raise BlockingIOError from error
