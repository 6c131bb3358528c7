"""A real SMTP server for tests: it keeps the mails it is given, and refuses, drags its feet or wants a password."""

import asyncio
import ssl
import threading
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class MailServer:
    """Listens on a free port of 127.0.0.1 within its ``with`` block.

    ``mails`` are those taken, oldest first, ``envelopes`` who each was for. ``answers`` gives the answer to a recipient
    by address, for those that are not simply taken; ``delay`` is how many seconds it thinks before it takes a mail.
    With ``tls`` it offers STARTTLS, with ``implicit`` it speaks TLS from the start. With ``login`` (user name,
    password) it takes mail only from who has logged in.
    """

    def __init__(
        self,
        *,
        answers: dict[str, str] | None = None,
        delay: float = 0.0,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[list[str]] = []
        self.answers = answers or {}
        self.delay = delay
        self.port = 0
        self._connections: list[asyncio.BaseTransport] = []
        self._tls = tls
        self._implicit = implicit
        self._login = login
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="mail server")

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Take or refuse one recipient."""
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        """Take one mail."""
        await asyncio.sleep(self.delay)
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.envelopes.append(list(envelope.rcpt_tos))
        return "250 Kept"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        implicit = self._tls if self._implicit else None
        server = self._loop.run_until_complete(self._loop.create_server(self._protocol(), "127.0.0.1", 0, ssl=implicit))
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end())

    async def _end(self) -> None:
        """Cut what is still connected: a connection that its loop leaves behind is warned of when it is collected."""
        await asyncio.sleep(0)  # nobody closes one whose task is cancelled before it has begun
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in self._connections:
            if isinstance(connection, asyncio.WriteTransport):
                connection.abort()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _protocol(self) -> Callable[[], asyncio.Protocol]:
        connections = self._connections

        class Session(SMTP):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                connections.append(transport)
                super().connection_made(transport)

        def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
            login = (given.login.decode(), given.password.decode()) if isinstance(given, LoginPassword) else None
            return AuthResult(success=login == self._login, handled=False)

        return lambda: Session(
            self,
            hostname="mail.test",
            loop=self._loop,
            tls_context=None if self._implicit else self._tls,
            authenticator=check if self._login else None,
            auth_required=self._login is not None,
            auth_require_tls=self._tls is not None and not self._implicit,
        )
