"""A mail server that misbehaves on demand, at any step of a conversation; what it has accepted it keeps."""

import asyncio
import contextlib
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Self

STEPS = ("connect", "EHLO", "MAIL", "RCPT", "DATA", "end")
"""The steps of a conversation: ``connect`` is the greeting, ``end`` the answer to a whole mail."""

_WELL = {
    "connect": "220 mail.test at your service",
    "EHLO": "250 mail.test",
    "MAIL": "250 well",
    "RCPT": "250 well",
    "DATA": "354 go on",
    "end": "250 kept",
    "QUIT": "221 farewell",
    "RSET": "250 well",
}
DRIP = 0.3
"""Seconds between two bytes of an answer that drips."""


class TroubledMailServer:
    """Listens on a free port of 127.0.0.1 within its ``with`` block, and keeps the port while it is down.

    ``trouble`` is a step and what it does there: an answer like ``451 later``, ``hang``, ``drip`` or ``cut``; None: it
    does its work. ``mails`` are those whose sender heard that they were accepted, oldest first; ``met`` counts how
    often it made trouble.
    """

    def __init__(self) -> None:
        self.trouble: tuple[str, str] | None = None
        self.mails: list[EmailMessage] = []
        self.met = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="troubled mail server")

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

    def up(self) -> None:
        """Listen, again if it was down."""

        async def listen() -> None:
            self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port, reuse_address=True)
            self.port = self._server.sockets[0].getsockname()[1]

        asyncio.run_coroutine_threadsafe(listen(), self._loop).result(10)

    def down(self) -> None:
        """Refuse connections from now on, and cut those there are."""

        async def stop() -> None:
            if self._server is not None:
                self._server.close()
                self._server = None
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError, _Over):
            try:
                await self._answer("connect", writer)
                taken: EmailMessage | None = None
                while line := await reader.readline():
                    if taken is not None:  # it was heard; who gave up before that goes in silence, and sends it again
                        self.mails.append(taken)
                        taken = None
                    word = line[:4].decode("ascii", "replace").strip().upper()
                    await self._answer(word, writer)
                    if word == "QUIT":
                        break
                    if word == "DATA":
                        whole = await reader.readuntil(b"\r\n.\r\n")
                        await self._answer("end", writer)
                        taken = message_from_bytes(whole[:-3], policy=default)
            finally:
                writer.transport.abort()

    async def _answer(self, step: str, writer: asyncio.StreamWriter) -> None:
        """Answer, or make trouble; raises _Over when nothing was promised and the conversation is at its end."""
        words = _WELL.get(step, "502 unknown")
        if self.trouble is not None and self.trouble[0] == step:
            self.met += 1
            what = self.trouble[1]
            if what == "cut":
                raise _Over
            if what == "hang":
                await asyncio.sleep(3600)
            if what == "drip":
                for letter in words:
                    writer.write(letter.encode())
                    await asyncio.sleep(DRIP)
            else:
                words = what
        writer.write(f"{words}\r\n".encode())
        await writer.drain()
        if step == "end" and not words.startswith("2"):
            raise _Over


class _Over(Exception):
    """The conversation ends without another word."""
