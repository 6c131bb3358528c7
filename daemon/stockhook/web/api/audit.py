"""The audit: what persons and programs have changed, and why."""

from functools import partial
from typing import Annotated

from msgspec import Meta

from stockhook.errors import NotFound
from stockhook.model import Audit
from stockhook.operations.audit import entries
from stockhook.operations.desk import Desk
from stockhook.rows.told import AuditRow, audit_row
from stockhook.web.api.filters import Since
from stockhook.web.api.paging import Listed, Page, listed_by
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
        find = partial(entries, view, subject=query.subject, actor=query.actor, action=query.action, since=query.since)
        return listed_by(Audit, page, audit_row, lambda after, most: find(after=after, most=most))


@routes.get("/audit/{entry_id}")
def show_entry(desk: Desk, entry_id: Id) -> AuditRow:
    """Show one change."""
    with desk.store.read() as view:
        found = view.find(Audit, {"id": entry_id}, most=1)
    if not found:
        raise NotFound(f"there is no audit entry {entry_id}; /audit lists them")
    return audit_row(found[0])
