"""Sends each message as one mail, over a connection of its own."""

import asyncio
import builtins
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import structlog
from structlog.typing import FilteringBoundLogger

from stockhook.plugin import Message, PluginOptions
from stockhook_plugins.notifiers.email.options import EmailOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import EmailMessage

    from aiosmtplib import SMTPResponse

    from stockhook_plugins.notifiers.email.client import Client

_LOG: FilteringBoundLogger = structlog.get_logger("stockhook.notifiers.email")
_PERMANENT: Final = 500
_REMEMBERED: Final = 1_000
_FAREWELL: Final = 2.0


class MailRefusedError(Exception):
    """The mail server did not take the mail; the text says who refused what, and holds no password."""


class EmailNotifier:
    """Mails persons about problems. The libraries it needs are imported with the first mail."""

    type: ClassVar[str] = "email"
    Options: ClassVar[builtins.type[PluginOptions]] = EmailOptions

    def __init__(self, options: EmailOptions) -> None:
        self.options = options
        self._reached: dict[int, frozenset[str]] = {}

    async def notify(self, message: Message) -> None:
        """Send the mail; return once the server has taken it for everyone it is for.

        Recipients that the server refused for now (a 4xx answer, such as greylisting) make it raise, and are the only
        ones the next try goes to. Those refused for good are logged, as long as anyone was reached.
        Raises MailRefusedError, TimeoutError and what aiosmtplib raises.
        """
        if self.options.folder is not None:
            await asyncio.to_thread(self._write, message, self.options.folder)
            return
        reached = self._reached.get(message.id, frozenset())
        wanted = [address for address in self.options.to if address not in reached]
        # libraries and the system's certificates take a while to load
        mail, client = await asyncio.to_thread(self._prepare, message)
        refused = await self._send(client, mail, wanted)
        for_now = {address: answer for address, answer in refused.items() if answer.code < _PERMANENT}
        if for_now:
            self._remember(message.id, reached | (set(self.options.to) - for_now.keys()))
            raise MailRefusedError(f"{self._where} refused for now: {_answers(for_now)}")
        self._reached.pop(message.id, None)
        if refused:
            _LOG.warning("mail refused for good", server=self._where, notice=message.id, answers=_answers(refused))

    @property
    def _where(self) -> str:
        return f"{self.options.host}:{self.options.port_used}"

    def _prepare(self, message: Message) -> "tuple[EmailMessage, Client]":
        from stockhook_plugins.notifiers.email.client import client
        from stockhook_plugins.notifiers.email.mail import compose

        return compose(message, self.options), client(self.options)

    def _write(self, message: Message, folder: Path) -> None:
        from stockhook_plugins.notifiers.email.mail import compose

        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{message.id:04d}-{message.about}-{message.kind}.eml").write_bytes(
            compose(message, self.options).as_bytes()
        )

    async def _send(self, client: "Client", mail: "EmailMessage", to: list[str]) -> "Mapping[str, SMTPResponse]":
        """Send one mail and return the recipients that were refused, with the server's answers."""
        import aiosmtplib

        try:
            async with asyncio.timeout(self.options.timeout):
                await client.connect()
                refused, _ = await client.send_message(mail, sender=self.options.from_, recipients=to)
            # the mail is taken: whatever the farewell brings, it must not be sent again
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                async with asyncio.timeout(_FAREWELL):
                    await client.quit()
        except aiosmtplib.SMTPAuthenticationError as error:
            # the server's words may quote what it was given
            raise MailRefusedError(f"{self._where} refused user name or password ({error.code})") from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            answers = {each.recipient: aiosmtplib.SMTPResponse(each.code, each.message) for each in error.recipients}
            raise MailRefusedError(f"{self._where} refused every recipient: {_answers(answers)}") from None
        except TimeoutError as error:
            # asyncio's own says nothing; aiosmtplib's has the same type
            raise TimeoutError(
                f"{self._where} did not take the mail within {self.options.timeout:g} s: {error}".rstrip(": ")
            ) from None
        finally:
            client.close()
        return refused

    def _remember(self, message: int, reached: frozenset[str]) -> None:
        self._reached[message] = reached
        while len(self._reached) > _REMEMBERED:
            del self._reached[next(iter(self._reached))]


def _answers(refused: "Mapping[str, SMTPResponse]") -> str:
    return "; ".join(f"{address} ({answer.code} {answer.message})" for address, answer in refused.items())
