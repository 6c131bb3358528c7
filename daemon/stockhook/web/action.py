"""An action that books: it shows first what it would do, and does it once a person has confirmed that."""

from collections.abc import Callable
from dataclasses import replace

from stockhook.errors import BadQuantity, Refused
from stockhook.operations.desk import Desk
from stockhook.operations.rehearsal import Rehearsed, rehearse
from stockhook.store import Read
from stockhook.web.forms import Form
from stockhook.web.page import Page, Values

CONFIRMED = "confirmed"
"""The field that a form carries once a person has seen what would be done."""


class Action(Page):
    """What a form asks for, in two steps that work without script; the second is a form as well."""

    async def perform(
        self,
        form: Callable[[Read], Form],
        do: Callable[[Desk], str],
        then: str,
        *,
        tells: bool = False,
        trying: Callable[[Desk], str] | None = None,
    ) -> None:
        """Do what ``do`` does and lead to the page ``then``; show first what it would do, or why it cannot be.

        ``do`` must be done in one commit; for what is not, ``trying`` does it in one, to be undone. ``tells``: the
        sentence that is returned is shown beforehand as well.
        """
        if self.given(CONFIRMED):
            await self.act(do, then)
            return
        desk = replace(self.site.desk, actor=self.actor.name)

        def tried() -> tuple[Rehearsed[str] | None, str]:
            try:
                return rehearse(desk, trying or do), ""
            except (Refused, BadQuantity) as error:
                return None, str(error)

        rehearsed, refused = await self._in_thread(tried)

        def gather(view: Read) -> Values:
            empty = form(view)
            return {
                "form": empty.filled({name: self.given(name) for name in empty.names}),
                "rehearsed": rehearsed,
                "refused": refused,
                "told": rehearsed.result if rehearsed and tells else "",
                "then": then,
            }

        await self.show("confirm.html", gather)
