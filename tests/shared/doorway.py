"""What tests of the webhook listener knock with: a store that can be held up, a channel, a sender on raw sockets."""

import asyncio
import builtins
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from stockhook.channel import Nothing, RawEvent, Request
from stockhook.errors import NoSuchToken, Rejected
from stockhook.intake import Intake
from stockhook.model import Delivery
from stockhook.options import PluginOptions
from stockhook.store import Arrival
from stockhook_plugins.stores.memory import MemoryStore

SHORT = 1.5
"""Seconds that headers and bodies may take here."""


class HeldStore(MemoryStore):
    """A store whose appends wait for ``go``, and then raise ``error`` if there is one."""

    def __init__(self) -> None:
        super().__init__(MemoryStore.Options())
        self.go = threading.Event()
        self.go.set()
        self.error: Exception | None = None
        self.commits: list[int] = []

    def append(self, arrivals: Sequence[Arrival]) -> list[int]:
        assert self.go.wait(50)
        if self.error:
            raise self.error
        self.commits.append(len(arrivals))
        return super().append(arrivals)


class Door:
    """A channel that lets in the token ``good``."""

    type: ClassVar[str] = "door"
    Options: ClassVar[builtins.type[PluginOptions]] = PluginOptions

    def __init__(self, options: PluginOptions) -> None:
        pass

    def authenticate(self, request: Request) -> None:
        match request.token:
            case "good":
                return
            case "locked":
                raise Rejected("no password")
            case "broken":
                raise RuntimeError("a plugin's own fault")
        raise NoSuchToken("no such token")

    def split(self, body: bytes) -> Sequence[RawEvent]:
        return []

    def read(self, event: RawEvent) -> Nothing:
        return Nothing("unknown-event")


class Client:
    def __init__(self, client: AsyncHTTPClient, base: str, port: int) -> None:
        self.client = client
        self.base = base
        self.port = port

    def post(self, body: bytes = b"{}", token: str = "good", **more: Any) -> asyncio.Future[HTTPResponse]:
        address = f"{self.base}/webhooks/shop/{token}"
        return asyncio.ensure_future(self.client.fetch(address, method="POST", body=body, raise_error=False, **more))

    async def get(self, path: str, method: str = "GET") -> HTTPResponse:
        return await self.client.fetch(
            self.base + path, method=method, raise_error=False, allow_nonstandard_methods=True
        )

    async def connect(self, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await writer.drain()
        return reader, writer


def head(length: int, token: str = "good") -> bytes:
    return f"POST /webhooks/shop/{token} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode()


def stored(store: MemoryStore) -> list[Delivery]:
    with store.read() as view:
        return view.find(Delivery)


@contextmanager
def serving(io_loop: IOLoop, server: HTTPServer, intake: Intake) -> Iterator[None]:
    """Run what keeps deliveries while the test runs, and end both it and the server behind it."""
    running: list[asyncio.Task[None]] = []
    io_loop.add_callback(lambda: running.append(asyncio.ensure_future(intake.run())))
    yield

    async def end() -> None:
        server.stop()
        await server.close_all_connections()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    io_loop.run_sync(end)
