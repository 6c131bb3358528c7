"""The webhook listener: the hot route as a bare message delegate, everything else refused.

The body is counted while it arrives, so that one that is too large, or for which there is no room, gets a true 413 or
503 instead of a cut connection. Credentials are checked before the body is read.
"""

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, cast

from tornado import httputil
from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, HTTPServerConnectionDelegate, RequestStartLine
from tornado.iostream import StreamClosedError

from stockhook import log
from stockhook.buffers import LARGEST
from stockhook.channel import Channel, Request
from stockhook.config.tables import Limits
from stockhook.errors import NoSuchToken, Rejected
from stockhook.health import Health
from stockhook.intake import LARGE, Intake
from stockhook.meters import Meters
from stockhook.refusals import Refusals
from stockhook.web.proxies import Proxies
from stockhook.web.request_lines import RequestLines

logger = log.get(__name__)

_LATER: Final = {"Retry-After": "5"}
_STORED: Final = "stored\n"
_ACKNOWLEDGED: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 7\r\n\r\nstored\n"
)
"""The answer that all but a few get, to the last byte: Tornado takes longer to put it together than to send it."""

_NOTHING: Final = "there is nothing here\n"
_LINGER: Final = 64 * 1024 * 1024
"""Bytes beyond the limit that are read and thrown away so that the sender gets to see its 413."""

_HOST: Final = re.compile(r"[\w.:~%\[\]-]*", re.ASCII)
_NOT_KEPT: Final = frozenset({"authorization", "x-authorization-basic", "cookie", "proxy-authorization"})
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    503: "Service Unavailable",
}


