"""What persons have changed: who, when, what, and why."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from stockhook.operations.audit import entries
from stockhook.store import Read
from stockhook.web.filters import day, midnight
from stockhook.web.page import Page, Values
from stockhook.web.paging import PAGE, before_id

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
    after = before_id(before)
    rows = entries(
        view,
        subject=asked["subject"] or None,
        actor=asked["actor"] or None,
        action=asked["action"] or None,
        since=midnight(day(asked["since"])),
        after=(after,) if after else None,
        most=PAGE + 1,
    )
    kept = {name: value for name, value in asked.items() if value}
    older = "?" + urlencode({**kept, "before": rows[PAGE - 1].id}) if len(rows) > PAGE else None
    newest = "?" + urlencode(kept) if after else None
    return {"rows": rows[:PAGE], "asked": asked, "listing": {"older": older, "newest": newest, "partial": False}}
