"""A line between a client and a server that delays, drips, cuts, half-closes, or swallows what it is given."""

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
_PIECE = 40
"""Bytes that drip at once."""


class Proxy:
    """Listens on a free port of 127.0.0.1 within its ``with`` block, for a server on another one.

    ``delay`` is how many seconds each piece takes at most, in each direction. With ``drips`` the pieces are small.
    While ``swallows`` is set nothing passes, though connections are taken and bytes accepted, as on a line that is dead
    and nobody has told; what was swallowed passes when it is over. ``connections`` tells how many there are.
    """

    def __init__(self, port: int, seed: int = 20261121) -> None:
        self.delay = 0.0
        self.drips = False
        self.swallows = False
        self.port = 0
        self._to = port
        self._chance = random.Random(seed)
        self._ends: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._ends)

    def cut(self, most: int = 1_000_000) -> None:
        """Reset connections, so many at most, chosen by chance; neither end hears of it before it uses them."""
        self._choose(most, lambda client, server: (client.transport.abort(), server.transport.abort()))

    def half_close(self) -> None:
        """Tell one end of a connection, by chance, that the other will send no more."""
        self._choose(1, lambda *ends: self._chance.choice(ends).write_eof())

    def _choose(self, most: int, do: Callable[[asyncio.StreamWriter, asyncio.StreamWriter], object]) -> None:
        async def some() -> None:
            for client, server in self._chance.sample(self._ends, min(most, len(self._ends))):
                with suppress(OSError, RuntimeError):
                    do(client, server)

        self._run(some())

    def _run(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(30)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError, OSError):
            try:
                await self._hold()
                back, server = await asyncio.open_connection("127.0.0.1", self._to)
            except OSError:
                client.transport.abort()
                return
            ends = (client, server)
            self._ends.append(ends)
            try:
                await asyncio.gather(self._pump(reader, server), self._pump(back, client))
            finally:
                self._ends.remove(ends)
                client.transport.abort()
                server.transport.abort()

    async def _hold(self) -> None:
        while self.swallows:
            await asyncio.sleep(0.02)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            size = _PIECE if self.drips else len(data)
            for start in range(0, len(data), size):
                await self._hold()
                if self.delay:
                    await asyncio.sleep(self._chance.uniform(0, self.delay))
                writer.write(data[start : start + size])
                await writer.drain()
        await self._hold()
        writer.write_eof()
