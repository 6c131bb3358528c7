"""What a notifier plugin must offer: carry one message to a person."""

import builtins
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from stockhook.options import PluginOptions


@dataclass(frozen=True, slots=True)
class Message:
    """What a person is told about a problem, ready to be laid out.

    ``about`` is ``opened`` (new), ``again`` (it went on, ``count`` times in all), ``closed`` (its cause is gone),
    ``more`` (``count`` more problems of the kind have opened than are told one by one) or ``summary`` (the daily word:
    ``subject`` is the day, ``happened`` has a line for each thing).
    ``title`` is the kind in words and ``subject`` what it is about, as a person knows it (a code, a sku, an order).
    ``happened`` says what happened, ``advice`` what to do, with commands in backticks; ``link`` leads to the page about
    it, if one is known. ``id`` is the same when the message is tried again. It holds no personal data, but texts that
    strangers wrote: codes and order ids.
    """

    id: int
    about: str
    kind: str
    title: str
    subject: str
    happened: str
    advice: str
    count: int
    at: datetime
    link: str | None = None
    channel: str | None = None
    order_id: str | None = None


class Notifier(Protocol):
    """One way to reach a person. Made once per table of the config, with its options."""

    type: ClassVar[str]
    Options: ClassVar[builtins.type[PluginOptions]]

    def __init__(self, options: Any) -> None:
        """Take the validated options."""

    async def notify(self, message: Message) -> None:
        """Send the message; return once it was accepted. Raise anything to have it tried again later."""
        ...
