"""A request whose reader is found while it is read: by its path, or once the pages are there."""

from collections.abc import Awaitable

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine


class Relay(HTTPMessageDelegate):
    """Hands all that comes of a request on to its ``reader``; who finds that one does it at the headers."""

    def __init__(self, reader: HTTPMessageDelegate) -> None:
        self.reader = reader

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Hand on what the request asks for."""
        return self.reader.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Hand on a piece of the body."""
        return self.reader.data_received(chunk)

    def finish(self) -> None:
        """Hand on that the request is whole."""
        self.reader.finish()

    def on_connection_close(self) -> None:
        """Hand on that nothing more will come."""
        self.reader.on_connection_close()
