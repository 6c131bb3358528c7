"""What persons have changed: who, when, what, and why (``stockhook audit``)."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from stockhook.model import Audit, OrderKey, fold
from stockhook.operations.desk import Desk
from stockhook.operations.due import every
from stockhook.store import FOREVER, Match, Range, Read


def entries(
    view: Read,
    *,
    subject: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    after: tuple[Any, ...] | None = None,
    most: int = 1000,
) -> list[Audit]:
    """Return audit entries, newest first, from behind the key ``after``.

    ``subject`` is any part of one, such as an order id or a sku, ``actor`` a whole one (``cli:anna``) or its name
    alone, ``action`` the beginning of one, such as ``stock``; all compare without case.
    """
    where: dict[str, Match] = {}
    if since is not None:
        where["at"] = Range(low=since)
    return list(islice(_chosen(every(view, Audit, where, after), subject, actor, action), most))


def list_audit(
    desk: Desk,
    *,
    subject: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    most: int = 1000,
) -> list[Audit]:
    """Return audit entries, newest first, as ``entries`` chooses them."""
    with desk.store.read() as view:
        return entries(view, subject=subject, actor=actor, action=action, since=since, most=most)


def of_order(view: Read, key: OrderKey) -> list[Audit]:
    """Return what persons have changed of an order by name, oldest first."""
    where = {"action": frozenset({"orders correct", "rebook"}), "subject": f"{key.account}/{key.order_id}"}
    return view.find(Audit, where, most=FOREVER)[::-1]


def _chosen(found: Iterator[Audit], subject: str | None, actor: str | None, action: str | None) -> Iterator[Audit]:
    who, about, what = (None if wanted is None else fold(wanted) for wanted in (actor, subject, action))
    for entry in found:
        by = fold(entry.actor)
        if who is not None and who not in (by, by.partition(":")[2]):
            continue
        if about is not None and about not in fold(entry.subject):
            continue
        if what is not None and not fold(entry.action).startswith(what):
            continue
        yield entry
