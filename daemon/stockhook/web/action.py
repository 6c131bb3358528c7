"""An action that books: it shows first what it would do, and does just that, once, when a person has confirmed it."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import Final

from stockhook.errors import BadQuantity, Refused
from stockhook.operations.answers import AnswerLost, Busy, OtherRequest, answered, done_once
from stockhook.operations.desk import Desk
from stockhook.operations.rehearsal import OtherThanRehearsed, Rehearsed, as_rehearsed, rehearse
from stockhook.store import Read
from stockhook.web import forms
from stockhook.web.base import PageError
from stockhook.web.forms import Form
from stockhook.web.page import Page, Values
from stockhook.web.site import Said

CONFIRMED: Final = "confirmed"
"""The field that a form carries once a person has seen what would be done."""

ONCE: Final = "once"
"""The field that is another word each time something is shown: what is confirmed under it is done once."""

SEEN: Final = "seen"
"""The field that says what was shown."""

SHOWN: Final = "shown"
"""The field that says when it was shown first."""

_NOT_OURS: Final = "The form is not as these pages send it; nothing was changed."
_TWICE: Final = "(It was sent twice, and done once.)"
_PATIENCE: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0)
"""Seconds between looks at what another click is doing at this moment."""


class _BeingDone(Exception):
    """Another click has begun it."""


@dataclass(frozen=True, slots=True)
class _Preview:
    """What an action would do, or why it cannot be; ``told`` is the sentence that says it."""

    rehearsed: Rehearsed[str] | None
    told: str = ""
    refused: str = ""

    @property
    def digest(self) -> str:
        shown = self.rehearsed.digest if self.rehearsed else ""
        return _digest(shown, self.told, self.refused)


@dataclass(frozen=True, slots=True)
class _Confirmation:
    """What a person has confirmed; ``seen`` and ``once`` are empty where whoever sends it has seen nothing.

    ``whole``: all of it is one commit, which can see to it that it is what was shown.
    """

    desk: Desk
    do: Callable[[Desk], str]
    look: Callable[[], _Preview]
    seen: str
    once: str
    digest: str
    whole: bool

    def done(self) -> Said:
        """Do it, or return what it said when it was done.

        Raises OtherThanRehearsed or _BeingDone, with nothing changed.
        """
        try:
            if not self.once:
                return Said(self._act(self.desk).decode())
            said, again = self._done_once()
            return Said(f"{said.decode()} {_TWICE}" if again else said.decode())
        except Busy as error:
            raise _BeingDone from error
        except OtherRequest:
            return Said("That page was used to confirm something else; nothing was changed. Begin anew.", good=False)
        except AnswerLost:
            sentence = (
                "It was begun, and what came of it was lost in a crash. It is not done again: look what is booked."
            )
            return Said(sentence, good=False)
        except (Refused, BadQuantity) as error:
            return Said(str(error), good=False)

    def _done_once(self) -> tuple[bytes, bool]:
        try:
            return done_once(self.desk, self.once, self.digest, self._act)
        except (Busy, OtherRequest, AnswerLost):
            raise
        except (OtherThanRehearsed, Refused, BadQuantity):
            # The other click of two may have been what changed it.
            before = answered(self.desk, self.once, self.digest)
            if before is None:
                raise
            return before, True

    def _act(self, desk: Desk) -> bytes:
        if not self.seen:
            return self.do(desk).encode()
        preview = self.look()
        if preview.digest != self.seen or preview.rehearsed is None:
            raise OtherThanRehearsed
        if not self.whole:
            return self.do(desk).encode()
        return as_rehearsed(desk, self.do, preview.rehearsed.digest).encode()


class Action(Page):
    """What a form asks for, in two steps that work without script; the second is a form as well."""

    @cached_property
    def shown_at(self) -> datetime:
        """The moment of which a person speaks who has not named one: when what is confirmed was shown, or now."""
        try:
            return forms.moment(self.given(SHOWN)) or self.site.desk.clock.now()
        except Refused:
            raise PageError(HTTPStatus.BAD_REQUEST, _NOT_OURS) from None

    async def perform(
        self,
        form: Callable[[Read], Form],
        do: Callable[[Desk], str],
        then: str,
        *,
        tells: bool = False,
        trying: Callable[[Desk], str] | None = None,
        back: str | None = None,
    ) -> None:
        """Do what ``do`` does and lead to the page ``then``; show first what it would do, or why it cannot be.

        It is shown again where something else would be done by the time it is confirmed. ``do`` must be done in one
        commit; for what is not, ``trying`` does it in one, to be undone. ``tells``: the sentence that is returned is
        shown beforehand as well. ``back`` is where it leads who leaves everything as it is, if that is elsewhere.
        """
        desk = replace(self.site.desk, actor=self.actor.name)

        def look() -> _Preview:
            try:
                rehearsed = rehearse(desk, trying or do)
            except (Refused, BadQuantity) as error:
                return _Preview(None, refused=str(error))
            return _Preview(rehearsed, rehearsed.result if tells else "")

        confirmed = bool(self.given(CONFIRMED))
        if confirmed:
            sent = self._sent()
            confirmation = _Confirmation(desk, do, look, self.given(SEEN), self._once(), sent, whole=trying is None)
            said = await self._done(confirmation)
            if said is not None:
                self.lead_on(said, then)
                return
        await self._ask(form, await self.in_thread(look), back or then, changed=confirmed)

    async def _ask(self, form: Callable[[Read], Form], preview: _Preview, back: str, *, changed: bool) -> None:
        """Show what would be done and ask to confirm it; ``changed``: it was confirmed as something else."""
        zone = self.site.desk.policies.rules_for("").time_zone

        def gather(view: Read) -> Values:
            empty = form(view)
            return {
                "form": empty.filled({name: self.given(name) for name in empty.names}),
                "rehearsed": preview.rehearsed,
                "today": self.site.desk.clock.now().astimezone(zone).date(),
                "refused": preview.refused,
                "told": preview.told,
                "changed": changed,
                "proof": {
                    ONCE: secrets.token_urlsafe(12),
                    SEEN: preview.digest,
                    SHOWN: self.shown_at.astimezone(UTC).isoformat(),
                },
                "then": back,
            }

        await self.show("confirm.html", gather)

    async def _done(self, confirmed: _Confirmation) -> Said | None:
        """Return what came of it, by this click or by another; None where it is not what was shown any more."""
        for pause in _PATIENCE:
            try:
                return await self.in_thread(confirmed.done)
            except _BeingDone:
                await asyncio.sleep(pause)
            except OtherThanRehearsed:
                return None
        return Said("It is being done at this moment, once. Look again soon what came of it.", good=False)

    def _once(self) -> str:
        once = self.given(ONCE)
        if not re.fullmatch(r"[\w-]{0,64}", once, re.ASCII):
            raise PageError(HTTPStatus.BAD_REQUEST, _NOT_OURS)
        return once

    def _sent(self) -> str:
        return _digest(self.request.path, self.request.body.decode("latin-1"))


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()
