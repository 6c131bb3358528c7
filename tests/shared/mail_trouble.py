"""A mail server that misbehaves on demand, at any step of a conversation; what it has accepted it keeps."""

import asyncio
import contextlib
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from threaded_server import ThreadedServer

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


class TroubledMailServer(ThreadedServer):
    """Listens on a free port of 127.0.0.1 within its ``with`` block, and keeps the port while it is down.

    ``trouble`` is a step and what it does there: an answer like ``451 later``, ``hang``, ``drip`` or ``cut``; None: it
    does its work. ``mails`` are those whose sender heard that they were accepted, oldest first; ``met`` counts how
    often it made trouble.
    """

    def __init__(self) -> None:
        super().__init__("troubled mail server")
        self.trouble: tuple[str, str] | None = None
        self.mails: list[EmailMessage] = []
        self.met = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take mails as SMTP has it, but for the trouble."""
        with contextlib.suppress(_Over):
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
