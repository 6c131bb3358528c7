"""The audit: what persons and programs have changed, and why."""

from typing import Annotated

from msgspec import Meta

from stockhook.model import Audit
from stockhook.operations.audit import entries
from stockhook.operations.desk import Desk
from stockhook.operations.records import known
from stockhook.rows.told import AuditRow, audit_row
from stockhook.web.api.filters import Since
from stockhook.web.api.paging import Listed, Page, key_of, listed_then
from stockhook.web.api.route import Id, Query, Routes

routes = Routes()


class AuditFilter(Query, frozen=True, kw_only=True):
    """Which entries; words compare without case."""

    subject: Annotated[str | None, Meta(description="Only of what is called so, or has it in its name.")] = None
    actor: Annotated[str | None, Meta(description="Only by this one: cli:anna, or anna.")] = None
    action: Annotated[str | None, Meta(description="Only such: orders correct; or all that begin so: stock.")] = None
    since: Since = None


@routes.get("/audit")
def list_audit(desk: Desk, query: AuditFilter, page: Page) -> Listed[AuditRow]:
    """List what persons and programs have changed, newest first."""
    with desk.store.read() as view:
        after = key_of(Audit, page.cursor)
        found = entries(
            view,
            subject=query.subject,
            actor=query.actor,
            action=query.action,
            since=query.since,
            after=after[0] if after else None,
            most=page.limit,
        )
    return listed_then(Audit, [audit_row(entry) for entry in found.rows], found.last)


@routes.get("/audit/{entry_id}")
def show_entry(desk: Desk, entry_id: Id) -> AuditRow:
    """Show one change."""
    with desk.store.read() as view:
        return audit_row(known(view, Audit, entry_id))
