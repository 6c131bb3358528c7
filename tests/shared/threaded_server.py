"""A server on a loop and a thread of its own, beside the test that it troubles."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from ports import free_port

T = TypeVar("T")
_ACCEPTING = 0.01
"""Seconds after which every connection that the system had taken has reached ``talk``, or is gone."""


class ThreadedServer(ABC):
    """Listens on ``port``, a free one of 127.0.0.1, within its ``with`` block; ``talk`` is one conversation.

    While it is down nobody else is given its port, not even who tries to reach it.
    """

    def __init__(self, name: str) -> None:
        self.port = free_port()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name)

    def __enter__(self) -> Self:
        self._thread.start()
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @abstractmethod
    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one conversation; the connection is cut when it returns."""

    def up(self) -> None:
        """Listen, again on the same port if it was down."""
        self.run(self._listen())

    def down(self) -> None:
        """Refuse connections from now on, and cut those there are."""
        self.run(self._close())

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        """Run something on the server's loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(30)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port, reuse_address=True)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        # what asyncio is about to hand over is closed by nobody if it is cancelled before that
        await asyncio.sleep(_ACCEPTING)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in self._clients:
            client.transport.abort()
        self._clients.clear()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Coroutine[Any, Any, None]:
        self._clients.add(writer)  # at once: what is cut before it began is closed as well
        return self._hold(reader, writer)

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                await self.talk(reader, writer)
            finally:
                writer.transport.abort()
                self._clients.discard(writer)
