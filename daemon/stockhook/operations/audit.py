"""What persons have changed: who, when, what, and why (``stockhook audit``)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from stockhook.model import Audit, OrderKey, fold
from stockhook.operations.desk import Desk
from stockhook.store import FOREVER, Match, Range, Read

LOOKED_AT: Final = 20_000
"""Entries that are looked at for one page."""

_SLACK: Final = timedelta(hours=1)
"""By how much an entry may be younger than the one behind it: a clock was set back."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries, newest first; ``last`` is the id behind which there may be more, None where there are none.

    There may be more even where these are few: only so many are looked at for one page.
    """

    rows: tuple[Audit, ...]
    last: int | None


def entries(
    view: Read,
    *,
    subject: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    after: int | None = None,
    most: int = 1000,
) -> Entries:
    """Return at most so many audit entries, newest first, from behind the id ``after``; see ``LOOKED_AT``.

    ``subject`` is any part of one, such as an order id or a sku, ``actor`` a whole one (``cli:anna``) or its name
    alone, ``action`` the beginning of one, such as ``stock``; all compare without case.
    """
    newest = view.find(Audit, most=1)
    high = after if after is not None else newest[0].id + 1 if newest else 1
    low = max(1, high - LOOKED_AT)
    where: dict[str, Match] = {"id": Range(low, high)}
    if since is not None:
        where["at"] = Range(low=since)
    rows = _matching(view, where, (actor, action, subject), most + 1)
    if len(rows) > most:
        return Entries(tuple(rows[:most]), rows[most - 1].id)
    older = view.find(Audit, after=(low,), most=1)
    more = bool(older) and (since is None or older[0].at >= since - _SLACK)
    return Entries(tuple(rows), low if more else None)


def list_audit(
    desk: Desk,
    *,
    subject: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    most: int = 1000,
) -> list[Audit]:
    """Return audit entries, newest first, as ``entries`` chooses them, however far back they are."""
    found: list[Audit] = []
    after: int | None = None
    with desk.store.read() as view:
        while True:
            page = entries(
                view,
                subject=subject,
                actor=actor,
                action=action,
                since=since,
                after=after,
                most=min(most - len(found), LOOKED_AT),
            )
            found += page.rows
            after = page.last
            if after is None or len(found) >= most:
                return found


def of_order(view: Read, key: OrderKey) -> list[Audit]:
    """Return what persons have changed of an order by name, oldest first."""
    where = {"action": frozenset({"orders correct", "rebook"}), "subject": f"{key.account}/{key.order_id}"}
    return view.find(Audit, where, most=FOREVER)[::-1]


def _matching(view: Read, where: dict[str, Match], asked: tuple[str | None, ...], most: int) -> list[Audit]:
    """Return entries whose actor, action and subject are what is asked for: the words there are are compared once."""
    for (field, fits), wanted in zip(_FITS.items(), asked, strict=True):
        if wanted is not None:
            words = [str(total.by[0]) for total in view.totals(Audit, (field,), where)]
            where = {**where, field: frozenset(word for word in words if fits(fold(word), fold(wanted)))}
            if not where[field]:
                return []
    return view.find(Audit, where, most=most)


_FITS: Final[dict[str, Callable[[str, str], bool]]] = {
    "actor": lambda word, wanted: wanted in (word, word.partition(":")[2]),
    "action": str.startswith,
    "subject": lambda word, wanted: wanted in word,
}
