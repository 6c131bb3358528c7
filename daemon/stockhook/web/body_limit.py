"""How large a body may be that is sent to the pages or the API: what is larger is not kept, and gets its answer."""

from typing import Final

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest

from stockhook.web.relay import Relay

LARGEST: Final = 1024 * 1024
"""Bytes of the largest body that any page, form or route takes."""

LINGER: Final = 64 * LARGEST
"""Bytes that are read, and thrown away, so that the sender of a body that is too large gets to see its 413."""

_LENGTH: Final = "Content-Length"


class LimitedBody(Relay):
    """Hands a request on to ``reader``: whole, or without its body where that is larger than ``LARGEST``.

    Its header Content-Length is then the length that has come, which ``too_large`` looks at.
    """

    def __init__(self, request: HTTPServerRequest, reader: HTTPMessageDelegate) -> None:
        super().__init__(reader)
        self._request = request
        self._pieces: list[bytes] = []
        self._size = 0

    def data_received(self, chunk: bytes) -> None:
        """Keep a piece of the body, or count it."""
        self._size += len(chunk)
        if self._size <= LARGEST:
            self._pieces.append(chunk)
        else:
            self._pieces.clear()

    def finish(self) -> None:
        """Hand on what there is, now that it is whole."""
        if self._size > LARGEST:
            self._request.headers[_LENGTH] = str(self._size)
            self._request.headers.pop("Content-Type", None)
        for piece in self._pieces:
            self.reader.data_received(piece)
        self.reader.finish()


def too_large(request: HTTPServerRequest) -> str | None:
    """Return why the body of a request is too large, or None where it is not."""
    size = int(request.headers.get(_LENGTH, "0"))
    return f"the body has {size} bytes; at most {LARGEST} are read" if size > LARGEST else None
