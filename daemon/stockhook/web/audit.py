"""What persons have changed: who, when, what, and why."""

from collections.abc import Mapping
from typing import Final

from stockhook.operations.audit import entries
from stockhook.store import Read
from stockhook.web.filters import day, midnight
from stockhook.web.page import Page, Values
from stockhook.web.paging import PAGE, Listing, id_of

_ASKED: Final = ("subject", "actor", "action", "since")


class AuditPage(Page):
    """The list of changes, newest first."""

    async def get(self) -> None:
        """Show it, as filtered."""
        asked = {name: self.asked(name) for name in _ASKED}
        before = self.asked("before")
        await self.show("audit.html", lambda view: audit(view, asked, before))


def audit(view: Read, asked: Mapping[str, str], before: str) -> Values:
    """Return one page of what persons have changed."""
    found = entries(
        view,
        subject=asked["subject"] or None,
        actor=asked["actor"] or None,
        action=asked["action"] or None,
        since=midnight(day(asked["since"])),
        after=id_of(before),
        most=PAGE,
    )
    return {"asked": asked, "listing": Listing.of(found.rows, found.last, asked, before=before)}