class IntakeServer(HTTPServerConnectionDelegate):
    """Serves ``POST /webhooks/<channel>/<token>``, ``/healthz`` and ``/readyz``, and nothing else."""

    def __init__(
        self,
        intake: Intake,
        channels: Mapping[str, Channel],
        health: Health,
        limits: Limits,
        *,
        silence: float = 60.0,
        body: float = 20.0,
        meters: Meters | None = None,
        refusals: Refusals | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        """Take what keeps deliveries, the channels by name, and the limits of the config.

        ``silence`` is how many seconds a connection may take from one request to the end of the next one's headers,
        ``body`` how many a body may take after them. Tornado's own time-outs are not needed. ``meters`` count answers.
        ``proxies`` are those that are believed about the peer.
        """
        self.intake = intake
        self.channels = channels
        self.health = health
        self.limits = limits
        self.silence = silence
        self.body = body
        self.meters = meters or Meters()
        self.refusals = refusals or Refusals()
        self.proxies = proxies or Proxies()
        self.open: dict[object, _Message] = {}
        """The connections, each with the request it is at, that of the longest silence first."""
        self.busy: set[_Message] = set()
        """Requests whose headers have come and whose answer is not complete."""
        self.draining = False
        self.lines = RequestLines()
        self._ended = asyncio.Event()
        self._look_after = min(1.0, silence / 4, body / 4)
        self._next_look: asyncio.TimerHandle | None = None

    def start_request(self, server_conn: object, request_conn: httputil.HTTPConnection) -> HTTPMessageDelegate:
        """Return what reads one request."""
        assert isinstance(request_conn, HTTP1Connection)
        self.open.pop(server_conn, None)
        if len(self.open) >= 2 * self.limits.connections:
            self._make_room()
        if self._next_look is None:
            self._next_look = asyncio.get_running_loop().call_later(self._look_after, self._look)
        message = self.open[server_conn] = _Message(self, request_conn)
        return message

    def on_close(self, server_conn: object) -> None:
        """Forget a connection."""
        self.open.pop(server_conn, None)

    def ended(self, message: "_Message") -> None:
        """Note that a request has been answered, or cut."""
        self.busy.discard(message)
        self._ended.set()

    async def drain(self) -> None:
        """Return once every request that was under way has been answered."""
        self.draining = True
        while self.busy:
            self._ended.clear()
            await self._ended.wait()

    def _look(self) -> None:
        """Cut the connections that have taken too long; one timer for all of them, since one for each request costs."""
        now = time.monotonic()
        for message in [message for message in self.open.values() if message.until < now]:
            message.cut()
        again = asyncio.get_running_loop().call_later
        self._next_look = again(self._look_after, self._look) if self.open else None

    def _make_room(self) -> None:
        """End the connection that has sent no headers for longest: idle ones must not shut everybody else out.

        Nor may they be ended soon. Who is sent nothing back for a while, since the disk stands still, opens one
        connection after the other, and uses again those that were idle: an end would meet a request on its way.
        """
        silent = next((connection for connection, message in self.open.items() if not message.begun), None)
        if isinstance(silent, HTTP1ServerConnection):
            del self.open[silent]
            silent.stream.close()


class _Message(HTTPMessageDelegate):
    """One request: judged at its headers, counted while its body arrives, answered behind the commit.

    A refusal is written at once, but the connection is ended only when the body has been read, or so much of it that
    no honest sender is still writing: closing earlier would throw the answer away (a reset).
    """

    def __init__(self, server: IntakeServer, connection: HTTP1Connection) -> None:
        self._server = server
        self._connection = connection
        self._chunks: list[bytes] = []
        self._body: memoryview | None = None
        self._size = 0
        self._reserved = 0
        self.begun = False
        """Whether the headers have come."""
        self.until = time.monotonic() + server.silence
        """When, on the monotonic clock, what is being read must have come."""
        self._answered = self._ended = self._last = self._head = self._probe = False
        self._usual = False
        """Whether the answer needs to say nothing about the connection."""
        self._began = 0.0
        self._method = ""
        self._channel: str | None = None
        self._delivery: int | None = None
        self._keep: Callable[[bytes | memoryview], asyncio.Future[int]] | None = None
        self._written: asyncio.Future[None] | None = None

    def headers_received(
        self, start_line: RequestStartLine | httputil.ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Judge the request; what must not be read is answered now."""
        assert isinstance(start_line, RequestStartLine)
        self.begun = True
        self._began = now = time.monotonic()
        self.until = now + self._server.body
        self._method = start_line.method
        self._server.busy.add(self)
        self._head = start_line.method == "HEAD"
        self._usual = start_line.version == "HTTP/1.1" and "Connection" not in headers
        path = self._server.proxies.path(start_line.path.partition("?")[0])
        host = headers.get("Host", "" if start_line.version == "HTTP/1.0" else ",")
        if not _HOST.fullmatch(host):  # Tornado sees to most of the framing, to this only for its own applications
            self._answer(400, "a request names one host\n", close=True)
        elif start_line.version == "HTTP/1.0" and "Transfer-Encoding" in headers:
            self._answer(400, "HTTP/1.0 has no chunks\n", close=True)
        elif path in ("/healthz", "/readyz"):
            self._probe = True
            well, text = self._server.health.answer(path)
            self._answer(200 if well else 503, text)
        elif len(self._server.busy) > self._server.limits.connections:
            self._answer(503, "too many requests at once\n", _LATER, close=True)
        else:
            self._judge(start_line.method, path, headers)
        expected = headers.get("Expect") == "100-continue"
        if self._answered:
            if expected:
                self._end()
            return None
        size = _announced(headers.get("Content-Length", ""))
        if not LARGE < size <= LARGEST or expected or "Transfer-Encoding" in headers:
            return None
        return self._receive(self._server.intake.buffers.take(size), headers)

    def _judge(self, method: str, path: str, headers: HTTPHeaders) -> None:
        match path.split("/"):
            case ["", "webhooks", name, token] if name in self._server.channels:
                channel = self._server.channels[name]
                self._channel = name
            case _:
                self._answer(404, _NOTHING)
                return
        peer = self._server.proxies.client(getattr(self._connection, "context", None), headers)
        fields = [(field, field.lower(), value) for field, value in headers.get_all()]
        given = {folded: value for _, folded, value in fields}
        try:
            channel.authenticate(Request(token, given, peer))
        except NoSuchToken:
            self._server.refusals.refused(name, self._began, right_path=False)
            self._answer(404, _NOTHING)
        except Rejected:
            self._server.refusals.refused(name, self._began, right_path=True)
            self._answer(401, "wrong or missing credentials\n", {"WWW-Authenticate": 'Basic realm="stockhook"'})
        except Exception:  # a plugin's code: a fault of ours must make the sender come again
            logger.exception("channel cannot authenticate", channel=name)
            self._answer(503, "the request could not be checked\n", _LATER)
        else:
            if method != "POST":
                self._answer(405, "send a POST\n", {"Allow": "POST"})
                return
            self._server.refusals.accepted(name)
            kept = tuple((field, value) for field, folded, value in fields if folded not in _NOT_KEPT)
            keep = self._server.intake.keep
            # without a word of this request: it would refer to itself, and stay until garbage is collected
            self._keep = lambda body: keep(name, body, kept, peer)
            self._count(_announced(headers.get("Content-Length", "")))

    async def _receive(self, body: memoryview, headers: HTTPHeaders) -> None:
        """Read a large body to where it stays; by way of Tornado's buffer and pieces it would be copied four times.

        There is room for it, and Tornado finds nothing left to read.
        """
        try:
            await self._connection.stream.read_into(cast("bytearray", body))  # any memory that can be written will do
        except StreamClosedError:
            self._connection.detach()  # else Tornado takes the part that has come for another request
            self.on_connection_close()
        else:
            self._body = body
            headers["Content-Length"] = "0"

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Take a piece of the body, unless the request has been refused."""
        self._size += len(chunk)
        self._count(self._size)
        if not self._answered:
            self._chunks.append(chunk)
        elif self._size > self._server.limits.body + _LINGER:
            self._end()
        return None

    def _count(self, size: int) -> None:
        """Make sure that a body of ``size`` bytes may be read and has room."""
        if self._answered:
            return
        if size > self._server.limits.body:
            self._answer(413, f"a delivery may have at most {self._server.limits.body} bytes\n", close=True)
        elif size > self._reserved:
            if self._server.draining or not self._server.intake.reserve(size - self._reserved):
                self._answer(503, "too much at once; send it again\n", _LATER)
            else:
                self._reserved = size

    def finish(self) -> None:
        """Store the body that has arrived, and answer behind the commit."""
        self.until = math.inf
        if self._answered or self._keep is None:
            self._end()
            return
        body = self._chunks[0] if len(self._chunks) == 1 else self._body or b"".join(self._chunks)
        self._chunks, self._body = [], None
        self._keep(body).add_done_callback(self._stored)

    def on_connection_close(self) -> None:
        """Forget a request whose connection was cut before all of it had arrived."""
        self._answered = self._ended = True
        self._chunks = []
        self._release()
        self._server.ended(self)

    def _stored(self, stored: asyncio.Future[int]) -> None:
        if stored.exception() is not None:
            self._answer(503, "not stored; send it again\n", _LATER)
            self._end()
            return
        self._delivery = stored.result()
        if self._answered or not self._usual or self._server.draining:
            self._answer(200, _STORED)
        else:
            self._answered = True
            self._note(200)
            self._connection.write(_ACKNOWLEDGED)
        self._end()

    def cut(self) -> None:
        """End a connection on which a request does not come to its end."""
        self.until = math.inf
        if self.begun:
            logger.info("body not received in time")
        self._connection.close()

    def _release(self) -> None:
        self._server.intake.release(self._reserved)
        self._reserved = 0

    def _answer(self, status: int, text: str, more: Mapping[str, str] | None = None, *, close: bool = False) -> None:
        if self._answered:
            return
        self._answered = True
        self._note(status)
        self._last = close or self._server.draining
        self._chunks = []
        self._release()
        content = text.encode()
        fields = HTTPHeaders({"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(content))})
        for name, value in (more or {}).items():
            fields[name] = value
        if self._last:
            fields["Connection"] = "close"
        start = httputil.ResponseStartLine("", status, _REASONS[status])
        self._written = self._connection.write_headers(start, fields, b"" if self._head else content)

    def _note(self, status: int) -> None:
        """Count the answer, and have the log told of it; of a probe, at the level debug alone."""
        if self._probe:
            ms = round(1000 * (time.monotonic() - self._began), 1)
            logger.debug("request", listener="server", method=self._method, route="probe", status=status, ms=ms)
            return
        if status == 200:  # noqa: PLR2004 - a status of HTTP
            self._server.meters.stored += 1
        else:
            self._server.meters.refused[status] += 1
        self._server.lines.add(self._method, self._channel, status, self._began, self._delivery)

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._release()
        self._connection.finish()
        if self._last and self._written is not None:
            self._written.add_done_callback(lambda _: self._connection.close())
        self._server.ended(self)


def _announced(length: str) -> int:
    """Return the bytes that a Content-Length announces; 0 for one that is no number, which Tornado refuses."""
    if not (length.isascii() and length.isdigit()):
        return 0
    # more digits are too many bytes in any case, and int() refuses thousands of them
    return int(length.lstrip("0")[:18] or "0")
