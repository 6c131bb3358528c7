"""A line between a client and a server that delays, drips, cuts, half-closes, or swallows what it is given."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

from threaded_server import ThreadedServer

_PIECE = 40
"""Bytes that drip at once."""


class Proxy(ThreadedServer):
    """Listens on a free port of 127.0.0.1 within its ``with`` block, for a server on another one.

    ``delay`` is how many seconds each piece takes at most, in each direction. With ``drips`` the pieces are small.
    While ``swallows`` is set nothing passes, though connections are taken and bytes accepted, as on a line that is dead
    and nobody has told; what was swallowed passes when it is over. ``connections`` tells how many there are.
    """

    def __init__(self, port: int, seed: int = 20261121) -> None:
        super().__init__("proxy")
        self.delay = 0.0
        self.drips = False
        self.swallows = False
        self._to = port
        self._chance = random.Random(seed)
        self._ends: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []

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

        self.run(some())

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass what comes from either end to the other."""
        await self._held()
        back, server = await asyncio.open_connection("127.0.0.1", self._to)
        ends = (writer, server)
        self._ends.append(ends)
        try:
            await asyncio.gather(self._pump(reader, server), self._pump(back, writer))
        finally:
            self._ends.remove(ends)
            server.transport.abort()

    async def _held(self) -> None:
        while self.swallows:
            await asyncio.sleep(0.02)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            size = _PIECE if self.drips else len(data)
            for start in range(0, len(data), size):
                await self._held()
                if self.delay:
                    await asyncio.sleep(self._chance.uniform(0, self.delay))
                writer.write(data[start : start + size])
                await writer.drain()
        await self._held()
        writer.write_eof()
