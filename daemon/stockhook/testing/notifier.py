"""The contract of a notifier: it carries every message, blocks nobody, and says when it could not."""

import asyncio
import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, Final

import pytest

from stockhook.notifier import Message, Notifier
from stockhook.testing.clock import START

MESSAGE: Final = Message(
    id=1,
    about="opened",
    kind="unknown-item",
    title="Unknown item",
    subject="SOAP-9",
    happened="Order DEMO-0000012 names the code SOAP-9, which means no item.",
    advice="Say what the code means: `stockhook items alias SOAP-9 SKU`.",
    count=1,
    at=START,
    link="https://stock.example.com/problems#1",
    channel="shop",
    order_id="DEMO-0000012",
)
HOSTILE: Final = (
    "SOAP\r\nBcc: x@example.com",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %} %(x)s {0}",
    "\x00\x1b[31m\u202e\ud800",
    "ü€ 石鹸 🧼 " * 50,
)
"""Codes that strangers may write into an order."""


class NotifierContract:
    """Subclass it as ``Test...`` with three fixtures.

    ``notifier``: one that reaches its far end. ``arrived``: a function that returns the texts that came out there,
    oldest first. ``unreachable``: one whose far end is not there; leave it out, with ``always_reaches = True``, if
    there is no far end.
    """

    always_reaches: ClassVar[bool] = False
    seconds: ClassVar[float] = 30.0
    """How long a call may take at most; the dispatcher abandons it after that."""

    @pytest.fixture
    def notifier(self) -> Notifier:
        """Return the notifier under test."""
        pytest.fail("give your subclass of NotifierContract a fixture named notifier")

    @pytest.fixture
    def arrived(self) -> Callable[[], Sequence[str]]:
        """Return a function that tells which texts have arrived."""
        pytest.fail("give your subclass of NotifierContract a fixture named arrived")

    @pytest.fixture
    def unreachable(self) -> Notifier | None:
        """Return a notifier whose far end is not there."""
        if not self.always_reaches:
            pytest.fail("give your subclass a fixture named unreachable, or always_reaches = True")
        return None

    def test_it_declares_a_type_and_options_and_notifies_on_the_loop(self, notifier: Notifier) -> None:
        """Config picks by ``type``; the dispatcher awaits ``notify``."""
        assert notifier.type
        assert notifier.Options.model_config.get("extra") == "forbid"
        assert inspect.iscoroutinefunction(notifier.notify)

    @pytest.mark.parametrize("about", ["opened", "again", "more", "closed", "summary"])
    def test_a_message_arrives_with_what_it_is_about(
        self, notifier: Notifier, arrived: Callable[[], Sequence[str]], about: str
    ) -> None:
        """Each kind of message is carried, and names its subject."""
        asyncio.run(notifier.notify(replace(MESSAGE, about=about)))
        (text,) = arrived()
        assert MESSAGE.subject in text

    def test_a_message_of_which_little_is_known_arrives(
        self, notifier: Notifier, arrived: Callable[[], Sequence[str]]
    ) -> None:
        """Neither link, channel nor order are always known."""
        asyncio.run(notifier.notify(replace(MESSAGE, link=None, channel=None, order_id=None)))
        assert len(arrived()) == 1

    @pytest.mark.parametrize("text", HOSTILE, ids=["header", "html", "template", "control", "long"])
    def test_whatever_strangers_wrote_arrives_as_text(
        self, notifier: Notifier, arrived: Callable[[], Sequence[str]], text: str
    ) -> None:
        """A code from an order must not stop the message about it."""
        asyncio.run(notifier.notify(replace(MESSAGE, subject=text, happened=text, advice=text, order_id=text)))
        assert len(arrived()) == 1

    def test_messages_at_the_same_time_all_arrive(
        self, notifier: Notifier, arrived: Callable[[], Sequence[str]]
    ) -> None:
        """A notifier keeps nothing of one message that another could trip over."""

        async def several() -> None:
            await asyncio.gather(*(notifier.notify(replace(MESSAGE, id=number)) for number in range(1, 6)))

        asyncio.run(several())
        assert len(arrived()) == 5  # noqa: PLR2004 - as many as were sent

    def test_it_never_holds_up_the_loop(self, notifier: Notifier) -> None:
        """The loop that notifies is the one that answers the store."""

        async def longest_gap() -> float:
            await notifier.notify(MESSAGE)  # libraries are loaded with the first message
            sending = asyncio.ensure_future(notifier.notify(replace(MESSAGE, id=2)))
            longest = 0.0
            while not sending.done():
                before = time.monotonic()
                await asyncio.sleep(0)
                longest = max(longest, time.monotonic() - before)
            await sending
            return longest

        # a machine that stands still for once says nothing of the notifier
        assert any(asyncio.run(longest_gap()) < 0.5 for _ in range(3))  # noqa: PLR2004 - seconds

    def test_it_raises_in_time_when_it_could_not_send(self, unreachable: Notifier | None) -> None:
        """Only what raises is tried again; what returns counts as sent."""
        if unreachable is None:
            assert self.always_reaches
            return
        before = time.monotonic()
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is the notifier's own affair
            asyncio.run(unreachable.notify(MESSAGE))
        assert str(caught.value)
        assert time.monotonic() - before < self.seconds
