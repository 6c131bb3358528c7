"""What persons are told and what they did: problems, notices, audit entries; and what programs were answered."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Final

from stockhook.record import record

UNKNOWN_ITEM: Final = "unknown-item"
INSUFFICIENT: Final = "insufficient-inventory"
"""The kinds whose cause is looked at, so that they close by themselves."""

KINDS: Final = (
    UNKNOWN_ITEM,
    INSUFFICIENT,
    "no-items",
    "line-conflict",
    "regression",
    "refund-unclear",
    "shipped-unclear",
    "kit-mismatch",
    "linked-order",
    "rejected-after-shipping",
    "wrong-merchant",
    "bad-lines",
    "quarantined",
    "dead-letter",
    "bad-plan",
    "channel-silent",
    "refused-deliveries",
    "low-stock",
    "disk-low",
    "backlog-old",
    "notifier-failing",
)
"""The kinds of problem that can arise, by the words of design.md section 8."""


class ProblemState(StrEnum):
    """Where a problem stands; an acknowledged one is closed by a person."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@record(frozen=True, slots=True)
class Problem:
    """Something a person should know; one open problem per (kind, subject)."""

    id: int
    kind: str
    subject: str
    state: ProblemState
    count: int
    first_seen: datetime
    last_seen: datetime
    text: str
    channel: str | None = None
    account: str | None = None
    order_id: str | None = None
    event_id: int | None = None


class NoticeState(StrEnum):
    """Where a notice stands."""

    WAITING = "waiting"
    SENT = "sent"
    DROPPED = "dropped"


@record(frozen=True, slots=True)
class Notice:
    """A message about a problem, in the outbox for one notifier. ``about`` is ``opened``, ``again`` or ``closed``.

    The daily word is one, too: ``about`` is ``summary``, its subject the day, and ``problem_id`` 0. So is one about
    ``more`` problems of a kind than are told one by one: ``count`` is how many, ``text`` that of the newest, and it has
    no subject.
    """

    id: int
    notifier: str
    about: str
    problem_id: int
    kind: str
    subject: str
    text: str
    count: int
    made_at: datetime
    due_at: datetime
    state: NoticeState = NoticeState.WAITING
    attempts: int = 0
    sent_at: datetime | None = None
    error: str | None = None
    account: str | None = None
    order_id: str | None = None
    event_id: int | None = None


@record(frozen=True, slots=True)
class Audit:
    """A change a person made: who, what, to what, why."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@record(frozen=True, slots=True)
class Answered:
    """What a program asked to be done under a key of its own, so that it is done once (``Idempotency-Key``).

    ``digest`` is that of the request, as hex; ``body`` the answer, None from the moment the first of it was committed
    until the answer is kept.
    """

    actor: str
    key: str
    digest: str
    at: datetime
    body: str | None = None


@record(frozen=True, slots=True)
class LogOut:
    """A session of the pages, by its random id, that was ended ``at`` this moment: its cookie lets nobody in again."""

    session: str
    at: datetime
